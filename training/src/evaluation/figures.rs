//! Counting verdicts.

use std::collections::BTreeMap;

use linkcast_domain::{Episode, EpisodeKind, PredictionType};
use serde::Serialize;

use super::Watch;
use super::matching::{RaisedAlert, Verdict};
use crate::metrics::{rounded, share};

/// How forecasts did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventReport {
    /// Ports watched.
    pub ports: usize,
    /// For how many weeks.
    pub weeks: f64,
    /// Faults that happened.
    pub faults: usize,
    /// Faults an alert was about.
    pub found: usize,
    /// Alerts in all.
    pub alerts: usize,
    /// Alerts about faults already found.
    pub repeated: usize,
    /// Alerts about no fault.
    pub false_alerts: usize,
    /// Found faults over found faults and false alerts; `None` where there was neither.
    pub precision: Option<f64>,
    /// Found faults over faults; `None` where there were none.
    pub recall: Option<f64>,
    /// All alerts, repeats included, for each thousand ports a week.
    pub alerts_per_thousand_ports_a_week: f64,
    /// What was allowed.
    pub allowed_per_thousand_ports_a_week: f64,
    /// Each fault type.
    pub types: Vec<TypeReport>,
    /// False alerts a week by what caused them: a benign kind, or `nothing`.
    pub false_alerts_a_week: BTreeMap<String, f64>,
}

/// One fault type.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TypeReport {
    /// The type.
    pub class: PredictionType,
    /// Faults of it.
    pub faults: usize,
    /// Of those, found.
    pub found: usize,
    /// Of those, found before the impact.
    pub found_before_impact: usize,
    /// Of those found, the share whose alert named this type.
    pub named_rightly: Option<f64>,
    /// Found over all.
    pub recall: Option<f64>,
    /// Median seconds from the alert to the impact, of those found before it.
    pub median_lead_s: Option<f64>,
    /// Median seconds from onset to the alert, of those found.
    pub median_delay_s: Option<f64>,
}

pub(super) fn report(episodes: &[Episode], matches: &[(&RaisedAlert, Verdict)], watch: Watch) -> EventReport {
    let count = |is: fn(&Verdict) -> bool| matches.iter().filter(|(_, verdict)| is(verdict)).count();
    let found = count(|verdict| matches!(verdict, Verdict::Found(_)));
    let false_alerts = count(|verdict| matches!(verdict, Verdict::Benign(_) | Verdict::Unfounded));
    let faults = episodes.iter().filter(|episode| episode.fault().is_some()).count();
    EventReport {
        ports: watch.ports,
        weeks: watch.weeks,
        faults,
        found,
        alerts: matches.len(),
        repeated: count(|verdict| matches!(verdict, Verdict::Repeat)),
        false_alerts,
        precision: fraction(found, found + false_alerts),
        recall: fraction(found, faults),
        alerts_per_thousand_ports_a_week: rounded(watch.rate(matches.len())),
        allowed_per_thousand_ports_a_week: watch.budget.alerts_per_thousand_ports_a_week,
        types: PredictionType::ALL
            .into_iter()
            .skip(1)
            .map(|class| of_type(class, episodes, matches))
            .collect(),
        false_alerts_a_week: false_alerts_a_week(episodes, matches, watch.weeks),
    }
}

impl Watch {
    /// `alerts` for each thousand ports a week.
    pub(super) fn rate(&self, alerts: usize) -> f64 {
        share(alerts as f64 * 1000.0, self.ports as f64 * self.weeks)
    }
}

fn of_type(class: PredictionType, episodes: &[Episode], matches: &[(&RaisedAlert, Verdict)]) -> TypeReport {
    let faults = episodes.iter().filter(|episode| episode.fault() == Some(class)).count();
    let found: Vec<(&RaisedAlert, &Episode)> = matches
        .iter()
        .filter_map(|(alert, verdict)| match verdict {
            Verdict::Found(place) => episodes.get(*place).map(|episode| (*alert, episode)),
            _ => None,
        })
        .filter(|(_, episode)| episode.fault() == Some(class))
        .collect();
    let leads = found.iter().filter(|(alert, episode)| alert.opened < episode.impact);
    let leads: Vec<f64> = leads.map(|(alert, episode)| episode.impact.seconds_since(alert.opened)).collect();
    let delays = found.iter().map(|(alert, episode)| alert.opened.seconds_since(episode.onset)).collect();
    let named_rightly = found.iter().filter(|(alert, _)| alert.class == Some(class)).count();
    TypeReport {
        class,
        faults,
        found: found.len(),
        found_before_impact: leads.len(),
        named_rightly: fraction(named_rightly, found.len()),
        recall: fraction(found.len(), faults),
        median_lead_s: median(leads),
        median_delay_s: median(delays),
    }
}

fn false_alerts_a_week(
    episodes: &[Episode],
    matches: &[(&RaisedAlert, Verdict)],
    weeks: f64,
) -> BTreeMap<String, f64> {
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    for (_, verdict) in matches {
        let cause = match verdict {
            Verdict::Benign(place) => episodes.get(*place).map_or("nothing", kind_name),
            Verdict::Unfounded => "nothing",
            Verdict::Found(_) | Verdict::Repeat => continue,
        };
        *counts.entry(cause.to_owned()).or_default() += 1.0;
    }
    counts.into_iter().map(|(cause, count)| (cause, rounded(share(count, weeks)))).collect()
}

fn kind_name(episode: &Episode) -> &'static str {
    use linkcast_domain::BenignKind::{
        BusyJob, CounterReset, ExporterDead, FreshCable, HostReboot, NeverCabled, PlannedMaintenance,
    };
    match episode.kind {
        EpisodeKind::Fault(class) => class.name(),
        EpisodeKind::Benign(kind) => match kind {
            HostReboot => "host_reboot",
            PlannedMaintenance => "planned_maintenance",
            CounterReset => "counter_reset",
            NeverCabled => "never_cabled",
            FreshCable => "fresh_cable",
            BusyJob => "busy_job",
            ExporterDead => "exporter_dead",
        },
    }
}

fn fraction(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| rounded(part as f64 / whole as f64))
}

/// The middle value, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2).copied()?;
    let lower = values.get(values.len().saturating_sub(1) / 2).copied()?;
    Some((lower + upper) / 2.0)
}
