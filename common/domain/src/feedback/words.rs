//! The words of a feedback: what is said of an insight, by whom, and what is added to it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::PredictionType;

/// The longest name of who gives feedback, bytes: an ARN of a session, with room.
const LONGEST_NAME: usize = 256;
/// The longest note, bytes.
const LONGEST_NOTE: usize = 1_000;

/// Who says it: a person's name, the ARN of a caller, or what watches outcomes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeedbackGiver(String);

/// A text that names nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} names nobody who could give feedback: expected 1 to {LONGEST_NAME} bytes of printable text"
)]
pub struct ParseFeedbackGiverError {
    text: String,
}

impl FeedbackGiver {
    /// What watches outcomes.
    pub fn outcome() -> Self {
        FeedbackGiver("outcome".to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FeedbackGiver {
    type Err = ParseFeedbackGiverError;

    /// Blanks round the name do not belong to it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim();
        if (1..=LONGEST_NAME).contains(&name.len()) && !name.chars().any(char::is_control) {
            Ok(FeedbackGiver(name.to_owned()))
        } else {
            Err(ParseFeedbackGiverError { text: text.chars().take(64).collect() })
        }
    }
}

/// What somebody adds in words of their own; empty where nothing is added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FeedbackNote(String);

/// A note that is too long, or no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a note of {bytes} bytes: expected at most {LONGEST_NOTE}, and no control characters but line ends and tabs"
)]
pub struct ParseFeedbackNoteError {
    bytes: usize,
}

impl FeedbackNote {
    /// The note as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FeedbackNote {
    type Err = ParseFeedbackNoteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_foreign = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
        if text.len() > LONGEST_NOTE || text.chars().any(is_foreign) {
            return Err(ParseFeedbackNoteError { bytes: text.len() });
        }
        Ok(FeedbackNote(text.trim().to_owned()))
    }
}

/// What an insight should have said: another class, another risk, or both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correction {
    class: Option<PredictionType>,
    risk: Option<f64>,
}

/// A correction that corrects nothing, or a risk that is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CorrectionError {
    /// Neither class nor risk.
    #[error("a correction of nothing: expected a type, a severity, or both")]
    Empty,
    /// A risk outside its scale.
    #[error("a severity of {risk}: expected a number from 0 to 100")]
    Risk {
        /// What was given.
        risk: f64,
    },
}

impl Correction {
    /// The insight's class should have been `class`, its risk `risk` (0 to 100); what is none was right.
    ///
    /// # Errors
    /// Both none, or a risk outside its scale.
    pub fn of(class: Option<PredictionType>, risk: Option<f64>) -> Result<Self, CorrectionError> {
        if let Some(risk) = risk.filter(|risk| !(0.0..=100.0).contains(risk)) {
            return Err(CorrectionError::Risk { risk });
        }
        if class.is_none() && risk.is_none() {
            return Err(CorrectionError::Empty);
        }
        Ok(Correction { class, risk })
    }

    /// The right class, where the insight's was not.
    pub fn class(self) -> Option<PredictionType> {
        self.class
    }

    /// The right risk, 0 to 100, where the insight's was not.
    pub fn risk(self) -> Option<f64> {
        self.risk
    }
}

/// What is said of an insight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "VerdictText", into = "VerdictText")]
pub enum FeedbackVerdict {
    /// What it says is so.
    Confirmed,
    /// Nothing was wrong.
    FalsePositive,
    /// Something else was wrong, or it was worse or less bad.
    Corrected(Correction),
}

/// The three as they stand in requests and stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictWord {
    /// What it says is so.
    Confirmed,
    /// Nothing was wrong.
    FalsePositive,
    /// It should have said something else.
    Corrected,
}

/// A word that is no verdict, or one that does not go with what stands beside it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FeedbackVerdictError {
    /// Not one of the three.
    #[error("{text:?} is no verdict: expected confirmed, false_positive or corrected")]
    Unknown {
        /// What was given.
        text: String,
    },
    /// A type or a severity beside another word.
    #[error("a type or severity beside {word}: expected them with corrected alone")]
    Beside {
        /// The word.
        word: &'static str,
    },
    /// A correction that corrects nothing.
    #[error(transparent)]
    Correction(#[from] CorrectionError),
}

impl VerdictWord {
    /// The name in requests, stores and output.
    pub fn name(self) -> &'static str {
        match self {
            VerdictWord::Confirmed => "confirmed",
            VerdictWord::FalsePositive => "false_positive",
            VerdictWord::Corrected => "corrected",
        }
    }
}

impl FromStr for VerdictWord {
    type Err = FeedbackVerdictError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = [VerdictWord::Confirmed, VerdictWord::FalsePositive, VerdictWord::Corrected];
        let unknown = || FeedbackVerdictError::Unknown { text: text.chars().take(64).collect() };
        words.into_iter().find(|word| word.name() == text).ok_or_else(unknown)
    }
}

impl FeedbackVerdict {
    /// The verdict of a word and what stands beside it.
    ///
    /// # Errors
    /// A correction of nothing, or a correction beside another word.
    pub fn of(
        word: VerdictWord,
        class: Option<PredictionType>,
        risk: Option<f64>,
    ) -> Result<Self, FeedbackVerdictError> {
        if word == VerdictWord::Corrected {
            return Ok(FeedbackVerdict::Corrected(Correction::of(class, risk)?));
        }
        if class.is_some() || risk.is_some() {
            return Err(FeedbackVerdictError::Beside { word: word.name() });
        }
        Ok(if word == VerdictWord::Confirmed {
            FeedbackVerdict::Confirmed
        } else {
            FeedbackVerdict::FalsePositive
        })
    }

    /// The word, without what stands beside it.
    pub fn word(self) -> VerdictWord {
        match self {
            FeedbackVerdict::Confirmed => VerdictWord::Confirmed,
            FeedbackVerdict::FalsePositive => VerdictWord::FalsePositive,
            FeedbackVerdict::Corrected(_) => VerdictWord::Corrected,
        }
    }
}

impl fmt::Display for FeedbackVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word().name())?;
        let FeedbackVerdict::Corrected(correction) = self else { return Ok(()) };
        if let Some(class) = correction.class {
            write!(f, " to {class}")?;
        }
        correction.risk.map_or(Ok(()), |risk| write!(f, " at risk {risk}"))
    }
}

#[derive(Serialize, Deserialize)]
struct VerdictText {
    verdict: VerdictWord,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    class: Option<PredictionType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    severity: Option<f64>,
}

impl TryFrom<VerdictText> for FeedbackVerdict {
    type Error = FeedbackVerdictError;

    fn try_from(text: VerdictText) -> Result<Self, Self::Error> {
        FeedbackVerdict::of(text.verdict, text.class, text.severity)
    }
}

impl From<FeedbackVerdict> for VerdictText {
    fn from(verdict: FeedbackVerdict) -> Self {
        let (class, severity) = match verdict {
            FeedbackVerdict::Corrected(correction) => (correction.class, correction.risk),
            _ => (None, None),
        };
        VerdictText { verdict: verdict.word(), class, severity }
    }
}

macro_rules! as_text {
    ($($name:ident,)*) => { $(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )* };
}

as_text! { FeedbackGiver, FeedbackNote, }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_comes_back_from_its_text_and_a_correction_of_nothing_is_none() {
        let corrected =
            FeedbackVerdict::of(VerdictWord::Corrected, Some(PredictionType::RdmaTimeout), Some(40.0))
                .unwrap();
        for verdict in [FeedbackVerdict::Confirmed, FeedbackVerdict::FalsePositive, corrected] {
            let text = serde_json::to_string(&verdict).unwrap();
            assert_eq!(serde_json::from_str::<FeedbackVerdict>(&text).unwrap(), verdict, "{text}");
        }
        assert_eq!(corrected.to_string(), "corrected to rdma_timeout at risk 40");
        for (text, said) in [
            (r#"{"verdict":"corrected"}"#, "correction of nothing"),
            (r#"{"verdict":"corrected","severity":101}"#, "0 to 100"),
            (r#"{"verdict":"confirmed","severity":10}"#, "corrected alone"),
        ] {
            let error = serde_json::from_str::<FeedbackVerdict>(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
        assert!("maybe".parse::<VerdictWord>().unwrap_err().to_string().contains("false_positive"));
    }

    #[test]
    fn who_speaks_has_a_name_and_a_note_has_a_bound() {
        let arn = "arn:aws:sts::123456789012:assumed-role/operators/ada";
        assert_eq!(arn.parse::<FeedbackGiver>().unwrap().as_str(), arn);
        assert!("\n".parse::<FeedbackGiver>().is_err() && "x".repeat(257).parse::<FeedbackGiver>().is_err());
        assert_eq!(" two\nlines ".parse::<FeedbackNote>().unwrap().as_str(), "two\nlines");
        assert!(
            "x".repeat(1_001).parse::<FeedbackNote>().is_err()
                && "\u{1b}[2J".parse::<FeedbackNote>().is_err()
        );
    }
}
