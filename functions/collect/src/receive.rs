//! Remote write at the function's URL: who may send, how much, and what each fault is answered.
//!
//! A request is answered 204 only when what it held is durable: Prometheus then forgets it, and until then keeps and repeats
//! it. What can never be taken is 400 or 413, so that it is not repeated for ever. What the table is too busy to take is
//! 429, and any other trouble of ours 503, both with the time after which to come again.

use std::io::Read;

use flate2::read::GzDecoder;
use linkcast_domain::ports::{Coverage, StoreError};
use linkcast_domain::{Retry, Timestamp};
use linkcast_lambda::function_url::{Request, Response};
use linkcast_lambda::{Secret, chain};
use linkcast_pipeline::Sweep;
use linkcast_pipeline::apart::{ApartError, Collect, CollectStore, Collected};
use linkcast_pipeline::steps::Steps;
use linkcast_telemetry::{
    Format, LARGEST_REQUEST_BYTES, Origin, Parsed, parse, parse_write_request, recognise,
};
use sha2::{Digest, Sha256};

use crate::sweep::sweep_of;

/// The name under which all senders' sweeps go.
const SOURCE: &str = "remote-write";

/// The most a function's URL takes; a larger request never comes here, but an emulator's may.
const LARGEST_BODY: usize = 6 * 1024 * 1024;

/// Seconds after which to come again.
const COME_AGAIN: u64 = 5;

/// Who may send.
#[derive(Clone, Debug)]
pub enum Admission {
    /// Whom IAM let in, and nobody else.
    SignedOnly,
    /// And whoever bears the token.
    Token(Secret<String>),
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refusal {
    status: u16,
    reason: String,
}

/// Takes a request in; tells what to answer, and what came of it.
pub async fn receive<S: CollectStore>(
    (store, collect): (&S, &Collect),
    steps: &Steps<'_>,
    admission: &Admission,
    (request, now): (Request, Timestamp),
) -> (Response, Collected) {
    let sweep = match read(admission, request, now) {
        Ok(sweep) => sweep,
        Err(refusal) => return (refusal.response(), Collected::default()),
    };
    match collect.sweep(store, steps, sweep).await {
        Ok(collected) => (response(204, String::new()), collected),
        Err(error) => (refused_by_store(&error).response(), Collected::default()),
    }
}

fn read(admission: &Admission, request: Request, now: Timestamp) -> Result<Sweep, Refusal> {
    admit(admission, &request)?;
    let method = &request.request_context.http.method;
    if method != "POST" {
        return Err(Refusal { status: 405, reason: format!("{method}: expected POST of remote write") });
    }
    let encoding = request.headers.get("content-encoding").map(|text| text.to_ascii_lowercase());
    let body = body_of(request)?;
    let origin = Origin { time: Some(now), ..Origin::named(SOURCE) };
    let parsed = match encoding.as_deref() {
        Some("gzip") => parse_write_request(&unpacked(&body)?, &origin),
        None | Some("snappy") => match recognise("", &body) {
            Some(Format::RemoteWrite) => parse(Format::RemoteWrite, &body, &origin),
            _ => return Err(bad("expected Prometheus remote write 1.0: snappy-packed protobuf")),
        },
        Some(other) => return Err(bad(&format!("encoding {other:?}: expected snappy or gzip"))),
    };
    check(&parsed)?;
    Ok(sweep_of(SOURCE.to_owned(), parsed, now, Coverage::Selective))
}

fn admit(admission: &Admission, request: &Request) -> Result<(), Refusal> {
    let signed = request.request_context.authorizer.as_ref().is_some_and(|who| who.iam.is_some());
    let bearer = request.headers.get("authorization").and_then(|text| text.strip_prefix("Bearer "));
    let known = match (admission, bearer) {
        // Hashes are compared, so that how long it takes tells nothing of the token.
        (Admission::Token(token), Some(found)) => {
            Sha256::digest(token.expose().trim()) == Sha256::digest(found.trim())
        }
        _ => false,
    };
    if signed || known {
        return Ok(());
    }
    Err(Refusal { status: 403, reason: "expected a request signed by IAM, or the bearer token".to_owned() })
}

fn body_of(request: Request) -> Result<Vec<u8>, Refusal> {
    let too_large = |length: usize| Refusal {
        status: 413,
        reason: format!("a body of {length} bytes: expected at most {LARGEST_BODY}"),
    };
    let text = request.body.unwrap_or_default();
    if text.len() / 4 * 3 > LARGEST_BODY + 3 {
        return Err(too_large(text.len() / 4 * 3));
    }
    let body = if request.is_base64_encoded {
        aws_smithy_types::base64::decode(&text).map_err(|_| bad("a body that is not in base 64"))?
    } else {
        text.into_bytes()
    };
    if body.len() > LARGEST_BODY { Err(too_large(body.len())) } else { Ok(body) }
}

/// Undoes gzip; what it claims to become is bounded, for anyone may send it.
fn unpacked(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let read = GzDecoder::new(body).take(LARGEST_REQUEST_BYTES as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| bad(&format!("a body that is not gzip: {error}")))?;
    if bytes.len() > LARGEST_REQUEST_BYTES {
        let reason = format!("more than {LARGEST_REQUEST_BYTES} bytes when unpacked");
        return Err(Refusal { status: 413, reason });
    }
    Ok(bytes)
}

/// A request of which nothing could be used is the sender's fault, if anything in it was refused.
fn check(parsed: &Parsed) -> Result<(), Refusal> {
    match (parsed.account.used, parsed.rejects.kept().first()) {
        (0, Some(reject)) => Err(bad(&reject.to_string())),
        _ => Ok(()),
    }
}

fn bad(reason: &str) -> Refusal {
    Refusal { status: 400, reason: reason.to_owned() }
}

fn refused_by_store(error: &ApartError) -> Refusal {
    let status = match error {
        ApartError::Store(StoreError::Busy { .. }) => 429,
        error if error.class() == Retry::Never => 500,
        _ => 503,
    };
    Refusal { status, reason: chain(error) }
}

impl Refusal {
    fn response(self) -> Response {
        let mut response = response(self.status, format!("{}\n", self.reason));
        if [429, 503].contains(&self.status) {
            response.headers.insert("retry-after", COME_AGAIN.to_string());
        }
        response
    }
}

fn response(status_code: u16, body: String) -> Response {
    Response::of(status_code, "text/plain", body)
}
