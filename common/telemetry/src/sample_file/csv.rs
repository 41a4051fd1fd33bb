//! The sample file as CSV.

use std::borrow::Cow;
use std::io::{self, Write};

use linkcast_domain::{Sample, SampleField, StreamId};

use super::{
    Column, EXPECTED_NAME, EXPECTED_NUMBER, EXPECTED_STREAM, EXPECTED_TIME, Row, STREAM, TIME, other_names,
    other_value, stream_of,
};
use crate::rows::{lines, split_row, text};
use crate::{Fate, Origin, Parsed};

/// Whether a line is the header of a sample file.
fn is_sample_header(line: &[u8]) -> bool {
    let mut fields = Vec::new();
    split_row(line, b',', &mut fields);
    let has = |name: &str| fields.iter().any(|field| text(field) == Some(name));
    has(STREAM) && has(TIME)
}

/// Reads a sample file.
pub(crate) fn parse_sample_csv(bytes: &[u8], origin: &Origin) -> Parsed {
    let mut parsed = Parsed::default();
    let mut rows = lines(bytes);
    let Some((number, header)) = rows.next() else { return parsed };
    let mut fields = Vec::new();
    split_row(header, b',', &mut fields);
    let columns: Vec<_> = fields.iter().map(|name| Column::named(text(name).unwrap_or_default())).collect();
    if !is_sample_header(header) {
        let expected = "a header with stream_id and timestamp";
        parsed.rejects.add(origin, number, None, header, expected);
        parsed.account.add(Fate::Rejected);
        rows.for_each(|_| parsed.account.add(Fate::Ignored));
        return parsed;
    }
    for (name, _) in fields.iter().zip(&columns).filter(|(_, column)| **column == Column::Unusable) {
        parsed.rejects.add(origin, number, None, name, EXPECTED_NAME);
    }
    parsed.account.add(if parsed.rejects.is_empty() { Fate::Used } else { Fate::Rejected });
    let mut previous = None;
    for (number, line) in rows {
        if line.trim_ascii().is_empty() {
            parsed.account.add(Fate::Ignored);
            continue;
        }
        split_row(line, b',', &mut fields);
        let refused_before = parsed.rejects.total();
        if let Some(sample) = parse_row(&columns, &fields, previous.as_ref(), number, origin, &mut parsed) {
            previous = Some(sample.stream.clone());
            parsed.samples.push(sample);
        }
        let is_whole = parsed.rejects.total() == refused_before;
        parsed.account.add(if is_whole { Fate::Used } else { Fate::Rejected });
    }
    parsed
}

/// One row; a cell that is refused is absent and costs no other, but a row without stream or time is lost.
fn parse_row(
    columns: &[Column],
    fields: &[Cow<'_, [u8]>],
    previous: Option<&StreamId>,
    line: u64,
    origin: &Origin,
    parsed: &mut Parsed,
) -> Option<Sample> {
    let mut row = Row::default();
    for (column, field) in columns.iter().zip(fields) {
        let cell = text(field);
        let (name, expected) = match column {
            Column::Stream => {
                row.stream = cell.and_then(|cell| stream_of(cell, previous));
                if row.stream.is_some() {
                    continue;
                }
                (STREAM, EXPECTED_STREAM)
            }
            Column::Time => {
                row.time = cell.and_then(|cell| cell.parse().ok());
                if row.time.is_some() {
                    continue;
                }
                (TIME, EXPECTED_TIME)
            }
            Column::Unusable => continue,
            _ if field.trim_ascii().is_empty() => continue,
            Column::Field(_) | Column::Other(_) => {
                let number = cell.and_then(|cell| cell.parse::<f64>().ok()).filter(|value| value.is_finite());
                if let Some(value) = number {
                    row.set(column, value);
                    continue;
                }
                let name = match column {
                    Column::Field(field) => field.name(),
                    Column::Other(name) => name.as_ref(),
                    Column::Stream | Column::Time | Column::Unusable => continue,
                };
                (name, EXPECTED_NUMBER)
            }
        };
        parsed.rejects.add(origin, line, Some(name.as_bytes()), field, expected);
    }
    if fields.len() != columns.len() {
        let expected = "as many cells as the header has columns";
        parsed.rejects.add(origin, line, None, format!("{} cells", fields.len()).as_bytes(), expected);
    }
    row.finish()
}

/// Writes samples as a sample file: every named value, then the other names that occur, in order.
pub fn write_samples_csv<W: Write>(samples: &[Sample], out: &mut W) -> io::Result<()> {
    let names = other_names(samples);
    write!(out, "{STREAM},{TIME}")?;
    for field in SampleField::ALL {
        write!(out, ",{field}")?;
    }
    for name in &names {
        out.write_all(b",")?;
        write_quoted(name, out)?;
    }
    out.write_all(b"\n")?;
    for sample in samples {
        write_quoted(sample.stream.as_str(), out)?;
        write!(out, ",{}", sample.time)?;
        for field in SampleField::ALL {
            write_cell(sample.values.get(field), out)?;
        }
        for name in &names {
            write_cell(other_value(sample, name), out)?;
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn write_cell<W: Write>(value: Option<f64>, out: &mut W) -> io::Result<()> {
    match value {
        Some(value) => write!(out, ",{value:?}"),
        None => out.write_all(b","),
    }
}

fn write_quoted<W: Write>(text: &str, out: &mut W) -> io::Result<()> {
    let is_plain = !text.contains([',', '"', '\r', '\n']) && text.trim() == text;
    if is_plain { out.write_all(text.as_bytes()) } else { write!(out, "\"{}\"", text.replace('"', "\"\"")) }
}
