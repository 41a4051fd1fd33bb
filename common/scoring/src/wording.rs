//! The words of explanations: one row a feature, one row a prediction type.
//!
//! Kept as tables so that who knows the fabric can mend a phrase without reading code, and so that a test can tell
//! that none is missing. A feature's `evidence` ties it to the recommendations it speaks for.

use linkcast_domain::{Feature, PredictionType};

/// What kind of trouble a feature witnesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// Bits damaged on the wire: cable, connector, transceiver.
    Wire,
    /// The link dropping and coming back.
    LinkState,
    /// The link trained slower or narrower than both ends can.
    Speed,
    /// Packets waiting for credits, or dropped for want of them.
    Congestion,
    /// How much the link is asked to carry.
    Load,
    /// How long messages take.
    Latency,
    /// Requests whose answer does not come.
    Transport,
    /// Receivers without posted buffers.
    Receiver,
    /// Queue pairs in error.
    QueuePair,
    /// Memory that cannot be registered.
    Memory,
    /// The clock and the counters' own state: context, not a fault.
    Context,
}

/// How a feature is spoken of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeatureWording {
    pub(crate) feature: Feature,
    /// The feature as a sentence's subject.
    pub(crate) subject: &'static str,
    pub(crate) number: Number,
    /// Follows the value.
    pub(crate) unit: &'static str,
    pub(crate) measure: Measure,
    pub(crate) evidence: Evidence,
}

/// Whether the subject takes "is" or "are".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    One,
    Many,
}

/// How two values of a feature compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// As a ratio: twice as many is worse than one more.
    Ratio,
    /// As a difference: it may be 0 or negative, or its 0 is arbitrary.
    Difference,
}

macro_rules! feature_wordings {
    ($($feature:ident, $subject:literal, $number:ident, $unit:literal, $measure:ident, $evidence:ident;)*) => {
        /// How each feature is spoken of, in the schema's order.
        pub(crate) const FEATURE_WORDINGS: &[FeatureWording] = &[$(FeatureWording {
            feature: Feature::$feature,
            subject: $subject,
            number: Number::$number,
            unit: $unit,
            measure: Measure::$measure,
            evidence: Evidence::$evidence,
        },)*];
    };
}

feature_wordings! {
    LatencyP99, "99th percentile latency", One, " µs", Ratio, Latency;
    Utilization, "utilization", One, " %", Ratio, Load;
    ErrorRate, "the share of packets received in error", One, "", Ratio, Wire;
    BandwidthGbps, "bandwidth", One, " Gb/s", Ratio, Load;
    QpErrors, "queue-pair errors", Many, " per minute", Ratio, QueuePair;
    LatencyP99Mean5m, "latency over 5 minutes", One, " µs", Ratio, Latency;
    LatencyP99Deviation5m, "the spread of latency over 5 minutes", One, " µs", Ratio, Latency;
    LatencyP99Mean15m, "latency over 15 minutes", One, " µs", Ratio, Latency;
    LatencyP99Mean1h, "latency over the hour", One, " µs", Ratio, Latency;
    UtilizationMean5m, "utilization over 5 minutes", One, " %", Ratio, Load;
    LatencyP99DeltaPercent, "latency's departure from its baseline", One, " %", Difference, Latency;
    LatencyP99Delta, "latency's departure from its baseline", One, " µs", Difference, Latency;
    UtilizationDelta, "utilization's departure from its baseline", One, " points", Difference, Load;
    BandwidthDeltaPercent, "bandwidth's departure from its baseline", One, " %", Difference, Load;
    LatencyP99Rate, "latency's rate of change", One, " µs per minute", Difference, Latency;
    LatencyP99Acceleration, "the acceleration of latency", One, " µs per minute²", Difference, Latency;
    UtilizationRate, "utilization's rate of change", One, " points per minute", Difference, Load;
    Hour, "the hour of day", One, "", Difference, Context;
    DayOfWeek, "the day of the week (Monday is 0)", One, "", Difference, Context;
    IsWeekend, "the weekend flag", One, "", Difference, Context;
    IsBusinessHours, "the business-hours flag", One, "", Difference, Context;
    LatencyTimesUtilization, "latency weighted by utilization", One, " µs", Ratio, Latency;
    ErrorTimesBandwidth, "bandwidth received in error", One, " Gb/s", Ratio, Wire;
    HealthScore, "the health score", One, " of 100", Ratio, Context;
    SymbolBer12m, "symbol errors over 12 minutes", Many, " per bit", Ratio, Wire;
    SymbolBer125m, "symbol errors over 2 hours", Many, " per bit", Ratio, Wire;
    RcvErrorRatio5m, "packets received in error", Many, " of all", Ratio, Wire;
    XmitDiscardsPerSecond5m, "outbound packets dropped", Many, " per second", Ratio, Congestion;
    WaitRatio5m, "the share of time data waited to be sent over 5 minutes", One, "", Ratio, Congestion;
    WaitRatio1h, "the share of time data waited to be sent over the hour", One, "", Ratio, Congestion;
    LinkErrorRecoveries1h, "link recoveries", Many, " in an hour", Ratio, LinkState;
    LinkDowned12h, "link drops", Many, " in 12 hours", Ratio, LinkState;
    IntegrityErrors1h, "link integrity errors and buffer overruns", Many, " in an hour", Ratio, Wire;
    BelowCapability, "the share of the link's capability that was not trained", One, "", Ratio, Speed;
    AckTimeoutsPerSecond5m, "acknowledgement timeouts", Many, " per second", Ratio, Transport;
    ReceiverNotReadyPerSecond5m, "receiver-not-ready refusals", Many, " per second", Ratio, Receiver;
    CongestionNotificationsPerSecond5m, "congestion notifications", Many, " per second", Ratio, Congestion;
    MemoryRegistrationFailures5m, "failed memory registrations", Many, " in 5 minutes", Ratio, Memory;
    SaturatedCounters, "counters at their maximum", Many, "", Ratio, Context;
    MinutesSinceReset, "the time since the counters were reset", One, " minutes", Difference, Context;
}

/// How a prediction type is spoken of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypeWording {
    pub(crate) class: PredictionType,
    /// Follows "which points to".
    pub(crate) points_to: &'static str,
    /// Follows "if nothing is done,".
    pub(crate) outlook: &'static str,
}

macro_rules! type_wordings {
    ($($class:ident, $points_to:literal, $outlook:literal;)*) => {
        /// How each prediction type is spoken of, in the models' order.
        pub(crate) const TYPE_WORDINGS: &[TypeWording] = &[$(TypeWording {
            class: PredictionType::$class,
            points_to: $points_to,
            outlook: $outlook,
        },)*];
    };
}

type_wordings! {
    Normal, "a healthy link", "no trouble is expected";
    PerformanceDegradation, "a link slower than it should be",
        "jobs that cross it will run at the pace of their slowest link";
    AnomalyDetected, "behaviour unlike this link's own past", "its cause should be found before it has a name";
    ResourceSaturation, "a link or receiver close to its limit",
        "queues will grow and back-pressure will spread to its neighbours";
    ConnectionInstability, "a link about to drop, or already flapping",
        "the link is likely to go down and take its connections with it";
    PacketLossDetected, "packets lost or damaged on this link",
        "retransmissions will slow every job that crosses it";
    LatencySpike, "latency well above its baseline", "collective operations will wait for this link";
    BandwidthThrottling, "bandwidth held below what is asked", "transfers will take longer by the same share";
    QpErrorRateHigh, "queue pairs failing at a high rate", "applications will see their connections torn down";
    MemoryRegistrationFailure, "a host that runs out of registrable memory or keys",
        "new connections and transfers on this host will fail";
    RdmaTimeout, "requests whose acknowledgements do not come in time",
        "retries will run out and connections will break";
}

/// The feature's row.
pub(crate) fn of_feature(feature: Feature) -> Option<&'static FeatureWording> {
    FEATURE_WORDINGS.iter().find(|wording| wording.feature == feature)
}

/// The prediction type's row.
pub(crate) fn of_type(class: PredictionType) -> Option<&'static TypeWording> {
    TYPE_WORDINGS.iter().find(|wording| wording.class == class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_and_every_type_has_one_row() {
        for feature in Feature::ALL {
            let wording = of_feature(feature).unwrap();
            assert_eq!(wording.feature, feature);
            assert!(!wording.subject.is_empty());
        }
        for class in PredictionType::ALL {
            let wording = of_type(class).unwrap();
            assert_eq!(wording.class, class);
            assert!(!wording.points_to.is_empty() && !wording.outlook.is_empty());
        }
        assert_eq!(
            (FEATURE_WORDINGS.len(), TYPE_WORDINGS.len()),
            (Feature::ALL.len(), PredictionType::COUNT)
        );
    }
}
