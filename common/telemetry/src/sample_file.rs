//! The canonical sample file: `stream_id`, `timestamp` and any of the sample's names, in any order.
//!
//! Three forms of one table, CSV, JSON lines and Parquet, read and written here: what one program of Linkcast writes
//! another reads back to the bit, and any tool that can write a table can feed Linkcast.

mod csv;
mod json_lines;
mod parquet;

use std::collections::BTreeSet;
use std::str::FromStr;

use linkcast_domain::{CounterName, Sample, SampleField, SampleValues, StreamId, Timestamp};

pub(crate) use csv::parse_sample_csv;
pub use csv::write_samples_csv;
pub(crate) use json_lines::parse_sample_jsonl;
pub use json_lines::write_samples_jsonl;
pub(crate) use parquet::parse_sample_parquet;
pub use parquet::{WriteParquetError, write_samples_parquet};

const STREAM: &str = "stream_id";
const TIME: &str = "timestamp";
const EXPECTED_STREAM: &str = "a stream id: text without control characters, at most 512 bytes";
const EXPECTED_TIME: &str = "RFC 3339 (2026-01-31T08:00:00Z) or epoch milliseconds";
const EXPECTED_NAME: &str = "a name without control characters";
const EXPECTED_NUMBER: &str = "a finite number, or nothing where the value is absent";

/// What a column or key of a sample file holds.
#[derive(Clone, Debug, PartialEq)]
enum Column {
    Stream,
    Time,
    Field(SampleField),
    Other(CounterName),
    /// A name that would break a line in two, or a message: nothing is read under it.
    Unusable,
}

impl Column {
    /// Blanks around a name are none of it: CSV would not keep them.
    fn named(name: &str) -> Self {
        let name = name.trim_ascii();
        match name {
            STREAM => Column::Stream,
            TIME => Column::Time,
            _ if name.contains(char::is_control) => Column::Unusable,
            _ => SampleField::from_str(name).map_or_else(|_| Column::Other(name.into()), Column::Field),
        }
    }
}

/// A row while its cells come in.
#[derive(Debug, Default)]
struct Row {
    stream: Option<StreamId>,
    time: Option<Timestamp>,
    values: SampleValues,
    other: Vec<(CounterName, f64)>,
}

impl Row {
    fn set(&mut self, column: &Column, value: f64) {
        match column {
            Column::Field(field) => self.values.set(*field, value),
            Column::Other(name) => self.other.push((name.clone(), value)),
            Column::Stream | Column::Time | Column::Unusable => {}
        }
    }

    /// The sample, if the row had both of its keys.
    fn finish(mut self) -> Option<Sample> {
        self.other.sort_by(|left, right| left.0.cmp(&right.0));
        self.other.dedup_by(|left, right| left.0 == right.0);
        Some(Sample { stream: self.stream?, time: self.time?, values: self.values, other: self.other })
    }
}

/// A stream id for a text; rows of one stream often follow each other, and then share its memory.
fn stream_of(text: &str, previous: Option<&StreamId>) -> Option<StreamId> {
    let text = text.trim_ascii();
    match previous {
        Some(stream) if stream.as_str() == text => Some(stream.clone()),
        _ => text.parse().ok(),
    }
}

/// The names in `other` that occur in any of the samples, in order.
fn other_names(samples: &[Sample]) -> Vec<CounterName> {
    let mut names = BTreeSet::new();
    for (name, _) in samples.iter().flat_map(|sample| &sample.other) {
        if !names.contains(name) {
            names.insert(name.clone());
        }
    }
    names.into_iter().filter(|name| matches!(Column::named(name), Column::Other(_))).collect()
}

fn other_value(sample: &Sample, name: &str) -> Option<f64> {
    let place = sample.other.binary_search_by(|(known, _)| known.as_ref().cmp(name)).ok()?;
    sample.other.get(place).map(|(_, value)| *value).filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests;
