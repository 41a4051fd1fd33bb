//! Why a fault was missed: what was said of its ports while it lasted.
//!
//! "Not found" has three very different causes: no sample was worth a look, the model saw nothing in it, or it saw
//! something and its risk stayed under the limit. Each calls for another remedy, so the verdict tells them apart.

use std::collections::BTreeMap;

use linkcast_domain::{Episode, EpisodeKind, Insight, PredictionType, StreamId, Timestamp};
use linkcast_training::evaluation::{Peers, RaisedAlert, missed_faults};
use serde::Serialize;

/// What was said of the ports with faults.
#[derive(Debug, Default)]
pub(crate) struct Hindsight {
    said: BTreeMap<StreamId, Vec<Said>>,
}

#[derive(Clone, Copy, Debug)]
struct Said {
    time: Timestamp,
    class: PredictionType,
    risk: f64,
    confidence: f64,
}

/// A fault that no alert spoke of.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Missed {
    /// Its type.
    pub(crate) class: PredictionType,
    /// Its cause, as injected.
    pub(crate) cause: String,
    /// When it began.
    pub(crate) onset: Timestamp,
    /// The ports that showed it.
    pub(crate) streams: Vec<StreamId>,
    /// Insights into them while it lasted.
    pub(crate) insights: usize,
    /// The highest risk among those that named trouble.
    pub(crate) highest_risk: Option<f64>,
    /// What that one named.
    pub(crate) named: Option<PredictionType>,
    /// How sure it was.
    pub(crate) confidence: Option<f64>,
}

impl Hindsight {
    /// Remembers what is said of the ports that `episodes` will make faulty.
    pub(crate) fn of(episodes: &[Episode]) -> Self {
        let faulty = episodes.iter().filter(|episode| episode.fault().is_some());
        let streams = faulty.flat_map(|episode| episode.streams.iter().cloned());
        Hindsight { said: streams.map(|stream| (stream, Vec::new())).collect() }
    }

    /// Takes insights in.
    pub(crate) fn note(&mut self, insights: &[Insight]) {
        for insight in insights {
            if let Some(said) = self.said.get_mut(&insight.related_entity) {
                said.push(Said {
                    time: insight.timestamp,
                    class: insight.prediction_type,
                    risk: insight.risk_score,
                    confidence: insight.confidence,
                });
            }
        }
    }

    /// The faults that `alerts` did not find.
    pub(crate) fn missed(&self, episodes: &[Episode], alerts: &[RaisedAlert], peers: &Peers) -> Vec<Missed> {
        let missed = missed_faults(episodes, alerts, peers);
        missed.into_iter().filter_map(|episode| self.look_back(episode)).collect()
    }

    fn look_back(&self, episode: &Episode) -> Option<Missed> {
        let EpisodeKind::Fault(class) = episode.kind else { return None };
        let said = episode.streams.iter().filter_map(|stream| self.said.get(stream)).flatten();
        let during: Vec<&Said> =
            said.filter(|said| episode.onset <= said.time && said.time <= episode.end).collect();
        let troubled = during.iter().filter(|said| said.class != PredictionType::Normal);
        let worst = troubled.max_by(|one, other| one.risk.total_cmp(&other.risk));
        Some(Missed {
            class,
            cause: episode.cause.clone(),
            onset: episode.onset,
            streams: episode.streams.clone(),
            insights: during.len(),
            highest_risk: worst.map(|said| said.risk),
            named: worst.map(|said| said.class),
            confidence: worst.map(|said| said.confidence),
        })
    }
}

impl Missed {
    /// The fault and why it was missed, in one line.
    pub(crate) fn line(&self) -> String {
        let why = match (self.insights, self.named, self.highest_risk) {
            (0, ..) => "no sample was worth a look".to_owned(),
            (count, None, _) => format!("{count} insights, all normal"),
            (count, Some(named), risk) => {
                let (risk, sure) = (risk.unwrap_or(0.0), self.confidence.unwrap_or(0.0));
                format!("{count} insights, at most risk {risk:.0} as {named}, {:.0} % sure", sure * 100.0)
            }
        };
        format!("missed: {} ({}): {why}", self.class, self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault() -> Episode {
        let at = |minute: i64| Timestamp::from_millis(minute * 60_000);
        Episode {
            id: 1,
            kind: EpisodeKind::Fault(PredictionType::LatencySpike),
            streams: vec!["a".parse().unwrap(), "b".parse().unwrap()],
            onset: at(100),
            impact: at(110),
            end: at(120),
            cause: "flow control mis-set".into(),
            shown: None,
        }
    }

    fn alert(stream: &str, minute: i64) -> RaisedAlert {
        RaisedAlert {
            streams: vec![stream.parse().unwrap()],
            opened: Timestamp::from_millis(minute * 60_000),
            class: None,
        }
    }

    #[test]
    fn a_fault_told_of_at_either_end_and_in_time_is_not_missed() {
        let episodes = [fault()];
        let hindsight = Hindsight::of(&episodes);
        let missed = |alerts: &[RaisedAlert]| hindsight.missed(&episodes, alerts, &Peers::new()).len();
        assert_eq!(missed(&[]), 1);
        assert_eq!(missed(&[alert("b", 150)]), 0);
        assert_eq!(missed(&[alert("b", 151), alert("a", 99), alert("c", 110)]), 1);
    }

    #[test]
    fn what_nobody_looked_at_is_told_from_what_looked_well() {
        let episodes = [fault()];
        let mut hindsight = Hindsight::of(&episodes);
        assert!(
            hindsight.missed(&episodes, &[], &Peers::new())[0].line().ends_with("no sample was worth a look")
        );
        let said = |class, risk| Said { time: episodes[0].impact, class, risk, confidence: 0.5 };
        let stream: StreamId = "a".parse().unwrap();
        hindsight.said.get_mut(&stream).unwrap().push(said(PredictionType::Normal, 90.0));
        assert!(
            hindsight.missed(&episodes, &[], &Peers::new())[0].line().ends_with("1 insights, all normal")
        );
        hindsight.said.get_mut(&stream).unwrap().push(said(PredictionType::AnomalyDetected, 70.0));
        let line = hindsight.missed(&episodes, &[], &Peers::new())[0].line();
        assert!(line.ends_with("2 insights, at most risk 70 as anomaly_detected, 50 % sure"), "{line}");
    }
}
