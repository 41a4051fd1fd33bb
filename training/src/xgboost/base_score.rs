//! The starting score, in every form that XGBoost has written it, as margins.
//!
//! Up to 2.x it is one number, `"5E-1"`; since 3.1 a list, `"[5E-1]"`, for softmax one number a class. It is what a user would
//! give: a probability where the objective makes probabilities of one margin (`binary:logistic`), which must be turned back,
//! and the margin itself everywhere else, softmax included.

use super::{Objective, XgboostError};

const FIELD: &str = "learner.learner_model_param.base_score";

/// Each output's margin before any tree.
pub(super) fn margins(text: &str, objective: Objective) -> Result<Vec<f32>, XgboostError> {
    let outputs = objective.outputs();
    let values = numbers(text).ok_or_else(|| wrong(text, "a finite number, or a list of them"))?;
    let values = match values.as_slice() {
        [all] => vec![*all; outputs],
        _ if values.len() == outputs => values,
        _ => return Err(wrong(text, &format!("one number, or {outputs}, one an output"))),
    };
    match objective {
        Objective::Softmax | Objective::SquaredError => Ok(values),
        Objective::Logistic => values.iter().map(|value| logit(*value, text)).collect(),
    }
}

fn numbers(text: &str) -> Option<Vec<f32>> {
    let inner = text.trim();
    let inner = inner.strip_prefix('[').map_or(Some(inner), |rest| rest.strip_suffix(']'))?;
    let number = |text: &str| text.trim().parse().ok().filter(|number: &f32| number.is_finite());
    inner.split(',').map(number).collect()
}

/// In single precision, as XGBoost turns it.
fn logit(probability: f32, text: &str) -> Result<f32, XgboostError> {
    if probability > 0.0 && probability < 1.0 {
        Ok(-libm::logf(1.0 / probability - 1.0))
    } else {
        Err(wrong(text, "a probability between 0 and 1, as binary:logistic has it"))
    }
}

fn wrong(text: &str, expected: &str) -> XgboostError {
    XgboostError::field(FIELD, format!("{:?}", text.chars().take(64).collect::<String>()), expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_counts_for_every_output_in_the_old_form_and_in_the_new() {
        for text in ["5E-1", "[5E-1]", " [ 0.5 ] "] {
            assert_eq!(margins(text, Objective::Softmax).unwrap(), [0.5; 11], "{text}");
        }
        assert_eq!(margins("[4.909345E1]", Objective::SquaredError).unwrap(), [49.09345]);
    }

    #[test]
    fn a_probability_becomes_a_margin_for_logistic_alone() {
        // What xgboost 3.2.0 predicts without a tree at a base score of 0.2833333.
        let margin = margins("[2.8333333E-1]", Objective::Logistic).unwrap();
        assert!((margin[0] + 0.927_987).abs() < 1e-5, "{margin:?}");
        assert_eq!(margins("5E-1", Objective::Logistic).unwrap(), [0.0]);
    }

    #[test]
    fn what_is_no_starting_score_is_refused_by_name() {
        for text in ["", "[]", "[1,2]", "nan", "[1", "1;2", "inf"] {
            let error = margins(text, Objective::Softmax).unwrap_err().to_string();
            assert!(error.starts_with("learner.learner_model_param.base_score is"), "{error}");
        }
        assert!(margins("1E0", Objective::Logistic).is_err());
    }
}
