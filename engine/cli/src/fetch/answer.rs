//! One question to a server and what comes back, read on a thread of its own: a person who stops the call is not kept
//! waiting by a server that says nothing.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use dgpipe_engine::stage::Cancel;
use ureq::http::Response;
use ureq::http::header::{ACCEPT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, HeaderName, RANGE, RETRY_AFTER};
use ureq::{Agent, Body, Timeout};

use super::FetchError;

/// How many bytes are read at once.
const PIECE: usize = 1 << 18;

/// What a server says before the bytes.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    /// How many bytes follow, where that is said.
    pub(super) length: Option<u64>,
    /// Where in the file they begin, and how long that is, of an answer with a part.
    pub(super) range: Option<(u64, Option<u64>)>,
    /// What they are.
    pub(super) content_type: String,
    /// How long to wait before asking again.
    pub(super) after: Option<Duration>,
}

enum Arrival {
    Head(Head),
    Piece(Vec<u8>),
}

/// An answer that is being read.
pub(super) struct Answer<'a> {
    url: &'a str,
    cancel: &'a Cancel,
    arrivals: Receiver<Result<Arrival, FetchError>>,
}

impl<'a> Answer<'a> {
    /// Asks for what follows the first bytes of a file.
    pub(super) fn of(
        agent: &Agent,
        url: &'a str,
        from: u64,
        stall: Duration,
        cancel: &'a Cancel,
    ) -> Result<(Head, Self), FetchError> {
        let (sender, arrivals) = sync_channel(4);
        let (agent, question) = (agent.clone(), Question { url: url.to_owned(), from, stall });
        // It ends by itself: nobody listens any more, or the server has been silent for too long.
        std::thread::Builder::new().name("fetch".to_owned()).spawn(move || question.ask(&agent, &sender))?;
        let answer = Self { url, cancel, arrivals };
        match answer.next()? {
            Some(Arrival::Head(head)) => Ok((head, answer)),
            _ => Err(FetchError::Cut { url: url.to_owned(), got: from }),
        }
    }

    /// The next bytes; none at the end of the answer.
    pub(super) fn piece(&self) -> Result<Option<Vec<u8>>, FetchError> {
        match self.next()? {
            Some(Arrival::Piece(bytes)) => Ok(Some(bytes)),
            Some(Arrival::Head(_)) => Err(FetchError::Discontinued { url: self.url.to_owned() }),
            None => Ok(None),
        }
    }

    fn next(&self) -> Result<Option<Arrival>, FetchError> {
        loop {
            if self.cancel.is_cancelled() {
                return Err(FetchError::Stopped);
            }
            match self.arrivals.recv_timeout(Duration::from_millis(50)) {
                Ok(arrival) => return arrival.map(Some),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

struct Question {
    url: String,
    from: u64,
    stall: Duration,
}

impl Question {
    /// Asks, and hands on what comes, for as long as somebody listens.
    fn ask(&self, agent: &Agent, sender: &SyncSender<Result<Arrival, FetchError>>) {
        let mut request = agent.get(&self.url).header(ACCEPT_ENCODING, "identity");
        if self.from > 0 {
            request = request.header(RANGE, format!("bytes={}-", self.from));
        }
        let answer = match request.call() {
            Ok(answer) => answer,
            Err(error) => return drop(sender.send(Err(self.no_answer(error)))),
        };
        let (head, mut body) = (Head::of(&answer), answer.into_body().into_reader());
        if sender.send(Ok(Arrival::Head(head))).is_err() {
            return;
        }
        let mut got = self.from;
        loop {
            let mut bytes = vec![0; PIECE];
            let arrival = match body.read(&mut bytes) {
                Ok(0) => return,
                Ok(count) => {
                    got += count as u64;
                    bytes.truncate(count);
                    Ok(Arrival::Piece(bytes))
                }
                Err(error) => Err(self.broken(&error, got)),
            };
            let is_end = arrival.is_err();
            if sender.send(arrival).is_err() || is_end {
                return;
            }
        }
    }

    fn no_answer(&self, error: ureq::Error) -> FetchError {
        let url = self.url.clone();
        match error {
            ureq::Error::TooManyRedirects => FetchError::Astray { url, why: "leads from one address to the next" },
            ureq::Error::RequireHttpsOnly(_) => {
                FetchError::Astray { url, why: "leads to an address without encryption" }
            }
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                FetchError::Astray { url, why: "is, or leads to, an address that makes no sense" }
            }
            ureq::Error::Timeout(Timeout::RecvResponse | Timeout::PerRead) => self.stalled(),
            error => FetchError::Unreachable { url, why: error.to_string() },
        }
    }

    fn broken(&self, error: &std::io::Error, got: u64) -> FetchError {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
        match cause {
            Some(ureq::Error::Timeout(_)) => self.stalled(),
            _ => FetchError::Cut { url: self.url.clone(), got },
        }
    }

    fn stalled(&self) -> FetchError {
        FetchError::Stalled { url: self.url.clone(), seconds: self.stall.as_secs() }
    }
}

impl Head {
    fn of(answer: &Response<Body>) -> Self {
        let text = |name: HeaderName| answer.headers().get(name).and_then(|value| value.to_str().ok());
        Self {
            status: answer.status().as_u16(),
            length: answer.body().content_length(),
            range: text(CONTENT_RANGE).and_then(range),
            content_type: text(CONTENT_TYPE).unwrap_or_default().to_owned(),
            after: text(RETRY_AFTER).and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs),
        }
    }
}

/// Reads `bytes 100-199/1000` or `bytes 100-199/*` (RFC 9110, section 14.4): where the part begins, how long the whole is.
fn range(text: &str) -> Option<(u64, Option<u64>)> {
    let (part, whole) = text.strip_prefix("bytes ")?.split_once('/')?;
    Some((part.split_once('-')?.0.trim().parse().ok()?, whole.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_where_it_begins_and_how_long_the_whole_is() {
        assert_eq!(range("bytes 100-199/1000"), Some((100, Some(1000))));
        assert_eq!(range("bytes 0-0/*"), Some((0, None)));
        for bad in ["", "bytes", "bytes */1000", "bytes x-1/2", "lines 1-2/3", "bytes 1-2"] {
            assert_eq!(range(bad), None, "{bad}");
        }
    }
}
