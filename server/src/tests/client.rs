//! A client that sees every byte, and a server in this process for it to ask.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::{Drained, Limits, ModelSource, Models, Notice, Reloader, Server, ServerSettings};

/// The model that ships with the project.
pub(super) fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/link-health")
}

/// A server that runs until it is stopped.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    pub(super) reloader: Reloader,
    pub(super) notices: Receiver<Notice>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Drained>,
}

/// Starts a server of the model in `folder`, under the names `lab` and `field`.
pub(super) fn start(folder: &Path, limits: Limits, watch: Option<Duration>) -> Running {
    let source = || ModelSource::Folder(folder.to_owned());
    let models = Models::of("lab".parse().unwrap(), source()).unwrap();
    let models = models.and("field".parse().unwrap(), ModelSource::Folder(shipped())).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let (tell, notices) = channel();
    let (started, starts) = channel();
    let thread = std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async move {
            let settings =
                ServerSettings { watch, limits, ..ServerSettings::new(([127, 0, 0, 1], 0).into()) };
            let server = Server::bind(settings, models).await.unwrap();
            let server = server.telling(move |notice| tell.send(notice.clone()).unwrap_or_default());
            started.send((server.local_addr(), server.reloader())).unwrap();
            server.run_until(async { stopped.await.unwrap_or_default() }).await
        })
    });
    let (address, reloader) = starts.recv().unwrap();
    Running { address, reloader, notices, stop, thread }
}

impl Running {
    /// A connection to it.
    pub(super) fn client(&self) -> Client {
        Client::to(self.address)
    }

    /// Tells it to stop; the handle ends when it has.
    pub(super) fn stop(self) -> JoinHandle<Drained> {
        self.stop.send(()).unwrap();
        self.thread
    }
}

/// An answer of HTTP.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    /// A header's value.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// One connection that is kept.
pub(super) struct Client {
    stream: TcpStream,
}

impl Client {
    pub(super) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        Client { stream }
    }

    /// Sends bytes as they are.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The head of a request whose body has so many bytes.
    pub(super) fn send_head(&mut self, line: &str, headers: &str, length: usize) {
        let head = format!("{line} HTTP/1.1\r\nhost: here\r\n{headers}content-length: {length}\r\n\r\n");
        self.send(head.as_bytes());
    }

    pub(super) fn get(&mut self, path: &str) -> Answer {
        self.send_head(&format!("GET {path}"), "", 0);
        self.read().unwrap()
    }

    pub(super) fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> Answer {
        self.send_head(&format!("POST {path}"), headers, body.len());
        self.send(body);
        self.read().unwrap()
    }

    /// The next answer.
    pub(super) fn read(&mut self) -> io::Result<Answer> {
        let (mut seen, mut more) = (Vec::new(), [0; 16 << 10]);
        loop {
            if let Some(answer) = whole(&seen) {
                return Ok(answer);
            }
            match self.stream.read(&mut more)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => seen.extend_from_slice(&more[..read]),
            }
        }
    }
}

fn whole(seen: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(seen);
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let mut answer =
        Answer { status: head.get(9..12)?.parse().ok()?, head: head.to_owned(), body: String::new() };
    let length: usize = answer.header("content-length")?.parse().ok()?;
    answer.body = rest.get(..length)?.to_owned();
    Some(answer)
}

/// Asks again until there is an answer.
pub(super) fn awaited<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    panic!("{what} did not come");
}
