//! What to simulate: size, time, and how often things go wrong.
//!
//! A plan and nothing else decides every byte of the telemetry, so it can be written into a model card and the data
//! set remade from it.

use linkcast_domain::{PredictionType, Timestamp};

use crate::traffic::HOUR_MS;

/// The fewest ports that make a fat tree of two leaves and two spines.
pub const FEWEST_PORTS: usize = 32;

/// The most ports a three-level tree of 64-port switches is built for.
pub const MOST_PORTS: usize = 300_000;

/// Everything a simulated fabric depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct FabricPlan {
    /// Two plans that differ only here are two different fabrics of one kind.
    pub seed: u64,
    /// How many port series the fabric has: both ends of every link, and the ports that never had one.
    pub ports: usize,
    /// The first sweep's time.
    pub start: Timestamp,
    /// How long it runs.
    pub hours: f64,
    /// Seconds between sweeps.
    pub interval_s: u32,
    /// A node is read up to this many milliseconds after its sweep began.
    pub jitter_ms: u32,
    /// Adapters in one host; a host's restart takes all of them down.
    pub adapters_per_host: usize,
    /// Share of leaf groups that run NDR 400; the rest run HDR 200.
    pub ndr_share: f64,
    /// Share of ports that never had a cable.
    pub never_cabled_share: f64,
    /// Share of links that trained below their capability when they were installed, and still run so.
    pub below_capability_share: f64,
    /// Share of adapters with a latency probe.
    pub probed_share: f64,
    /// Widths of the counters as the fabric reports them.
    pub widths: CounterWidths,
    /// How often faults happen.
    pub faults: FaultRate,
    /// Relative frequency of each fault type, in the order of the classes; `normal`'s is not used.
    pub fault_mix: [f64; PredictionType::COUNT],
    /// How often things happen that only look like faults.
    pub benign: BenignRates,
    /// Another kind of work from some hour on, if any: what a model learnt before is not what it then sees.
    pub load_shift: Option<LoadShift>,
    /// Which ports' readings are wanted.
    pub selection: Selection,
}

/// Another kind of work: the same jobs load the links differently from some hour on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadShift {
    /// Hours after the start.
    pub after_hours: f64,
    /// What every source's utilization is multiplied by from then on; no link is asked for more than it can carry.
    pub factor: f64,
}

/// How wide the counters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CounterWidths {
    /// 64 bits: `PortCountersExtended` with the error counters.
    Extended,
    /// 32, 16, 8 and 4 bits, clamping: the basic `PortCounters`.
    Basic,
}

/// How often faults happen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultRate {
    /// None at all.
    None,
    /// What large clusters report for faults that stop a job: 2 in a million port-hours.
    Realistic,
    /// Faults of all types together in one port's hour, raised for training and demonstrations.
    PerPortHour(f64),
}

impl FaultRate {
    /// Faults in one port's hour.
    pub fn per_port_hour(self) -> f64 {
        match self {
            FaultRate::None => 0.0,
            FaultRate::Realistic => 2e-6,
            FaultRate::PerPortHour(rate) => rate.max(0.0),
        }
    }
}

/// How often things happen that only look like faults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BenignRates {
    /// Restarts in one host's hour. Hosts restart in groups as often as alone.
    pub reboots: f64,
    /// Announced maintenance windows in one switch's hour.
    pub maintenance: f64,
    /// Resets by another tool in one node's hour.
    pub counter_resets: f64,
    /// Cables replaced in one link's hour.
    pub fresh_cables: f64,
    /// Congesting jobs in one leaf group's hour.
    pub busy_jobs: f64,
    /// Deaths in one exporter's hour; an exporter serves one leaf and its hosts.
    pub dead_exporters: f64,
}

impl BenignRates {
    /// What an operated cluster sees: a restart every four weeks, a window on a switch every two months, and so on.
    pub const REALISTIC: BenignRates = BenignRates {
        reboots: 1.0 / (28.0 * 24.0),
        maintenance: 1.0 / (60.0 * 24.0),
        counter_resets: 1.0 / (90.0 * 24.0),
        fresh_cables: 1.0 / (730.0 * 24.0),
        busy_jobs: 1.0 / (3.0 * 24.0),
        dead_exporters: 1.0 / (60.0 * 24.0),
    };

    /// None at all.
    pub const NONE: BenignRates = BenignRates::REALISTIC.times(0.0);

    /// These rates raised, for training and demonstrations.
    pub const fn times(self, factor: f64) -> BenignRates {
        BenignRates {
            reboots: self.reboots * factor,
            maintenance: self.maintenance * factor,
            counter_resets: self.counter_resets * factor,
            fresh_cables: self.fresh_cables * factor,
            busy_jobs: self.busy_jobs * factor,
            dead_exporters: self.dead_exporters * factor,
        }
    }
}

/// Which ports' readings are wanted. The readings of a wanted port are the same whichever others are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Selection {
    /// All.
    Every,
    /// Every port of a link with a fault, and a random share of the rest, whole links and whole hosts at a time. A port
    /// then stands for [`crate::Fabric::weight`] ports: 1 for those with a fault, one over its share for the others.
    /// The weighted sum over ports of anything counted a port (false alarms, port-hours, samples) is an unbiased
    /// estimate of its sum over the whole fabric (Horvitz and Thompson), so precision at a budget of alerts can be
    /// judged on weeks of 200,000 ports at the cost of a few thousand.
    Stratum {
        /// Share of the ports that only show something benign.
        benign_share: f64,
        /// Share of the ports where nothing happens.
        quiet_share: f64,
    },
}

impl Default for FabricPlan {
    /// A thousand ports for a day at realistic rates, from Monday 2026-01-05.
    fn default() -> Self {
        FabricPlan {
            seed: 1,
            ports: 1_000,
            start: Timestamp::from_millis(1_767_571_200_000),
            hours: 24.0,
            interval_s: 30,
            jitter_ms: 0,
            adapters_per_host: 2,
            ndr_share: 0.7,
            never_cabled_share: 0.04,
            below_capability_share: 2e-4,
            probed_share: 0.5,
            widths: CounterWidths::Extended,
            faults: FaultRate::Realistic,
            fault_mix: [0.0, 1.2, 0.8, 0.8, 1.8, 1.5, 0.8, 0.8, 0.8, 0.6, 0.9],
            benign: BenignRates::REALISTIC,
            load_shift: None,
            selection: Selection::Every,
        }
    }
}

/// A plan that cannot be simulated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// Too few or too many ports for a fat tree.
    #[error("a fabric of {ports} ports was asked for: expected {FEWEST_PORTS} to {MOST_PORTS}")]
    Ports {
        /// Ports asked for.
        ports: usize,
    },
    /// A number outside its range.
    #[error("the plan's {name} is {value}: expected {expected}")]
    Number {
        /// The field.
        name: &'static str,
        /// Its value.
        value: f64,
        /// Its range.
        expected: &'static str,
    },
}

impl FabricPlan {
    /// How many sweeps the plan's hours hold, the first at its start.
    pub fn sweeps(&self) -> u64 {
        (self.hours * 3600.0 / f64::from(self.interval_s)) as u64 + 1
    }

    /// What the load is multiplied by in an interval that ends at `millis`.
    pub(crate) fn load_factor(&self, millis: i64) -> f64 {
        let shifted =
            |shift: &LoadShift| (millis - self.start.millis()) as f64 > shift.after_hours * HOUR_MS as f64;
        self.load_shift.filter(shifted).map_or(1.0, |shift| shift.factor)
    }

    /// Whether it can be simulated.
    pub(crate) fn check(&self) -> Result<(), PlanError> {
        if !(FEWEST_PORTS..=MOST_PORTS).contains(&self.ports) {
            return Err(PlanError::Ports { ports: self.ports });
        }
        let within = |name, value: f64, low: f64, high: f64, expected| {
            let fits = (low..=high).contains(&value);
            if fits { Ok(()) } else { Err(PlanError::Number { name, value, expected }) }
        };
        within("hours", self.hours, 0.0, 100_000.0, "0 to 100000")?;
        within("interval_s", f64::from(self.interval_s), 1.0, 3600.0, "1 to 3600")?;
        within("adapters_per_host", self.adapters_per_host as f64, 1.0, 16.0, "1 to 16")?;
        within("never_cabled_share", self.never_cabled_share, 0.0, 0.5, "0 to 0.5")?;
        for (name, share) in [
            ("ndr_share", self.ndr_share),
            ("below_capability_share", self.below_capability_share),
            ("probed_share", self.probed_share),
        ] {
            within(name, share, 0.0, 1.0, "0 to 1")?;
        }
        within("faults", self.faults.per_port_hour(), 0.0, 10.0, "0 to 10 a port-hour")?;
        if let Some(LoadShift { after_hours, factor }) = self.load_shift {
            within("load_shift.after_hours", after_hours, 0.0, 100_000.0, "0 to 100000")?;
            within("load_shift.factor", factor, 0.01, 100.0, "0.01 to 100")?;
        }
        if let Selection::Stratum { benign_share, quiet_share } = self.selection {
            within("benign_share", benign_share, 0.0, 1.0, "0 to 1")?;
            within("quiet_share", quiet_share, 0.0, 1.0, "0 to 1")?;
        }
        Ok(())
    }
}
