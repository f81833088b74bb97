//! A real HTTP server on this machine that serves files, and misbehaves as a test asks it to.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A question that came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What was asked for.
    pub path: String,
    /// The value of `Range`.
    pub range: Option<String>,
    /// How many questions came before.
    pub before: usize,
}

impl Asked {
    /// From which byte on the file is asked for.
    pub fn from(&self) -> usize {
        let begin = self.range.as_deref().and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
        begin.map_or(0, |begin| begin.parse().expect("a range begins with a number"))
    }
}

/// What is sent back, byte by byte.
#[derive(Clone, Debug)]
pub struct Reply {
    head: String,
    body: Vec<u8>,
    stalls: bool,
}

impl Reply {
    /// A status and header lines; the length of the body is to be among them.
    pub fn new(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
        Self { head, body: body.to_vec(), stalls: false }
    }

    /// A status, and nothing else.
    pub fn status(status: &str, headers: &[(&str, &str)]) -> Self {
        Self::new(status, &[headers, &[("Content-Length", "0")]].concat(), b"")
    }

    /// A file, or the rest of it.
    pub fn file(asked: &Asked, content: &[u8]) -> Self {
        let from = asked.from();
        if from == 0 {
            return Self::new("200 OK", &[("Content-Length", &content.len().to_string())], content);
        }
        let Some(rest) = content.get(from..).filter(|rest| !rest.is_empty()) else {
            let range = format!("bytes */{}", content.len());
            return Self::status("416 Range Not Satisfiable", &[("Content-Range", &range)]);
        };
        let range = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
        let length = rest.len().to_string();
        Self::new("206 Partial Content", &[("Content-Length", &length), ("Content-Range", &range)], rest)
    }

    /// Ends after so many bytes of the body.
    #[must_use]
    pub fn cut(mut self, after: usize) -> Self {
        self.body.truncate(after);
        self
    }

    /// Says nothing more after so many bytes of the body, for ever.
    #[must_use]
    pub fn stall(mut self, after: usize) -> Self {
        self.body.truncate(after);
        self.stalls = true;
        self
    }
}

/// A server, until it is dropped.
pub struct FileServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    asked: Mutex<Vec<Asked>>,
    /// Connections on which nothing more is said.
    silent: Mutex<Vec<TcpStream>>,
    stop: AtomicBool,
}

impl FileServer {
    /// Starts a server that replies so.
    pub fn start(reply: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port of this machine is free");
        let address = listener.local_addr().expect("it has an address");
        let shared = Arc::<Shared>::default();
        let (of_thread, reply) = (Arc::clone(&shared), Arc::new(reply));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if of_thread.stop.load(Ordering::SeqCst) {
                    return;
                }
                let (shared, reply) = (Arc::clone(&of_thread), Arc::clone(&reply));
                std::thread::spawn(move || shared.serve(stream, &*reply));
            }
        });
        Self { address, shared }
    }

    /// Its address, as `--from` takes it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        TcpStream::connect(self.address).ok();
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream, reply: &dyn Fn(&Asked) -> Reply) {
        let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
        let Some(path) = lines.next().and_then(|line| Some(line.split(' ').nth(1)?.to_owned())) else { return };
        let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let range = headers.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("range").then(|| value.trim().to_owned())
        });
        let asked = {
            let mut all = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let asked = Asked { path, range, before: all.len() };
            all.push(asked.clone());
            asked
        };
        let reply = reply(&asked);
        // Whoever has heard enough hangs up.
        stream.write_all(reply.head.as_bytes()).and_then(|()| stream.write_all(&reply.body)).ok();
        if reply.stalls {
            self.silent.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
        }
    }
}
