//! Judging forecasts as the people who get the alerts do: by episode, at a budget of alerts.
//!
//! One sick cable is one thing to find, however many samples show it and however often it is reported. So:
//!
//! - An alert belongs to an episode when one of its streams, or a peer of one, is a stream of the episode, and it
//!   opened between the onset and a grace time after the end (windows still hold the fault for a while).
//! - The first alert of a fault finds it; further ones are repeats, counted apart: they are noise, but no lie.
//! - An alert that belongs to no fault is false. If it belongs to a benign episode it is charged to that kind,
//!   otherwise to nothing at all.
//! - Precision is found faults over found faults and false alerts; recall is found faults over faults.
//! - Lead time counts from the first alert to the impact, and only if the alert came first.
//!
//! The threshold is chosen under a budget of alerts for each thousand ports a week. The budget is a cap and never a
//! quota: among thresholds that keep to it, the one with the highest recall, then the highest precision.
//!
//! Beside the events stand the figures that say *why* they come out so: classes row by row ([`Confusion`]), ranking
//! ([`rank`]), calibration ([`reliability_diagram`]), and whether a difference is more than luck ([`paired_bootstrap`]).

mod bootstrap;
mod budget;
mod classes;
mod curves;
mod figures;
mod intervals;
mod lead;
mod matching;
mod nab;
mod pairs;
mod reliability;
#[cfg(test)]
mod tests;

pub use bootstrap::{Conclusion, PairedDifference, paired_bootstrap};
pub use budget::{Budget, BudgetPoint, ScoredAlert, Selection, budget_curve, select_threshold};
pub use classes::{ClassReport, ClassificationReport, Confusion};
pub use curves::{Ranked, Ranking, rank};
pub use figures::{EventReport, TypeReport};
pub use intervals::{Interval, poisson_upper, wilson};
pub use lead::{LeadCurve, lead_curves};
pub use matching::{Peers, RaisedAlert, is_in_time};
pub use nab::{NAB_PROFILES, NabProfile, NabReport, NabSeries, nab_score};
pub use pairs::{EventTally, compare_events};
pub use reliability::{Answer, MassBin, ReliabilityDiagram, reliability_diagram};

use std::collections::BTreeSet;

use linkcast_domain::Episode;

use matching::Verdict;

/// How much was watched, and what is allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Watch {
    /// Ports watched.
    pub ports: usize,
    /// For how long.
    pub weeks: f64,
    /// What is allowed.
    pub budget: Budget,
}

/// Judges `alerts` against `episodes`.
pub fn evaluate_events(
    episodes: &[Episode],
    alerts: &[RaisedAlert],
    peers: &Peers,
    watch: Watch,
) -> EventReport {
    let matches = matching::match_alerts(episodes, alerts, peers);
    figures::report(episodes, &matches, watch)
}

/// The faults that `alerts` did not find, in the list's order: those that [`evaluate_events`] does not count as found.
pub fn missed_faults<'a>(episodes: &'a [Episode], alerts: &[RaisedAlert], peers: &Peers) -> Vec<&'a Episode> {
    let matches = matching::match_alerts(episodes, alerts, peers);
    let found: BTreeSet<usize> = matches
        .iter()
        .filter_map(|(_, verdict)| match verdict {
            Verdict::Found(place) => Some(*place),
            Verdict::Repeat | Verdict::Benign(_) | Verdict::Unfounded => None,
        })
        .collect();
    let faults = episodes.iter().enumerate().filter(|(_, episode)| episode.fault().is_some());
    faults.filter(|(place, _)| !found.contains(place)).map(|(_, episode)| episode).collect()
}
