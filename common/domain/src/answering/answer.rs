//! An answer: probabilities that are probabilities, whoever gave them.

use std::ops::AddAssign;

use crate::PredictionType;

/// How far the probabilities' sum may lie from 1: services round to four digits or more, eleven of which are at most
/// 0.0006 off; a list that is further off is of something else.
const SUM_TOLERANCE: f64 = 1e-3;

/// A sum within this of 1 is left to the bit.
const SUM_ROUNDING: f64 = 1e-9;

/// The longest sentence taken from a model, characters.
const LONGEST_SENTENCE: usize = 600;

/// The longest version taken from whoever answers, characters.
const LONGEST_VERSION: usize = 128;

/// What an answer took, as whoever gave it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
    }
}

/// What a model says of one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    probabilities: [f64; PredictionType::COUNT],
    risk: Option<f64>,
    /// The version of the model that answered; empty if it does not say.
    pub model_version: String,
    /// One sentence for people, where the model gives one.
    pub sentence: Option<String>,
    /// What it took.
    pub usage: Usage,
}

/// What no answer can be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AnswerError {
    /// Another number of probabilities than there are classes.
    #[error("{found} probabilities, expected {}", PredictionType::COUNT)]
    Count {
        /// How many there were.
        found: usize,
    },
    /// Not a probability.
    #[error("the probability of {class} is {found}, expected 0 to 1")]
    Probability {
        /// Of which class.
        class: PredictionType,
        /// What it was.
        found: f64,
    },
    /// They do not sum to 1.
    #[error("the probabilities sum to {sum}, expected 1")]
    Sum {
        /// What they sum to.
        sum: f64,
    },
    /// Not a risk.
    #[error("the risk is {found}, expected 0 to 100")]
    Risk {
        /// What it was.
        found: f64,
    },
}

impl Answer {
    /// An answer of these probabilities, in the classes' order, and of this risk, if the model gives one.
    ///
    /// # Errors
    /// Too many or too few, one outside 0 to 1 or no number, a sum that is not 1, a risk outside 0 to 100.
    pub fn checked(probabilities: &[f64], risk: Option<f64>) -> Result<Answer, AnswerError> {
        let mut checked: [f64; PredictionType::COUNT] =
            probabilities.try_into().map_err(|_| AnswerError::Count { found: probabilities.len() })?;
        for (class, found) in PredictionType::ALL.into_iter().zip(checked) {
            if !(0.0..=1.0).contains(&found) {
                return Err(AnswerError::Probability { class, found });
            }
        }
        let sum: f64 = checked.iter().sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(AnswerError::Sum { sum });
        }
        if (sum - 1.0).abs() > SUM_ROUNDING {
            checked = checked.map(|probability| probability / sum);
        }
        if let Some(found) = risk.filter(|risk| !(0.0..=100.0).contains(risk)) {
            return Err(AnswerError::Risk { found });
        }
        let (model_version, usage) = (String::new(), Usage::default());
        Ok(Answer { probabilities: checked, risk, model_version, sentence: None, usage })
    }

    /// The same answer by this version of a model, as whoever answers calls it: cut to what an insight carries.
    #[must_use]
    pub fn of_version(mut self, version: &str) -> Self {
        self.model_version = version.chars().take(LONGEST_VERSION).collect();
        self
    }

    /// The same answer with a model's own sentence: its control characters are blanks and it is not longer than people read.
    #[must_use]
    pub fn saying(mut self, sentence: &str) -> Self {
        let clean = sentence.chars().map(|one| if one.is_control() { ' ' } else { one });
        let clean: String = clean.take(LONGEST_SENTENCE).collect();
        self.sentence = Some(clean.trim().to_owned()).filter(|sentence| !sentence.is_empty());
        self
    }

    /// The probability of each class, which sum to 1.
    pub fn probabilities(&self) -> &[f64; PredictionType::COUNT] {
        &self.probabilities
    }

    /// How bad, 0 to 100, if the model says.
    pub fn risk(&self) -> Option<f64> {
        self.risk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certain(class: usize, probability: f64) -> [f64; 11] {
        let mut probabilities = [(1.0 - probability) / 10.0; 11];
        probabilities[class] = probability;
        probabilities
    }

    #[test]
    fn what_is_no_distribution_over_the_classes_is_refused() {
        assert_eq!(Answer::checked(&[0.1; 10], None), Err(AnswerError::Count { found: 10 }));
        let mut negative = certain(0, 0.9);
        negative[3] = -0.01;
        assert!(matches!(Answer::checked(&negative, None), Err(AnswerError::Probability { .. })));
        let mut not_a_number = certain(0, 0.9);
        not_a_number[3] = f64::NAN;
        assert!(matches!(Answer::checked(&not_a_number, None), Err(AnswerError::Probability { .. })));
        assert!(matches!(Answer::checked(&[0.5; 11], None), Err(AnswerError::Sum { .. })));
        for risk in [-1.0, 100.1, f64::NAN] {
            assert!(matches!(Answer::checked(&certain(0, 0.9), Some(risk)), Err(AnswerError::Risk { .. })));
        }
    }

    #[test]
    fn a_rounded_sum_is_made_whole_and_an_exact_one_left_to_the_bit() {
        let exact = certain(4, 0.75);
        assert_eq!(Answer::checked(&exact, Some(3.0)).unwrap().probabilities(), &exact);
        let rounded = exact.map(|probability| (probability * 1e4).round() / 1e4 + 0.00005);
        let sum: f64 = Answer::checked(&rounded, None).unwrap().probabilities().iter().sum();
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
    }

    #[test]
    fn a_models_sentence_is_cleaned_and_cut() {
        let answer = Answer::checked(&certain(0, 0.9), None).unwrap();
        let said = answer.clone().saying(&format!("one\u{1b}[31m\ntwo{}", "x".repeat(1_000)));
        let sentence = said.sentence.unwrap();
        assert!(sentence.starts_with("one [31m two") && sentence.len() == 600, "{sentence}");
        assert_eq!(answer.saying(" \n").sentence, None);
    }
}
