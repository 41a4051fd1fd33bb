//! The sample file as JSON lines: one object a line, `null` as good as absent.

use std::io::{self, Write};

use linkcast_domain::{CounterName, Sample, StreamId, Timestamp};
use serde_json::{Map, Value};

use super::{
    Column, EXPECTED_NAME, EXPECTED_NUMBER, EXPECTED_STREAM, EXPECTED_TIME, Row, STREAM, TIME, stream_of,
};
use crate::rows::lines;
use crate::{Fate, Origin, Parsed};

/// Reads a sample file.
pub(crate) fn parse_sample_jsonl(bytes: &[u8], origin: &Origin) -> Parsed {
    let mut parsed = Parsed::default();
    let mut previous = None;
    for (number, line) in lines(bytes) {
        if line.trim_ascii().is_empty() {
            parsed.account.add(Fate::Ignored);
            continue;
        }
        let refused_before = parsed.rejects.total();
        match serde_json::from_slice::<Map<String, Value>>(line) {
            Ok(object) => {
                let sample = parse_object(&object, previous.as_ref(), number, origin, &mut parsed);
                if let Some(sample) = sample {
                    previous = Some(sample.stream.clone());
                    parsed.samples.push(sample);
                }
            }
            Err(_) => parsed.rejects.add(origin, number, None, line, "one JSON object"),
        }
        let is_whole = parsed.rejects.total() == refused_before;
        parsed.account.add(if is_whole { Fate::Used } else { Fate::Rejected });
    }
    parsed
}

fn parse_object(
    object: &Map<String, Value>,
    previous: Option<&StreamId>,
    line: u64,
    origin: &Origin,
    parsed: &mut Parsed,
) -> Option<Sample> {
    let mut row = Row::default();
    for (name, value) in object {
        let column = Column::named(name);
        let expected = match &column {
            Column::Stream => {
                row.stream = value.as_str().and_then(|text| stream_of(text, previous));
                if row.stream.is_some() { continue } else { EXPECTED_STREAM }
            }
            Column::Time => {
                row.time = time_of(value);
                if row.time.is_some() { continue } else { EXPECTED_TIME }
            }
            Column::Unusable => EXPECTED_NAME,
            Column::Field(_) | Column::Other(_) if value.is_null() => continue,
            Column::Field(_) | Column::Other(_) => match value.as_f64().filter(|value| value.is_finite()) {
                Some(number) => {
                    row.set(&column, number);
                    continue;
                }
                None => EXPECTED_NUMBER,
            },
        };
        parsed.rejects.add(origin, line, Some(name.as_bytes()), value.to_string().as_bytes(), expected);
    }
    for (name, expected) in [(STREAM, EXPECTED_STREAM), (TIME, EXPECTED_TIME)] {
        if !object.keys().any(|key| key.trim_ascii() == name) {
            parsed.rejects.add(origin, line, Some(name.as_bytes()), b"", expected);
        }
    }
    row.finish()
}

fn time_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// Writes samples as JSON lines; absent values are left out.
pub fn write_samples_jsonl<W: Write>(samples: &[Sample], out: &mut W) -> io::Result<()> {
    for sample in samples {
        write!(out, "{{\"{STREAM}\":{}", Value::from(sample.stream.as_str()))?;
        write!(out, ",\"{TIME}\":\"{}\"", sample.time)?;
        for (field, value) in sample.values.present() {
            write!(out, ",\"{field}\":{value:?}")?;
        }
        let others = sample.other.iter().filter(|(name, value)| is_own(name) && value.is_finite());
        for (name, value) in others {
            write!(out, ",{}:{value:?}", Value::from(name.as_ref()))?;
        }
        out.write_all(b"}\n")?;
    }
    Ok(())
}

/// A name that a field or key bears already would be read back as that.
fn is_own(name: &CounterName) -> bool {
    matches!(Column::named(name), Column::Other(_))
}
