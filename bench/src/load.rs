//! Clients that ask again and again over kept connections: the same ones for every server that is compared.
//!
//! Each connection has a thread that sends a request and waits for its answer. Either it sends the next at once, so that a server is
//! asked as fast as it answers; or requests fall due at a rate that is the same for all, and one that had to wait for the answer
//! before it has waited since it was due.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

/// How long any one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    address: SocketAddr,
    bytes: Vec<u8>,
}

/// What came of a while of asking.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// Seconds of each answer.
    pub(crate) latencies: Vec<f64>,
    /// How long it all took.
    pub(crate) seconds: f64,
}

impl Question {
    /// A POST of JSON.
    pub(crate) fn post(address: SocketAddr, path: &str, body: &[u8]) -> Self {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\naccept: application/json\r\n\
             content-length: {length}\r\n\r\n"
        );
        Question { address, bytes: [head.as_bytes(), body].concat() }
    }

    /// Asks once, over a connection of its own.
    pub(crate) fn ask(&self) -> Result<Vec<u8>> {
        let mut answer = Vec::new();
        let body_at = ask(&mut connect(self.address)?, &self.bytes, &mut answer)?;
        Ok(answer.split_off(body_at))
    }

    /// Asks over so many connections for so long: `a_second` times, or as fast as there are answers.
    pub(crate) fn ask_for(&self, time: Duration, connections: usize, a_second: Option<f64>) -> Result<Asked> {
        let start = Instant::now();
        let pause = a_second.map(|a_second| Duration::from_secs_f64(1.0 / a_second));
        let latencies: Result<Vec<Vec<f64>>> = thread::scope(|scope| {
            let ask = |place: usize| {
                let due = pause.map(|pause| (start + pause * place as u32, pause * connections as u32));
                scope.spawn(move || self.ask_until(start + time, due))
            };
            let threads: Vec<_> = (0..connections).map(ask).collect();
            let ended =
                threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a client ended")));
            ended.map(|ended| ended.and_then(|latencies| latencies)).collect()
        });
        let seconds = start.elapsed().as_secs_f64();
        Ok(Asked { latencies: latencies?.concat(), seconds })
    }

    /// `due` is when the first request is, and the time from each to the next.
    fn ask_until(&self, end: Instant, mut due: Option<(Instant, Duration)>) -> Result<Vec<f64>> {
        let mut stream = connect(self.address)?;
        let (mut latencies, mut answer) = (Vec::new(), Vec::new());
        loop {
            let start = due.map_or_else(Instant::now, |(due, _)| awaited(due));
            if start >= end {
                return Ok(latencies);
            }
            due = due.map(|(due, pause)| (due + pause, pause));
            ask(&mut stream, &self.bytes, &mut answer)?;
            latencies.push(start.elapsed().as_secs_f64());
        }
    }
}

/// Waits until a request is due. It is late since it was due if that was before; what the system oversleeps is nobody's.
fn awaited(due: Instant) -> Instant {
    let Some(left) = due.checked_duration_since(Instant::now()) else { return due };
    thread::sleep(left);
    Instant::now()
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// One answer in place of what `answer` held; where its body begins.
fn ask(stream: &mut TcpStream, request: &[u8], answer: &mut Vec<u8>) -> Result<usize> {
    stream.write_all(request).context("cannot send a request")?;
    answer.clear();
    let body_at = loop {
        more(stream, answer)?;
        if let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(answer.get(..body_at).unwrap_or_default());
    if head.get(9..12) != Some("200") {
        bail!("a server answered {:?}", head.lines().next().unwrap_or_default());
    }
    let end = body_at + length_of(&head)?;
    while answer.len() < end {
        more(stream, answer)?;
    }
    Ok(body_at)
}

fn more(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<()> {
    let mut read = [0; 32 << 10];
    match stream.read(&mut read).context("cannot read an answer")? {
        0 => bail!("a server closed its connection"),
        count => answer.extend(read.iter().take(count)),
    }
    Ok(())
}

fn length_of(head: &str) -> Result<usize> {
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, length) = length.context("an answer has no length")?;
    length.trim().parse().context("an answer's length is no number")
}
