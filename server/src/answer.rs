//! The service without a socket: bytes in, bytes out.
//!
//! The same bytes get the same answer from the same model, whoever carries them: the server, a stand-in for SageMaker, a test.

use linkcast_domain::{
    FEATURE_SCHEMA_VERSION, FeatureVector, PredictionType, csv_of_answers, vectors_of_csv, vectors_of_json,
    vectors_of_json_lines,
};
use linkcast_scoring::{Model, Score};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use crate::Refusal;
use crate::media::{Form, sent, wanted};

/// Bytes a prediction takes as JSON, more or less.
const PREDICTION_BYTES: usize = 360;

/// Scratch that holds more than this many rows is not kept.
const KEPT_ROWS: usize = 4_096;

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The content type of the body.
    pub content_type: Option<&'a str>,
    /// What may come back; the form of the body unless said.
    pub accept: Option<&'a str>,
    /// The rows.
    pub body: &'a [u8],
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The content type of the body.
    pub content_type: &'static str,
    /// The answers, one a row, in the order asked.
    pub body: Vec<u8>,
    /// How many rows were asked.
    pub rows: usize,
}

/// What is used again from one request to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    vectors: Vec<FeatureVector>,
    scores: Vec<Score>,
}

/// Answers a body of at most `most_rows` rows.
///
/// # Errors
/// A form that is not taken or given, rows that cannot be read, or too many of them.
pub fn answer(asked: &Asked<'_>, model: &Model, most_rows: usize) -> Result<Reply, Refusal> {
    answer_with(&mut Scratch::default(), asked, model, most_rows)
}

/// The same as [`answer`], with memory that is there already.
///
/// # Errors
/// As [`answer`].
pub fn answer_with(
    scratch: &mut Scratch,
    asked: &Asked<'_>,
    model: &Model,
    most_rows: usize,
) -> Result<Reply, Refusal> {
    let (came, schema) = sent(asked.content_type)?;
    let given = wanted(asked.accept, came)?;
    if let Some(found) = schema.filter(|found| *found != FEATURE_SCHEMA_VERSION) {
        return Err(Refusal::Schema { found });
    }
    let Scratch { vectors, scores } = scratch;
    read(came.form, asked.body, most_rows, vectors)?;
    model.score_batch(vectors, scores);
    let body = write(given.form, model, scores)?;
    let rows = vectors.len();
    if rows > KEPT_ROWS {
        *scratch = Scratch::default();
    }
    Ok(Reply { content_type: given.name, body, rows })
}

fn read(form: Form, body: &[u8], most: usize, vectors: &mut Vec<FeatureVector>) -> Result<(), Refusal> {
    match form {
        Form::Json => return Ok(vectors_of_json(body, most, vectors)?),
        Form::JsonLines => vectors_of_json_lines(body, most, vectors)?,
        Form::Csv => {
            let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
            if lines.count() > most {
                return Err(Refusal::TooMany { most });
            }
            *vectors = vectors_of_csv(body).map_err(Refusal::Lines)?;
        }
    }
    if vectors.is_empty() { Err(Refusal::NoRow) } else { Ok(()) }
}

fn write(form: Form, model: &Model, scores: &[Score]) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::with_capacity(512 + scores.len() * PREDICTION_BYTES);
    match form {
        Form::Json => {
            let said = Said {
                model_version: &model.identity().model_version,
                feature_schema: FEATURE_SCHEMA_VERSION,
                classes: PredictionType::ALL,
                predictions: Predictions(scores),
            };
            serde_json::to_writer(&mut body, &said).map_err(Refusal::Unwritten)?;
            body.push(b'\n');
        }
        Form::JsonLines => {
            for score in scores {
                serde_json::to_writer(&mut body, &SaidOfOne::of(score)).map_err(Refusal::Unwritten)?;
                body.push(b'\n');
            }
        }
        Form::Csv => {
            let answers = scores.iter().map(|score| (score.probabilities.as_slice(), Some(score.risk)));
            body = csv_of_answers(answers).into_bytes();
        }
    }
    Ok(body)
}

/// An `InvocationAnswer`, written without being built.
#[derive(Serialize)]
struct Said<'a> {
    model_version: &'a str,
    feature_schema: u32,
    classes: [PredictionType; PredictionType::COUNT],
    predictions: Predictions<'a>,
}

struct Predictions<'a>(&'a [Score]);

impl Serialize for Predictions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for score in self.0 {
            list.serialize_element(&SaidOfOne::of(score))?;
        }
        list.end()
    }
}

#[derive(Serialize)]
struct SaidOfOne<'a> {
    class: PredictionType,
    confidence: f64,
    risk: f64,
    probabilities: &'a [f64; PredictionType::COUNT],
}

impl<'a> SaidOfOne<'a> {
    fn of(score: &'a Score) -> Self {
        let Score { probabilities, class, confidence, risk } = score;
        SaidOfOne { class: *class, confidence: *confidence, risk: *risk, probabilities }
    }
}
