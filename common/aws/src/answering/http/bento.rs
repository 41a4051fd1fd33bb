//! BentoML: an object with the rows in, a list of probabilities out.
//!
//! A BentoML service takes one JSON object whose members are its method's parameters, and answers with what the method returns;
//! arrays of numpy are lists of lists both ways. The method asked here has one parameter, `rows`, and returns for each row the
//! eleven probabilities, or an object of them and the risk.

use linkcast_domain::{Answer, AnswerError, FeatureVector, PredictionType};
use serde::{Deserialize, Serialize};

use super::Row;

/// What the service's method is called with.
#[derive(Debug, Serialize)]
pub(super) struct Request {
    rows: Vec<Row>,
}

/// What the method returns for one row.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Said {
    Probabilities(Vec<f64>),
    Judgement(Judgement),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Judgement {
    probabilities: Vec<f64>,
    risk: Option<f64>,
    classes: Option<Vec<String>>,
    #[serde(default)]
    model_version: String,
}

/// What a service says that is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum BentoError {
    #[error("expected for each row a list of probabilities, or an object of them")]
    Json(#[source] serde_json::Error),
    #[error("{found} answers to {asked} rows")]
    Count { found: usize, asked: usize },
    #[error("row {row} is answered with other classes, or in another order")]
    Classes { row: usize },
    #[error("the answer to row {row} cannot be")]
    Answer {
        row: usize,
        #[source]
        source: AnswerError,
    },
}

impl Request {
    pub(super) fn of<'a>(vectors: impl Iterator<Item = &'a FeatureVector>) -> Self {
        Request { rows: vectors.copied().map(Row).collect() }
    }
}

/// Reads the answers to `asked` rows.
pub(super) fn answers(json: &[u8], asked: usize) -> Result<Vec<Answer>, BentoError> {
    let said: Vec<Said> = serde_json::from_slice(json).map_err(BentoError::Json)?;
    if said.len() != asked {
        return Err(BentoError::Count { found: said.len(), asked });
    }
    said.into_iter().enumerate().map(|(row, said)| said.checked(row)).collect()
}

impl Said {
    fn checked(self, row: usize) -> Result<Answer, BentoError> {
        let (probabilities, risk, classes, version) = match self {
            Said::Probabilities(probabilities) => (probabilities, None, None, String::new()),
            Said::Judgement(said) => (said.probabilities, said.risk, said.classes, said.model_version),
        };
        let ours = PredictionType::ALL.map(PredictionType::name);
        if classes.is_some_and(|classes| classes != ours) {
            return Err(BentoError::Classes { row });
        }
        let answer = Answer::checked(&probabilities, risk);
        let answer = answer.map_err(|source| BentoError::Answer { row, source })?;
        Ok(answer.of_version(&version))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(json: &Value, asked: usize) -> Result<Vec<Answer>, BentoError> {
        answers(json.to_string().as_bytes(), asked)
    }

    #[test]
    fn lists_and_objects_are_read_and_everything_else_refused() {
        let mut even = vec![0.0; 11];
        even[3] = 1.0;
        assert_eq!(read(&json!([even, even]), 2).unwrap()[1].risk(), None);
        let object = json!([{"probabilities": even, "risk": 7.0, "model_version": "3"}]);
        let answer = read(&object, 1).unwrap().remove(0);
        assert_eq!((answer.risk(), answer.model_version.as_str()), (Some(7.0), "3"));
        assert!(matches!(read(&json!([even]), 2), Err(BentoError::Count { found: 1, asked: 2 })));
        let other = json!([{"probabilities": even, "classes": ["a", "b"]}]);
        assert!(matches!(read(&other, 1), Err(BentoError::Classes { row: 0 })));
        assert!(matches!(read(&json!([vec![0.5; 11]]), 1), Err(BentoError::Answer { row: 0, .. })));
        for wrong in [json!({"detail": "no"}), json!([{"probabilities": even, "score": 1}]), json!("x")] {
            assert!(matches!(read(&wrong, 1), Err(BentoError::Json(_))), "{wrong}");
        }
        assert!(matches!(answers(b"[[NaN,1]]", 1), Err(BentoError::Json(_))));
    }
}
