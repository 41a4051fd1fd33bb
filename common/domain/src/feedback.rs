//! What was said of an insight after the fact, and what it is worth.
//!
//! One record an insight holds every word that stands, one of each who spoke, and those they took back. It carries what the
//! insight said and who answered, so that a word that comes weeks later counts for the variant that gave the answer and needs
//! nothing that may be forgotten by then. A person's word outweighs what was made of the outcome; where people differ, the
//! insight counts for nobody until one more speaks or a review agrees.

mod words;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Insight, InsightId, PredictionType, StreamId, Timestamp};

pub use words::{
    Correction, CorrectionError, FeedbackGiver, FeedbackNote, FeedbackVerdict, FeedbackVerdictError,
    ParseFeedbackGiverError, ParseFeedbackNoteError, VerdictWord,
};

/// How many may speak of one insight: what an item of a table holds, with room.
pub const MOST_GIVERS: usize = 32;
/// Words taken back that are kept, the newest.
const MOST_HISTORY: usize = 32;

/// Where a word comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackSource {
    /// Somebody looked.
    Person,
    /// What came of it was watched.
    Outcome,
}

/// One word on one insight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedbackWord {
    /// Who says it.
    pub by: FeedbackGiver,
    /// Whether they looked or watched.
    pub source: FeedbackSource,
    /// When it was said.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub verdict: FeedbackVerdict,
    /// And why.
    #[serde(default)]
    pub note: FeedbackNote,
}

/// Every word on one insight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// Which.
    pub insight: InsightId,
    /// The stream it judged.
    pub stream: StreamId,
    /// The time of the sample it judged.
    pub time: Timestamp,
    /// The class it gave.
    pub class: PredictionType,
    /// The risk it gave, 0 to 100.
    pub risk: f64,
    /// The variant that answered.
    pub variant: String,
    /// The version of its model.
    pub model_version: String,
    /// When the first word came in: the feedback is listed under it.
    pub received: Timestamp,
    /// The words that stand, one of each who spoke, in the order they first spoke.
    pub words: Vec<FeedbackWord>,
    /// Words taken back, oldest first; of many the newest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<FeedbackWord>,
}

/// What came of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WordTaken {
    /// It is the first of who says it.
    Added,
    /// It replaces what the same one said before.
    Replaced,
    /// The same one had said the same.
    Unchanged,
    /// Too many have spoken.
    Full,
}

/// Whether an insight was right, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackStanding {
    /// Its class is right.
    Confirmed,
    /// Its class is wrong.
    Wrong,
    /// As many people say the one as the other.
    Contested,
}

impl FeedbackSource {
    /// The name in output.
    pub fn name(self) -> &'static str {
        match self {
            FeedbackSource::Person => "person",
            FeedbackSource::Outcome => "outcome",
        }
    }
}

impl FeedbackStanding {
    /// The name in output.
    pub fn name(self) -> &'static str {
        match self {
            FeedbackStanding::Confirmed => "confirmed",
            FeedbackStanding::Wrong => "wrong",
            FeedbackStanding::Contested => "contested",
        }
    }

    /// That of an insight of class `said` whose sample shows `shown`.
    pub fn of_classes(said: PredictionType, shown: PredictionType) -> Self {
        if said == shown { FeedbackStanding::Confirmed } else { FeedbackStanding::Wrong }
    }
}

impl FeedbackVerdict {
    /// What it makes of an insight of class `said`. Who corrects the risk alone says that the class was right.
    pub fn standing(self, said: PredictionType) -> FeedbackStanding {
        let shown = match self {
            FeedbackVerdict::Confirmed => said,
            FeedbackVerdict::FalsePositive => PredictionType::Normal,
            FeedbackVerdict::Corrected(correction) => correction.class().unwrap_or(said),
        };
        FeedbackStanding::of_classes(said, shown)
    }
}

impl Feedback {
    /// How long a record is kept: longer than any insight, for what people said is what the next model learns from.
    pub const KEPT: Duration = Duration::from_secs(400 * 24 * 3600);

    /// Nothing said yet of `insight`; the first word comes in at `received`.
    pub fn on(insight: &Insight, received: Timestamp) -> Self {
        Feedback {
            insight: insight.entity_id.clone(),
            stream: insight.related_entity.clone(),
            time: insight.timestamp,
            class: insight.prediction_type,
            risk: insight.risk_score,
            variant: insight.variant.clone(),
            model_version: insight.model.model_version.clone(),
            received,
            words: Vec::new(),
            history: Vec::new(),
        }
    }

    /// When a store may forget it.
    pub fn until(&self) -> Timestamp {
        self.received.plus(Self::KEPT)
    }

    /// Takes a word among the others; says what came of it. The same words again are no news, whenever they come.
    pub fn take(&mut self, word: &FeedbackWord) -> WordTaken {
        let same_giver = |there: &&mut FeedbackWord| (there.source, &there.by) == (word.source, &word.by);
        let Some(there) = self.words.iter_mut().find(same_giver) else {
            if self.words.len() >= MOST_GIVERS {
                return WordTaken::Full;
            }
            self.words.push(word.clone());
            return WordTaken::Added;
        };
        if (there.verdict, &there.note) == (word.verdict, &word.note) {
            return WordTaken::Unchanged;
        }
        self.history.push(std::mem::replace(there, word.clone()));
        let surplus = self.history.len().saturating_sub(MOST_HISTORY);
        self.history.drain(..surplus);
        WordTaken::Replaced
    }

    /// Whether the insight was right, and who says so: most of the people who spoke, or the outcome where none did. Nobody spoke:
    /// none.
    pub fn standing(&self) -> Option<(FeedbackStanding, FeedbackSource)> {
        let said_by = |source| self.words.iter().filter(move |word| word.source == source);
        let source = [FeedbackSource::Person, FeedbackSource::Outcome]
            .into_iter()
            .find(|one| said_by(*one).count() > 0)?;
        let confirms =
            |word: &&FeedbackWord| word.verdict.standing(self.class) == FeedbackStanding::Confirmed;
        let (all, right) = (said_by(source).count(), said_by(source).filter(confirms).count());
        let standing = match (right * 2).cmp(&all) {
            std::cmp::Ordering::Greater => FeedbackStanding::Confirmed,
            std::cmp::Ordering::Less => FeedbackStanding::Wrong,
            std::cmp::Ordering::Equal => FeedbackStanding::Contested,
        };
        Some((standing, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(by: &str, source: FeedbackSource, verdict: &str) -> FeedbackWord {
        let verdict = match verdict.parse::<PredictionType>() {
            Ok(class) => FeedbackVerdict::of(VerdictWord::Corrected, Some(class), None).unwrap(),
            Err(_) => FeedbackVerdict::of(verdict.parse().unwrap(), None, None).unwrap(),
        };
        let at = Timestamp::from_millis(7);
        FeedbackWord { by: by.parse().unwrap(), source, at, verdict, note: FeedbackNote::default() }
    }

    fn person(by: &str, verdict: &str) -> FeedbackWord {
        word(by, FeedbackSource::Person, verdict)
    }

    fn feedback(words: &[FeedbackWord]) -> Feedback {
        let (stream, time): (StreamId, _) = ("a/1".parse().unwrap(), Timestamp::EPOCH);
        let mut feedback = Feedback {
            insight: InsightId::of(&stream, time, "t"),
            stream,
            time,
            class: PredictionType::PacketLossDetected,
            risk: 80.0,
            variant: "live".to_owned(),
            model_version: "3".to_owned(),
            received: time,
            words: Vec::new(),
            history: Vec::new(),
        };
        words.iter().for_each(|word| {
            feedback.take(word);
        });
        feedback
    }

    fn standing(words: &[FeedbackWord]) -> Option<FeedbackStanding> {
        feedback(words).standing().map(|(standing, _)| standing)
    }

    #[test]
    fn the_same_words_again_change_nothing_and_others_replace_them() {
        let mut found = feedback(&[person("ada", "confirmed")]);
        let later = FeedbackWord { at: Timestamp::from_millis(9_000), ..person("ada", "confirmed") };
        let before = found.clone();
        assert_eq!((found.take(&later), &found), (WordTaken::Unchanged, &before));
        assert_eq!(found.take(&person("ada", "false_positive")), WordTaken::Replaced);
        assert_eq!((found.words.len(), &found.history), (1, &before.words));
        for round in 0..100 {
            let verdict = if round % 2 == 0 { "confirmed" } else { "false_positive" };
            assert_eq!(found.take(&person("ada", verdict)), WordTaken::Replaced);
        }
        assert_eq!((found.words.len(), found.history.len()), (1, MOST_HISTORY));
    }

    #[test]
    fn who_contradict_each_other_count_for_nobody_until_a_third_speaks() {
        let (ada, bob) = (person("ada", "confirmed"), person("bob", "rdma_timeout"));
        assert_eq!(standing(&[]), None);
        assert_eq!(standing(&[ada.clone(), bob.clone()]), Some(FeedbackStanding::Contested));
        let third = [ada.clone(), bob.clone(), person("eve", "false_positive")];
        assert_eq!(standing(&third), Some(FeedbackStanding::Wrong), "two say that the class is wrong");
        assert_eq!(
            standing(&[ada, bob, person("eve", "packet_loss_detected")]),
            Some(FeedbackStanding::Confirmed)
        );
    }

    #[test]
    fn a_persons_word_outweighs_the_outcome() {
        let outcome = word("outcome", FeedbackSource::Outcome, "false_positive");
        assert_eq!(standing(std::slice::from_ref(&outcome)), Some(FeedbackStanding::Wrong));
        let both = feedback(&[outcome, person("ada", "confirmed")]);
        assert_eq!(both.standing(), Some((FeedbackStanding::Confirmed, FeedbackSource::Person)));
    }

    #[test]
    fn a_corrected_risk_leaves_the_class_right() {
        let milder = FeedbackVerdict::of(VerdictWord::Corrected, None, Some(20.0)).unwrap();
        assert_eq!(milder.standing(PredictionType::RdmaTimeout), FeedbackStanding::Confirmed);
    }

    #[test]
    fn more_than_an_item_holds_are_not_taken() {
        let mut found = feedback(&[]);
        for number in 0..MOST_GIVERS {
            assert_eq!(found.take(&person(&format!("p{number}"), "confirmed")), WordTaken::Added);
        }
        assert_eq!(found.take(&person("one more", "confirmed")), WordTaken::Full);
        assert_eq!(found.take(&person("p3", "false_positive")), WordTaken::Replaced);
        let text = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Feedback>(&text).unwrap(), found);
    }
}
