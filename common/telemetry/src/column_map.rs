//! How to read a CSV that no parser knows: a TOML file that names its columns.
//!
//! Switch counters of any vendor, probes and archives come in this way, so that a new source is a page of text and not
//! a release. A map that is wrong is refused as a whole when it is read, never row by row.

mod rows;

use std::collections::BTreeMap;

use linkcast_domain::Timestamp;
use serde::Deserialize;

use crate::{Counter, Range};

pub(crate) use rows::parse;

/// Which columns of a CSV hold what. Read from TOML; `docs/COLUMN_MAPS.md` describes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnMap {
    #[serde(default = "comma")]
    delimiter: char,
    time: TimeColumn,
    stream: StreamTemplate,
    /// Rows are read only where each of these columns holds this text.
    #[serde(default)]
    filter: BTreeMap<String, String>,
    #[serde(default)]
    counters: BTreeMap<String, CounterColumn>,
    #[serde(default)]
    values: Vec<ValueColumn>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeColumn {
    column: String,
    #[serde(default)]
    format: TimeFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TimeFormat {
    /// RFC 3339 or near it; without an offset, UTC.
    #[default]
    Rfc3339,
    EpochS,
    EpochMs,
    EpochUs,
}

/// Text with column names in braces.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct StreamTemplate {
    template: String,
}

/// A column that holds an absolute counter.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct CounterColumn {
    /// A counter's canonical name, or any other to pass it through.
    counter: String,
    #[serde(default)]
    range: StatedRange,
    #[serde(default)]
    bits: Option<u8>,
    /// What one count is worth: 4 for words of data.
    #[serde(default = "one_count")]
    scale: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StatedRange {
    Clamps,
    Wraps,
    #[default]
    Unstated,
}

/// A column that holds a ready value; of several for one name in a row, the greatest counts.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ValueColumn {
    column: String,
    /// A sample field's name, or any other to pass it through.
    name: String,
    #[serde(default = "one")]
    scale: f64,
    /// A column of the same row to divide by.
    #[serde(default)]
    divide_by: Option<String>,
}

fn comma() -> char {
    ','
}

fn one() -> f64 {
    1.0
}

fn one_count() -> u64 {
    1
}

/// A text that is no column map.
#[derive(Debug, thiserror::Error)]
pub enum ColumnMapError {
    /// Not the TOML expected.
    #[error("the column map is not as docs/COLUMN_MAPS.md describes it")]
    Toml(#[source] Box<toml::de::Error>),
    /// A delimiter must be one byte.
    #[error("the column map's delimiter {0:?} is none: expected one ASCII character")]
    Delimiter(char),
    /// A wrapping or clamping counter needs its width.
    #[error("column {column:?} clamps or wraps without a width: expected bits from 1 to 64")]
    Width {
        /// Which.
        column: String,
    },
    /// A stream template's brace is never closed.
    #[error("the stream template {0:?} has an open brace: expected {{column}}")]
    Template(String),
    /// Nothing is read.
    #[error("the column map names neither counters nor values")]
    Nothing,
}

impl ColumnMap {
    /// Reads a map.
    pub fn from_toml(text: &str) -> Result<Self, ColumnMapError> {
        let map: ColumnMap = toml::from_str(text).map_err(|error| ColumnMapError::Toml(Box::new(error)))?;
        if !map.delimiter.is_ascii() {
            return Err(ColumnMapError::Delimiter(map.delimiter));
        }
        for (column, counter) in &map.counters {
            let is_width = counter.bits.is_some_and(|bits| (1..=64).contains(&bits));
            if counter.range != StatedRange::Unstated && !is_width {
                return Err(ColumnMapError::Width { column: column.clone() });
            }
        }
        if map.stream.template.matches('{').count() != map.stream.template.matches('}').count() {
            return Err(ColumnMapError::Template(map.stream.template));
        }
        if map.counters.is_empty() && map.values.is_empty() {
            return Err(ColumnMapError::Nothing);
        }
        Ok(map)
    }
}

impl CounterColumn {
    fn known(&self) -> Option<Counter> {
        Counter::ALL.iter().copied().find(|counter| counter.name() == self.counter)
    }

    fn range(&self) -> Range {
        match (self.range, self.bits) {
            (StatedRange::Clamps, Some(bits)) => Range::Clamps(bits),
            (StatedRange::Wraps, Some(bits)) => Range::Wraps(bits),
            _ => Range::Unstated,
        }
    }
}

impl TimeFormat {
    fn read(self, cell: &str) -> Option<Timestamp> {
        if self == TimeFormat::Rfc3339 {
            return read_civil(cell);
        }
        let number: i64 = cell.parse().ok()?;
        Some(Timestamp::from_millis(match self {
            TimeFormat::EpochS => number.checked_mul(1_000)?,
            TimeFormat::EpochUs => number.div_euclid(1_000),
            TimeFormat::EpochMs | TimeFormat::Rfc3339 => number,
        }))
    }
}

/// `2020-01-22 16:39:31.903000+00:00`, or without an offset.
fn read_civil(cell: &str) -> Option<Timestamp> {
    if let Ok(instant) = cell.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_millis(instant.as_millisecond()));
    }
    let civil: jiff::civil::DateTime = cell.parse().ok()?;
    let instant = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_millis(instant.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests;
