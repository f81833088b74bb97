//! Fetches the files of a download, one after the other, with as many attempts as it takes.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dgpipe_engine::stage::Cancel;
use ureq::Agent;
use ureq::config::Config;

use super::answer::{Answer, Head};
use super::partial_file::{PartialFile, digest_of};
use super::{Download, DownloadFile, FetchError};

/// More bytes than this are progress, after which attempts are counted anew.
const PROGRESS: u64 = 1 << 16;
/// The longest time between two attempts, whatever the server says.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How much a fetch puts up with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// How long a server may say nothing.
    pub(crate) stall: Duration,
    /// How many attempts without progress follow the first one.
    pub(crate) retries: u32,
}

/// What hears how a fetch goes.
pub(crate) trait Listener {
    /// So many bytes of a file are here, of so many.
    fn at(&self, done: u64, total: u64);
    /// An attempt ended, and another one follows after a while.
    fn again(&self, error: &FetchError, wait: Duration);
}

/// How a file came to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Got {
    /// It was there.
    Present,
    /// Its part that was there was completed.
    Resumed,
    /// All of it came.
    Fetched,
}

/// Fetches files from one server into one folder.
pub(crate) struct Fetcher<'a> {
    agent: Agent,
    base: String,
    folder: PathBuf,
    patience: Patience,
    cancel: &'a Cancel,
}

impl<'a> Fetcher<'a> {
    /// A fetcher that asks `server`. Variables such as `HTTPS_PROXY` and `NO_PROXY` count.
    pub(crate) fn new(
        download: &Download,
        server: &str,
        folder: &Path,
        user_agent: String,
        patience: Patience,
        cancel: &'a Cancel,
    ) -> Self {
        let base = format!("{}/{}", server.trim_end_matches('/'), download.path);
        let agent = manners(server, user_agent, patience).into();
        Self { agent, base, folder: folder.to_owned(), patience, cancel }
    }

    /// Sees to it that a file is in the folder, whole and checked.
    pub(crate) fn fetch(&self, wanted: &DownloadFile, listener: &dyn Listener) -> Result<(Got, u64), FetchError> {
        let target = self.folder.join(wanted.name());
        if fs_err::symlink_metadata(&target).is_ok() {
            return check(&target, wanted);
        }
        let mut partial = PartialFile::open(&self.folder, wanted)?;
        let was_here = partial.len();
        if was_here > wanted.limit() {
            partial.begin_anew()?;
        }
        if let Err(error) = self.complete(&mut partial, wanted, listener) {
            return Err(if partial.len() == 0 { partial.remove().err().unwrap_or(error) } else { error });
        }
        let len = partial.len();
        partial.publish(&target)?;
        Ok((if was_here > 0 { Got::Resumed } else { Got::Fetched }, len))
    }

    /// Makes attempts until the file is whole, or until that is hopeless.
    fn complete(
        &self,
        partial: &mut PartialFile,
        wanted: &DownloadFile,
        listener: &dyn Listener,
    ) -> Result<(), FetchError> {
        let url = format!("{}/{}", self.base, wanted.path);
        let (mut attempts, mut furthest) = (0, partial.len());
        while !partial.is_whole() {
            let Err(error) = self.attempt(&url, partial, wanted, listener) else { continue };
            // What comes once more after it was thrown away is no progress, or this might never end.
            if partial.len() > furthest + PROGRESS {
                (attempts, furthest) = (0, partial.len());
            }
            if !error.may_pass() || attempts == self.patience.retries {
                return Err(error);
            }
            let backoff = Duration::from_millis(500) * 2u32.saturating_pow(attempts);
            let wait = error.after().unwrap_or(backoff).min(LONGEST_WAIT);
            listener.again(&error, wait);
            self.wait(wait)?;
            attempts += 1;
        }
        Ok(())
    }

    /// Asks once for what is missing and takes what comes.
    fn attempt(
        &self,
        url: &str,
        partial: &mut PartialFile,
        wanted: &DownloadFile,
        listener: &dyn Listener,
    ) -> Result<(), FetchError> {
        let (head, answer) = Answer::of(&self.agent, url, partial.len(), self.patience.stall, self.cancel)?;
        let total = Self::prepare(&head, url, partial, wanted)?;
        listener.at(partial.len(), total);
        while let Some(bytes) = answer.piece()? {
            if partial.len() + bytes.len() as u64 > total {
                partial.begin_anew()?;
                return Err(not_the_file(url, "it is longer than announced"));
            }
            partial.append(&bytes)?;
            listener.at(partial.len(), total);
        }
        if partial.is_whole() {
            return Ok(());
        }
        if partial.len() < total {
            return Err(FetchError::Cut { url: url.to_owned(), got: partial.len() });
        }
        let was_one_answer = partial.is_of_one_answer();
        partial.begin_anew()?;
        if was_one_answer {
            return Err(not_the_file(url, &format!("its SHA-256 is not {}", wanted.sha256)));
        }
        Err(FetchError::Misfit { url: url.to_owned() })
    }

    /// Looks at the head of an answer, throws away what it does not continue, and returns how long the file is.
    fn prepare(head: &Head, url: &str, partial: &mut PartialFile, wanted: &DownloadFile) -> Result<u64, FetchError> {
        let own = || url.to_owned();
        let begin = match (head.status, head.range) {
            (200, _) => 0,
            (206, Some((begin, _))) => begin,
            (206 | 416, _) if partial.len() > 0 => u64::MAX,
            (status @ (408 | 425 | 429 | 500 | 502..=504), _) => {
                return Err(FetchError::Busy { url: own(), status, after: head.after });
            }
            (status, _) => return Err(FetchError::Refused { url: own(), status }),
        };
        if begin != 0 && begin != partial.len() {
            partial.begin_anew()?;
            return Err(FetchError::Discontinued { url: own() });
        }
        let total = total(head, begin, url, wanted)?;
        if begin == 0 {
            partial.begin_anew()?;
        } else {
            partial.goes_on();
        }
        Ok(total)
    }

    fn wait(&self, time: Duration) -> Result<(), FetchError> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            if self.cancel.is_cancelled() {
                return Err(FetchError::Stopped);
            }
            std::thread::sleep(Duration::from_millis(50).min(time));
        }
        Ok(())
    }
}

/// How servers are asked. Whoever asks with encryption is led nowhere without it.
fn manners(server: &str, user_agent: String, patience: Patience) -> Config {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(5)
        .https_only(server.starts_with("https://"))
        .user_agent(user_agent)
        .timeout_resolve(Some(patience.stall))
        .timeout_connect(Some(patience.stall))
        .timeout_recv_response(Some(patience.stall))
        .timeout_per_read(Some(patience.stall))
        .build()
}

/// How long the file is by what the server says, which must be what is known of it.
fn total(head: &Head, begin: u64, url: &str, wanted: &DownloadFile) -> Result<u64, FetchError> {
    if head.content_type.starts_with("text/html") {
        return Err(not_the_file(url, "it is a web page"));
    }
    let announced = match head.range {
        Some((_, Some(total))) => Some(total),
        _ => head.length.map(|length| begin.saturating_add(length)),
    };
    match (wanted.size, announced) {
        (Some(size), Some(announced)) if size != announced => {
            Err(not_the_file(url, &format!("it has {announced} bytes and not {size}")))
        }
        (Some(size), _) => Ok(size),
        (None, Some(announced)) if announced > wanted.limit() => {
            Err(not_the_file(url, &format!("it has {announced} bytes, and that file at most {}", wanted.limit())))
        }
        (None, Some(announced)) => Ok(announced),
        (None, None) => Err(not_the_file(url, "the server does not say how long it is")),
    }
}

/// Looks whether the file that has the name is the one.
fn check(path: &Path, wanted: &DownloadFile) -> Result<(Got, u64), FetchError> {
    let occupied = |why: String| Err(FetchError::Occupied { path: path.to_owned(), why });
    let found = fs_err::metadata(path)?;
    if !found.is_file() {
        return occupied("it is no file".to_owned());
    }
    match wanted.size {
        Some(size) if size != found.len() => return occupied(format!("it has {} bytes and not {size}", found.len())),
        _ => {}
    }
    let (digest, len) = digest_of(path)?;
    if digest != wanted.sha256 {
        return occupied(format!("its SHA-256 is {digest} and not {}", wanted.sha256));
    }
    Ok((Got::Present, len))
}

fn not_the_file(url: &str, why: &str) -> FetchError {
    FetchError::NotTheFile { url: url.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use ureq::unversioned::resolver::DefaultResolver;
    use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, TcpConnector, Transport};

    use super::*;

    const PATIENCE: Patience = Patience { stall: Duration::from_secs(5), retries: 0 };

    /// A server that leads elsewhere, once; its address.
    fn leads_to(place: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let head = format!("HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            stream.write_all(head.as_bytes()).unwrap();
        });
        address
    }

    /// A connection in the clear that passes for an encrypted one: no certificate is at hand.
    #[derive(Debug)]
    struct Disguised<T>(T);

    impl<T: Transport> Transport for Disguised<T> {
        fn buffers(&mut self) -> &mut dyn Buffers {
            self.0.buffers()
        }

        fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
            self.0.transmit_output(amount, timeout)
        }

        fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
            self.0.await_input(timeout)
        }

        fn is_open(&mut self) -> bool {
            self.0.is_open()
        }

        fn is_tls(&self) -> bool {
            true
        }
    }

    #[derive(Debug)]
    struct Disguise;

    impl<T: Transport> Connector<T> for Disguise {
        type Out = Disguised<T>;

        fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<T>) -> Result<Option<Self::Out>, ureq::Error> {
            Ok(chained.map(Disguised))
        }
    }

    /// Asks as a fetcher does.
    fn ask(url: &str) -> Result<Head, FetchError> {
        let connector = Connector::<()>::chain(TcpConnector::default(), Disguise);
        let agent = Agent::with_parts(manners(url, "test".to_owned(), PATIENCE), connector, DefaultResolver::default());
        Answer::of(&agent, url, 0, PATIENCE.stall, &Cancel::default()).map(|(head, _)| head)
    }

    #[test]
    fn who_asks_with_encryption_is_led_nowhere_without_it() {
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        open.set_nonblocking(true).unwrap();
        let place = format!("http://{}/large.bin", open.local_addr().unwrap());
        let url = format!("https://{}/large.bin", leads_to(&place));
        let error = ask(&url).unwrap_err();
        assert_eq!(error.to_string(), format!("`{url}` leads to an address without encryption"));
        assert!(!error.may_pass(), "another attempt would be led there again");
        assert_eq!(open.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
        // From one encrypted address to the next is no step down, nor is one from what was open before.
        let second = format!("https://{}/large.bin", leads_to("https://127.0.0.1:1/nobody"));
        assert!(matches!(ask(&second).unwrap_err(), FetchError::Unreachable { .. }));
        let third = format!("http://{}/large.bin", leads_to("http://127.0.0.1:1/nobody"));
        assert!(matches!(ask(&third).unwrap_err(), FetchError::Unreachable { .. }));
    }
}
