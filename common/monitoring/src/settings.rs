//! Every number a drift verdict is decided by, in one place and in every report.

use serde::{Deserialize, Serialize};

/// The numbers. The defaults hold the rates that docs/DRIFT.md states.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftSettings {
    /// Hours a reference is frozen from; two weeks have every day of the week twice.
    pub reference_hours: u32,
    /// Hours after which the pattern of the day repeats; 1 if there is none.
    pub cycle_hours: u32,
    /// Hours of one look. Whole cycles, so that no hour of the day weighs more in it than in the reference.
    pub look_hours: u32,
    /// How many looks are held against the reference, the last one first, none over another.
    pub looks: u32,
    /// In how many of them a series must have drifted.
    pub confirmed_in: u32,
    /// The false discovery rate over the series of one look (Benjamini and Hochberg).
    pub false_discovery_rate: f64,
    /// The least distance that matters, in standard deviations of the reference (Wasserstein's first, as Evidently's default).
    pub least_distance: f64,
    /// The least population stability index that matters, beyond what chance gives (Lewis 1994: 0.1 is a minor shift).
    pub least_psi: f64,
    /// The least change of the share of absent samples, or of a class, that matters.
    pub least_share: f64,
    /// Samples below which an hour tells nothing.
    pub least_samples: u64,
    /// The share of a look's or of a reference's hours that must tell something.
    pub least_coverage: f64,
    /// Blocks a reference must give for its scatter to be known.
    pub least_blocks: u32,
}

impl Default for DriftSettings {
    fn default() -> Self {
        DriftSettings {
            reference_hours: 14 * 24,
            cycle_hours: 24,
            look_hours: 24,
            looks: 3,
            confirmed_in: 2,
            false_discovery_rate: 0.05,
            least_distance: 0.1,
            least_psi: 0.1,
            least_share: 0.05,
            least_samples: 20,
            least_coverage: 0.5,
            least_blocks: 8,
        }
    }
}

impl DriftSettings {
    /// Hours with sketches that a reference needs.
    pub(crate) fn least_reference_hours(&self) -> u64 {
        (self.least_coverage * f64::from(self.reference_hours)).ceil() as u64
    }

    /// Hours with samples enough that a look needs.
    pub(crate) fn least_look_hours(&self) -> u64 {
        (self.least_coverage * f64::from(self.look_hours)).ceil().max(1.0) as u64
    }
}
