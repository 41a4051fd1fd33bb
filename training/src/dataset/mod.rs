//! Rows with everything that training and judging want to know of them, and the files they lie in.
//!
//! A data set is a folder: `rows/group=….parquet` (the rows of some tens of streams, day after day, each stream's oldest first),
//! `streams.jsonl` (who is on which side of the split) and `manifest.json` (what it was made of, and the digest of all). The
//! rows are written before anybody can know the split, so that one pass over the history is enough; a row's side follows from
//! its stream and its time.

mod asking;
mod deal;
mod group;
mod labels;
mod leakage;
mod maker;
mod manifest;
mod read;
mod thinning;
mod write;

use linkcast_domain::{FEATURE_COUNT, PredictionType, StreamId, Timestamp};
use serde::{Deserialize, Serialize};

pub use asking::Asking;
pub use deal::{Deal, DealError, DealSettings, Seat, Side, StreamTally};
pub use group::{GroupBuilder, GroupCounts, Making};
pub use labels::{Labels, Reviewed};
pub use leakage::{LeakError, LeakageCheck};
pub use maker::{Made, RowMaker, Seen};
pub use manifest::{Manifest, SideCounts, Source};
pub use read::{RowFileError, read_rows};
pub use thinning::{Thinning, lot};
pub use write::RowWriter;

/// Who says what a row's class is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelSource {
    /// A person looked at it.
    Reviewer,
    /// A simulation's truth.
    Truth,
    /// The rules.
    Rules,
}

impl LabelSource {
    /// Every source.
    pub const ALL: [LabelSource; 3] = [LabelSource::Reviewer, LabelSource::Truth, LabelSource::Rules];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            LabelSource::Reviewer => "reviewer",
            LabelSource::Truth => "truth",
            LabelSource::Rules => "rules",
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetRow {
    /// Whose.
    pub stream: StreamId,
    /// The sample's time.
    pub time: Timestamp,
    /// What a model sees; NaN is absent.
    pub features: [f32; FEATURE_COUNT],
    /// What it should say.
    pub class: PredictionType,
    /// How risky, 0 to 100.
    pub risk: f32,
    /// How sure the label is, 0 to 1.
    pub confidence: f32,
    /// Who says so.
    pub source: LabelSource,
    /// How many samples the row stands for.
    pub weight: f32,
    /// Whether an alert opened on the stream within five minutes; unknown where the history ends before.
    pub alert: Option<bool>,
    /// Whether the link failed within an hour.
    pub fails_near: Option<bool>,
    /// Whether the link failed within a day.
    pub fails_far: Option<bool>,
    /// The highest risk of an alert that opened within a day, 0 to 100.
    pub severity: Option<f32>,
    /// What was done within a day.
    pub action: Option<String>,
}
