//! Verdicts out of a file, row by row.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use linkcast_domain::{Review, ReviewId, ReviewVerdict, Reviewer, StreamId, Timestamp};
use serde_json::{Map, Value};

use super::FileForm;
use super::row::{COLUMNS, ITEM, NOTE, REVIEWED_AT, REVIEWER, SEVERITY, STREAM, TIME, VERDICT};
use crate::capture::read_bytes;
use crate::exit::{ExitKind, Failure};

/// What stands in the place of what rows leave out.
pub(crate) struct Defaults {
    /// Who gave the verdicts.
    pub(crate) reviewer: Option<Reviewer>,
    /// When.
    pub(crate) time: Timestamp,
}

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowFault {
    /// Its line, from 1.
    pub(crate) line: u64,
    /// The field at fault, if it is one.
    pub(crate) field: Option<&'static str>,
    /// What is wrong with it.
    pub(crate) reason: String,
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            Some(field) => write!(f, "{}: {field}: {}", self.line, self.reason),
            None => write!(f, "{}: {}", self.line, self.reason),
        }
    }
}

/// What a file holds.
#[derive(Debug, Default)]
pub(crate) struct Imported {
    /// Verdicts, with the line each stands in.
    pub(crate) verdicts: Vec<(u64, (ReviewId, Review))>,
    /// The sample of each of their items, where a row names it.
    pub(crate) samples: BTreeMap<ReviewId, (StreamId, Timestamp)>,
    /// Rows without a verdict.
    pub(crate) open: u64,
    /// Rows that cannot be used.
    pub(crate) faults: Vec<RowFault>,
    /// Columns nobody knows.
    pub(crate) unknown: Vec<String>,
}

/// A row's cells by column; those that are empty are left out.
type Cells = BTreeMap<String, String>;

/// Reads every row.
pub(crate) fn read(path: &Path, form: FileForm, defaults: &Defaults) -> Result<Imported, Failure> {
    let bytes = read_bytes(path).map_err(|error| Failure::new(ExitKind::UnusableInput, error))?;
    Ok(read_rows(&bytes, form, defaults))
}

pub(super) fn read_rows(bytes: &[u8], form: FileForm, defaults: &Defaults) -> Imported {
    let rows = match form {
        FileForm::Csv => csv_rows(bytes),
        FileForm::JsonLines => json_rows(bytes),
    };
    let mut imported = Imported::default();
    for (line, cells) in rows {
        match cells.and_then(|cells| {
            note_unknown(&cells, &mut imported.unknown);
            imported.samples.extend(sample(&cells));
            verdict(&cells, defaults)
        }) {
            Ok(Some(verdict)) => imported.verdicts.push((line, verdict)),
            Ok(None) => imported.open += 1,
            Err((field, reason)) => imported.faults.push(RowFault { line, field, reason }),
        }
    }
    imported
}

/// The field at fault, and what is wrong.
type Fault = (Option<&'static str>, String);

fn csv_rows(bytes: &[u8]) -> Vec<(u64, Result<Cells, Fault>)> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => return vec![(1, Err((None, format!("no header of columns: {error}"))))],
    };
    let mut rows = Vec::new();
    for record in reader.into_records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                rows.push((line, Err((None, format!("no row: {error}")))));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let cells = if record.len() > header.len() {
            Err((None, format!("found {} cells, expected at most {}", record.len(), header.len())))
        } else {
            let cells = header.iter().zip(&record).filter(|(_, cell)| !cell.trim().is_empty());
            Ok(cells.map(|(column, cell)| (column.trim().to_owned(), cell.to_owned())).collect())
        };
        rows.push((line, cells));
    }
    rows
}

fn json_rows(bytes: &[u8]) -> Vec<(u64, Result<Cells, Fault>)> {
    let lines = bytes.split(|byte| *byte == b'\n').zip(1..);
    let lines = lines.filter(|(line, _)| !line.iter().all(u8::is_ascii_whitespace));
    lines
        .map(|(line, number)| {
            let row = serde_json::from_slice::<Map<String, Value>>(line);
            let row = row.map_err(|error| (None, format!("no JSON object: {error}")));
            (number, row.map(|row| row.into_iter().filter_map(cell).collect()))
        })
        .collect()
}

fn cell((column, value): (String, Value)) -> Option<(String, String)> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text,
        other => other.to_string(),
    };
    (!text.trim().is_empty()).then_some((column, text))
}

fn note_unknown(cells: &Cells, unknown: &mut Vec<String>) {
    for column in cells.keys() {
        if !COLUMNS.contains(&column.as_str()) && !unknown.contains(column) {
            unknown.push(column.clone());
        }
    }
}

/// The row's verdict; none where nobody gave one.
fn verdict(cells: &Cells, defaults: &Defaults) -> Result<Option<(ReviewId, Review)>, Fault> {
    let Some(verdict) = field::<ReviewVerdict>(cells, VERDICT)? else {
        // A severity or a note is work somebody did: it is not passed over.
        return match [SEVERITY, NOTE].into_iter().find(|column| cells.contains_key(*column)) {
            Some(column) => Err((Some(VERDICT), format!("is missing, though there is a {column}"))),
            None => Ok(None),
        };
    };
    let missing = |column: &'static str, reason: &str| (Some(column), reason.to_owned());
    let reviewer = field::<Reviewer>(cells, REVIEWER)?.or_else(|| defaults.reviewer.clone());
    let severity = field::<f64>(cells, SEVERITY)?;
    if let Some(severity) = severity.filter(|severity| !(0.0..=100.0).contains(severity)) {
        return Err((Some(SEVERITY), format!("{severity}: expected a number from 0 to 100")));
    }
    let review = Review {
        reviewer: reviewer.ok_or_else(|| missing(REVIEWER, "is missing: fill it in, or give --reviewer"))?,
        time: field::<Timestamp>(cells, REVIEWED_AT)?.unwrap_or(defaults.time),
        verdict,
        severity,
        note: cells.get(NOTE).cloned().unwrap_or_default(),
    };
    Ok(Some((item(cells)?, review)))
}

/// The item, by its id or by what the id is made of.
fn item(cells: &Cells) -> Result<ReviewId, Fault> {
    if let Some(id) = field::<ReviewId>(cells, ITEM)? {
        return Ok(id);
    }
    match (field::<StreamId>(cells, STREAM)?, field::<Timestamp>(cells, TIME)?) {
        (Some(stream), Some(time)) => Ok(ReviewId::of(&stream, time)),
        _ => Err((Some(ITEM), format!("is missing: expected it, or {STREAM} and {TIME}"))),
    }
}

/// The sample that a row names, if it does, under the id that follows from it.
fn sample(cells: &Cells) -> Option<(ReviewId, (StreamId, Timestamp))> {
    let stream = field::<StreamId>(cells, STREAM).ok()??;
    let time = field::<Timestamp>(cells, TIME).ok()??;
    Some((ReviewId::of(&stream, time), (stream, time)))
}

fn field<T: FromStr>(cells: &Cells, column: &'static str) -> Result<Option<T>, Fault>
where
    T::Err: fmt::Display,
{
    let Some(text) = cells.get(column) else { return Ok(None) };
    let parsed = text.trim().parse();
    parsed.map(Some).map_err(|error: T::Err| (Some(column), error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_csv(text: &str) -> Imported {
        let defaults = Defaults { reviewer: None, time: Timestamp::from_millis(77) };
        read_rows(text.as_bytes(), FileForm::Csv, &defaults)
    }

    #[test]
    fn a_row_names_its_item_by_id_or_by_stream_and_time() {
        let id = ReviewId::of(&"a/1".parse().unwrap(), Timestamp::from_millis(5));
        let text =
            format!("verdict,reviewer,item,stream_id,timestamp\nnormal,ada,{id},,\nnormal,ada,,a/1,5\n");
        let imported = read_csv(&text);
        assert_eq!(imported.faults, []);
        assert!(
            imported
                .verdicts
                .iter()
                .all(|(_, (found, review))| { *found == id && review.time == Timestamp::from_millis(77) })
        );
        assert_eq!(imported.verdicts.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_field_and_the_rest_is_read() {
        let imported = read_csv(
            "stream_id,timestamp,verdict,reviewer,severity,note,mood\n\
             a/1,5,broken,ada,,,\n\
             a/1,5,normal,,,,\n\
             a/1,5,normal,ada,101,,\n\
             a/1,noon,normal,ada,,,\n\
             ,5,normal,ada,,,\n\
             a/1,5,,,,\"two\nlines\",\n\
             a/1,5,,,,,\n\
             a/1,5,rdma_timeout,ada,99.5,\"a, b\",fine\n",
        );
        let faults: Vec<(u64, &str)> =
            imported.faults.iter().map(|fault| (fault.line, fault.field.unwrap_or("?"))).collect();
        let expected =
            [(2, "verdict"), (3, "reviewer"), (4, "severity"), (5, "timestamp"), (6, "item"), (7, "verdict")];
        assert_eq!(faults, expected);
        assert_eq!((imported.open, imported.unknown), (1, vec!["mood".to_owned()]));
        let (line, (_, review)) = &imported.verdicts[0];
        assert_eq!((*line, review.severity, review.note.as_str()), (10, Some(99.5), "a, b"));
    }

    #[test]
    fn a_line_that_is_no_object_is_one_fault() {
        let defaults = Defaults { reviewer: "ada".parse().ok(), time: Timestamp::EPOCH };
        let text = "{\"stream_id\": \"a/1\", \"timestamp\": 5, \"verdict\": \"normal\", \"severity\": 12}\n\n[1]\n{\"a\"\n";
        let imported = read_rows(text.as_bytes(), FileForm::JsonLines, &defaults);
        assert_eq!(imported.faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(imported.verdicts[0].1.1.severity, Some(12.0));
    }
}
