//! What came of an insight: a pure look at the stream's samples and alerts after it.
//!
//! Only what says that something will happen can be judged by what happened: a link that drops, packets that are lost, timeouts.
//! A state, as a latency above its baseline, is not judged by its end. That nothing happened says something only if the whole
//! horizon was seen, no counter was reset in it and no alert is open: else somebody may have been at work, or it is not over.

use std::time::Duration;

use linkcast_domain::{Alert, AlertState, Insight, PredictionType, Sample, SampleField, Timestamp};
use serde::Serialize;

/// The least share of the horizon that samples must cover for their silence to say something.
const LEAST_COVERAGE: f64 = 0.9;
/// Packets lost or in error, as a share of those received, from which on packets are lost: InfiniBand's own allowance for a
/// symbol error ratio of 10^-12 is orders of magnitude below.
const LOSS_SHARE: f64 = 1e-5;

/// What became of an insight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "why", rename_all = "snake_case")]
pub enum Outcome {
    /// The horizon is not over.
    Early,
    /// What it forecast came.
    Confirmed(String),
    /// It did not.
    FalsePositive(String),
    /// That cannot be said.
    Undecided(String),
}

/// What an insight is judged by.
#[derive(Clone, Copy, Debug)]
pub struct OutcomeEvidence<'a> {
    /// The stream's samples after the insight's, oldest first; more do not matter.
    pub samples: &'a [Sample],
    /// Alerts; those of other streams do not matter.
    pub alerts: &'a [Alert],
    /// How long after the insight what it forecasts may come.
    pub horizon: Duration,
    /// Up to when all this was seen.
    pub now: Timestamp,
}

/// Judges one insight by what came after it.
pub fn outcome(insight: &Insight, evidence: OutcomeEvidence<'_>) -> Outcome {
    let OutcomeEvidence { samples, alerts, horizon, now } = evidence;
    let (from, until) = (insight.timestamp, insight.timestamp.plus(horizon));
    if now < until {
        return Outcome::Early;
    }
    let forecast = forecast_by(insight.prediction_type);
    if !has_outcome(insight.prediction_type) {
        return Outcome::Undecided(format!(
            "{} forecasts nothing that could be counted",
            insight.prediction_type
        ));
    }
    let later: Vec<&Sample> =
        samples.iter().filter(|sample| sample.time > from && sample.time <= until).collect();
    if let Some(came) = forecast.iter().find_map(|sign| sign.seen(&later, from)) {
        return Outcome::Confirmed(came);
    }
    let undecided = |why: &str| Outcome::Undecided(why.to_owned());
    if later.iter().any(|sample| sample.values.get(SampleField::Reset).is_some_and(|reset| reset > 0.0)) {
        return undecided("counters were reset: somebody may have worked on the link");
    }
    if !forecast.iter().any(|sign| sign.is_known(&later)) || coverage(&later, horizon) < LEAST_COVERAGE {
        return undecided("too little of the time after it was seen");
    }
    let own = |alert: &&Alert| {
        alert.insights.contains(&insight.entity_id)
            || (alert.streams.contains(&insight.related_entity)
                && alert.opened >= from
                && alert.opened <= until)
    };
    match alerts.iter().filter(own).map(|alert| alert.state).max_by_key(|state| *state == AlertState::Firing)
    {
        Some(AlertState::Firing) => undecided("nothing of what it forecasts came, but its alert is open"),
        Some(AlertState::Resolved) => Outcome::FalsePositive(format!(
            "nothing came within {}, and its alert resolved by itself",
            span(horizon)
        )),
        None => Outcome::FalsePositive(format!("nothing of what it forecasts came within {}", span(horizon))),
    }
}

/// Whether a class forecasts something whose coming could be counted.
pub fn has_outcome(class: PredictionType) -> bool {
    !forecast_by(class).is_empty()
}

/// A sign that what was forecast came.
#[derive(Clone, Copy)]
enum Sign {
    /// A counter that rose.
    Any(SampleField),
    /// Counters that together are a share of packets received.
    Share(&'static [SampleField]),
}

const LOST: &[SampleField] =
    &[SampleField::RcvErrors, SampleField::RcvRemotePhysicalErrors, SampleField::XmitDiscards];

/// What a class forecasts; a class that names a state forecasts nothing.
fn forecast_by(class: PredictionType) -> &'static [Sign] {
    match class {
        PredictionType::ConnectionInstability => {
            &[Sign::Any(SampleField::LinkDowned), Sign::Any(SampleField::LinkErrorRecoveries)]
        }
        PredictionType::PacketLossDetected => &[Sign::Any(SampleField::LinkDowned), Sign::Share(LOST)],
        PredictionType::MemoryRegistrationFailure => &[Sign::Any(SampleField::MemoryRegistrationFailures)],
        PredictionType::RdmaTimeout => &[Sign::Any(SampleField::AckTimeouts)],
        PredictionType::Normal
        | PredictionType::PerformanceDegradation
        | PredictionType::AnomalyDetected
        | PredictionType::ResourceSaturation
        | PredictionType::LatencySpike
        | PredictionType::QpErrorRateHigh
        | PredictionType::BandwidthThrottling => &[],
    }
}

impl Sign {
    fn seen(self, later: &[&Sample], from: Timestamp) -> Option<String> {
        match self {
            Sign::Any(field) => {
                let first =
                    later.iter().find(|sample| sample.values.get(field).is_some_and(|count| count > 0.0))?;
                Some(format!("{} rose {} after it", field.name(), span(first.time.since(from))))
            }
            Sign::Share(fields) => {
                let lost: f64 = fields.iter().map(|field| sum(later, *field)).sum();
                let share = lost / sum(later, SampleField::RcvPackets).max(1.0);
                (share >= LOSS_SHARE).then(|| format!("{share:.1e} of the packets were lost or in error"))
            }
        }
    }

    fn is_known(self, later: &[&Sample]) -> bool {
        let has = |field| later.iter().any(|sample| sample.values.get(field).is_some());
        match self {
            Sign::Any(field) => has(field),
            Sign::Share(fields) => has(SampleField::RcvPackets) && fields.iter().any(|field| has(*field)),
        }
    }
}

fn sum(later: &[&Sample], field: SampleField) -> f64 {
    later.iter().filter_map(|sample| sample.values.get(field)).sum()
}

/// The share of the horizon that samples cover.
fn coverage(later: &[&Sample], horizon: Duration) -> f64 {
    sum(later, SampleField::IntervalS) / horizon.as_secs_f64()
}

fn span(time: Duration) -> String {
    format!("{} min", time.as_secs() / 60)
}

#[cfg(test)]
mod tests {
    use linkcast_domain::{Cause, InsightId, ModelIdentity, SampleValues};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + minute * 60_000)
    }

    fn insight(class: PredictionType) -> Insight {
        let stream = "0000000000200000/2".parse().unwrap();
        let model =
            ModelIdentity { model_used: "embedded".into(), model_version: "1".into(), feature_schema: 1 };
        Insight {
            entity_id: InsightId::of(&stream, at(0), "link-health"),
            timestamp: at(0),
            entity_type: "insight".into(),
            related_entity: stream,
            fabric: "lab".into(),
            prediction_type: class,
            risk_score: 90.0,
            confidence: 0.9,
            explanation: String::new(),
            influencers: Vec::new(),
            recommendations: Vec::new(),
            model,
            variant: "embedded".into(),
            fallback_from: None,
            latency_us: 1,
            cost_usd: 0.0,
            cost: linkcast_domain::Cost::default(),
            attempts: Vec::new(),
            ttl: 0,
        }
    }

    /// A sample a minute for `minutes`, quiet but for what is put in.
    fn hour(minutes: i64, put: &[(i64, SampleField, f64)]) -> Vec<Sample> {
        let quiet = [SampleField::LinkDowned, SampleField::LinkErrorRecoveries, SampleField::RcvErrors];
        let sample = |minute: i64| {
            let mut values =
                SampleValues::default().with(SampleField::IntervalS, 60.0).with(SampleField::RcvPackets, 1e6);
            quiet.iter().for_each(|field| values.set(*field, 0.0));
            put.iter()
                .filter(|(when, ..)| *when == minute)
                .for_each(|(_, field, value)| values.set(*field, *value));
            Sample {
                stream: insight(PredictionType::Normal).related_entity,
                time: at(minute),
                values,
                other: vec![],
            }
        };
        (1..=minutes).map(sample).collect()
    }

    fn judged(class: PredictionType, samples: &[Sample], alerts: &[Alert]) -> Outcome {
        outcome(&insight(class), OutcomeEvidence { samples, alerts, horizon: HOUR, now: at(60) })
    }

    fn alert(state: AlertState) -> Alert {
        let of = insight(PredictionType::ConnectionInstability);
        Alert {
            alert_id: "a".into(),
            state,
            fabric: "lab".into(),
            group: "stream:x".into(),
            cause: Cause::Predicted(of.prediction_type),
            streams: vec![of.related_entity],
            names: Vec::new(),
            opened: at(2),
            updated: at(30),
            risk_score: 90.0,
            confidence: 0.9,
            summary: String::new(),
            recommendations: Vec::new(),
            insights: Vec::new(),
        }
    }

    #[test]
    fn a_link_that_drops_within_the_horizon_confirms_and_one_that_drops_later_does_not() {
        let class = PredictionType::ConnectionInstability;
        let dropped = judged(class, &hour(60, &[(42, SampleField::LinkDowned, 1.0)]), &[]);
        assert_eq!(dropped, Outcome::Confirmed("link_downed rose 42 min after it".to_owned()));
        let later = judged(class, &hour(90, &[(75, SampleField::LinkDowned, 1.0)]), &[]);
        assert!(matches!(later, Outcome::FalsePositive(_)), "{later:?}");
    }

    #[test]
    fn nothing_is_said_before_the_horizon_is_over() {
        let samples = hour(60, &[(1, SampleField::LinkDowned, 1.0)]);
        let evidence = OutcomeEvidence { samples: &samples, alerts: &[], horizon: HOUR, now: at(59) };
        assert_eq!(outcome(&insight(PredictionType::ConnectionInstability), evidence), Outcome::Early);
    }

    #[test]
    fn a_quiet_hour_makes_a_false_alarm_only_where_all_of_it_was_seen_and_nobody_was_at_work() {
        let class = PredictionType::ConnectionInstability;
        let told = |outcome: Outcome| match outcome {
            Outcome::FalsePositive(why) | Outcome::Undecided(why) => why,
            other => panic!("{other:?}"),
        };
        assert!(told(judged(class, &hour(60, &[]), &[alert(AlertState::Resolved)])).contains("by itself"));
        for (samples, alerts, why) in [
            (hour(30, &[]), vec![], "too little"),
            (vec![], vec![], "too little"),
            (hour(60, &[(20, SampleField::Reset, 1.0)]), vec![], "reset"),
            (hour(60, &[]), vec![alert(AlertState::Resolved), alert(AlertState::Firing)], "alert is open"),
        ] {
            let found = judged(class, &samples, &alerts);
            assert!(matches!(&found, Outcome::Undecided(told) if told.contains(why)), "{why}: {found:?}");
        }
    }

    #[test]
    fn packets_are_lost_from_a_share_on_and_a_state_is_not_judged_by_its_end() {
        let class = PredictionType::PacketLossDetected;
        let few = judged(class, &hour(60, &[(5, SampleField::RcvErrors, 30.0)]), &[]);
        assert!(matches!(few, Outcome::FalsePositive(_)), "{few:?}");
        let many = judged(class, &hour(60, &[(5, SampleField::RcvErrors, 3_000.0)]), &[]);
        assert!(matches!(many, Outcome::Confirmed(_)), "{many:?}");
        for class in [PredictionType::LatencySpike, PredictionType::Normal] {
            assert!(matches!(judged(class, &hour(60, &[]), &[]), Outcome::Undecided(_)));
        }
    }
}
