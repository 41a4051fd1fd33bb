//! Two ways of telling, event by event, in groups that can be drawn.
//!
//! [`super::evaluate_events`] says what each came to; whether one is truly better has to be asked of both on the very same
//! faults. A group is whatever is drawn together: the faults and false alarms of one piece of the fabric.

use std::collections::BTreeMap;

use linkcast_domain::{Episode, StreamId};

use super::matching::{RaisedAlert, Verdict, match_alerts};
use super::{Conclusion, PairedDifference, Peers, paired_bootstrap};
use crate::metrics::share;

/// What became of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EventTally {
    /// Faults that happened.
    pub faults: f64,
    /// Of them, told of.
    pub found: f64,
    /// Of those, before they hurt.
    pub in_time: f64,
    /// Alerts about no fault.
    pub false_alerts: f64,
}

/// A figure over events, with its name.
type NamedFigure = (&'static str, fn(&EventTally) -> f64);

const FIGURES: [NamedFigure; 3] = [
    ("recall by event", |tally| share(tally.found, tally.faults)),
    ("recall by event, before it hurts", |tally| share(tally.in_time, tally.faults)),
    ("F1 by event", |tally| share(2.0 * tally.found, tally.faults + tally.found + tally.false_alerts)),
];

/// Each figure of the candidate's alerts and the live one's, on the same draws of the groups that hold an event.
pub fn compare_events<K: Ord>(
    episodes: &[Episode],
    (candidate, live): (&[RaisedAlert], &[RaisedAlert]),
    peers: &Peers,
    group: impl Fn(&StreamId) -> K,
    (draws, seed): (usize, u64),
) -> Vec<(&'static str, PairedDifference)> {
    let mut groups: BTreeMap<K, (EventTally, EventTally)> = BTreeMap::new();
    for (streams, tally) in tallies(episodes, candidate, peers) {
        if let Some(first) = streams.first() {
            groups.entry(group(first)).or_default().0.add(&tally, 1.0);
        }
    }
    for (streams, tally) in tallies(episodes, live, peers) {
        if let Some(first) = streams.first() {
            groups.entry(group(first)).or_default().1.add(&tally, 1.0);
        }
    }
    let groups: Vec<(EventTally, EventTally)> = groups.into_values().collect();
    let compare =
        |(name, figure): NamedFigure| Some((name, paired_bootstrap(&groups, draws, seed, summed, figure)?));
    FIGURES.into_iter().filter_map(compare).collect()
}

/// Every fault and every alert, with the streams it is on and what it adds.
fn tallies<'a>(
    episodes: &'a [Episode],
    alerts: &'a [RaisedAlert],
    peers: &Peers,
) -> Vec<(&'a [StreamId], EventTally)> {
    let faults = episodes.iter().filter(|episode| episode.fault().is_some());
    let happened =
        faults.map(|fault| (fault.streams.as_slice(), EventTally { faults: 1.0, ..EventTally::default() }));
    let told = match_alerts(episodes, alerts, peers).into_iter().filter_map(|(alert, verdict)| {
        let tally = EventTally::default();
        match verdict {
            Verdict::Found(place) => {
                let fault = episodes.get(place)?;
                let in_time = f64::from(u8::from(alert.opened < fault.impact));
                Some((fault.streams.as_slice(), EventTally { found: 1.0, in_time, ..tally }))
            }
            Verdict::Benign(_) | Verdict::Unfounded => {
                Some((alert.streams.as_slice(), EventTally { false_alerts: 1.0, ..tally }))
            }
            Verdict::Repeat => None,
        }
    });
    happened.chain(told).collect()
}

impl EventTally {
    fn add(&mut self, more: &EventTally, times: f64) {
        self.faults += more.faults * times;
        self.found += more.found * times;
        self.in_time += more.in_time * times;
        self.false_alerts += more.false_alerts * times;
    }
}

fn summed(drawn: &mut dyn Iterator<Item = (&EventTally, f64)>) -> EventTally {
    let mut sum = EventTally::default();
    drawn.for_each(|(tally, times)| sum.add(tally, times));
    sum
}

impl Conclusion {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Conclusion::Better => "better",
            Conclusion::Worse => "worse",
            Conclusion::NotToldApart => "not told apart",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_domain::{EpisodeKind, PredictionType, Timestamp};

    fn minute(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    fn stream(number: usize) -> StreamId {
        format!("switch/{number}").parse().unwrap()
    }

    fn fault(number: usize) -> Episode {
        Episode {
            id: number as u64,
            kind: EpisodeKind::Fault(PredictionType::RdmaTimeout),
            streams: vec![stream(number)],
            onset: minute(0),
            impact: minute(60),
            end: minute(120),
            cause: "made by hand".into(),
            shown: None,
        }
    }

    fn alert(number: usize, at: i64) -> RaisedAlert {
        RaisedAlert { streams: vec![stream(number)], opened: minute(at), class: None }
    }

    fn compare(candidate: &[RaisedAlert], live: &[RaisedAlert]) -> Vec<(&'static str, PairedDifference)> {
        let faults: Vec<Episode> = (0..60).map(fault).collect();
        compare_events(&faults, (candidate, live), &Peers::new(), StreamId::clone, (500, 7))
    }

    #[test]
    fn a_model_that_tells_of_more_faults_and_earlier_is_better_by_event() {
        let early: Vec<RaisedAlert> = (0..50).map(|number| alert(number, 30)).collect();
        let late: Vec<RaisedAlert> = (0..30).map(|number| alert(number, 90)).collect();
        let found = compare(&early, &late);
        let figures: Vec<(f64, f64, Conclusion)> =
            found.iter().map(|(_, one)| (one.candidate, one.live, one.conclusion)).collect();
        let better = Conclusion::Better;
        assert_eq!(figures[0], (0.833_333, 0.5, better));
        assert_eq!(figures[1], (0.833_333, 0.0, better));
        assert_eq!(figures[2], (0.909_091, 0.666_667, better));
        assert!(found.iter().all(|(_, one)| one.groups == 60));
    }

    #[test]
    fn false_alarms_cost_f1_and_no_recall_and_the_same_alerts_differ_by_nothing() {
        let told: Vec<RaisedAlert> = (0..50).map(|number| alert(number, 30)).collect();
        let noisy: Vec<RaisedAlert> =
            told.iter().cloned().chain((100..160).map(|number| alert(number, 30))).collect();
        let found = compare(&noisy, &told);
        assert_eq!(found[0].1.conclusion, Conclusion::NotToldApart);
        assert_eq!(found[2].1.conclusion, Conclusion::Worse);
        assert!(compare(&told, &told).iter().all(|(_, one)| one.difference == 0.0));
    }
}
