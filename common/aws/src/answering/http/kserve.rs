//! KServe's open inference protocol, version 2: one tensor of samples in, one of probabilities out.
//!
//! <https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol>: tensors are flat lists in row-major order
//! with a shape beside them, or lists as deep as the shape. The input is called `features`, as our ONNX files call it.

use linkcast_domain::{Answer, AnswerError, FEATURE_COUNT, FeatureVector, PredictionType};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Row;

/// What is asked.
#[derive(Debug, Serialize)]
pub(super) struct Request {
    inputs: [Input; 1],
    outputs: [Output; 1],
}

#[derive(Debug, Serialize)]
struct Input {
    name: &'static str,
    shape: [usize; 2],
    datatype: &'static str,
    data: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Output {
    name: &'static str,
}

#[derive(Debug, Deserialize)]
struct Said<'a> {
    #[serde(default)]
    model_version: String,
    #[serde(borrow)]
    outputs: Vec<Tensor<'a>>,
}

#[derive(Debug, Deserialize)]
struct Tensor<'a> {
    name: String,
    shape: Vec<usize>,
    datatype: String,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// A tensor's numbers, flat or by row.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Numbers {
    Flat(Vec<f64>),
    Rows(Vec<Vec<f64>>),
}

/// What a server says that is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum KserveError {
    #[error("not an answer of the open inference protocol")]
    Json(#[source] serde_json::Error),
    #[error("there is no output called probabilities")]
    Missing,
    #[error(
        "the probabilities are {datatype} {shape:?}, expected FP32 or FP64 [{asked}, {}]",
        PredictionType::COUNT
    )]
    Shape { datatype: String, shape: Vec<usize>, asked: usize },
    #[error("the probabilities are not the numbers their shape promises")]
    Numbers,
    #[error("the answer to row {row} cannot be")]
    Answer {
        row: usize,
        #[source]
        source: AnswerError,
    },
}

impl Request {
    pub(super) fn of<'a>(vectors: impl Iterator<Item = &'a FeatureVector>) -> Self {
        let data: Vec<Row> = vectors.copied().map(Row).collect();
        let shape = [data.len(), FEATURE_COUNT];
        let input = Input { name: "features", shape, datatype: "FP32", data };
        Request { inputs: [input], outputs: [Output { name: "probabilities" }] }
    }
}

/// Reads the answers to `asked` rows.
pub(super) fn answers(json: &[u8], asked: usize) -> Result<Vec<Answer>, KserveError> {
    let said: Said<'_> = serde_json::from_slice(json).map_err(KserveError::Json)?;
    let tensor = said.outputs.iter().find(|tensor| tensor.name == "probabilities");
    let tensor = tensor.ok_or(KserveError::Missing)?;
    let is_of_numbers = matches!(tensor.datatype.as_str(), "FP32" | "FP64");
    if !is_of_numbers || tensor.shape != [asked, PredictionType::COUNT] {
        let datatype = tensor.datatype.chars().take(16).collect();
        let shape = tensor.shape.iter().copied().take(4).collect();
        return Err(KserveError::Shape { datatype, shape, asked });
    }
    let numbers = serde_json::from_str(tensor.data.get()).map_err(|_| KserveError::Numbers)?;
    let rows = match numbers {
        Numbers::Flat(flat) if flat.len() == asked * PredictionType::COUNT => {
            flat.chunks(PredictionType::COUNT).map(<[f64]>::to_vec).collect()
        }
        Numbers::Rows(rows) if rows.len() == asked => rows,
        _ => return Err(KserveError::Numbers),
    };
    let answer = |(row, probabilities): (usize, Vec<f64>)| {
        let answer = Answer::checked(&probabilities, None);
        let answer = answer.map_err(|source| KserveError::Answer { row, source })?;
        Ok(answer.of_version(&said.model_version))
    };
    rows.into_iter().enumerate().map(answer).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn said(shape: &Value, data: &Value) -> Value {
        let output = json!({"name": "probabilities", "shape": shape, "datatype": "FP32", "data": data});
        json!({"model_name": "m", "model_version": "4", "outputs": [output]})
    }

    fn read(said: &Value, asked: usize) -> Result<Vec<Answer>, KserveError> {
        answers(said.to_string().as_bytes(), asked)
    }

    #[test]
    fn what_is_asked_is_a_tensor_of_the_rows() {
        let asked = serde_json::to_value(Request::of([FeatureVector::default(); 2].iter())).unwrap();
        assert_eq!(asked.pointer("/inputs/0/shape"), Some(&json!([2, 40])));
        assert_eq!(asked.pointer("/inputs/0/datatype"), Some(&json!("FP32")));
        assert_eq!(asked.pointer("/inputs/0/data/1/39"), Some(&Value::Null));
        assert_eq!(asked.pointer("/outputs/0/name"), Some(&json!("probabilities")));
    }

    #[test]
    fn flat_and_deep_tensors_are_read_and_others_refused() {
        let mut row = vec![0.0; 11];
        row[1] = 1.0;
        let answer = read(&said(&json!([2, 11]), &json!(row.repeat(2))), 2).unwrap().remove(1);
        assert_eq!((answer.probabilities()[1], answer.model_version.as_str()), (1.0, "4"));
        assert!(read(&said(&json!([1, 11]), &json!([row])), 1).is_ok());
        let other_shape = read(&said(&json!([1, 3]), &json!([row])), 1);
        assert!(matches!(other_shape, Err(KserveError::Shape { .. })));
        let short = read(&said(&json!([1, 11]), &json!([1.0])), 1);
        assert!(matches!(short, Err(KserveError::Numbers)));
        let short = read(&said(&json!([1, 11]), &json!([[1.0]])), 1);
        assert!(matches!(short, Err(KserveError::Answer { row: 0, .. })));
        assert!(matches!(read(&json!({"outputs": []}), 1), Err(KserveError::Missing)));
        assert!(matches!(read(&json!({"error": "no"}), 1), Err(KserveError::Json(_))));
    }
}
