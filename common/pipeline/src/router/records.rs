//! Answers of another class than the embedded model's, kept whole so that people can look at them.
//!
//! Counters say how often two models differ; what they differ about only a sample shows. Each process keeps so many an hour as
//! the policy allows, the first ones that come: no more is written whatever happens.

use std::collections::BTreeMap;

use linkcast_domain::ports::{Revised, TaskItem};
use linkcast_domain::{Feature, FeatureVector, PredictionType, StreamId, Timestamp};
use linkcast_scoring::Score;
use serde::{Deserialize, Serialize};

use super::known::{HOUR_MS, KEPT};
use crate::judge::Judged;

/// Records' names begin so.
pub(super) const RECORD: &str = "record#";

/// Records written down with one question.
const WRITTEN_AT_ONCE: usize = 5;

/// One model's opinion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opinion {
    /// The class.
    pub class: PredictionType,
    /// Its probability.
    pub confidence: f64,
    /// How bad, 0 to 100.
    pub risk: f64,
}

/// A sample two models differ about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Disagreement {
    /// Whose.
    pub stream: StreamId,
    /// When.
    pub time: Timestamp,
    /// The variant that answered.
    pub variant: String,
    /// What it said.
    pub answered: Opinion,
    /// What the embedded model said.
    pub embedded: Opinion,
    /// The features that are present, by name.
    pub features: BTreeMap<String, f64>,
}

/// What one process kept within the hour.
#[derive(Debug, Default)]
pub(super) struct Records {
    hour: i64,
    kept: u32,
    unwritten: Vec<TaskItem>,
}

impl Records {
    /// Keeps a sample two models differ about, unless there are as many as the policy allows.
    pub(super) fn keep(
        &mut self,
        most: u32,
        now: Timestamp,
        sample: &Judged<'_>,
        (variant, answered, embedded): (&str, &Score, &Score),
    ) {
        let hour = now.millis().div_euclid(HOUR_MS);
        if hour != self.hour {
            (self.hour, self.kept) = (hour, 0);
        }
        if self.kept >= most || answered.class == embedded.class {
            return;
        }
        let record = Disagreement {
            stream: sample.stream.clone(),
            time: sample.time,
            variant: variant.to_owned(),
            answered: answered.into(),
            embedded: embedded.into(),
            features: present(sample.features),
        };
        let Ok(value) = serde_json::to_string(&record) else { return };
        self.kept += 1;
        let name = format!("{RECORD}{:016}#{}", sample.time.millis(), sample.stream);
        let until = Some(now.plus(KEPT));
        self.unwritten.push(TaskItem { name, text: Revised { revision: 0, value }, until });
    }

    /// What is to be written down now: a few, for answers wait meanwhile.
    pub(super) fn take(&mut self) -> Vec<TaskItem> {
        let rest = self.unwritten.split_off(WRITTEN_AT_ONCE.min(self.unwritten.len()));
        std::mem::replace(&mut self.unwritten, rest)
    }
}

impl From<&Score> for Opinion {
    fn from(score: &Score) -> Self {
        Opinion { class: score.class, confidence: score.confidence, risk: score.risk }
    }
}

fn present(features: &FeatureVector) -> BTreeMap<String, f64> {
    let named = |feature: Feature| Some((feature.name().to_owned(), features.get(feature)?));
    Feature::ALL.into_iter().filter_map(named).collect()
}
