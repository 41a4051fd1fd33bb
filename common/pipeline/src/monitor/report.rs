//! What a look found, for people and for programs.

use linkcast_domain::{Notice, Timestamp};
use linkcast_monitoring::DriftReport;
use serde::{Deserialize, Serialize};

use super::health::{Health, VariantHealth};
use super::outcomes::OutcomesRecorded;
use super::quality::QualityHealth;

/// What a look found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonitorReport {
    /// The fabric.
    pub fabric: String,
    /// The task.
    pub task: String,
    /// The hour it was made in: everything before it was looked at.
    pub at: Timestamp,
    /// Each variant that was asked in the last eight days.
    pub variants: Vec<VariantHealth>,
    /// What the model sees and says.
    pub drift: DriftLook,
    /// Each version something was said of in the last 28 days.
    pub quality: Vec<QualityHealth>,
    /// Insights that were judged by what came of them.
    pub outcomes: OutcomesRecorded,
    /// What people were told.
    pub told: Vec<Notice>,
}

/// What became of the look at drift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "look", rename_all = "snake_case")]
pub enum DriftLook {
    /// It was made.
    Looked(Box<DriftReport>),
    /// No model has answered yet.
    NoModel,
    /// What lies in the store cannot be used.
    Failed {
        /// Why.
        why: String,
    },
}

/// A look's report.
#[derive(Clone, Debug, PartialEq)]
pub enum Look {
    /// Made now.
    Made(MonitorReport),
    /// Made earlier in this hour.
    Before(MonitorReport),
}

/// What is wrong, in the order people want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// A variant does worse than on any day before.
    Variants,
    /// What the model sees or says drifted.
    Drift,
    /// A version is right less often.
    Quality,
}

impl Look {
    /// The report.
    pub fn report(&self) -> &MonitorReport {
        match self {
            Look::Made(report) | Look::Before(report) => report,
        }
    }
}

impl MonitorReport {
    /// What is wrong.
    pub fn troubles(&self) -> Vec<Trouble> {
        let drifted = matches!(&self.drift, DriftLook::Looked(report) if report.has_drifted());
        let all = [
            (Trouble::Variants, self.variants.iter().any(|one| one.health == Health::Worse)),
            (Trouble::Drift, drifted),
            (Trouble::Quality, self.quality.iter().any(|one| one.health == Health::Worse)),
        ];
        all.into_iter().filter(|(_, is)| *is).map(|(trouble, _)| trouble).collect()
    }
}
