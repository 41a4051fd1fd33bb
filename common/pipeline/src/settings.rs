//! Every number the pipeline decides by, with where it comes from.
//!
//! The defaults are meant for a fabric swept every 30 s to 5 min. They are plain data, so that a configuration file
//! or an evaluation can replace any one of them.

use std::time::Duration;

use linkcast_domain::{Cause, PredictionType};

const MINUTE: u64 = 60;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The fabric's name.
    pub fabric: String,
    /// The question the model answers.
    pub task: String,
    /// Which samples are scored.
    pub gate: GatePolicy,
    /// How conditions open and resolve.
    pub conditions: ConditionPolicy,
    /// When silence is a condition.
    pub missing: MissingPolicy,
    /// Which conditions are told, and how they are grouped.
    pub alerts: AlertPolicy,
    /// When results become durable.
    pub checkpoint: CheckpointPolicy,
    /// How long samples, insights, resolved conditions and alerts are kept.
    pub retention: Duration,
    /// Threads for the streams' folds. Results do not depend on it.
    pub workers: usize,
    /// What a report repeats.
    pub echo: Echo,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            fabric: "default".to_owned(),
            task: "link-health".to_owned(),
            gate: GatePolicy::default(),
            conditions: ConditionPolicy::default(),
            missing: MissingPolicy::default(),
            alerts: AlertPolicy::default(),
            checkpoint: CheckpointPolicy::default(),
            retention: Duration::from_secs(30 * 24 * 60 * MINUTE),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            echo: Echo::Results,
        }
    }
}

/// What a sweep's report repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// Insights and alerts.
    Results,
    /// Every sample as well.
    Samples,
}

/// Which samples without evidence of trouble are scored all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiet {
    /// One stream in `one_in` each hour, chosen by a hash of stream and hour: normal must be seen too.
    Sampled {
        /// How many streams share one.
        one_in: u64,
    },
    /// Every sample.
    Every,
}

/// Which samples are worth the model's time. The thresholds lie at or below every published alarm, for the gate
/// decides what is looked at and not what is told.
#[derive(Clone, Copy, Debug)]
pub struct GatePolicy {
    /// What happens to samples without evidence.
    pub quiet: Quiet,
    /// Symbol errors a bit over 12 min: UFM's PDR plugin takes 1e-14 as its warning.
    pub symbol_ber_12m: f64,
    /// Symbol errors a bit over 125 min: UFM's PDR plugin confirms at 1e-15.
    pub symbol_ber_125m: f64,
    /// Packets received in error, of all received: UFM's PDR plugin takes 1e-12.
    pub rcv_error_ratio: f64,
    /// Errors in one sample where no ratio can be had of them: ibqueryerrors' own threshold.
    pub uncounted_errors: f64,
    /// Outbound packets dropped a second: a tenth of SckyzO's alarm of 1/s.
    pub discards_per_s: f64,
    /// Share of time spent waiting to send: UFM's congested bandwidth threshold of 10 %.
    pub wait_ratio: f64,
    /// Per cent: below UFM's port bandwidth threshold of 95 %.
    pub utilization: f64,
    /// Per cent over the latency's baseline. No published value: twice what the p99 of a quiet probe moves by.
    pub latency_over_baseline: f64,
    /// Per cent points of utilization above the baseline. No published value: Cyber-AI reports 20 % against a month, which
    /// a starting job reaches as well; 30 points keep most of those out.
    pub utilization_over_baseline: f64,
    /// Per cent of bandwidth below the baseline while the port waits to send: held back, and not merely idle.
    pub bandwidth_under_baseline: f64,
    /// Share of time spent waiting to send that tells held back from idle.
    pub held_back_wait_ratio: f64,
    /// Congestion notifications a second: NVSentinel's 10/s for RoCE slow restarts.
    pub congestion_notifications_per_s: f64,
    /// An insight is kept when the class changes, when the risk moves to another step of this size, or when
    /// `every` has passed since the last one.
    pub risk_step: f64,
    /// The longest time between two insights into lasting trouble.
    pub every: Duration,
}

impl Default for GatePolicy {
    fn default() -> Self {
        GatePolicy {
            quiet: Quiet::Sampled { one_in: 200 },
            symbol_ber_12m: 1e-14,
            symbol_ber_125m: 1e-15,
            rcv_error_ratio: 1e-12,
            uncounted_errors: 10.0,
            discards_per_s: 0.1,
            wait_ratio: 0.10,
            utilization: 90.0,
            latency_over_baseline: 50.0,
            utilization_over_baseline: 30.0,
            bandwidth_under_baseline: 30.0,
            held_back_wait_ratio: 0.02,
            congestion_notifications_per_s: 10.0,
            risk_step: 20.0,
            every: Duration::from_secs(5 * MINUTE),
        }
    }
}

/// When one cause counts as there, and when as gone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CausePolicy {
    /// Opens after this many of the last `of` scored samples showed it.
    pub needed: u32,
    /// How many scored samples are looked back on, at most 32.
    pub of: u32,
    /// And not before so long after its first sign: twice as many samples a minute are not twice the evidence.
    pub lasts: Duration,
    /// A sample shows the cause from this risk on, 0 to 100.
    pub open_risk: f64,
    /// And from this confidence on, 0 to 1.
    pub open_confidence: f64,
    /// An open condition is clear on samples under this risk: lower than `open_risk`, so that a risk that hovers
    /// about one limit does not open and resolve in turn.
    pub clear_risk: f64,
    /// Resolves after being clear for so long without a break, counted from the recovery.
    pub clear_after: Duration,
}

/// How conditions open and resolve.
#[derive(Clone, Debug)]
pub struct ConditionPolicy {
    /// One policy for each class, in the models' order; `normal` has none of its own and its entry is never used.
    pub causes: [CausePolicy; PredictionType::COUNT],
    /// Symbol errors are not evidence for so long after a link came up: cabling makes bursts (SckyzO's note), which
    /// take some half an hour to settle.
    pub fresh_link: Duration,
    /// How long a switch port whose link to a host dropped waits for the host to come back before it is trouble.
    /// NVSentinel#1701: 214 of 288 flagged nodes were planned reboots; a GPU host's self tests take over 10 min.
    pub reboot_hold: Duration,
    /// The same between switches, where no host restarts: as long as swapping a cable takes.
    pub trunk_hold: Duration,
    /// So many drops, each within the hold after the one before, are a flapping link and no reboot (gpud: three drops).
    pub flap_drops: u32,
    /// What a fact weighs at least, 0 to 100: as much as a missing series.
    pub fact_risk: f64,
}

impl Default for ConditionPolicy {
    fn default() -> Self {
        let causes = PredictionType::ALL.map(default_cause_policy);
        ConditionPolicy {
            causes,
            fresh_link: Duration::from_secs(30 * MINUTE),
            reboot_hold: Duration::from_secs(20 * MINUTE),
            trunk_hold: Duration::from_secs(10 * MINUTE),
            flap_drops: 3,
            fact_risk: MissingPolicy::default().risk,
        }
    }
}

impl ConditionPolicy {
    /// The policy of a predicted cause; silence has [`MissingPolicy`].
    pub fn of(&self, cause: Cause) -> Option<&CausePolicy> {
        match cause {
            Cause::Predicted(class) => self.causes.get(class.index()),
            Cause::SeriesMissing | Cause::SourceSilent => None,
        }
    }
}

/// Hard evidence opens fast, drifting values need more samples, and "unlike its past" needs most: it names no cause.
fn default_cause_policy(class: PredictionType) -> CausePolicy {
    let policy = |needed, of, minutes, open_confidence, clear_minutes| CausePolicy {
        needed,
        of,
        lasts: Duration::from_secs(minutes * MINUTE),
        open_risk: 60.0,
        open_confidence,
        clear_risk: 40.0,
        clear_after: Duration::from_secs(clear_minutes * MINUTE),
    };
    match class {
        PredictionType::MemoryRegistrationFailure => policy(2, 3, 1, 0.7, 30),
        // A burst and a lone symbol error after it are still no trouble.
        PredictionType::ConnectionInstability => policy(3, 6, 2, 0.7, 30),
        PredictionType::PacketLossDetected
        | PredictionType::QpErrorRateHigh
        | PredictionType::RdmaTimeout => policy(3, 5, 2, 0.7, 15),
        // What a busy job does to its neighbours looks alike, only less surely.
        PredictionType::LatencySpike => policy(3, 5, 2, 0.8, 15),
        PredictionType::AnomalyDetected => policy(8, 10, 4, 0.8, 30),
        PredictionType::Normal
        | PredictionType::PerformanceDegradation
        | PredictionType::ResourceSaturation
        | PredictionType::BandwidthThrottling => policy(5, 8, 4, 0.8, 15),
    }
}

/// When silence is a condition.
#[derive(Clone, Copy, Debug)]
pub struct MissingPolicy {
    /// A stream or source is missing after this many of its usual intervals without a word.
    pub intervals: f64,
    /// And not before so long.
    pub at_least: Duration,
    /// A host's ports may be away for so long: a reboot.
    pub host: Duration,
    /// What silence weighs, 0 to 100; it is a fact and not a forecast, so its confidence is 1.
    pub risk: f64,
}

impl Default for MissingPolicy {
    fn default() -> Self {
        MissingPolicy {
            intervals: 5.0,
            at_least: Duration::from_secs(3 * MINUTE),
            host: Duration::from_secs(20 * MINUTE),
            risk: 80.0,
        }
    }
}

/// Which conditions are told, and how they are grouped.
#[derive(Clone, Copy, Debug)]
pub struct AlertPolicy {
    /// Told from this risk on, 0 to 100: the rule on the event bus is the same.
    pub minimum_risk: f64,
    /// And from this confidence on, 0 to 1.
    pub minimum_confidence: f64,
    /// How long a new condition waits for others of the same event.
    pub group_wait: Duration,
    /// So many links at one node, open at once, are one event at that node.
    pub node_links: usize,
    /// A firing alert is told again when its risk has grown by so much.
    pub risk_growth: f64,
}

impl Default for AlertPolicy {
    fn default() -> Self {
        AlertPolicy {
            minimum_risk: 80.0,
            minimum_confidence: 0.5,
            group_wait: Duration::from_secs(MINUTE),
            node_links: 3,
            risk_growth: 10.0,
        }
    }
}

/// When results become durable: after so many sweeps that brought so many samples in all. Between two checkpoints
/// samples are written early; a restart writes them again, the same.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointPolicy {
    /// At least so many sweeps.
    pub sweeps: u64,
    /// And at least so many samples.
    pub samples: usize,
    /// Samples held in memory at most before they are written ahead of the checkpoint.
    pub held_samples: usize,
    /// Whether the next sweep waits for it.
    pub durability: Durability,
}

/// When a checkpoint is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When all is on disk and told.
    AtOnce,
    /// The store may write it while the next sweeps are taken in; it is told at the next checkpoint, or at the end.
    Behind,
}

impl Default for CheckpointPolicy {
    /// For live sources: every sweep.
    fn default() -> Self {
        CheckpointPolicy { sweeps: 1, samples: 0, held_samples: 65_536, durability: Durability::AtOnce }
    }
}

impl CheckpointPolicy {
    /// For recorded captures, where a crash costs time and no data. A stream's state is as large as a dozen of its
    /// samples, so it is written once for twenty of them, however large the fabric; a small one waits until there
    /// is something worth a disk's flush.
    pub fn replay() -> Self {
        CheckpointPolicy {
            sweeps: 20,
            samples: 200_000,
            held_samples: 65_536,
            durability: Durability::Behind,
        }
    }
}
