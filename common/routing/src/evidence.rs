//! What was seen of each variant: compact counters from which a verdict on it can be drawn.
//!
//! The embedded model judges every sample anyway, so each answer has another beside it that cost nothing: how often and in
//! what they differ is known of all traffic. Everything here is a count, so that what several processes saw adds up in any
//! order; a process writes its own counts whole, and to write them twice is to write them once.

use std::collections::BTreeMap;

use linkcast_domain::{Attempt, AttemptOutcome, Cost, FailureKind, NanoDollars, PredictionType};
use serde::{Deserialize, Serialize};

use crate::{LatencyHistogram, VariantName};

/// What was seen of every variant, by name; a shadow's name is its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Evidence(BTreeMap<String, VariantEvidence>);

/// What was seen of one variant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VariantEvidence {
    /// Samples it answered.
    pub answered: u64,
    /// Of these, in the place of another variant.
    pub stood_in: u64,
    /// Samples it was asked and did not answer, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub failures: BTreeMap<FailureKind, u64>,
    /// Samples it was not asked, because it rested.
    pub rested: u64,
    /// Samples it was not asked, because no time was left.
    pub no_time: u64,
    /// Samples that another, asked beside it, answered sooner.
    pub overtaken: u64,
    /// Answers of the class the embedded model gave.
    pub agreed: u64,
    /// Other answers, by the embedded model's class and its own.
    #[serde(with = "pairs", skip_serializing_if = "BTreeMap::is_empty")]
    pub disagreed: BTreeMap<(PredictionType, PredictionType), u64>,
    /// How long answers took.
    pub latency: LatencyHistogram,
    /// What all of it cost.
    pub cost: NanoDollars,
    /// The questions it was asked across a network, each of as many samples as belonged together.
    #[serde(skip_serializing_if = "Questions::is_empty")]
    pub questions: Questions,
    /// What each shadow said of the samples it answered, by the shadow's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub shadows: BTreeMap<String, Shadowed>,
}

/// What a shadow said of the samples another answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shadowed {
    /// Judgements of the class the embedded model gave.
    pub agreed: u64,
    /// Other judgements.
    pub differed: u64,
}

/// Questions, each counted once however many samples it was of: what befalls one befalls all of its samples, so that only questions may
/// be counted as chance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Questions {
    /// How long those took that were answered for every sample.
    pub answered: LatencyHistogram,
    /// Those that failed for any sample.
    pub failed: u64,
}

/// What became of one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionOutcome {
    /// Every sample was answered, after so many microseconds.
    Answered(u64),
    /// One sample or more was not.
    Failed,
}

/// One attempt at one sample, as seen.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// Which variant.
    pub variant: &'a str,
    /// What became of it.
    pub outcome: AttemptOutcome,
    /// Time taken, µs.
    pub latency_us: u64,
    /// What it cost.
    pub cost: Cost,
    /// Whether another was to answer.
    pub stands_in: StandsIn,
    /// The embedded model's class, and the variant's, if it gave one.
    pub classes: Option<(PredictionType, PredictionType)>,
}

/// Whether a variant was asked in another's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandsIn {
    /// It was.
    Yes,
    /// The stream is its own.
    No,
}

impl<'a> Observed<'a> {
    /// An answer by `variant` to a sample of its own that cost nothing; `classes` are the embedded model's and its own.
    pub fn answer(variant: &'a str, latency_us: u64, classes: (PredictionType, PredictionType)) -> Self {
        let (outcome, cost) = (AttemptOutcome::Answered, Cost::default());
        Observed { variant, outcome, latency_us, cost, stands_in: StandsIn::No, classes: Some(classes) }
    }

    /// An attempt at a sample that belongs to `assigned`; `classes` are the embedded model's and that of the answer in the end.
    pub fn of(attempt: &'a Attempt, assigned: &str, classes: (PredictionType, PredictionType)) -> Self {
        let own = attempt.variant == assigned;
        Observed {
            variant: &attempt.variant,
            outcome: attempt.outcome,
            latency_us: attempt.latency_us,
            cost: attempt.cost,
            stands_in: if own { StandsIn::No } else { StandsIn::Yes },
            classes: (attempt.outcome == AttemptOutcome::Answered).then_some(classes),
        }
    }
}

impl Evidence {
    /// Counts one attempt.
    pub fn observe(&mut self, observed: &Observed<'_>) {
        if let Some(known) = self.0.get_mut(observed.variant) {
            return known.observe(observed);
        }
        self.0.entry(observed.variant.to_owned()).or_default().observe(observed);
    }

    /// Counts one question to `variant`, beside the attempts at its samples.
    pub fn observe_question(&mut self, variant: &str, outcome: QuestionOutcome) {
        let questions = &mut self.0.entry(variant.to_owned()).or_default().questions;
        match outcome {
            QuestionOutcome::Answered(latency_us) => questions.answered.add(latency_us),
            QuestionOutcome::Failed => questions.failed += 1,
        }
    }

    /// Counts what `shadow` said of a sample that `variant` answered; `classes` are the embedded model's and the shadow's. Streams differ
    /// in how hard they are to judge, so that two may be compared only over the same samples.
    pub fn observe_shadow(&mut self, variant: &str, shadow: &str, classes: (PredictionType, PredictionType)) {
        let shadows = &mut self.0.entry(variant.to_owned()).or_default().shadows;
        let counted = shadows.entry(shadow.to_owned()).or_default();
        if classes.0 == classes.1 { counted.agreed += 1 } else { counted.differed += 1 }
    }

    /// Counts all that `other` has counted.
    pub fn merge(&mut self, other: &Evidence) {
        for (variant, seen) in &other.0 {
            self.0.entry(variant.clone()).or_default().merge(seen);
        }
    }

    /// What was seen of a variant.
    pub fn of(&self, variant: &VariantName) -> Option<&VariantEvidence> {
        self.0.get(variant.as_str())
    }

    /// Every variant seen, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &VariantEvidence)> {
        self.0.iter().map(|(name, seen)| (name.as_str(), seen))
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl VariantEvidence {
    fn observe(&mut self, observed: &Observed<'_>) {
        self.cost += observed.cost.total();
        match observed.outcome {
            AttemptOutcome::Answered => {
                self.answered += 1;
                self.stood_in += u64::from(observed.stands_in == StandsIn::Yes);
                self.latency.add(observed.latency_us);
            }
            AttemptOutcome::Failed(kind) => *self.failures.entry(kind).or_default() += 1,
            AttemptOutcome::Skipped => self.rested += 1,
            AttemptOutcome::NoTime => self.no_time += 1,
            AttemptOutcome::Overtaken => self.overtaken += 1,
        }
        match observed.classes {
            Some((embedded, own)) if embedded == own => self.agreed += 1,
            Some(pair) => *self.disagreed.entry(pair).or_default() += 1,
            None => {}
        }
    }

    fn merge(&mut self, other: &VariantEvidence) {
        self.answered += other.answered;
        self.stood_in += other.stood_in;
        self.rested += other.rested;
        self.no_time += other.no_time;
        self.overtaken += other.overtaken;
        self.agreed += other.agreed;
        self.cost += other.cost;
        self.latency.merge(&other.latency);
        self.questions.answered.merge(&other.questions.answered);
        self.questions.failed += other.questions.failed;
        for (shadow, counted) in &other.shadows {
            let known = self.shadows.entry(shadow.clone()).or_default();
            known.agreed += counted.agreed;
            known.differed += counted.differed;
        }
        for (kind, count) in &other.failures {
            *self.failures.entry(*kind).or_default() += count;
        }
        for (pair, count) in &other.disagreed {
            *self.disagreed.entry(*pair).or_default() += count;
        }
    }

    /// Samples it was asked.
    pub fn asked(&self) -> u64 {
        self.answered + self.failed()
    }

    /// Samples it was asked and did not answer.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// Questions, and those of them that failed; by samples where questions were not counted.
    pub fn failures_by_question(&self) -> (u64, u64) {
        if self.questions.is_empty() {
            return (self.asked(), self.failed());
        }
        (self.questions.answered.count() + self.questions.failed, self.questions.failed)
    }

    /// How long questions took; samples, where questions were not counted.
    pub fn latency_by_question(&self) -> &LatencyHistogram {
        if self.questions.is_empty() { &self.latency } else { &self.questions.answered }
    }

    /// Answers of another class than the embedded model gave.
    pub fn disagreements(&self) -> u64 {
        self.disagreed.values().sum()
    }
}

impl Questions {
    fn is_empty(&self) -> bool {
        self.failed == 0 && self.answered.count() == 0
    }
}

/// Pairs of classes as keys of JSON: `normal>latency_spike`.
mod pairs {
    use std::collections::BTreeMap;

    use linkcast_domain::PredictionType;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    type Pairs = BTreeMap<(PredictionType, PredictionType), u64>;

    pub(super) fn serialize<S: Serializer>(pairs: &Pairs, serializer: S) -> Result<S::Ok, S::Error> {
        let named: BTreeMap<String, u64> =
            pairs.iter().map(|((one, other), count)| (format!("{one}>{other}"), *count)).collect();
        named.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pairs, D::Error> {
        let pair = |(name, count): (String, u64)| {
            let (one, other) =
                name.split_once('>').ok_or_else(|| D::Error::custom("expected class>class"))?;
            let class = |name: &str| name.parse::<PredictionType>().map_err(D::Error::custom);
            Ok(((class(one)?, class(other)?), count))
        };
        BTreeMap::<String, u64>::deserialize(deserializer)?.into_iter().map(pair).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(outcome: AttemptOutcome, own: Option<PredictionType>) -> Observed<'static> {
        Observed {
            variant: "candidate",
            outcome,
            latency_us: 900,
            cost: Cost { endpoint: NanoDollars(7), ..Cost::default() },
            stands_in: StandsIn::No,
            classes: own.map(|own| (PredictionType::Normal, own)),
        }
    }

    #[test]
    fn counts_of_two_processes_add_up_and_come_back_from_their_text() {
        let (mut one, mut other) = (Evidence::default(), Evidence::default());
        one.observe(&seen(AttemptOutcome::Answered, Some(PredictionType::Normal)));
        one.observe(&seen(AttemptOutcome::Failed(FailureKind::Timeout), None));
        other.observe(&seen(AttemptOutcome::Answered, Some(PredictionType::LatencySpike)));
        other.observe(&seen(AttemptOutcome::Skipped, None));
        let mut both = one.clone();
        both.merge(&other);
        let found = both.of(&"candidate".parse().unwrap()).unwrap();
        assert_eq!((found.asked(), found.answered, found.failed(), found.rested), (3, 2, 1, 1));
        assert_eq!((found.agreed, found.disagreements(), found.cost), (1, 1, NanoDollars(28)));
        other.merge(&one);
        assert_eq!(both, other);
        let text = serde_json::to_string(&both).unwrap();
        assert!(text.contains("normal>latency_spike"), "{text}");
        assert_eq!(serde_json::from_str::<Evidence>(&text).unwrap(), both);
    }
}
