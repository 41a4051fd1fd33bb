//! What a model's first days looked like, frozen: what later days are held against.
//!
//! It holds the days' sketches in one, from which bins and ranks follow, and of each hour the three numbers a test needs of
//! it: where the hour's samples lie among the reference's, how far out they lie, and how many were absent. So it is small enough
//! for one item, and a test can make blocks of as many hours as a series remembers.

use std::collections::BTreeMap;

use crate::feature_sketches::FeatureSketches;
use crate::report::{Lacking, Missing};
use crate::settings::DriftSettings;

/// The frozen reference of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    first_hour: i64,
    pooled: FeatureSketches,
}

/// A text that no reference wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a drift reference of this version")]
pub struct DamagedReference;

impl Reference {
    /// Freezes hours, by their number since the epoch.
    ///
    /// # Errors
    /// Too few of them.
    pub fn freeze(hours: &BTreeMap<i64, FeatureSketches>, settings: &DriftSettings) -> Result<Self, Missing> {
        let have = hours.len() as u64;
        let need = u64::from(settings.reference_hours);
        let Some(first_hour) = hours.keys().next().copied().filter(|_| have >= need) else {
            return Err(Missing { of: Lacking::ReferenceHours, have, need });
        };
        let mut pooled = FeatureSketches::default();
        hours.values().for_each(|hour| pooled.merge(hour));
        Ok(Reference { first_hour, pooled })
    }

    /// The number of its first hour.
    pub fn first_hour(&self) -> i64 {
        self.first_hour
    }

    /// The text a store keeps.
    pub fn to_text(&self) -> String {
        format!("{}|{}", self.first_hour, self.pooled.to_text())
    }

    /// Reads what [`Reference::to_text`] wrote.
    ///
    /// # Errors
    /// Any other text.
    pub fn parse(text: &str) -> Result<Self, DamagedReference> {
        let (first, pooled) = text.split_once('|').ok_or(DamagedReference)?;
        let first_hour = first.parse().map_err(|_| DamagedReference)?;
        let pooled = FeatureSketches::parse(pooled).map_err(|_| DamagedReference)?;
        Ok(Reference { first_hour, pooled })
    }
}
