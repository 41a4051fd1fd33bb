//! Prometheus remote write 1.0: a snappy block that holds a protobuf `WriteRequest`.
//!
//! What a family means is the text parser's own table. A request may come from anyone: the size it claims is checked
//! before a byte is allocated for it, and its series are decoded one by one, so that memory is bounded by the request's
//! declared size and never by what its fields claim to repeat.

use std::collections::HashMap;

use linkcast_domain::Timestamp;
use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::prometheus::{Action, Labels, MetricType, Number, PortIndex, Sweep, classify};
use crate::{Fate, NoticeKind, Origin, Parsed};

/// The largest request read, uncompressed; Prometheus sends a few hundred kilobytes.
pub const LARGEST_REQUEST_BYTES: usize = 32 * 1024 * 1024;
/// The largest series, encoded: labels and samples.
const LARGEST_SERIES_BYTES: usize = 256 * 1024;
const MOST_LABELS: usize = 128;
const MOST_SAMPLES: usize = 10_000;
const MOST_FAMILIES: usize = 4096;

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<LabelPair>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<SamplePoint>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelPair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct SamplePoint {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

/// Whether bytes look like a remote write request: a block of sound size whose first field is a series.
pub(crate) fn is_write_request(bytes: &[u8]) -> bool {
    decompress(bytes).is_ok_and(|request| request.first() == Some(&0x0a))
}

/// Reads a request; the account counts samples.
pub(crate) fn parse(bytes: &[u8], origin: &Origin) -> Parsed {
    let mut sweep = Sweep::new(origin);
    match decompress(bytes) {
        Ok(request) => read_request(&request, &mut sweep),
        Err(expected) => reject(&mut sweep, bytes, expected),
    }
    let mut parsed = sweep.finish();
    if parsed.account.lines == 0 {
        parsed.notice(NoticeKind::FailedScrape, 0, || "a write request without samples".into());
    }
    parsed
}

/// Reads a request that something else than snappy packed and the shell unpacked; at most [`LARGEST_REQUEST_BYTES`].
pub fn parse_write_request(request: &[u8], origin: &Origin) -> Parsed {
    let mut sweep = Sweep::new(origin);
    if request.len() > LARGEST_REQUEST_BYTES {
        reject(&mut sweep, request, "a request of at most 32 MiB uncompressed");
    } else {
        read_request(request, &mut sweep);
    }
    sweep.finish()
}

/// Undoes the snappy block, having looked at the size it claims.
fn decompress(bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    const A_BLOCK: &str = "a snappy block";
    let claimed = snap::raw::decompress_len(bytes).map_err(|_| A_BLOCK)?;
    // A byte of input makes at most 64 bytes of output in the snappy format; a larger claim is a lie.
    let possible = bytes.len().saturating_mul(64);
    if claimed > LARGEST_REQUEST_BYTES || claimed > possible {
        return Err("a request of at most 32 MiB uncompressed");
    }
    snap::raw::Decoder::new().decompress_vec(bytes).map_err(|_| A_BLOCK)
}

fn reject(sweep: &mut Sweep<'_>, found: &[u8], expected: &'static str) {
    sweep.parsed.account.add(Fate::Rejected);
    let record = sweep.parsed.account.lines;
    sweep.parsed.rejects.add(sweep.origin, record, None, found.get(..16).unwrap_or(found), expected);
}

fn read_request(mut request: &[u8], sweep: &mut Sweep<'_>) {
    const SERIES_TAG: u32 = 1;
    let mut families = HashMap::new();
    while !request.is_empty() {
        let Ok((tag, wire_type)) = decode_key(&mut request) else {
            return reject(sweep, request, "a protobuf field");
        };
        if tag != SERIES_TAG || wire_type != WireType::LengthDelimited {
            if skip_field(wire_type, tag, &mut request, DecodeContext::default()).is_err() {
                return reject(sweep, request, "a protobuf field");
            }
            continue;
        }
        let length = decode_varint(&mut request).ok().and_then(|length| usize::try_from(length).ok());
        let Some((series, rest)) = length.and_then(|length| request.split_at_checked(length)) else {
            return reject(sweep, request, "a series of the length it claims");
        };
        request = rest;
        read_series(series, sweep, &mut families);
    }
}

fn read_series(bytes: &[u8], sweep: &mut Sweep<'_>, families: &mut HashMap<String, Action>) {
    if bytes.len() > LARGEST_SERIES_BYTES {
        return reject(sweep, bytes, "a series of at most 256 KiB");
    }
    let series = match TimeSeries::decode(bytes) {
        Ok(series) if series.labels.len() <= MOST_LABELS && series.samples.len() <= MOST_SAMPLES => series,
        Ok(_) => return reject(sweep, bytes, "a series of at most 128 labels and 10000 samples"),
        Err(_) => return reject(sweep, bytes, "a series in protobuf"),
    };
    let Some(name) = series.labels.iter().find(|label| label.name == "__name__") else {
        return reject(sweep, bytes, "a series with a __name__ label");
    };
    let action = match families.get(&name.value) {
        Some(action) => action.clone(),
        None => {
            let action = classify(&name.value, MetricType::Unstated);
            if families.len() < MOST_FAMILIES {
                families.insert(name.value.clone(), action.clone());
            }
            action
        }
    };
    let mut labels = Labels::default();
    for label in &series.labels {
        labels.add(label.name.as_bytes(), label.value.as_str().into());
    }
    let port = port_of(&action, &labels, sweep);
    for sample in &series.samples {
        read_sample(&action, &labels, &port, sample, sweep);
    }
}

type Place = Result<Option<PortIndex>, Result<Fate, &'static str>>;

/// The port a series belongs to, `None` for series that describe and do not measure.
fn port_of(action: &Action, labels: &Labels<'_>, sweep: &mut Sweep<'_>) -> Place {
    match action {
        Action::Ignore => Err(Ok(Fate::Ignored)),
        Action::NodeInfo | Action::UplinkInfo | Action::NodesFailed | Action::ScrapeSucceeded => Ok(None),
        _ => sweep.port_of_labels(action, labels).map(Some),
    }
}

fn read_sample(
    action: &Action,
    labels: &Labels<'_>,
    port: &Place,
    sample: &SamplePoint,
    sweep: &mut Sweep<'_>,
) {
    let number = Number::from_f64(sample.value);
    let time = Some(Timestamp::from_millis(sample.timestamp));
    let outcome = match (port, action) {
        (Err(outcome), _) => *outcome,
        (Ok(Some(port)), _) => sweep.apply(action, *port, number, time),
        (Ok(None), Action::NodeInfo | Action::UplinkInfo) => sweep.apply_info(action, labels),
        (Ok(None), _) => Ok(sweep.apply_health(action, labels, number)),
    };
    match outcome {
        Ok(fate) => sweep.parsed.account.add(fate),
        Err(expected) => reject(sweep, sample.value.to_string().as_bytes(), expected),
    }
}

#[cfg(test)]
mod tests;
