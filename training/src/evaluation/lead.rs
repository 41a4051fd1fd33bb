//! How early: the share of faults told of at least so long before they hurt.
//!
//! The median lead says nothing of the faults told of too late to act; the curve does, and it falls from the share told of
//! before any harm at all. It counts every fault of the type, those missed and those that hurt at once included.

use linkcast_domain::{Episode, PredictionType};
use serde::Serialize;

use super::matching::{Peers, RaisedAlert, Verdict, match_alerts};
use crate::metrics::rounded;

/// One type's curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeadCurve {
    /// The type; none for all together.
    pub class: Option<PredictionType>,
    /// Faults of it.
    pub faults: usize,
    /// Minutes, and the share of faults told of at least so long before the impact.
    pub points: Vec<[f64; 2]>,
}

/// The curves of all faults together and of each type that happened, at each of `minutes`.
pub fn lead_curves(
    episodes: &[Episode],
    alerts: &[RaisedAlert],
    peers: &Peers,
    minutes: &[f64],
) -> Vec<LeadCurve> {
    let mut leads: Vec<(PredictionType, f64)> = Vec::new();
    for (alert, verdict) in match_alerts(episodes, alerts, peers) {
        let Verdict::Found(place) = verdict else { continue };
        let Some((episode, class)) = episodes.get(place).and_then(|fault| Some((fault, fault.fault()?)))
        else {
            continue;
        };
        leads.push((class, episode.impact.seconds_since(alert.opened) / 60.0));
    }
    let types = std::iter::once(None).chain(PredictionType::ALL.into_iter().skip(1).map(Some));
    let curve = |class: Option<PredictionType>| {
        let is_of = |other: PredictionType| class.is_none_or(|class| class == other);
        let faults = episodes.iter().filter_map(Episode::fault).filter(|class| is_of(*class)).count();
        let told = |least: f64| leads.iter().filter(|(class, lead)| is_of(*class) && *lead >= least).count();
        let point = |least: &f64| [*least, rounded(told(*least) as f64 / faults as f64)];
        (faults > 0).then(|| LeadCurve { class, faults, points: minutes.iter().map(point).collect() })
    };
    types.filter_map(curve).collect()
}
