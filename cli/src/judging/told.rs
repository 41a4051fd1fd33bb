//! The alerts that a way of judging single samples would have told.
//!
//! A baseline deserves the same manners as the pipeline, or it would lose by repeating itself: one alert for both ends of a link
//! and each class, open until nothing was seen of it for half an hour, and none during announced work.

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_domain::{PredictionType, StreamId, Timestamp};
use linkcast_simulator::MaintenanceWindow;
use linkcast_training::evaluation::{RaisedAlert, ScoredAlert};

use super::kin::Kin;

/// An alert resolves when nothing was seen of it for so long: the longest that the pipeline's own causes take.
const CLEAR_AFTER: Duration = Duration::from_secs(30 * 60);

/// Alerts as they open.
#[derive(Debug, Default)]
pub(crate) struct Told {
    open: BTreeMap<(StreamId, PredictionType), Open>,
    alerts: Vec<ScoredAlert>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    last_seen: Timestamp,
    place: usize,
}

impl Told {
    /// A sample of `stream` shows `class` with this risk.
    pub(crate) fn see(
        &mut self,
        stream: &StreamId,
        time: Timestamp,
        (class, risk): (PredictionType, f64),
        kin: &Kin,
    ) {
        let key = (kin.link(stream).clone(), class);
        let open = self.open.get_mut(&key).filter(|open| time.since(open.last_seen) <= CLEAR_AFTER);
        if let Some(open) = open {
            open.last_seen = time;
            if let Some(alert) = self.alerts.get_mut(open.place) {
                alert.score = alert.score.max(risk);
            }
            return;
        }
        self.open.insert(key, Open { last_seen: time, place: self.alerts.len() });
        let alert = RaisedAlert { streams: vec![stream.clone()], opened: time, class: Some(class) };
        self.alerts.push(ScoredAlert { score: risk, alert });
    }

    /// All of them, with the highest risk each reached.
    pub(crate) fn into_alerts(self) -> Vec<ScoredAlert> {
        self.alerts
    }
}

/// When which stream's alerts are not wanted.
#[derive(Debug, Default)]
pub(crate) struct Announced(BTreeMap<StreamId, Vec<(Timestamp, Timestamp)>>);

impl Announced {
    /// By stream.
    pub(crate) fn of(windows: &[MaintenanceWindow]) -> Self {
        let mut by_stream: BTreeMap<StreamId, Vec<(Timestamp, Timestamp)>> = BTreeMap::new();
        for window in windows {
            for stream in &window.streams {
                by_stream.entry(stream.clone()).or_default().push((window.start, window.end));
            }
        }
        Announced(by_stream)
    }

    /// Whether work on the stream is going on.
    pub(crate) fn covers(&self, stream: &StreamId, time: Timestamp) -> bool {
        let windows = self.0.get(stream);
        windows.is_some_and(|windows| windows.iter().any(|(start, end)| *start <= time && time <= *end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_training::evaluation::Peers;

    #[test]
    fn what_is_seen_again_within_half_an_hour_at_either_end_is_one_alert() {
        let stream = |name: &str| name.parse::<StreamId>().unwrap();
        let peers: Peers = [("a", "b"), ("b", "a")].map(|(one, other)| (stream(one), stream(other))).into();
        let kin = Kin::of(["a", "b"].into_iter().map(stream), &peers, &[]);
        let mut told = Told::default();
        for (name, minute, class, risk) in [
            ("b", 0, PredictionType::LatencySpike, 70.0),
            ("a", 30, PredictionType::LatencySpike, 90.0),
            ("a", 31, PredictionType::RdmaTimeout, 60.0),
            ("a", 61, PredictionType::LatencySpike, 50.0),
        ] {
            told.see(&stream(name), Timestamp::from_millis(minute * 60_000), (class, risk), &kin);
        }
        let scores: Vec<_> = told.into_alerts().iter().map(|alert| alert.score).collect();
        assert_eq!(scores, [90.0, 60.0, 50.0]);
    }
}
