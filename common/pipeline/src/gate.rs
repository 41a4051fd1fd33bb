//! The gate: which samples are worth the model's time.
//!
//! A healthy fabric says the same thing twice a minute on every port; scoring all of it buys nothing. The gate looks
//! at each sample for evidence of trouble, by limits at or below every published alarm, and lets a sparse, sticky
//! choice of quiet samples through so that normal is seen too. It is pure and runs on every sample.

use linkcast_domain::{
    Feature, FeatureVector, PredictionType, SampleField, SampleValues, StreamId, Timestamp,
};
use linkcast_scoring::Score;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::facts::Fact;
use crate::settings::{GatePolicy, Quiet};

/// What speaks for trouble in one sample: a set of signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence(u32);

impl Evidence {
    /// The link went down in the interval.
    pub const LINK_DOWNED: Evidence = Evidence(1);
    /// The link retrained and recovered.
    pub const RECOVERIES: Evidence = Evidence(1 << 1);
    /// Symbol errors over 12 min above the warning.
    pub const SYMBOLS_12M: Evidence = Evidence(1 << 2);
    /// Symbol errors over 125 min above the confirmation.
    pub const SYMBOLS_125M: Evidence = Evidence(1 << 3);
    /// Packets received in error.
    pub const RECEIVE_ERRORS: Evidence = Evidence(1 << 4);
    /// Packets dropped on the way out.
    pub const DISCARDS: Evidence = Evidence(1 << 5);
    /// Link integrity or buffer overrun thresholds crossed.
    pub const INTEGRITY: Evidence = Evidence(1 << 6);
    /// Data waited to be sent.
    pub const WAITING: Evidence = Evidence(1 << 7);
    /// The link is near its limit, or far busier than usual.
    pub const BUSY: Evidence = Evidence(1 << 8);
    /// Latency above its baseline.
    pub const LATENCY: Evidence = Evidence(1 << 9);
    /// Bandwidth below its baseline while data waits.
    pub const HELD_BACK: Evidence = Evidence(1 << 10);
    /// Queue pairs failed, acknowledgements timed out or receivers were not ready.
    pub const QUEUE_PAIRS: Evidence = Evidence(1 << 11);
    /// Congestion notifications.
    pub const NOTIFICATIONS: Evidence = Evidence(1 << 12);
    /// Memory registrations failed.
    pub const REGISTRATIONS: Evidence = Evidence(1 << 13);
    /// Trained below what both ends could do.
    pub const BELOW_CAPABILITY: Evidence = Evidence(1 << 14);
    /// The port's counters were reset: worth an insight, never a condition.
    pub const RESET: Evidence = Evidence(1 << 15);
    /// Counters came to stand at their maximum: worth an insight, never a condition.
    pub const SATURATED: Evidence = Evidence(1 << 16);
    /// The link went down and has not come back for longer than a restart takes.
    pub const STAYED_DOWN: Evidence = Evidence(1 << 17);
    /// The link went down several times within the time one restart takes.
    pub const FLAPPING: Evidence = Evidence(1 << 18);
    /// Errors that no ratio tells of: the link's rate is unknown, or no packet was counted.
    pub const UNCOUNTED: Evidence = Evidence(1 << 19);

    /// Every sign.
    pub const ANY: Evidence = Evidence(u32::MAX);

    /// Whether there is no sign at all.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether any sign of `other` is here.
    pub fn has(self, other: Evidence) -> bool {
        self.0 & other.0 != 0
    }

    /// These signs and those of `other`.
    #[must_use]
    pub fn and(self, other: Evidence) -> Evidence {
        Evidence(self.0 | other.0)
    }

    /// These signs without those of `other`.
    #[must_use]
    pub fn without(self, other: Evidence) -> Evidence {
        Evidence(self.0 & !other.0)
    }

    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    pub(crate) fn from_bits(bits: u32) -> Self {
        Evidence(bits)
    }

    fn when(self, seen: impl Into<u32>) -> Evidence {
        Evidence(self.0 * seen.into())
    }
}

/// The signs in one sample. Comparisons with an absent value (NaN) are false: what is unknown is no evidence.
pub fn evidence(policy: &GatePolicy, values: &SampleValues, vector: &FeatureVector) -> Evidence {
    hard_signs(policy, values, vector).and(soft_signs(policy, vector))
}

/// Signs whose windows still remember what this sample's counters no longer show. Worth a look; but one burst, seen
/// again by each of the samples its window covers, is one event and not many.
pub(crate) fn only_remembered(values: &SampleValues) -> Evidence {
    let still = |fields: &[SampleField]| !fields.iter().any(|field| values.raw(*field) > 0.0);
    Evidence::SYMBOLS_12M
        .and(Evidence::SYMBOLS_125M)
        .when(still(&[SampleField::SymbolErrors]))
        .and(
            Evidence::RECEIVE_ERRORS
                .when(still(&[SampleField::RcvErrors, SampleField::RcvRemotePhysicalErrors])),
        )
        .and(Evidence::DISCARDS.when(still(&[SampleField::XmitDiscards])))
}

/// Which signs speak for a cause; others beside it are coincidence and open nothing.
pub(crate) fn telling(class: PredictionType) -> Evidence {
    let link = Evidence::LINK_DOWNED
        .and(Evidence::RECOVERIES)
        .and(Evidence::SYMBOLS_12M)
        .and(Evidence::SYMBOLS_125M)
        .and(Evidence::RECEIVE_ERRORS)
        .and(Evidence::INTEGRITY)
        .and(Evidence::STAYED_DOWN)
        .and(Evidence::FLAPPING)
        .and(Evidence::UNCOUNTED);
    let flow = Evidence::WAITING.and(Evidence::HELD_BACK).and(Evidence::NOTIFICATIONS).and(Evidence::LATENCY);
    match class {
        PredictionType::Normal => Evidence::default(),
        PredictionType::AnomalyDetected => Evidence::ANY,
        PredictionType::ConnectionInstability => link,
        PredictionType::PacketLossDetected => link.and(Evidence::DISCARDS).and(Evidence::QUEUE_PAIRS),
        PredictionType::PerformanceDegradation | PredictionType::BandwidthThrottling => {
            flow.and(link).and(Evidence::BELOW_CAPABILITY)
        }
        PredictionType::LatencySpike => flow,
        // A full link may be a job that means it, for hours: saturation is trouble where a receiver complains.
        PredictionType::ResourceSaturation
        | PredictionType::QpErrorRateHigh
        | PredictionType::RdmaTimeout => Evidence::QUEUE_PAIRS,
        PredictionType::MemoryRegistrationFailure => Evidence::REGISTRATIONS,
    }
}

/// Which signs explain a cause away: packets take longer on a link that is far busier than usual, or nearly full.
pub(crate) fn excusing(class: PredictionType) -> Evidence {
    match class {
        PredictionType::LatencySpike => Evidence::BUSY,
        _ => Evidence::default(),
    }
}

/// Counters that stand still on a healthy link.
fn hard_signs(policy: &GatePolicy, values: &SampleValues, vector: &FeatureVector) -> Evidence {
    let rose = |field| values.raw(field) > 0.0;
    let above = |feature, limit| vector.raw(feature) > limit;
    let integrity = rose(SampleField::LocalLinkIntegrityErrors) | rose(SampleField::BufferOverruns);
    let queue_pairs = rose(SampleField::QpErrors)
        | rose(SampleField::AckTimeouts)
        | rose(SampleField::RnrNaks)
        | rose(SampleField::OutOfBuffer);
    Evidence::LINK_DOWNED
        .when(rose(SampleField::LinkDowned))
        .and(Evidence::RECOVERIES.when(rose(SampleField::LinkErrorRecoveries)))
        .and(Evidence::SYMBOLS_12M.when(above(Feature::SymbolBer12m, policy.symbol_ber_12m)))
        .and(Evidence::SYMBOLS_125M.when(above(Feature::SymbolBer125m, policy.symbol_ber_125m)))
        .and(Evidence::RECEIVE_ERRORS.when(above(Feature::RcvErrorRatio5m, policy.rcv_error_ratio)))
        .and(Evidence::DISCARDS.when(above(Feature::XmitDiscardsPerSecond5m, policy.discards_per_s)))
        .and(Evidence::INTEGRITY.when(integrity))
        .and(Evidence::QUEUE_PAIRS.when(queue_pairs))
        .and(Evidence::REGISTRATIONS.when(rose(SampleField::MemoryRegistrationFailures)))
        .and(Evidence::RESET.when(rose(SampleField::Reset)))
        .and(Evidence::UNCOUNTED.when(Fact::uncounted(policy, values, vector).is_some()))
}

/// Values that move on a healthy link too, and say something by how far.
fn soft_signs(policy: &GatePolicy, vector: &FeatureVector) -> Evidence {
    let above = |feature, limit| vector.raw(feature) > limit;
    let busy = above(Feature::UtilizationMean5m, policy.utilization)
        | above(Feature::UtilizationDelta, policy.utilization_over_baseline);
    let held_back = vector.raw(Feature::BandwidthDeltaPercent) < -policy.bandwidth_under_baseline
        && above(Feature::WaitRatio5m, policy.held_back_wait_ratio);
    Evidence::WAITING
        .when(above(Feature::WaitRatio5m, policy.wait_ratio))
        .and(Evidence::BUSY.when(busy))
        .and(Evidence::LATENCY.when(above(Feature::LatencyP99DeltaPercent, policy.latency_over_baseline)))
        .and(Evidence::HELD_BACK.when(held_back))
        .and(
            Evidence::NOTIFICATIONS.when(above(
                Feature::CongestionNotificationsPerSecond5m,
                policy.congestion_notifications_per_s,
            )),
        )
        .and(Evidence::BELOW_CAPABILITY.when(above(Feature::BelowCapability, 0.0)))
}

/// Whether a sample without evidence is scored all the same; the choice holds for a stream's hour, and of that hour
/// the first sample is taken.
pub fn is_quiet_choice(
    policy: &GatePolicy,
    stream: &StreamId,
    last: Option<Timestamp>,
    time: Timestamp,
) -> bool {
    match policy.quiet {
        Quiet::Every => true,
        Quiet::Sampled { one_in } => {
            let hour = |time: Timestamp| time.seconds().div_euclid(3600);
            last.is_none_or(|last| hour(last) != hour(time))
                && xxh3_64_with_seed(stream.as_str().as_bytes(), hour(time) as u64)
                    .is_multiple_of(one_in.max(1))
        }
    }
}

/// The last insight kept of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastInsight {
    /// Its sample's time.
    pub time: Timestamp,
    /// Its class.
    pub class: PredictionType,
    /// Its risk, in steps.
    pub step: u8,
}

/// The step a risk stands on.
pub fn risk_step(policy: &GatePolicy, risk: f64) -> u8 {
    (risk.clamp(0.0, 100.0) / policy.risk_step.max(1.0)) as u8
}

/// Normal verdicts repeat at a twelfth of the pace of troubled ones.
const NORMAL_PACE: u32 = 12;

/// Whether a score is worth keeping as an insight: lasting trouble is told at a bounded pace.
pub fn is_news(policy: &GatePolicy, last: Option<LastInsight>, time: Timestamp, score: &Score) -> bool {
    let Some(last) = last else { return true };
    let pace = if score.class == PredictionType::Normal { policy.every * NORMAL_PACE } else { policy.every };
    last.class != score.class || last.step != risk_step(policy, score.risk) || time.since(last.time) >= pace
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_remembers_a_burst_does_not_repeat_it() {
        let mut values = SampleValues::default();
        let signs = Evidence::SYMBOLS_12M.and(Evidence::DISCARDS).and(Evidence::WAITING);
        assert_eq!(signs.without(only_remembered(&values)), Evidence::WAITING);
        values.set(SampleField::SymbolErrors, 1.0);
        assert!(signs.without(only_remembered(&values)).has(Evidence::SYMBOLS_12M));
    }

    #[test]
    fn a_busy_link_beside_a_verdict_of_instability_is_coincidence() {
        assert!(!Evidence::BUSY.has(telling(PredictionType::ConnectionInstability)));
        assert!(!Evidence::BUSY.has(telling(PredictionType::ResourceSaturation)));
        assert!(Evidence::LATENCY.has(telling(PredictionType::LatencySpike)));
    }

    #[test]
    fn an_absent_value_is_no_evidence() {
        let none = evidence(&GatePolicy::default(), &SampleValues::default(), &FeatureVector::default());
        assert!(none.is_empty());
    }

    #[test]
    fn each_sign_shows_beyond_its_limit_and_not_at_it() {
        let policy = GatePolicy::default();
        let check = |feature, at, beyond, sign: Evidence| {
            let mut vector = FeatureVector::default();
            vector.set(feature, at);
            assert!(evidence(&policy, &SampleValues::default(), &vector).is_empty(), "{feature} at {at}");
            vector.set(feature, beyond);
            assert_eq!(evidence(&policy, &SampleValues::default(), &vector), sign, "{feature} at {beyond}");
        };
        check(Feature::SymbolBer12m, 1e-14, 2e-14, Evidence::SYMBOLS_12M);
        check(Feature::SymbolBer125m, 1e-15, 2e-15, Evidence::SYMBOLS_125M);
        check(Feature::RcvErrorRatio5m, 0.0, 1e-9, Evidence::RECEIVE_ERRORS);
        check(Feature::XmitDiscardsPerSecond5m, 0.1, 0.2, Evidence::DISCARDS);
        check(Feature::WaitRatio5m, 0.1, 0.11, Evidence::WAITING);
        check(Feature::UtilizationMean5m, 90.0, 91.0, Evidence::BUSY);
        check(Feature::LatencyP99DeltaPercent, 50.0, 51.0, Evidence::LATENCY);
        check(Feature::BelowCapability, 0.0, 0.5, Evidence::BELOW_CAPABILITY);
    }

    #[test]
    fn one_quiet_stream_in_so_many_is_chosen_each_hour_and_once() {
        let policy = GatePolicy { quiet: Quiet::Sampled { one_in: 10 }, ..GatePolicy::default() };
        let time = Timestamp::from_millis(1_700_000_000_000);
        let chosen = (0..1_000)
            .filter(|number| {
                let stream = format!("s{number}").parse().unwrap();
                assert!(!is_quiet_choice(
                    &policy,
                    &stream,
                    Some(time),
                    time.plus(std::time::Duration::from_secs(30))
                ));
                is_quiet_choice(&policy, &stream, None, time)
            })
            .count();
        assert!((60..140).contains(&chosen), "{chosen}");
    }
}
