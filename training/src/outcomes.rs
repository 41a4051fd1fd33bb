//! What followed a sample: the alert that opened, the link that failed, what was done about it.
//!
//! Looked at from the sample's own time: an outcome lies strictly after it and within its horizon, and nothing of it ever reaches
//! a feature. A horizon that ends after the history does is unknown and not "nothing happened": the last day of any history
//! would else teach that faults end with the recording.

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_domain::{PredictionType, StreamId, Timestamp};
use serde::{Deserialize, Serialize};

/// How soon an alert has to open to count for a sample.
pub const ALERT_HORIZON: Duration = Duration::from_secs(5 * 60);

/// The nearer of the two horizons within which a failure counts.
pub const NEAR_HORIZON: Duration = Duration::from_secs(3_600);

/// The farther of the two.
pub const FAR_HORIZON: Duration = Duration::from_secs(24 * 3_600);

/// How a link failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// It went down and stayed down.
    Down,
    /// Somebody or something took it out of service.
    Isolated,
    /// Its cable, module or adapter was replaced.
    Replaced,
    /// A person confirmed a fault.
    Confirmed,
}

/// Something that happened to a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// An alert about it opened.
    AlertOpened {
        /// Its cause.
        cause: PredictionType,
        /// The highest risk it reached, 0 to 100.
        peak_risk: f64,
        /// When it was over; not yet where there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// Its counters say that it went down. By itself no failure: hosts restart every day.
    WentDown {
        /// How often since the sample before.
        count: f64,
    },
    /// Its link failed.
    Failed {
        /// How.
        how: Failure,
    },
    /// Something was done about it.
    Acted {
        /// What, in the words of who did it.
        action: String,
    },
}

/// What a sample is answered with by what came after it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Whether an alert opened within [`ALERT_HORIZON`]; unknown where the history ends before.
    pub alert: Option<bool>,
    /// Whether the link failed within [`NEAR_HORIZON`].
    pub fails_near: Option<bool>,
    /// Whether the link failed within [`FAR_HORIZON`].
    pub fails_far: Option<bool>,
    /// The highest risk of an alert that opened within the farther horizon, 0 to 100.
    pub severity: Option<f64>,
    /// What was done within the farther horizon, the first if it was several things.
    pub action: Option<String>,
}

/// Everything that happened, by stream and time.
///
/// A link that went down while an alert about it was open has failed. One that nobody was told of was taken down by a restart or by
/// announced work, as far as the pipeline could see; where it saw wrongly, a person's [`Happening::Failed`] says so.
#[derive(Clone, Debug)]
pub struct Outcomes {
    happenings: BTreeMap<StreamId, Vec<(Timestamp, Happening)>>,
    /// Nothing is known after this.
    end: Timestamp,
}

impl Outcomes {
    /// What is known up to `end`, in any order.
    pub fn new(end: Timestamp, all: impl IntoIterator<Item = (StreamId, Timestamp, Happening)>) -> Self {
        let mut happenings: BTreeMap<StreamId, Vec<(Timestamp, Happening)>> = BTreeMap::new();
        for (stream, time, happening) in all {
            happenings.entry(stream).or_default().push((time, happening));
        }
        for of_stream in happenings.values_mut() {
            of_stream.sort_by_key(|(time, _)| *time);
            resolve(of_stream, end);
        }
        Outcomes { happenings, end }
    }

    /// What followed the stream's sample of this time.
    pub fn after(&self, stream: &StreamId, time: Timestamp) -> Outcome {
        let of_stream = self.happenings.get(stream).map(Vec::as_slice).unwrap_or_default();
        let first = of_stream.partition_point(|(at, _)| *at <= time);
        let following = of_stream.get(first..).unwrap_or_default();
        let within = |horizon: Duration| {
            following.iter().take_while(move |(at, _)| at.since(time) <= horizon).map(|(_, what)| what)
        };
        let fails = |horizon| within(horizon).any(|what| matches!(what, Happening::Failed { .. }));
        let alerts = |horizon| within(horizon).any(|what| matches!(what, Happening::AlertOpened { .. }));
        Outcome {
            alert: self.known(time, ALERT_HORIZON, alerts(ALERT_HORIZON)),
            fails_near: self.known(time, NEAR_HORIZON, fails(NEAR_HORIZON)),
            fails_far: self.known(time, FAR_HORIZON, fails(FAR_HORIZON)),
            severity: within(FAR_HORIZON).filter_map(Happening::risk).reduce(f64::max),
            action: within(FAR_HORIZON).find_map(Happening::action).map(str::to_owned),
        }
    }

    /// What happened is known as soon as it has; that it did not, only when the horizon is over.
    fn known(&self, time: Timestamp, horizon: Duration, happened: bool) -> Option<bool> {
        (happened || self.end.since(time) >= horizon).then_some(happened)
    }
}

/// Turns going down under an open alert into failing.
fn resolve(of_stream: &mut [(Timestamp, Happening)], end: Timestamp) {
    let mut alerted_until = None;
    for (time, happening) in of_stream {
        match happening {
            Happening::AlertOpened { until, .. } => {
                alerted_until = alerted_until.max(Some(until.unwrap_or(end)))
            }
            Happening::WentDown { .. } if alerted_until.is_some_and(|until| *time <= until) => {
                *happening = Happening::Failed { how: Failure::Down };
            }
            _ => {}
        }
    }
}

impl Happening {
    fn risk(&self) -> Option<f64> {
        match self {
            Happening::AlertOpened { peak_risk, .. } => Some(*peak_risk),
            Happening::WentDown { .. } | Happening::Failed { .. } | Happening::Acted { .. } => None,
        }
    }

    fn action(&self) -> Option<&str> {
        match self {
            Happening::Acted { action } => Some(action),
            Happening::AlertOpened { .. } | Happening::WentDown { .. } | Happening::Failed { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    fn stream() -> StreamId {
        "a/1".parse().unwrap()
    }

    fn outcomes(end: i64) -> Outcomes {
        let alert = Happening::AlertOpened {
            cause: PredictionType::PacketLossDetected,
            peak_risk: 91.0,
            until: None,
        };
        let failed = Happening::Failed { how: Failure::Down };
        let acted = Happening::Acted { action: "cable changed".into() };
        let all = [(at(160), failed), (at(104), alert), (at(200), acted)];
        Outcomes::new(at(end), all.map(|(time, what)| (stream(), time, what)))
    }

    #[test]
    fn what_follows_counts_within_its_horizon_and_only_after_the_sample() {
        let whole = outcomes(10_000);
        let soon = whole.after(&stream(), at(100));
        assert_eq!((soon.alert, soon.fails_near, soon.fails_far), (Some(true), Some(true), Some(true)));
        assert_eq!((soon.severity, soon.action.as_deref()), (Some(91.0), Some("cable changed")));
        let early = whole.after(&stream(), at(90));
        assert_eq!((early.alert, early.fails_near, early.fails_far), (Some(false), Some(false), Some(true)));
        let at_once = whole.after(&stream(), at(160));
        assert_eq!((at_once.fails_near, at_once.fails_far), (Some(false), Some(false)), "not its own time");
        assert_eq!(whole.after(&"b/1".parse().unwrap(), at(100)).fails_far, Some(false));
    }

    #[test]
    fn a_horizon_that_outlasts_the_history_is_unknown_unless_it_happened() {
        let cut = outcomes(170);
        assert_eq!(cut.after(&stream(), at(100)).fails_far, Some(true), "seen already");
        let late = cut.after(&stream(), at(165));
        assert_eq!((late.alert, late.fails_near, late.fails_far), (Some(false), None, None));
    }

    #[test]
    fn going_down_is_failing_only_while_somebody_was_told() {
        let alert = |until| Happening::AlertOpened {
            cause: PredictionType::ConnectionInstability,
            peak_risk: 91.0,
            until: Some(at(until)),
        };
        let down = || Happening::WentDown { count: 1.0 };
        let all = [(at(10), down()), (at(20), alert(40)), (at(30), down()), (at(200), down())];
        let outcomes = Outcomes::new(at(10_000), all.map(|(time, what)| (stream(), time, what)));
        assert_eq!(outcomes.after(&stream(), at(5)).fails_near, Some(true), "of minute 30");
        assert_eq!(outcomes.after(&stream(), at(30)).fails_far, Some(false), "the last was a restart");
    }
}
