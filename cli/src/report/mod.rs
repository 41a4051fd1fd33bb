//! The reports of `demo` and `evaluate`: one HTML file each that needs nothing else.
//!
//! Charts are SVG written here rather than by a plotting crate, because their colours must follow the reader's light or
//! dark setting and their marks must carry titles for screen readers; both are a class name away in hand-written SVG.
//! This module knows nothing of simulators and stores: it draws what [`Report`] holds.

mod charts;
mod episodes;
mod evaluation;
mod fabric_map;
mod overview;
mod page;
mod plane;
mod tables;
mod text;

use linkcast_domain::{BenignKind, PredictionType, StreamId, Timestamp};

pub(crate) use evaluation::render_evaluation;
pub(crate) use page::render;
pub(crate) use text::{count, length_of_time};

/// Everything the report shows.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// The simulation's seed.
    pub(crate) seed: u64,
    /// The model that forecast.
    pub(crate) model: String,
    /// The command that remakes this report.
    pub(crate) command: String,
    /// The first sample.
    pub(crate) begin: Timestamp,
    /// The last sample.
    pub(crate) end: Timestamp,
    /// Counted work.
    pub(crate) totals: Totals,
    /// Faults, in order of their onset.
    pub(crate) faults: Vec<FaultOutcome>,
    /// What only looked like a fault, in order of onset.
    pub(crate) benign: Vec<BenignOutcome>,
    /// Alerts that no fault explains.
    pub(crate) false_alarms: Vec<AlertSpan>,
    /// Every switch with its ports.
    pub(crate) nodes: Vec<NodeRow>,
}

/// Counted work.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    /// Ports simulated.
    pub(crate) ports: u64,
    /// Samples taken.
    pub(crate) samples: u64,
    /// Samples that passed the gate and were judged in full.
    pub(crate) insights: u64,
    /// Alerts opened.
    pub(crate) alerts: u64,
    /// Wall clock, seconds.
    pub(crate) seconds: f64,
}

/// One alert's life.
#[derive(Clone, Debug)]
pub(crate) struct AlertSpan {
    /// When it opened.
    pub(crate) opened: Timestamp,
    /// When it resolved, if it did.
    pub(crate) resolved: Option<Timestamp>,
    /// Its leading cause's name.
    pub(crate) cause: String,
    /// One sentence.
    pub(crate) summary: String,
    /// The ports concerned, by name where known.
    pub(crate) ports: Vec<String>,
}

/// How a fault was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// An alert opened before users were hurt.
    Early,
    /// An alert opened, but not before.
    Late,
    /// No alert.
    Missed,
}

/// One injected fault and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct FaultOutcome {
    /// Its class.
    pub(crate) class: PredictionType,
    /// The port at fault, by name where known.
    pub(crate) port: String,
    /// In the field's own words.
    pub(crate) cause: String,
    /// First trace.
    pub(crate) onset: Timestamp,
    /// Users hurt.
    pub(crate) impact: Timestamp,
    /// Over.
    pub(crate) end: Timestamp,
    /// Alerts about it, in order.
    pub(crate) alerts: Vec<AlertSpan>,
    /// What was seen on the port at fault.
    pub(crate) track: Track,
}

impl FaultOutcome {
    /// How it was met.
    pub(crate) fn verdict(&self) -> Verdict {
        match self.alerts.first() {
            Some(alert) if alert.opened < self.impact => Verdict::Early,
            Some(_) => Verdict::Late,
            None => Verdict::Missed,
        }
    }

    /// Seconds from the first alert to the impact: negative if the alert came after it.
    pub(crate) fn lead_seconds(&self) -> Option<f64> {
        self.alerts.first().map(|alert| self.impact.seconds_since(alert.opened))
    }
}

/// What was seen on one port around a fault.
#[derive(Clone, Debug, Default)]
pub(crate) struct Track {
    /// Risk, 0 to 100.
    pub(crate) risk: Vec<(Timestamp, f64)>,
    /// Symbol errors a bit over twelve minutes, where the port counts them.
    pub(crate) symbol_ber: Vec<(Timestamp, f64)>,
    /// The feature that moved the score most, if it is not the symbol errors.
    pub(crate) signal: Option<Signal>,
}

/// A feature's course.
#[derive(Clone, Debug)]
pub(crate) struct Signal {
    /// The feature's name.
    pub(crate) name: String,
    /// Its unit.
    pub(crate) unit: String,
    /// Its values.
    pub(crate) values: Vec<(Timestamp, f64)>,
}

/// Something benign and the alerts it caused.
#[derive(Clone, Debug)]
pub(crate) struct BenignOutcome {
    /// What it was.
    pub(crate) kind: BenignKind,
    /// Alerts about it: each is a false alarm.
    pub(crate) alerts: usize,
}

/// One switch's or host's ports.
#[derive(Clone, Debug)]
pub(crate) struct NodeRow {
    /// The node's name.
    pub(crate) name: String,
    /// Its ports, in order.
    pub(crate) ports: Vec<PortCell>,
}

/// One port in the fabric map.
#[derive(Clone, Debug)]
pub(crate) struct PortCell {
    /// The port's stream.
    pub(crate) stream: StreamId,
    /// The highest risk an alert told, if one did.
    pub(crate) peak_risk: Option<f64>,
    /// What became of it.
    pub(crate) fate: PortFate,
}

/// What became of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortFate {
    /// Well, and nobody was alarmed.
    Well,
    /// At fault, and an alert said so.
    Found,
    /// At fault, and nobody was told.
    Missed,
    /// Well, and an alert said otherwise.
    FalseAlarm,
}

/// The figures at the top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    /// Faults injected.
    pub(crate) faults: usize,
    /// Found before the impact.
    pub(crate) early: usize,
    /// Found, early or late.
    pub(crate) found: usize,
    /// Of the alerts opened, the share a fault explains; absent without alerts.
    pub(crate) precision: Option<f64>,
    /// Of the faults, the share found; absent without faults.
    pub(crate) recall: Option<f64>,
    /// Median lead of the found faults, seconds.
    pub(crate) median_lead_seconds: Option<f64>,
    /// Alerts that no fault explains.
    pub(crate) false_alarms: usize,
}

impl Report {
    /// The figures at the top.
    pub(crate) fn summary(&self) -> Summary {
        let found = self.faults.iter().filter(|fault| fault.verdict() != Verdict::Missed).count();
        let early = self.faults.iter().filter(|fault| fault.verdict() == Verdict::Early).count();
        let true_alerts: usize = self.faults.iter().map(|fault| fault.alerts.len()).sum();
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        Summary {
            faults: self.faults.len(),
            early,
            found,
            precision: share(true_alerts, true_alerts + self.false_alarms.len()),
            recall: share(found, self.faults.len()),
            median_lead_seconds: median(self.faults.iter().filter_map(FaultOutcome::lead_seconds)),
            false_alarms: self.false_alarms.len(),
        }
    }
}

/// The middle of the values, the lower of the two middles of an even number.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_of_nothing_is_absent() {
        assert_eq!(median([].into_iter()), None);
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0].into_iter()), Some(1.0));
    }
}
