//! Why a request has no answer, in words and as a status of HTTP.

use std::error::Error;
use std::fmt::Write as _;

use linkcast_domain::{FEATURE_COUNT, FEATURE_SCHEMA_VERSION, Feature, InvocationError, RowsError};
use serde::Serialize;

use crate::media::KNOWN;

/// What was sent cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not a form that is taken.
    #[error("content type {found:?}, expected one of {}", media())]
    ContentType {
        /// What it was.
        found: String,
    },
    /// Not a form that is given.
    #[error("nothing of {found:?} is given: accept one of {}", media())]
    Accept {
        /// What was accepted.
        found: String,
    },
    /// The content type names another feature schema.
    #[error("feature schema {found}, expected {FEATURE_SCHEMA_VERSION}")]
    Schema {
        /// Which.
        found: u32,
    },
    /// JSON that cannot be read.
    #[error(transparent)]
    Rows(RowsError),
    /// Lines that cannot be read.
    #[error(transparent)]
    Lines(InvocationError),
    /// Nothing but empty lines.
    #[error("no row, expected one a line")]
    NoRow,
    /// More rows than one request may have.
    #[error("more than {most} rows, send them in several requests")]
    TooMany {
        /// How many it may have.
        most: usize,
    },
    /// An answer that could not be written, which is this program's fault.
    #[error("the answer could not be written")]
    Unwritten(#[source] serde_json::Error),
}

impl From<RowsError> for Refusal {
    fn from(error: RowsError) -> Self {
        match error {
            RowsError::TooMany { most } => Refusal::TooMany { most },
            other => Refusal::Rows(other),
        }
    }
}

/// What a client is told.
#[derive(Serialize)]
struct Told<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
}

impl Refusal {
    /// The status of HTTP that says so.
    pub fn status(&self) -> u16 {
        match self {
            Refusal::ContentType { .. } => 415,
            Refusal::Accept { .. } => 406,
            Refusal::TooMany { .. } => 413,
            Refusal::Unwritten(_) => 500,
            Refusal::Schema { .. } | Refusal::Rows(_) | Refusal::Lines(_) | Refusal::NoRow => 400,
        }
    }

    /// An object that says what is wrong, and where and what was expected as far as there is such a place.
    pub fn to_json(&self) -> Vec<u8> {
        let text = chain(self);
        let mut told =
            Told { error: &text, row: None, line: None, column: None, field: None, expected: None };
        match self {
            Refusal::Rows(error) => place_of_rows(error, &mut told),
            Refusal::Lines(error) => place_of_lines(error, &mut told),
            Refusal::ContentType { .. } | Refusal::Accept { .. } => told.expected = Some(media()),
            Refusal::Schema { .. } => told.expected = Some(FEATURE_SCHEMA_VERSION.to_string()),
            Refusal::TooMany { most } => told.expected = Some(format!("at most {most} rows")),
            Refusal::NoRow | Refusal::Unwritten(_) => {}
        }
        json(&told)
    }
}

/// An object that says only what is wrong.
pub(crate) fn plain(error: &str) -> Vec<u8> {
    json(&Told { error, row: None, line: None, column: None, field: None, expected: None })
}

fn json(told: &Told<'_>) -> Vec<u8> {
    // Text and numbers can always be written.
    let mut json = serde_json::to_vec(told).unwrap_or_default();
    json.push(b'\n');
    json
}

fn place_of_rows(error: &RowsError, told: &mut Told<'_>) {
    match error {
        RowsError::Json { place, source } => {
            (told.row, told.line, told.column) = (place.row, Some(source.line()), Some(source.column()));
            told.field = place.feature.map(Feature::name);
            told.expected = Some(match (place.row, place.feature) {
                (_, Some(_)) => "a number or null".to_owned(),
                (Some(_), None) => format!("a list of {FEATURE_COUNT} numbers or nulls, or features by name"),
                (None, None) => r#"{"instances": [row, …]}"#.to_owned(),
            });
        }
        RowsError::Schema { place, .. } => {
            told.row = place.row;
            told.field = Some("feature_schema");
            told.expected = Some(FEATURE_SCHEMA_VERSION.to_string());
        }
        RowsError::TooMany { most } => told.expected = Some(format!("at most {most} rows")),
    }
}

fn place_of_lines(error: &InvocationError, told: &mut Told<'_>) {
    match error {
        InvocationError::Cell { line, column, .. } => {
            (told.row, told.line, told.column) = (Some(*line), Some(*line), Some(*column));
            told.field = column.checked_sub(1).and_then(|place| Feature::ALL.get(place)).map(|it| it.name());
            told.expected = Some("a number or an empty cell".to_owned());
        }
        InvocationError::Cells { line, .. } => {
            (told.row, told.line) = (Some(*line), Some(*line));
            told.expected = Some(format!("{FEATURE_COUNT} cells"));
        }
        _ => told.expected = Some(format!("lines of {FEATURE_COUNT} numbers in UTF-8")),
    }
}

fn media() -> String {
    KNOWN.map(|media| media.name).join(", ")
}

/// An error and its causes as one line, of a length that can be told.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {inner}");
        cause = inner.source();
    }
    match text.char_indices().nth(400) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
