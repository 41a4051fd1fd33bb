//! Samples that were sent, read straight into feature vectors; what cannot be read is told by row and feature.
//!
//! What arrives here comes from anybody, so no more rows are made than were agreed, whatever the text promises, and nothing of a
//! text is kept beside the numbers. Only where a row stands wrong is remembered while it is read, for people send the wrong
//! thing in one cell of thousands.

use std::cell::Cell;
use std::fmt;

use serde::Deserializer;
use serde::de::{self, Deserialize, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::{FEATURE_COUNT, FEATURE_SCHEMA_VERSION, Feature, FeatureVector};

/// Samples that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// Not the JSON it should be.
    #[error("{place}")]
    Json {
        /// Where.
        place: RowPlace,
        /// What is wrong there.
        #[source]
        source: serde_json::Error,
    },
    /// Of another feature schema.
    #[error("{place}: feature schema {found}, expected {FEATURE_SCHEMA_VERSION}")]
    Schema {
        /// Where.
        place: RowPlace,
        /// Which.
        found: u32,
    },
    /// More than were agreed.
    #[error("more than {most} rows")]
    TooMany {
        /// How many were agreed.
        most: usize,
    },
}

/// Where in what was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowPlace {
    /// The row, from 1; `None` outside of rows.
    pub row: Option<usize>,
    /// The feature.
    pub feature: Option<Feature>,
}

impl fmt::Display for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.row, self.feature) {
            (None, _) => f.write_str("request"),
            (Some(row), None) => write!(f, "row {row}"),
            (Some(row), Some(feature)) => write!(f, "row {row}, {feature}"),
        }
    }
}

/// The rows of a request in JSON, in place of what `vectors` held.
///
/// # Errors
/// What is no request, is of another feature schema, or has more than `most` rows.
pub fn vectors_of_json(json: &[u8], most: usize, vectors: &mut Vec<FeatureVector>) -> Result<(), RowsError> {
    vectors.clear();
    let reader = Reader::new(most);
    let mut text = serde_json::Deserializer::from_slice(json);
    let read = Request { reader: &reader, vectors }.deserialize(&mut text);
    read.and_then(|()| text.end()).map_err(|error| reader.refusal(error))
}

/// The rows of a text with one on each line, in place of what `vectors` held; empty lines count, but are no rows.
///
/// # Errors
/// A line that is no row or is of another feature schema, or more than `most` rows. A place's row is the line.
pub fn vectors_of_json_lines(
    text: &[u8],
    most: usize,
    vectors: &mut Vec<FeatureVector>,
) -> Result<(), RowsError> {
    vectors.clear();
    let reader = Reader::new(most);
    for line in text.split(|byte| *byte == b'\n') {
        reader.next_row();
        if line.trim_ascii().is_empty() {
            continue;
        }
        if vectors.len() == most {
            return Err(RowsError::TooMany { most });
        }
        let mut line = serde_json::Deserializer::from_slice(line);
        let mut row = FeatureVector::default();
        let read = Row { reader: &reader, row: &mut row }.deserialize(&mut line);
        read.and_then(|()| line.end()).map_err(|error| reader.refusal(error))?;
        vectors.push(row);
    }
    Ok(())
}

/// How far reading has come, for the one message that says so.
#[derive(Default)]
pub(super) struct Reader {
    most: usize,
    row: Cell<usize>,
    feature: Cell<Option<Feature>>,
    breach: Cell<Option<Breach>>,
}

/// What JSON's own errors have no words for.
#[derive(Clone, Copy)]
enum Breach {
    Schema(u32),
    TooMany,
}

impl Reader {
    fn new(most: usize) -> Self {
        Reader { most, ..Reader::default() }
    }

    fn next_row(&self) {
        self.row.set(self.row.get() + 1);
        self.feature.set(None);
    }

    fn breached<E: de::Error>(&self, breach: Breach) -> E {
        self.breach.set(Some(breach));
        E::custom("refused")
    }

    fn refusal(&self, source: serde_json::Error) -> RowsError {
        let row = Some(self.row.get()).filter(|row| *row > 0);
        let place = RowPlace { row, feature: self.feature.get() };
        match self.breach.get() {
            None => RowsError::Json { place, source },
            Some(Breach::Schema(found)) => RowsError::Schema { place, found },
            Some(Breach::TooMany) => RowsError::TooMany { most: self.most },
        }
    }
}

struct Request<'a> {
    reader: &'a Reader,
    vectors: &'a mut Vec<FeatureVector>,
}

impl<'de> DeserializeSeed<'de> for Request<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Request<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"an object with "instances""#)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut request: A) -> Result<(), A::Error> {
        let Request { reader, vectors } = self;
        let mut has_instances = false;
        while let Some(name) = request.next_key::<Key>()? {
            match name {
                Key::Schema => request.next_value_seed(Schema(reader))?,
                Key::Instances if has_instances => return Err(de::Error::duplicate_field("instances")),
                Key::Instances => {
                    has_instances = true;
                    request.next_value_seed(Rows { reader, vectors })?;
                    reader.row.set(0);
                    reader.feature.set(None);
                }
                Key::Other(name) => return Err(unknown(&name)),
                Key::Feature(feature) => return Err(unknown(feature.name())),
                Key::Features => return Err(unknown("features")),
                Key::Stream => return Err(unknown("stream")),
            }
        }
        if has_instances { Ok(()) } else { Err(de::Error::missing_field("instances")) }
    }
}

fn unknown<E: de::Error>(name: &str) -> E {
    de::Error::unknown_field(name, &["feature_schema", "instances"])
}

struct Rows<'a> {
    reader: &'a Reader,
    vectors: &'a mut Vec<FeatureVector>,
}

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let Rows { reader, vectors } = self;
        loop {
            reader.next_row();
            // Filled where it stays: a row is copied no further.
            vectors.push(FeatureVector::default());
            let Some(row) = vectors.last_mut() else { return Ok(()) };
            if rows.next_element_seed(Row { reader, row })?.is_none() {
                vectors.pop();
                return Ok(());
            }
            if vectors.len() > reader.most {
                return Err(reader.breached(Breach::TooMany));
            }
        }
    }
}

/// One row: a list in the schema's order, an object with such a list, or an object of features by name.
pub(super) struct Row<'a> {
    pub(super) reader: &'a Reader,
    /// What it is read into, every feature absent.
    pub(super) row: &'a mut FeatureVector,
}

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of 40 numbers or nulls, or an object of features by name")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        for (place, feature) in Feature::ALL.into_iter().enumerate() {
            self.reader.feature.set(Some(feature));
            let value = cells.next_element_seed(Number)?;
            self.row.set(feature, value.ok_or_else(|| de::Error::invalid_length(place, &self))?);
        }
        self.reader.feature.set(None);
        match cells.next_element::<IgnoredAny>()? {
            None => Ok(()),
            Some(_) => Err(de::Error::invalid_length(FEATURE_COUNT + 1, &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Row { reader, row } = self;
        while let Some(name) = members.next_key::<Key>()? {
            match name {
                Key::Feature(feature) => {
                    reader.feature.set(Some(feature));
                    row.set(feature, members.next_value_seed(Number)?);
                    reader.feature.set(None);
                }
                Key::Features => members.next_value_seed(Row { reader, row: &mut *row })?,
                Key::Schema => members.next_value_seed(Schema(reader))?,
                Key::Stream => {
                    members.next_value::<IgnoredAny>()?;
                }
                Key::Instances => return Err(no_feature("instances")),
                Key::Other(name) => return Err(no_feature(&name)),
            }
        }
        Ok(())
    }
}

fn no_feature<E: de::Error>(name: &str) -> E {
    match name.parse::<Feature>() {
        Err(error) => E::custom(error),
        Ok(feature) => E::custom(feature),
    }
}

/// A number or nothing, which is NaN.
struct Number;

impl<'de> DeserializeSeed<'de> for Number {
    type Value = f64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<f64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Number {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or null")
    }

    fn visit_f64<E>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_u64<E>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_i64<E>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_unit<E>(self) -> Result<f64, E> {
        Ok(f64::NAN)
    }
}

/// The version of the schema that somebody meant.
struct Schema<'a>(&'a Reader);

impl<'de> DeserializeSeed<'de> for Schema<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match u32::deserialize(deserializer)? {
            FEATURE_SCHEMA_VERSION => Ok(()),
            found => Err(self.0.breached(Breach::Schema(found))),
        }
    }
}

/// A name in a request or a row.
enum Key {
    Feature(Feature),
    Features,
    Instances,
    Schema,
    Stream,
    Other(String),
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyText)
    }
}

struct KeyText;

impl Visitor<'_> for KeyText {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Key, E> {
        Ok(match name {
            "features" => Key::Features,
            "instances" => Key::Instances,
            "feature_schema" => Key::Schema,
            "stream" => Key::Stream,
            _ => match name.parse() {
                Ok(feature) => Key::Feature(feature),
                Err(_) => Key::Other(name.chars().take(64).collect()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: RowsError) -> String {
        use std::error::Error as _;
        error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
    }

    fn json(text: &str) -> Result<Vec<FeatureVector>, String> {
        let mut vectors = vec![FeatureVector::default(); 3];
        vectors_of_json(text.as_bytes(), 2, &mut vectors).map_err(told)?;
        Ok(vectors)
    }

    fn lines(text: &str) -> Result<Vec<FeatureVector>, String> {
        let mut vectors = vec![FeatureVector::default(); 3];
        vectors_of_json_lines(text.as_bytes(), 2, &mut vectors).map_err(told)?;
        Ok(vectors)
    }

    fn at_23() -> FeatureVector {
        let mut vector = FeatureVector::default();
        vector.set(Feature::Hour, 23.0);
        vector
    }

    #[test]
    fn rows_of_every_form_are_the_same_rows() {
        let mut cells = vec!["null"; FEATURE_COUNT];
        cells[Feature::Hour as usize] = "23";
        let list = format!("[{}]", cells.join(","));
        for row in
            [list.clone(), format!(r#"{{"stream":"a/1","features":{list}}}"#), r#"{"hour":23.0}"#.into()]
        {
            assert_eq!(json(&format!(r#"{{"instances":[{row}]}}"#)), Ok(vec![at_23()]), "{row}");
            assert_eq!(lines(&format!("{row}\r\n\n{row}")), Ok(vec![at_23(); 2]), "{row}");
        }
        assert_eq!(json(r#"{"instances":[],"feature_schema":1}"#), Ok(vec![]));
        assert_eq!(lines("\n"), Ok(vec![]));
    }

    #[test]
    fn what_is_wrong_is_told_with_row_and_feature() {
        let short = format!("[{}]", ["1"; 39].join(","));
        let long = format!("[{}]", ["1"; 41].join(","));
        for (row, said) in [
            (r#"{"hour":"x"}"#, "row 2, hour: invalid type: string \"x\", expected a number or null"),
            (r#"{"huor":1}"#, "row 2: \"huor\" is not a feature of schema 1"),
            (r#"{"hour":1e999}"#, "row 2, hour: number out of range"),
            (r#"{"hour":NaN}"#, "row 2, hour: expected value"),
            ("[1,true]", "row 2, utilization: invalid type: boolean `true`, expected a number or null"),
            (&short, "row 2, minutes_since_reset: invalid length 39, expected a list of 40 numbers"),
            (&long, "row 2: invalid length 41"),
            (r#"{"feature_schema":2}"#, "row 2: feature schema 2, expected 1"),
            ("7", "row 2: invalid type: integer `7`, expected a list of 40 numbers"),
        ] {
            let found = json(&format!(r#"{{"instances":[{{}},{row}]}}"#)).unwrap_err();
            assert!(found.starts_with(said), "{row}: {found}");
            let found = lines(&format!("{{}}\n{row}\n")).unwrap_err();
            assert!(found.starts_with(said), "{row}: {found}");
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for (text, said) in [
            ("<html>", "request: expected value at line 1 column 1"),
            ("[]", r#"request: invalid type: sequence, expected an object with "instances""#),
            ("{}", "request: missing field `instances`"),
            (r#"{"instances":[{}],"instances":[{}]}"#, "request: duplicate field `instances`"),
            (r#"{"instances":[{}],"hour":1}"#, "request: unknown field `hour`, expected `feature_schema` or"),
            (r#"{"instances":[{}]} x"#, "request: trailing characters"),
            (r#"{"instances":[{}"#, "row 2: EOF while parsing a list"),
            (r#"{"feature_schema":7,"instances":[{}]}"#, "request: feature schema 7, expected 1"),
        ] {
            let found = json(text).unwrap_err();
            assert!(found.starts_with(said), "{text}: {found}");
        }
    }

    #[test]
    fn no_more_rows_are_made_than_were_agreed() {
        assert_eq!(json(r#"{"instances":[{},{},{}]}"#).unwrap_err(), "more than 2 rows");
        assert_eq!(lines("{}\n{}\n{}").unwrap_err(), "more than 2 rows");
    }
}
