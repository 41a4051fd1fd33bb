//! What the pipeline said while a fabric ran.

use std::collections::{BTreeMap, BTreeSet};

use linkcast_domain::{Alert, AlertState, Cause, Episode, Insight, StreamId};
use linkcast_training::evaluation::{Answer, RaisedAlert, ScoredAlert};
use linkcast_training::{EpisodeIndex, label};

use crate::learning::{Hindsight, Reliability};

/// What the system said.
pub(crate) struct Heard {
    pub(crate) raised: BTreeMap<String, Alert>,
    pub(crate) hindsight: Hindsight,
    pub(crate) reliability: Reliability,
    pub(crate) answers: Vec<Answer>,
    truth: EpisodeIndex,
}

impl Heard {
    /// Nothing yet, against the truth of `episodes`.
    pub(crate) fn of(episodes: &[Episode]) -> Self {
        Heard {
            raised: BTreeMap::new(),
            hindsight: Hindsight::of(episodes),
            reliability: Reliability::of(episodes),
            answers: Vec::new(),
            truth: EpisodeIndex::new(episodes),
        }
    }

    /// Takes insights in. Both ends of a fault's life that training leaves out are no answers here either.
    pub(crate) fn note(&mut self, insights: &[Insight]) {
        self.hindsight.note(insights);
        self.reliability.note(insights);
        for insight in insights {
            let truth = label(&insight.related_entity, insight.timestamp, &self.truth);
            if truth.is_trained_on() {
                let is_right = insight.prediction_type == truth.class;
                self.answers.push(Answer { confidence: insight.confidence, is_right, weight: 1.0 });
            }
        }
    }

    /// Keeps each alert as it was first told, with the highest risk it reached. Missing data is a fact and no forecast.
    pub(crate) fn keep(&mut self, alerts: Vec<Alert>) {
        for alert in alerts {
            if !matches!(alert.cause, Cause::Predicted(_)) || alert.state != AlertState::Firing {
                continue;
            }
            let risk = alert.risk_score;
            let kept = self.raised.entry(alert.alert_id.clone()).or_insert(alert);
            kept.risk_score = kept.risk_score.max(risk);
        }
    }

    /// The alerts as they are judged.
    pub(crate) fn scored(&self) -> Vec<ScoredAlert> {
        let scored = |alert: &Alert| ScoredAlert { score: alert.risk_score, alert: as_raised(alert) };
        self.raised.values().map(scored).collect()
    }
}

fn as_raised(alert: &Alert) -> RaisedAlert {
    let class = match alert.cause {
        Cause::Predicted(class) => Some(class),
        Cause::SeriesMissing | Cause::SourceSilent => None,
    };
    let streams: BTreeSet<StreamId> = alert.streams.iter().cloned().collect();
    RaisedAlert { streams: streams.into_iter().collect(), opened: alert.opened, class }
}
