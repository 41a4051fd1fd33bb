//! What a model's first days looked like, frozen: what later days are held against.
//!
//! It holds the days' sketches in one, from which bins and ranks follow, and of each hour and series the three numbers a test
//! needs of it, so that it is small enough for one item, and a test can make blocks of as many hours as a series remembers.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::bins::Bins;
use crate::feature_sketches::FeatureSketches;
use crate::past::{Past, pack_hours, unpack_hours};
use crate::report::{Lacking, Missing};
use crate::settings::DriftSettings;
use crate::watched::Series;

/// What a text of this form begins with.
const FORM: &str = "r1:";

/// The frozen reference of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    hours: Vec<i64>,
    pooled: FeatureSketches,
    /// Of each series, in the order of [`Series::all`].
    series: Vec<Past>,
}

/// A text that no reference wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a drift reference: expected {FORM} and what a reference wrote after it")]
pub struct DamagedReference;

impl Reference {
    /// Freezes hours, by their number since the epoch: the first after a model went live, or those of the samples it was trained
    /// on. A training set is thinned and balanced: what is frozen from it is what training saw, and a fabric may
    /// lie elsewhere from the first hour.
    ///
    /// # Errors
    /// Too few of them.
    pub fn freeze(hours: &BTreeMap<i64, FeatureSketches>, settings: &DriftSettings) -> Result<Self, Missing> {
        let (have, need) = (hours.len() as u64, settings.least_reference_hours());
        if have < need.max(1) {
            return Err(Missing { of: Lacking::ReferenceHours, have, need });
        }
        let mut pooled = FeatureSketches::default();
        hours.values().for_each(|hour| pooled.merge(hour));
        let past = |series: Series| {
            let bins = Bins::cut(&pooled.sketch(series));
            let mut past = Past::default();
            for hour in hours.values() {
                past.note(series, bins.as_ref(), &hour.sketch(series), settings.least_samples);
            }
            past
        };
        let series = Series::all().map(past).collect();
        Ok(Reference { hours: hours.keys().copied().collect(), pooled, series })
    }

    /// Its hours, by their number since the epoch.
    pub fn hours(&self) -> &[i64] {
        &self.hours
    }

    /// All of its samples in one.
    pub fn pooled(&self) -> &FeatureSketches {
        &self.pooled
    }

    /// Every series with its hours.
    pub(crate) fn series(&self) -> impl Iterator<Item = (Series, &Past)> {
        Series::all().zip(&self.series)
    }

    /// The text a store keeps.
    pub fn to_text(&self) -> String {
        let mut bytes = Vec::new();
        pack_hours(&self.hours, &mut bytes);
        self.pooled.pack(&mut bytes);
        self.series.iter().for_each(|past| past.pack(&mut bytes));
        let mut text = FORM.to_owned();
        STANDARD_NO_PAD.encode_string(bytes, &mut text);
        text
    }

    /// Reads what [`Reference::to_text`] wrote.
    ///
    /// # Errors
    /// Any other text.
    pub fn parse(text: &str) -> Result<Self, DamagedReference> {
        let packed = text.strip_prefix(FORM).ok_or(DamagedReference)?;
        let bytes = STANDARD_NO_PAD.decode(packed).map_err(|_| DamagedReference)?;
        Reference::unpack(&mut bytes.as_slice()).ok_or(DamagedReference)
    }

    fn unpack(rest: &mut &[u8]) -> Option<Self> {
        let hours = unpack_hours(rest)?;
        let pooled = FeatureSketches::unpack(rest)?;
        let series = Series::all().map(|_| Past::unpack(rest, hours.len())).collect::<Option<_>>()?;
        rest.is_empty().then_some(Reference { hours, pooled, series })
    }
}
