//! The tool a language model must call, and the judgement its input is.
//!
//! A model is asked for one class and how sure it is, and not for eleven probabilities: language models do not sum, and eleven
//! numbers cost ten times the tokens. What is left of certainty is shared evenly among the other classes; the variant's
//! calibration, which is fitted to what the model really gets right, repairs what is wrong with that. A confidence that another
//! class would have to exceed contradicts the class, and is refused.

use aws_sdk_bedrockruntime::types::{
    SpecificToolChoice, Tool, ToolChoice, ToolConfiguration, ToolInputSchema, ToolSpecification,
};
use linkcast_domain::{Answer, AnswerError, FailureKind, PredictionType};
use serde::Deserialize;
use serde_json::{Value, json};

use super::document;
use crate::answering::Failed;

/// The tool's name.
pub(super) const NAME: &str = "report_insight";

/// The longest explanation taken, characters; the schema says so to the model.
const LONGEST_EXPLANATION: usize = 600;

/// The tool's input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Judgement {
    prediction_type: String,
    confidence: f64,
    risk_score: f64,
    explanation: String,
}

/// What is wrong with a judgement, in words the model can mend it by.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum JudgementError {
    #[error("the input is not what the schema says: {reason}")]
    Schema { reason: String },
    #[error("there is no such prediction_type: choose one of the list")]
    Class,
    #[error("confidence is {found}, expected 0 to 1, and no less than an even share of the prediction types")]
    Confidence { found: f64 },
    #[error("explanation has {found} characters, expected 1 to {LONGEST_EXPLANATION}")]
    Explanation { found: usize },
    #[error("the judgement cannot be")]
    Answer(#[from] AnswerError),
}

/// The one tool, which must be called.
pub(super) fn configuration() -> Result<ToolConfiguration, Failed> {
    let unmade = |error| Failed::new(FailureKind::Refused, error);
    let specification = ToolSpecification::builder()
        .name(NAME)
        .description("Reports the judgement of the link's sample.")
        .input_schema(ToolInputSchema::Json(document::of_json(&schema())))
        .build()
        .map_err(unmade)?;
    let choice = SpecificToolChoice::builder().name(NAME).build().map_err(unmade)?;
    ToolConfiguration::builder()
        .tools(Tool::ToolSpec(specification))
        .tool_choice(ToolChoice::Tool(choice))
        .build()
        .map_err(unmade)
}

/// The judgement's JSON schema.
fn schema() -> Value {
    let classes = PredictionType::ALL.map(PredictionType::name);
    json!({
        "type": "object",
        "properties": {
            "prediction_type": {"type": "string", "enum": classes},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            "risk_score": {"type": "number", "minimum": 0, "maximum": 100},
            "explanation": {"type": "string", "minLength": 1, "maxLength": LONGEST_EXPLANATION},
        },
        "required": ["prediction_type", "confidence", "risk_score", "explanation"],
        "additionalProperties": false,
    })
}

/// The answer that the tool's input is.
pub(super) fn read(input: Value) -> Result<Answer, JudgementError> {
    let said: Judgement = serde_json::from_value(input).map_err(|error| {
        let reason = error.to_string().chars().take(200).collect();
        JudgementError::Schema { reason }
    })?;
    let class: PredictionType = said.prediction_type.parse().map_err(|_| JudgementError::Class)?;
    let others = (PredictionType::COUNT - 1) as f64;
    let share = (1.0 - said.confidence) / others;
    if !(said.confidence <= 1.0 && said.confidence >= share) {
        return Err(JudgementError::Confidence { found: said.confidence });
    }
    let found = said.explanation.trim().chars().count();
    if !(1..=LONGEST_EXPLANATION).contains(&found) {
        return Err(JudgementError::Explanation { found });
    }
    let probabilities = PredictionType::ALL.map(|other| if other == class { said.confidence } else { share });
    Ok(Answer::checked(&probabilities, Some(said.risk_score))?.saying(&said.explanation))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> Value {
        json!({"prediction_type": "latency_spike", "confidence": 0.9, "risk_score": 40, "explanation": "Slow."})
    }

    fn with(name: &str, value: Value) -> Result<Answer, JudgementError> {
        let mut input = input();
        input[name] = value;
        read(input)
    }

    #[test]
    fn a_judgement_is_a_distribution_whose_likeliest_class_is_the_one_named() {
        let answer = read(input()).unwrap();
        assert_eq!(answer.probabilities()[PredictionType::LatencySpike.index()], 0.9);
        assert!((answer.probabilities()[0] - 0.01).abs() < 1e-12);
        assert_eq!((answer.risk(), answer.sentence.as_deref()), (Some(40.0), Some("Slow.")));
        assert!(with("confidence", json!(1.0 / 11.0)).is_ok());
    }

    #[test]
    fn what_is_invented_out_of_range_missing_or_too_much_is_refused() {
        assert_eq!(with("prediction_type", json!("gremlins")), Err(JudgementError::Class));
        assert_eq!(with("prediction_type", json!("false_positive")), Err(JudgementError::Class));
        for confidence in [1.4, -0.1, 0.05] {
            let refused = with("confidence", json!(confidence));
            assert_eq!(refused, Err(JudgementError::Confidence { found: confidence }));
        }
        assert!(matches!(with("risk_score", json!(101)), Err(JudgementError::Answer(_))));
        for wrong in [json!("0.9"), json!(null), json!([0.9])] {
            assert!(matches!(with("confidence", wrong), Err(JudgementError::Schema { .. })));
        }
        assert!(matches!(with("severity", json!("high")), Err(JudgementError::Schema { .. })));
        let long = "x".repeat(601);
        assert_eq!(with("explanation", json!(long)), Err(JudgementError::Explanation { found: 601 }));
        let mut missing = input();
        missing.as_object_mut().unwrap().remove("risk_score");
        assert!(matches!(read(missing), Err(JudgementError::Schema { .. })));
    }
}
