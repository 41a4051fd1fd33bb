//! Choosing the threshold that finds most within what people can bear.

use std::collections::BTreeSet;

use linkcast_domain::Episode;
use serde::{Deserialize, Serialize};

use super::{EventReport, Peers, RaisedAlert, Watch, evaluate_events};

/// What people can bear.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Alerts, repeats included, for each thousand ports a week.
    pub alerts_per_thousand_ports_a_week: f64,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { alerts_per_thousand_ports_a_week: 1.0 }
    }
}

/// An alert with the score it would need to be raised at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredAlert {
    /// Raised at every threshold up to this.
    pub score: f64,
    /// The alert.
    pub alert: RaisedAlert,
}

/// The threshold chosen, and how it does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Selection {
    /// Alerts of at least this score are raised.
    pub threshold: f64,
    /// What they find.
    pub report: EventReport,
}

/// The threshold with the highest recall that keeps to the budget; of equals the more precise, then the higher.
/// `None` where every threshold breaks the budget or there is no alert at all.
pub fn select_threshold(
    episodes: &[Episode],
    alerts: &[ScoredAlert],
    peers: &Peers,
    watch: Watch,
) -> Option<Selection> {
    let scores: BTreeSet<Ordered> = alerts.iter().map(|alert| Ordered(alert.score)).collect();
    let within = scores.into_iter().rev().map_while(|Ordered(threshold)| {
        let raised = alerts.iter().filter(|alert| alert.score >= threshold);
        let raised: Vec<RaisedAlert> = raised.map(|alert| alert.alert.clone()).collect();
        let is_affordable = watch.rate(raised.len()) <= watch.budget.alerts_per_thousand_ports_a_week;
        is_affordable
            .then(|| Selection { threshold, report: evaluate_events(episodes, &raised, peers, watch) })
    });
    within.reduce(|best, next| if is_better(&next.report, &best.report) { next } else { best })
}

/// What one budget buys.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BudgetPoint {
    /// Alerts allowed for each thousand ports a week.
    pub allowed: f64,
    /// The threshold that finds most within it.
    pub threshold: f64,
    /// Alerts it raises for each thousand ports a week.
    pub raised: f64,
    /// Its precision.
    pub precision: Option<f64>,
    /// Its recall.
    pub recall: Option<f64>,
}

/// What each of `budgets` buys, those left out that buy nothing.
pub fn budget_curve(
    episodes: &[Episode],
    alerts: &[ScoredAlert],
    peers: &Peers,
    watch: Watch,
    budgets: &[f64],
) -> Vec<BudgetPoint> {
    let point = |allowed: &f64| {
        let budget = Budget { alerts_per_thousand_ports_a_week: *allowed };
        let best = select_threshold(episodes, alerts, peers, Watch { budget, ..watch })?;
        Some(BudgetPoint {
            allowed: *allowed,
            threshold: best.threshold,
            raised: best.report.alerts_per_thousand_ports_a_week,
            precision: best.report.precision,
            recall: best.report.recall,
        })
    };
    budgets.iter().filter_map(point).collect()
}

fn is_better(one: &EventReport, other: &EventReport) -> bool {
    let merits = |report: &EventReport| (report.found, report.precision.unwrap_or(0.0));
    let (one, other) = (merits(one), merits(other));
    one.0 > other.0 || (one.0 == other.0 && one.1 > other.1)
}

/// A score in its total order.
#[derive(PartialEq)]
struct Ordered(f64);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}
