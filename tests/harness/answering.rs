//! Samples to ask models about, and who is asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use linkcast_aws::{Backends, LocalServices, connect_locally};
use linkcast_domain::ports::{Backend, Inquiry};
use linkcast_domain::{Answer, AskError, Feature, FeatureVector, Influencer, StreamId, Target, Timestamp};
use linkcast_scoring::{Model, Score};

use crate::project_folder;

/// The fabric and the task that endpoints are named after.
pub const FABRIC: &str = "Test Lab";
/// See `FABRIC`.
pub const TASK: &str = "link-health";

/// The shipped model.
pub fn shipped_model() -> Result<Arc<Model>> {
    let folder = project_folder().join("models/link-health");
    Ok(Arc::new(Model::in_folder(&folder, |path| std::fs::read(path))?))
}

/// Samples, and what the model here says of each.
#[derive(Debug)]
pub struct Samples {
    stream: StreamId,
    vectors: Vec<FeatureVector>,
    influencers: Vec<Vec<Influencer>>,
    /// What the embedded model says.
    pub scores: Vec<Score>,
}

impl Samples {
    /// So many samples of the stream `stream`, quiet and troubled ones, with features that are absent.
    pub fn of(model: &Model, stream: &str, count: usize) -> Result<Self> {
        let vectors: Vec<FeatureVector> = (0..count).map(sample_vector).collect();
        let scores: Vec<Score> = vectors.iter().map(|vector| model.score(vector)).collect();
        let explained = vectors.iter().zip(&scores).map(|(vector, score)| model.explain(vector, score));
        let influencers = explained.map(|explanation| explanation.influencers).collect();
        Ok(Samples { stream: stream.parse()?, vectors, influencers, scores })
    }

    /// Asks about all of them.
    pub async fn ask(
        &self,
        backends: &Backends,
        target: &Target,
        limit: Duration,
    ) -> Vec<Result<Answer, AskError>> {
        let inquiries: Vec<Inquiry<'_>> = self
            .vectors
            .iter()
            .zip(&self.influencers)
            .enumerate()
            .map(|(minute, (features, influencers))| Inquiry {
                stream: &self.stream,
                time: Timestamp::from_millis(1_767_225_600_000 + 60_000 * minute as i64),
                features,
                influencers,
            })
            .collect();
        backends.ask(target, &inquiries, limit).await
    }
}

/// Numbers as telemetry has them, another for each `seed`; a multiplicative generator (Lehmer) shuffles.
pub fn sample_vector(seed: usize) -> FeatureVector {
    let mut state = 48_271 * (seed as u64 + 1) % 2_147_483_647;
    let mut next = || {
        state = state * 48_271 % 2_147_483_647;
        state as f64 / 2_147_483_647.0
    };
    let mut vector = FeatureVector::default();
    for feature in Feature::ALL {
        let (is_there, value) = (next() < 0.8, next());
        let scale = if feature.unit() == "errors/bit" { 1e-9 } else { 50.0 };
        if is_there {
            vector.set(feature, value * scale);
        }
    }
    vector
}

/// Backends that find every service of AWS at `url`.
pub async fn backends_at(url: &str) -> Backends {
    let shared = connect_locally(LocalServices { all: url.to_owned(), ..LocalServices::default() }).await;
    Backends::new(&shared, FABRIC, TASK)
}

/// A server that answers each request's body with the bytes `answer` makes of it, as they are; it lives as long as the process.
pub fn raw_server(answer: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen")?;
    let address = listener.local_addr()?;
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            // A caller that has gone is no concern of the server's.
            std::thread::spawn(move || drop(serve_one(stream, answer.as_ref())));
        }
    });
    Ok(address)
}

/// One request a connection, whose answer ends with it.
fn serve_one(mut stream: TcpStream, answer: &(impl Fn(&[u8]) -> Vec<u8> + ?Sized)) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let mut part = [0; 16_384];
    loop {
        let read = stream.read(&mut part)?;
        bytes.extend_from_slice(part.get(..read).unwrap_or_default());
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        let text = head
            .and_then(|end| bytes.get(..end))
            .map(|head| String::from_utf8_lossy(head).to_ascii_lowercase());
        let length = text
            .as_ref()
            .and_then(|text| text.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok());
        if let Some(body) =
            head.zip(length).and_then(|(head, length): (usize, usize)| bytes.get(head..head + length))
        {
            return stream.write_all(&answer(body));
        }
        if read == 0 {
            return Ok(());
        }
    }
}

/// An answer of HTTP as bytes; the connection ends with it.
pub fn http_answer(status: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}
