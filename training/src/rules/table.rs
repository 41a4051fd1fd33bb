//! The rules, one to a row: what has to hold, what it is then called, how bad and how sure.
//!
//! The first nine are this project's own bounds on the five metrics; the others speak of counters that InfiniBand has and
//! name whose threshold they take. A rule looks at the feature vector and nothing else, so that it labels history exactly as
//! it would have labelled the live sample; an absent feature lets no rule speak.
//!
//! A confidence is no opinion: it is the share of a rule's verdicts that simulated truth agreed with, rounded to a twentieth and never
//! to nothing, over fabrics that no figure in the documents comes from
//! (`linkcast evaluate --seed 11,12 --ports 500 --hours 48 --fault-rate 2e-3`). A rule that never spoke there keeps its author's
//! belief. Most are low, for the bounds are crossed by healthy ports all day; what such a rule says goes to a person.

use linkcast_domain::{Feature, FeatureVector, PredictionType};

use PredictionType::{
    AnomalyDetected, BandwidthThrottling, ConnectionInstability, LatencySpike, MemoryRegistrationFailure,
    PacketLossDetected, PerformanceDegradation, QpErrorRateHigh, RdmaTimeout, ResourceSaturation,
};

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name in reports and with reviewers.
    pub name: &'static str,
    /// What it calls the sample.
    pub class: PredictionType,
    /// Of several rules that hold, the one with the lowest number speaks.
    pub priority: u8,
    /// How often it is right, 0 to 1; reports set what was measured beside it.
    pub confidence: f64,
    /// The risk, 0 to 100 and beyond, if the rule holds.
    pub risk: fn(&FeatureVector) -> Option<f64>,
    /// Classes whose signs come with this cause: rules that see those do not contradict it.
    pub brings: &'static [PredictionType],
    /// Whose bound it is.
    pub source: &'static str,
}

const ISSUE: &str = "this project's bounds on the five metrics";
const PDR: &str = "UFM's PDR plugin: 1e-14 over 12 min, 1e-15 over 125 min";
const NVSENTINEL: &str = "NVSentinel's defaults";

/// Every rule, by priority.
pub const RULES: &[Rule] = &[
    Rule {
        name: "memory registrations fail",
        class: MemoryRegistrationFailure,
        priority: 10,
        confidence: 0.95,
        risk: |row| above(row, Feature::MemoryRegistrationFailures5m, 0.0).map(|count| 75.0 + count),
        brings: &[QpErrorRateHigh, AnomalyDetected],
        source: "openucx/ucx#6264: any failure is one too many",
    },
    Rule {
        name: "errors and fourfold latency",
        class: RdmaTimeout,
        priority: 20,
        confidence: 0.9,
        risk: |row| {
            above(row, Feature::ErrorRate, 0.05)?;
            above(row, Feature::LatencyP99DeltaPercent, 300.0).map(|_| 95.0)
        },
        brings: &[PacketLossDetected, PerformanceDegradation, LatencySpike, QpErrorRateHigh, AnomalyDetected],
        source: ISSUE,
    },
    Rule {
        name: "link went down",
        class: ConnectionInstability,
        priority: 30,
        confidence: 0.05,
        risk: |row| above(row, Feature::LinkDowned12h, 0.0).map(|count| 80.0 + 5.0 * count),
        brings: &[
            PacketLossDetected,
            BandwidthThrottling,
            PerformanceDegradation,
            RdmaTimeout,
            AnomalyDetected,
        ],
        source: "NVSentinel's defaults: any link_downed is fatal; a restart of the host is told apart before",
    },
    Rule {
        name: "acknowledgements time out",
        class: RdmaTimeout,
        priority: 40,
        confidence: 0.95,
        risk: |row| above(row, Feature::AckTimeoutsPerSecond5m, 1.0).map(|rate| 80.0 + rate.min(15.0)),
        brings: &[LatencySpike, PerformanceDegradation, QpErrorRateHigh, AnomalyDetected],
        source: "NVSentinel's defaults: local_ack_timeout over 1 a second",
    },
    Rule {
        name: "symbol errors, short window",
        class: ConnectionInstability,
        priority: 50,
        confidence: 0.3,
        risk: |row| above(row, Feature::SymbolBer12m, 1e-14).map(|ber| 70.0 + 5.0 * (ber / 1e-14).log10()),
        brings: &[PacketLossDetected, AnomalyDetected],
        source: PDR,
    },
    Rule {
        name: "symbol errors, long window",
        class: ConnectionInstability,
        priority: 51,
        confidence: 0.05,
        risk: |row| above(row, Feature::SymbolBer125m, 1e-15).map(|ber| 65.0 + 5.0 * (ber / 1e-15).log10()),
        brings: &[PacketLossDetected, AnomalyDetected],
        source: PDR,
    },
    Rule {
        name: "link recovers",
        class: ConnectionInstability,
        priority: 52,
        confidence: 0.05,
        risk: |row| above(row, Feature::LinkErrorRecoveries1h, 5.0).map(|count| 60.0 + count.min(35.0)),
        brings: &[PacketLossDetected, AnomalyDetected],
        source: NVSENTINEL,
    },
    Rule {
        name: "trained below capability",
        class: BandwidthThrottling,
        priority: 60,
        confidence: 0.35,
        risk: |row| above(row, Feature::BelowCapability, 0.0).map(|lost| 60.0 + 50.0 * lost),
        brings: &[ResourceSaturation, PerformanceDegradation, LatencySpike, AnomalyDetected],
        source: "the link's own two ends: rate against what both can",
    },
    Rule {
        name: "queue pairs fail",
        class: QpErrorRateHigh,
        priority: 70,
        confidence: 0.15,
        risk: |row| above(row, Feature::QpErrors, 100.0).map(|errors| 60.0 + errors / 10.0),
        brings: &[AnomalyDetected],
        source: ISSUE,
    },
    Rule {
        name: "packets in error over 2 %",
        class: PacketLossDetected,
        priority: 80,
        confidence: 0.85,
        risk: |row| above(row, Feature::ErrorRate, 0.02).map(|rate| 50.0 + 1_000.0 * rate),
        brings: &[PerformanceDegradation, LatencySpike, BandwidthThrottling, AnomalyDetected],
        source: ISSUE,
    },
    Rule {
        name: "packets dropped before they are sent",
        class: PacketLossDetected,
        priority: 81,
        confidence: 0.95,
        risk: |row| above(row, Feature::XmitDiscardsPerSecond5m, 1.0).map(|rate| 65.0 + rate.min(30.0)),
        brings: &[ResourceSaturation, PerformanceDegradation, LatencySpike, AnomalyDetected],
        source: "SckyzO's alerts: over 1 a second",
    },
    Rule {
        name: "packets in error, 1 to 2 %",
        class: ConnectionInstability,
        priority: 82,
        confidence: 0.75,
        risk: |row| within(row, Feature::ErrorRate, (0.01, 0.02)).map(|_| 65.0),
        brings: &[AnomalyDetected],
        source: ISSUE,
    },
    Rule {
        name: "utilization over 90 %",
        class: ResourceSaturation,
        priority: 90,
        confidence: 0.05,
        risk: |row| above(row, Feature::Utilization, 90.0).map(|percent| 70.0 + 3.0 * (percent - 90.0)),
        brings: &[LatencySpike, PerformanceDegradation, AnomalyDetected],
        source: ISSUE,
    },
    Rule {
        name: "latency half as high again",
        class: PerformanceDegradation,
        priority: 100,
        confidence: 0.05,
        risk: |row| above(row, Feature::LatencyP99DeltaPercent, 50.0).map(|more| 60.0 + 0.6 * more),
        brings: &[AnomalyDetected],
        source: ISSUE,
    },
    Rule {
        name: "bandwidth below 70 % of usual, and more would be sent",
        class: BandwidthThrottling,
        priority: 110,
        confidence: 0.25,
        risk: |row| {
            let change = below(row, Feature::BandwidthDeltaPercent, -30.0)?;
            wants_to_send(row).then_some(60.0 - 0.5 * change)
        },
        brings: &[],
        source: "this project's bounds on the five metrics; that a port waits over 5 % of the time or is told of congestion over 10 times a second as measured: idle ones do so in 1 of 20,000 samples",
    },
    Rule {
        name: "latency a third higher",
        class: LatencySpike,
        priority: 120,
        confidence: 0.05,
        risk: |row| within(row, Feature::LatencyP99DeltaPercent, (30.0, 50.0)).map(|_| 70.0),
        brings: &[AnomalyDetected],
        source: ISSUE,
    },
    Rule {
        name: "out of the usual",
        class: AnomalyDetected,
        priority: 130,
        confidence: 0.05,
        risk: |row| {
            let signs = [
                above(row, Feature::Utilization, 80.0),
                above(row, Feature::LatencyP99DeltaPercent, 20.0),
                above(row, Feature::ErrorRate, 0.005),
            ];
            signs.iter().any(Option::is_some).then_some(55.0)
        },
        brings: &[],
        source: ISSUE,
    },
];

/// Whether something holds the port back: it has data and no credits, is asked to slow down, or runs below its rate. Half of a
/// fabric's ports carry less than usual at some time of the day because nobody asks more of them; that is no trouble. Where neither
/// waiting nor congestion is measured an idle port cannot be told, and the bound stands alone.
fn wants_to_send(row: &FeatureVector) -> bool {
    let signs = [(Feature::WaitRatio5m, 0.05), (Feature::CongestionNotificationsPerSecond5m, 10.0)];
    let is_measured = signs.iter().any(|(feature, _)| row.get(*feature).is_some());
    let is_held_back = signs.iter().any(|(feature, bound)| above(row, *feature, *bound).is_some());
    !is_measured || is_held_back || above(row, Feature::BelowCapability, 0.0).is_some()
}

fn above(row: &FeatureVector, feature: Feature, bound: f64) -> Option<f64> {
    row.get(feature).filter(|value| *value > bound)
}

fn below(row: &FeatureVector, feature: Feature, bound: f64) -> Option<f64> {
    row.get(feature).filter(|value| *value < bound)
}

/// Above the first bound and up to the second.
fn within(row: &FeatureVector, feature: Feature, (low, high): (f64, f64)) -> Option<f64> {
    above(row, feature, low).filter(|value| *value <= high)
}
