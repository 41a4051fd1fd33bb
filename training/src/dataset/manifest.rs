//! What a data set was made of, in a file that people and programs read before they trust it.

use std::collections::BTreeMap;

use linkcast_domain::{FEATURE_SCHEMA_VERSION, FEATURES, PredictionType, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{DealSettings, LabelSource, Side, Thinning};
use crate::rules::RuleReport;

/// The form of the folder this version writes.
const FORM: u32 = 1;

/// One thing the data set was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// What it is: a history, a truth, verdicts. Never a path.
    pub what: String,
    /// SHA-256 of what was read of it.
    pub digest: String,
}

/// Rows of one side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideCounts {
    /// Streams.
    pub streams: u64,
    /// Rows.
    pub rows: u64,
    /// Rows of each class that has any, by its name.
    pub classes: BTreeMap<String, u64>,
    /// Rows by who says what their class is, by its name.
    #[serde(default)]
    pub labelled_by: BTreeMap<String, u64>,
}

impl SideCounts {
    /// Counts a row of this class, which `source` says.
    pub fn add(&mut self, class: PredictionType, source: LabelSource) {
        self.rows += 1;
        *self.classes.entry(class.name().to_owned()).or_default() += 1;
        *self.labelled_by.entry(source.name().to_owned()).or_default() += 1;
    }
}

/// What a data set was made of. It holds no path and no clock: the same inputs give the same bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of the folder.
    pub form: u32,
    /// The first twelve digits of the digest: what lineage names it by.
    pub version: String,
    /// SHA-256 over the rows' files, the streams' sides and every setting.
    pub digest: String,
    /// The features' schema.
    pub feature_schema: u32,
    /// Their names, in order.
    pub features: Vec<String>,
    /// What it was made of.
    pub sources: Vec<Source>,
    /// How sides were dealt.
    pub deal: DealSettings,
    /// What was left out of many.
    pub thinning: Thinning,
    /// The first instant that is held out.
    pub cutoff: Timestamp,
    /// Samples read.
    pub samples: u64,
    /// Samples whose label nobody was sure enough of.
    pub unsure: u64,
    /// Samples not newer than their stream's last.
    pub stale: u64,
    /// Rows on neither side.
    pub left_out: u64,
    /// Rows of each side.
    pub sides: BTreeMap<Side, SideCounts>,
    /// Rows made once more with another future, and found the same.
    pub leakage_rows_tried: u64,
    /// What the rules made of the samples, and how right they were where the truth is known.
    pub rules: RuleReport,
    /// The files of rows, in order, each with its digest.
    pub files: BTreeMap<String, String>,
}

impl Manifest {
    /// Whether this version reads it, and if not why.
    pub fn check(&self) -> Result<(), String> {
        let names = FEATURES.iter().map(|definition| definition.name);
        if self.form != FORM {
            return Err(format!("it has form {}: expected {FORM}", self.form));
        }
        if self.feature_schema != FEATURE_SCHEMA_VERSION
            || !names.eq(self.features.iter().map(String::as_str))
        {
            return Err(format!(
                "it has feature schema {}: expected {FEATURE_SCHEMA_VERSION}; build it again from its history",
                self.feature_schema
            ));
        }
        Ok(())
    }

    /// The data set in one sentence, for a model's card.
    pub fn described(&self) -> String {
        let truth = if self.sources.iter().any(|source| source.what == "truth") {
            "labelled with a simulation's truth"
        } else {
            "labelled by rules"
        };
        let reviewed: u64 =
            self.sides.values().filter_map(|side| side.labelled_by.get(LabelSource::Reviewer.name())).sum();
        let reviewers = match reviewed {
            0 => String::new(),
            1 => ", 1 row by a reviewer".to_owned(),
            rows => format!(", {rows} rows by reviewers"),
        };
        format!("Data set {} ({} samples), {truth}{reviewers}.", self.version, self.samples)
    }

    /// The manifest with form, schema, digest and version set from the rest of it and from `streams`, the bytes of the streams' file.
    ///
    /// # Errors
    ///
    /// None that a manifest can have; serialising is what might fail.
    pub fn sealed(mut self, streams: &[u8]) -> Result<Self, serde_json::Error> {
        self.form = FORM;
        self.feature_schema = FEATURE_SCHEMA_VERSION;
        self.features = FEATURES.iter().map(|definition| definition.name.to_owned()).collect();
        (self.digest, self.version) = (String::new(), String::new());
        let mut hasher = Sha256::new();
        hasher.update(serde_json::to_vec(&self)?);
        hasher.update(streams);
        self.digest = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        self.version = self.digest.chars().take(12).collect();
        Ok(self)
    }
}
