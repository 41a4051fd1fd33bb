//! Watching any series without labels: by the gate's limits, and by what was never seen before.
//!
//! Neither asks a model: the gate is what decides in the pipeline which samples are worth a look, and novelty is what can be
//! said of a series that no limit was made for. An alarm lasts while its signs do, so that a fault is told of once.

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_domain::{FeatureVector, Sample, StreamId, Timestamp};
use linkcast_features::{NOVEL, Novelty};
use linkcast_pipeline::{Evidence, GatePolicy, evidence};

/// A way to see that something is unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sense {
    /// The gate's limits, as they ship.
    Gate,
    /// Further out than ever before.
    Novelty,
}

impl Sense {
    /// Both.
    pub(crate) const ALL: [Sense; 2] = [Sense::Gate, Sense::Novelty];

    /// What it is called in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Sense::Gate => "gate",
            Sense::Novelty => "novelty",
        }
    }
}

/// Watches streams.
#[derive(Debug)]
pub(crate) struct Watcher {
    policy: GatePolicy,
    clear_after: Duration,
    streams: BTreeMap<StreamId, Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    novelty: Novelty,
    last_signs: [Option<Timestamp>; Sense::ALL.len()],
}

impl Watcher {
    /// Alarms end when nothing was seen for `clear_after`.
    pub(crate) fn new(clear_after: Duration) -> Self {
        Watcher { policy: GatePolicy::default(), clear_after, streams: BTreeMap::new() }
    }

    /// The senses to which this sample opens an alarm.
    pub(crate) fn look(&mut self, sample: &Sample, features: &FeatureVector) -> Vec<Sense> {
        let watched = self.streams.entry(sample.stream.clone()).or_default();
        let signs = evidence(&self.policy, &sample.values, features);
        let shown = [
            !signs.without(Evidence::RESET.and(Evidence::SATURATED)).is_empty(),
            watched.novelty.judge(sample.time, features) >= NOVEL,
        ];
        let clear_after = self.clear_after;
        let mut opened = Vec::new();
        for ((sense, is_shown), last) in Sense::ALL.into_iter().zip(shown).zip(&mut watched.last_signs) {
            if !is_shown {
                continue;
            }
            if last.is_none_or(|last| sample.time.since(last) > clear_after) {
                opened.push(sense);
            }
            *last = Some(sample.time);
        }
        opened
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_domain::{Feature, SampleField, SampleValues};

    #[test]
    fn an_alarm_lasts_while_its_signs_do_and_opens_again_after() {
        let mut watcher = Watcher::new(Duration::from_secs(600));
        let mut features = FeatureVector::default();
        features.set(Feature::LatencyP99DeltaPercent, 80.0);
        let mut opened = Vec::new();
        for minute in [0, 5, 15, 26] {
            let values = SampleValues::default().with(SampleField::LatencyP99, 9.0);
            let time = Timestamp::from_millis(minute * 60_000);
            let sample = Sample { stream: "a".parse().unwrap(), time, values, other: Vec::new() };
            if watcher.look(&sample, &features) == [Sense::Gate] {
                opened.push(minute);
            }
        }
        assert_eq!(opened, [0, 26]);
    }
}
