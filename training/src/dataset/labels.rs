//! Whose word counts for a sample: a reviewer's before the truth of a simulation, and that before the rules.

use std::collections::BTreeMap;

use linkcast_domain::{FeatureVector, PredictionType, StreamId, Timestamp};

use super::LabelSource;
use crate::label::{EpisodeIndex, label};
use crate::review::{Familiarity, SAME_QUESTION_MS};
use crate::rules::{self, Verdict};

/// What a reviewer said of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reviewed {
    /// The class; normal for a false positive.
    pub class: PredictionType,
    /// The risk, 0 to 100, if the reviewer gave one.
    pub risk: Option<f64>,
}

/// Everything labels are taken from.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// What people said, by stream and time of the sample.
    pub reviewed: BTreeMap<StreamId, BTreeMap<Timestamp, Reviewed>>,
    /// What a simulation knows; nobody does of a real fabric.
    pub truth: Option<EpisodeIndex>,
}

/// A sample's label.
#[derive(Clone, Copy, Debug)]
pub(super) struct Labelled {
    pub(super) class: PredictionType,
    pub(super) risk: f64,
    pub(super) confidence: f64,
    pub(super) source: LabelSource,
    /// Whether the row teaches something: neither the unsure word of a rule nor the blurred ends of a fault do.
    pub(super) teaches: bool,
    /// What the rules made of it, whoever is believed.
    pub(super) verdict: Verdict,
}

impl Labels {
    /// How well reviewers know each class.
    pub(super) fn familiarity(&self) -> Familiarity {
        self.reviewed.values().flat_map(BTreeMap::values).map(|reviewed| reviewed.class).collect()
    }

    /// Whether a reviewer has answered what this sample would be asked about.
    pub(super) fn is_answered(&self, stream: &StreamId, time: Timestamp) -> bool {
        let hour = |time: Timestamp| time.millis().div_euclid(SAME_QUESTION_MS);
        let same_hour = |times: &BTreeMap<Timestamp, Reviewed>| {
            let first = Timestamp::from_millis(hour(time) * SAME_QUESTION_MS);
            times.range(first..).next().is_some_and(|(answered, _)| hour(*answered) == hour(time))
        };
        self.reviewed.get(stream).is_some_and(same_hour)
    }

    /// What the sample truly is, where a simulation knows and the sample teaches something.
    pub(super) fn truth_of(&self, stream: &StreamId, time: Timestamp) -> Option<PredictionType> {
        let truth = label(stream, time, self.truth.as_ref()?);
        truth.is_trained_on().then_some(truth.class)
    }

    /// What the sample is called, and by whom.
    pub(super) fn of(&self, stream: &StreamId, time: Timestamp, features: &FeatureVector) -> Labelled {
        let verdict = rules::judge(features);
        if let Some(reviewed) = self.reviewed.get(stream).and_then(|times| times.get(&time)) {
            return by_reviewer(*reviewed, verdict);
        }
        match &self.truth {
            Some(truth) => {
                let truth = label(stream, time, truth);
                Labelled {
                    class: truth.class,
                    risk: truth.risk,
                    confidence: 1.0,
                    source: LabelSource::Truth,
                    teaches: truth.is_trained_on(),
                    verdict,
                }
            }
            None => Labelled {
                class: verdict.class,
                risk: verdict.risk,
                confidence: verdict.confidence,
                source: LabelSource::Rules,
                teaches: !verdict.needs_review(),
                verdict,
            },
        }
    }
}

/// A reviewer who gave no risk is taken to agree with the rules', if they saw the same.
fn by_reviewer(reviewed: Reviewed, verdict: Verdict) -> Labelled {
    const OF_A_FAULT: f64 = 80.0;
    let assumed = match reviewed.class {
        PredictionType::Normal => 0.0,
        class if class == verdict.class => verdict.risk,
        _ => OF_A_FAULT,
    };
    Labelled {
        class: reviewed.class,
        risk: reviewed.risk.unwrap_or(assumed),
        confidence: 1.0,
        source: LabelSource::Reviewer,
        teaches: true,
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_domain::{Episode, EpisodeKind, Feature};

    fn lossy() -> FeatureVector {
        let mut row = FeatureVector::default();
        row.set(Feature::ErrorRate, 0.05);
        row
    }

    #[test]
    fn a_reviewer_is_believed_before_the_truth_and_that_before_the_rules() {
        let (stream, time): (StreamId, _) = ("a/1".parse().unwrap(), Timestamp::from_millis(90_000));
        let mut labels = Labels::default();
        let found = labels.of(&stream, time, &lossy());
        assert_eq!((found.source, found.class), (LabelSource::Rules, PredictionType::PacketLossDetected));
        let episode = Episode {
            id: 1,
            kind: EpisodeKind::Fault(PredictionType::RdmaTimeout),
            streams: vec![stream.clone()],
            onset: Timestamp::EPOCH,
            impact: Timestamp::from_millis(80_000),
            end: Timestamp::from_millis(100_000),
            cause: "a test".into(),
            shown: None,
        };
        labels.truth = Some(EpisodeIndex::new(&[episode]));
        let found = labels.of(&stream, time, &lossy());
        assert_eq!((found.source, found.class), (LabelSource::Truth, PredictionType::RdmaTimeout));
        let said = Reviewed { class: PredictionType::Normal, risk: None };
        labels.reviewed.entry(stream.clone()).or_default().insert(time, said);
        let found = labels.of(&stream, time, &lossy());
        assert_eq!(
            (found.source, found.class, found.risk),
            (LabelSource::Reviewer, PredictionType::Normal, 0.0)
        );
        assert_eq!(found.verdict.class, PredictionType::PacketLossDetected, "what the rules said is kept");
    }

    #[test]
    fn a_verdict_answers_for_its_hour_and_its_stream() {
        let stream: StreamId = "a/1".parse().unwrap();
        let minute = |minute: i64| Timestamp::from_millis(minute * 60_000);
        let said = Reviewed { class: PredictionType::Normal, risk: None };
        let mut labels = Labels::default();
        labels.reviewed.entry(stream.clone()).or_default().insert(minute(90), said);
        for (asked, expected) in [(59, false), (60, true), (90, true), (119, true), (120, false)] {
            assert_eq!(labels.is_answered(&stream, minute(asked)), expected, "{asked}");
        }
        assert!(!labels.is_answered(&"a/2".parse().unwrap(), minute(90)));
    }

    #[test]
    fn a_rule_that_is_unsure_teaches_nothing() {
        let mut row = FeatureVector::default();
        row.set(Feature::Utilization, 85.0);
        let found = Labels::default().of(&"a/1".parse().unwrap(), Timestamp::EPOCH, &row);
        assert!(!found.teaches, "{found:?}");
    }
}
