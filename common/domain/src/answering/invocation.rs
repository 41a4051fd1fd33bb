//! How samples are sent to a model server and answers come back: JSON, and lines of numbers.
//!
//! One form for both ends, so that the server and those who ask it cannot come apart. JSON keeps every number to the bit; an
//! absent feature is `null` there and an empty cell in lines. A row may be a list in the schema's order, an object with such a
//! list, or an object of features by name, for people who try it by hand.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::de::DeserializeSeed as _;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::rows::{Reader, Row};
use super::{Answer, AnswerError};
use crate::{FEATURE_COUNT, FEATURE_SCHEMA_VERSION, Feature, FeatureVector, PredictionType};

/// Samples to be judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvocationRequest {
    /// The schema of the features; the receiver's own, if none is said.
    #[serde(default = "this_schema")]
    pub feature_schema: u32,
    /// The samples.
    pub instances: Vec<Instance>,
}

/// One sample to be judged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Instance(pub FeatureVector);

/// What a model server says of each sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvocationAnswer<'a> {
    /// The model's version.
    pub model_version: Cow<'a, str>,
    /// The feature schema it was trained on.
    pub feature_schema: u32,
    /// The classes' names, in the order of the probabilities.
    pub classes: Vec<Cow<'a, str>>,
    /// One for each sample, in the order asked.
    pub predictions: Vec<Prediction>,
}

/// What a model server says of one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The likeliest class.
    pub class: PredictionType,
    /// Its probability.
    pub confidence: f64,
    /// How bad, 0 to 100.
    pub risk: f64,
    /// By class; they sum to 1.
    pub probabilities: Vec<f64>,
}

/// What came is no answer to what was asked.
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// Not the JSON it should be.
    #[error("not an answer of a model server")]
    Json(#[source] serde_json::Error),
    /// Of another feature schema.
    #[error("feature schema {found}, expected {FEATURE_SCHEMA_VERSION}")]
    Schema {
        /// Which.
        found: u32,
    },
    /// Of other classes, or in another order.
    #[error("class {position} is {found:?}, expected {expected:?}")]
    Classes {
        /// Where they differ first, from 0.
        position: usize,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// Too few or too many.
    #[error("{found} answers to {asked} samples")]
    Count {
        /// How many came.
        found: usize,
        /// How many were asked.
        asked: usize,
    },
    /// One that cannot be.
    #[error("answer {position} cannot be")]
    Answer {
        /// Which, from 0.
        position: usize,
        /// Why.
        #[source]
        source: AnswerError,
    },
    /// A cell of a line is no number.
    #[error("line {line}, column {column}: found {found:?}, expected a number")]
    Cell {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What stands there.
        found: String,
    },
    /// A line has another number of cells.
    #[error("line {line} has {found} cells, expected {expected}")]
    Cells {
        /// From 1.
        line: usize,
        /// How many it has.
        found: usize,
        /// How many it should.
        expected: &'static str,
    },
    /// Lines that are no text.
    #[error("not a text")]
    Text(#[source] std::str::Utf8Error),
}

fn this_schema() -> u32 {
    FEATURE_SCHEMA_VERSION
}

impl InvocationAnswer<'_> {
    /// Reads the answers to `asked` samples.
    ///
    /// # Errors
    /// What is no answer, has other classes or another schema, or too few or impossible answers.
    pub fn answers(json: &[u8], asked: usize) -> Result<Vec<Answer>, InvocationError> {
        let said: InvocationAnswer<'_> = serde_json::from_slice(json).map_err(InvocationError::Json)?;
        if said.feature_schema != FEATURE_SCHEMA_VERSION {
            return Err(InvocationError::Schema { found: said.feature_schema });
        }
        let mut names = said.classes.iter();
        for (position, expected) in PredictionType::ALL.iter().map(|class| class.name()).enumerate() {
            let found = names.next().map_or("", |name| name.as_ref());
            if found != expected {
                let found = found.chars().take(64).collect();
                return Err(InvocationError::Classes { position, found, expected });
            }
        }
        if said.predictions.len() != asked || names.next().is_some() {
            return Err(InvocationError::Count { found: said.predictions.len(), asked });
        }
        let answer = |(position, one): (usize, &Prediction)| {
            let answer = Answer::checked(&one.probabilities, Some(one.risk));
            let answer = answer.map_err(|source| InvocationError::Answer { position, source })?;
            Ok(answer.of_version(&said.model_version))
        };
        said.predictions.iter().enumerate().map(answer).collect()
    }
}

/// Samples as lines of numbers.
pub fn csv_of_vectors<'a>(vectors: impl IntoIterator<Item = &'a FeatureVector>) -> String {
    let mut text = String::new();
    for vector in vectors {
        for (place, feature) in Feature::ALL.into_iter().enumerate() {
            if place > 0 {
                text.push(',');
            }
            if let Some(value) = vector.get(feature).filter(|value| value.is_finite()) {
                let _ = write!(text, "{value}");
            }
        }
        text.push('\n');
    }
    text
}

/// The samples of lines of numbers.
///
/// # Errors
/// A line with other than forty cells, or a cell that is no number.
pub fn vectors_of_csv(bytes: &[u8]) -> Result<Vec<FeatureVector>, InvocationError> {
    let text = std::str::from_utf8(bytes).map_err(InvocationError::Text)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let vector = |(line, text): (usize, &str)| {
        let mut vector = FeatureVector::default();
        let found = text.split(',').count();
        if found != FEATURE_COUNT {
            return Err(InvocationError::Cells { line: line + 1, found, expected: "40" });
        }
        for ((place, cell), feature) in text.split(',').enumerate().zip(Feature::ALL) {
            if !cell.trim().is_empty() {
                vector.set(feature, number(cell, line, place)?);
            }
        }
        Ok(vector)
    };
    lines.map(vector).collect()
}

/// Answers as lines of numbers: the probability of each class, then the risk where there is one.
pub fn csv_of_answers<'a>(answers: impl IntoIterator<Item = (&'a [f64], Option<f64>)>) -> String {
    let mut text = String::new();
    for (probabilities, risk) in answers {
        for (place, value) in probabilities.iter().chain(risk.as_ref()).enumerate() {
            let comma = if place > 0 { "," } else { "" };
            let _ = write!(text, "{comma}{value}");
        }
        text.push('\n');
    }
    text
}

/// The answers of lines of numbers to `asked` samples.
///
/// # Errors
/// Too few or too many lines, a line with other than eleven or twelve cells, what is no number, an impossible answer.
pub fn answers_of_csv(bytes: &[u8], asked: usize) -> Result<Vec<Answer>, InvocationError> {
    let text = std::str::from_utf8(bytes).map_err(InvocationError::Text)?;
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.len() != asked {
        return Err(InvocationError::Count { found: lines.len(), asked });
    }
    let answer = |(position, line): (usize, &&str)| {
        let cells = line.split(',').enumerate();
        let numbers: Result<Vec<f64>, _> = cells.map(|(place, cell)| number(cell, position, place)).collect();
        let numbers = numbers?;
        let (probabilities, risk) = match numbers.split_at_checked(PredictionType::COUNT) {
            Some((probabilities, [])) => (probabilities, None),
            Some((probabilities, [risk])) => (probabilities, Some(*risk)),
            _ => {
                let (line, found) = (position + 1, numbers.len());
                return Err(InvocationError::Cells { line, found, expected: "11 or 12" });
            }
        };
        Answer::checked(probabilities, risk).map_err(|source| InvocationError::Answer { position, source })
    };
    lines.iter().enumerate().map(answer).collect()
}

fn number(cell: &str, line: usize, place: usize) -> Result<f64, InvocationError> {
    cell.trim().parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(|| InvocationError::Cell {
        line: line + 1,
        column: place + 1,
        found: cell.chars().take(64).collect(),
    })
}

impl Serialize for Instance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_seq(Some(FEATURE_COUNT))?;
        for feature in Feature::ALL {
            row.serialize_element(&self.0.get(feature))?;
        }
        row.end()
    }
}

impl<'de> Deserialize<'de> for Instance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut row = FeatureVector::default();
        Row { reader: &Reader::default(), row: &mut row }.deserialize(deserializer)?;
        Ok(Instance(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector() -> FeatureVector {
        let mut vector = FeatureVector::default();
        vector.set(Feature::LatencyP99, 0.1 + 0.2);
        vector.set(Feature::Hour, 23.0);
        vector
    }

    fn answer(probability: f64) -> InvocationAnswer<'static> {
        let mut probabilities = vec![(1.0 - probability) / 10.0; 11];
        probabilities[0] = probability;
        let class = PredictionType::Normal;
        InvocationAnswer {
            model_version: "2".into(),
            feature_schema: 1,
            classes: PredictionType::ALL.map(|class| class.name().into()).to_vec(),
            predictions: vec![Prediction { class, confidence: probability, risk: 3.5, probabilities }],
        }
    }

    #[test]
    fn samples_come_through_json_and_lines_to_the_bit() {
        let request = InvocationRequest { feature_schema: 1, instances: vec![Instance(vector()); 2] };
        let json = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<InvocationRequest>(&json).unwrap(), request);
        let lines = csv_of_vectors([&vector(), &FeatureVector::default()]);
        assert_eq!(vectors_of_csv(lines.as_bytes()).unwrap(), [vector(), FeatureVector::default()]);
    }

    #[test]
    fn a_row_may_name_its_features_and_an_unknown_name_is_refused() {
        let named = r#"{"instances":[{"hour":23,"latency_p99":0.30000000000000004,"utilization":null}]}"#;
        assert_eq!(serde_json::from_str::<InvocationRequest>(named).unwrap().instances, [Instance(vector())]);
        let unknown = serde_json::from_str::<InvocationRequest>(r#"{"instances":[{"huor":23}]}"#);
        assert!(unknown.unwrap_err().to_string().contains("huor"));
        let short = serde_json::from_str::<InvocationRequest>(r#"{"instances":[[1,2,3]]}"#);
        assert!(short.unwrap_err().to_string().contains("invalid length 3"));
        let long = format!(r#"{{"instances":[[{}]]}}"#, vec!["1"; 41].join(","));
        assert!(serde_json::from_str::<InvocationRequest>(&long).is_err());
    }

    #[test]
    fn an_answer_of_other_classes_counts_or_schemas_is_refused() {
        let read = |said: &InvocationAnswer<'_>, asked| {
            InvocationAnswer::answers(&serde_json::to_vec(said).unwrap(), asked)
        };
        assert_eq!(read(&answer(0.75), 1).unwrap()[0].risk(), Some(3.5));
        assert_eq!(read(&answer(0.75), 1).unwrap()[0].model_version, "2");
        assert!(matches!(read(&answer(0.75), 2), Err(InvocationError::Count { found: 1, asked: 2 })));
        let mut other = answer(0.75);
        other.classes.swap(3, 4);
        assert!(matches!(read(&other, 1), Err(InvocationError::Classes { position: 3, .. })));
        other.classes.truncate(2);
        assert!(matches!(read(&other, 1), Err(InvocationError::Classes { position: 2, .. })));
        let other = InvocationAnswer { feature_schema: 2, ..answer(0.75) };
        assert!(matches!(read(&other, 1), Err(InvocationError::Schema { found: 2 })));
        assert!(matches!(read(&answer(1.75), 1), Err(InvocationError::Answer { position: 0, .. })));
        let html = InvocationAnswer::answers(b"<html>", 1);
        assert!(matches!(html, Err(InvocationError::Json(_))));
    }

    #[test]
    fn lines_of_answers_have_a_risk_or_none() {
        let said = answer(0.75).predictions.remove(0);
        let with = csv_of_answers([(said.probabilities.as_slice(), Some(said.risk))]);
        assert_eq!(answers_of_csv(with.as_bytes(), 1).unwrap()[0].risk(), Some(3.5));
        let without = csv_of_answers([(said.probabilities.as_slice(), None)]);
        assert_eq!(answers_of_csv(without.as_bytes(), 1).unwrap()[0].risk(), None);
        assert!(matches!(answers_of_csv(b"0.5,0.5\n", 1), Err(InvocationError::Cells { found: 2, .. })));
        assert!(matches!(answers_of_csv(b"", 1), Err(InvocationError::Count { found: 0, asked: 1 })));
        let cell = without.replacen("0.75", "nan", 1);
        assert!(matches!(answers_of_csv(cell.as_bytes(), 1), Err(InvocationError::Cell { column: 1, .. })));
    }
}
