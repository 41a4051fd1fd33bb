//! A Prometheus remote write request: protobuf in a snappy block, treydock's series with the names Prometheus gives.

use std::io::{self, Write};

use prost::Message;

use super::View;
use super::vocabulary::{Label, Vocabulary};

#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    series: Vec<TimeSeries>,
}

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

/// Writes a sweep as one request. A sender splits what is larger than its receiver takes.
pub(super) fn write(views: &[View<'_>], out: &mut dyn Write) -> io::Result<()> {
    let mut request = WriteRequest::default();
    for family in Vocabulary::Treydock.families() {
        for view in views {
            let Some(value) = family.value(Vocabulary::Treydock, view) else { continue };
            let mut labels = Vocabulary::Treydock.labels(view);
            labels.extend(family.further_labels(view));
            labels.sort_unstable();
            let timestamp = view.reading.time.map_or(0, |time| time.millis());
            let samples = vec![SamplePoint { value, timestamp }];
            request.series.push(TimeSeries { labels: named(&family.name, labels), samples });
        }
    }
    let block = snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).map_err(io::Error::other)?;
    out.write_all(&block)
}

/// The protocol wants labels sorted by name; `__name__` comes before any letter.
fn named(name: &str, labels: Vec<Label>) -> Vec<LabelPair> {
    let name = LabelPair { name: "__name__".into(), value: name.into() };
    let others = labels.into_iter().map(|(name, value)| LabelPair { name: name.into(), value });
    [name].into_iter().chain(others).collect()
}
