//! What a drift verdict says, with every number it rests on.

use linkcast_domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::settings::DriftSettings;

/// Whether a model's world is still what it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftReport {
    /// The model's digest, whose reference this is held against.
    pub digest: String,
    /// When it was looked.
    pub at: Timestamp,
    /// Both parts in one: drifted if one is; not enough data if neither can be told.
    pub verdict: DriftVerdict,
    /// What the model sees.
    pub features: DriftPart,
    /// What the model says.
    pub scores: DriftPart,
    /// What it is held against, if it is frozen.
    pub reference: Option<Span>,
    /// The looks, oldest first.
    pub windows: Vec<Span>,
    /// The numbers it was decided by.
    pub settings: DriftSettings,
}

/// Hours that were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end, which is not in it.
    pub until: Timestamp,
    /// Its hours of which there are sketches.
    pub hours: u32,
    /// Their samples.
    pub samples: u64,
}

/// A verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum DriftVerdict {
    /// It cannot be told yet.
    NotEnoughData {
        /// What there is too little of.
        missing: Missing,
    },
    /// As it was.
    Steady,
    /// Not as it was, in as many looks as confirm it.
    Drifted,
}

/// What there is too little of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Of what.
    pub of: Lacking,
    /// How many there are.
    pub have: u64,
    /// How many are needed.
    pub need: u64,
}

/// Things there can be too little of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lacking {
    /// Hours since the model went live, to freeze a reference from.
    ReferenceHours,
    /// Independent blocks in the reference: it is too short for how long the series remembers.
    ReferenceBlocks,
    /// Hours in the looks with samples enough.
    LookHours,
    /// Samples of the series in the reference: it was hardly ever present.
    ReferenceSamples,
}

/// The verdict on what a model sees, or on what it says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftPart {
    /// The verdict: drifted if one series is.
    pub verdict: DriftVerdict,
    /// Names of the series that drifted, the gravest first.
    pub drifted: Vec<String>,
    /// How much of the model's attention the drifted series have, 0 to 1; their share of the series if it is not known.
    pub weight: f64,
    /// Every series.
    pub series: Vec<SeriesDrift>,
}

/// One series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesDrift {
    /// Its name: a feature's, `risk_score`, `confidence`, or a class's.
    pub name: String,
    /// The verdict on it.
    pub verdict: DriftVerdict,
    /// Its share of the model's attention, where that is known.
    pub importance: Option<f64>,
    /// Its integrated autocorrelation time within the reference, hours.
    pub tau_hours: f64,
    /// Hours in a block.
    pub block_hours: f64,
    /// Blocks in the reference.
    pub reference_blocks: f64,
    /// The looks, oldest first.
    pub windows: Vec<SeriesWindow>,
}

/// One series in one look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesWindow {
    /// Its hours with samples enough.
    pub hours: u32,
    /// Its samples, absent ones included.
    pub samples: u64,
    /// Blocks it counts as.
    pub blocks: f64,
    /// The chance that a sample of it is above one of the reference, less one half.
    pub superiority: f64,
    /// Wasserstein's distance from the reference, in its standard deviations; none where the reference never varied.
    pub distance: Option<f64>,
    /// The population stability index, less what chance gives with so many independent samples.
    pub psi: f64,
    /// The share of absent samples (of a class: of other classes) less the reference's.
    pub absent_change: f64,
    /// The chance of such a difference or a greater one without drift, corrected for the three ways it was looked for.
    pub p: f64,
    /// The least false discovery rate at which this look of this series counts (Benjamini and Hochberg).
    pub q: f64,
    /// Which way it moved most clearly.
    pub direction: Direction,
    /// What the look says.
    pub evidence: Evidence,
}

/// Which way a series moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Greater.
    Up,
    /// Smaller.
    Down,
    /// More at both ends.
    Wider,
    /// Less at both ends.
    Narrower,
    /// Absent more often; of a class, named less often.
    Rarer,
    /// Absent less often; of a class, named more often.
    MoreFrequent,
}

/// What one look says of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// No drift: what there is is no more than chance, or too little to matter.
    None,
    /// More than chance, and enough to matter.
    Drift,
    /// Too little data in this look.
    Unknown,
}

impl DriftReport {
    /// A report that says only what is missing.
    pub fn without_data(digest: &str, at: Timestamp, missing: Missing, settings: &DriftSettings) -> Self {
        DriftReport {
            digest: digest.to_owned(),
            at,
            verdict: DriftVerdict::NotEnoughData { missing },
            features: DriftPart::without_data(missing),
            scores: DriftPart::without_data(missing),
            reference: None,
            windows: Vec::new(),
            settings: settings.clone(),
        }
    }

    /// Whether something drifted.
    pub fn has_drifted(&self) -> bool {
        self.verdict == DriftVerdict::Drifted
    }
}

impl DriftPart {
    pub(crate) fn without_data(missing: Missing) -> Self {
        let verdict = DriftVerdict::NotEnoughData { missing };
        DriftPart { verdict, drifted: Vec::new(), weight: 0.0, series: Vec::new() }
    }
}
