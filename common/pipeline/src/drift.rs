//! Drift of one task's models, for people and for the monitor: hours of sketches are read, a reference is frozen, a verdict given.
//!
//! What processes counted lies by the hour, so that a look reads the hours it looks at and no others, however long the task
//! has been watched. What the numbers mean is for `linkcast-monitoring` to say; here is what lies under which name.

use std::collections::BTreeMap;

use linkcast_domain::ports::{Revised, StoreError, TaskItem, TaskItems, Written};
use linkcast_domain::{Retry, Timestamp};
use linkcast_monitoring::{
    DamagedReference, DamagedSketches, DriftReport, DriftSettings, FeatureSketches, Lacking, Missing,
    Question, Reference, judge,
};

use crate::sketching::{HOUR_MS, SKETCH};

/// References' names begin so.
const REFERENCE: &str = "reference#";

/// Drift of one task, over any store.
#[derive(Clone, Debug)]
pub struct DriftDesk<'a, I> {
    items: &'a I,
    task: &'a str,
    settings: DriftSettings,
    /// Each feature's share of the model's attention, by name, where it is known.
    importance: BTreeMap<String, f64>,
}

/// What became of freezing a reference.
#[derive(Clone, Debug, PartialEq)]
pub enum Freezing {
    /// It is frozen now.
    Made(Reference),
    /// It was.
    Was(Reference),
    /// There is too little to freeze.
    TooEarly(Missing),
}

/// What could not be done about drift.
#[derive(Debug, thiserror::Error)]
pub enum DriftError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Sketches that are not what was written.
    #[error("{name} of {task} is damaged")]
    Sketches {
        /// Whose.
        task: String,
        /// Which.
        name: String,
        /// Why.
        #[source]
        source: DamagedSketches,
    },
    /// A reference that is not what was written.
    #[error("the drift reference of {digest} of {task} is damaged")]
    Reference {
        /// Whose.
        task: String,
        /// Of which model.
        digest: String,
        /// Why.
        #[source]
        source: DamagedReference,
    },
}

impl DriftError {
    /// Whether another attempt can help.
    pub fn class(&self) -> Retry {
        match self {
            DriftError::Store(error) => error.class(),
            DriftError::Sketches { .. } | DriftError::Reference { .. } => Retry::Never,
        }
    }
}

impl<'a, I: TaskItems> DriftDesk<'a, I> {
    /// The drift of `task`, decided by the default numbers.
    pub fn new(items: &'a I, task: &'a str) -> Self {
        DriftDesk { items, task, settings: DriftSettings::default(), importance: BTreeMap::new() }
    }

    /// The same, decided by other numbers.
    #[must_use]
    pub fn with_settings(mut self, settings: DriftSettings) -> Self {
        self.settings = settings;
        self
    }

    /// The same, with what share of the model's attention each feature has, by name.
    #[must_use]
    pub fn with_importance(mut self, importance: BTreeMap<String, f64>) -> Self {
        self.importance = importance;
        self
    }

    /// What all processes counted in each hour from `from` up to and without `until`, by the hour's number since the epoch.
    ///
    /// # Errors
    /// A store that fails, or sketches that are not what was written.
    pub async fn hours(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeMap<i64, FeatureSketches>, DriftError> {
        let mut hours: BTreeMap<i64, FeatureSketches> = BTreeMap::new();
        let (first, end) = (hour_of(from), until.millis().div_euclid(HOUR_MS));
        for hour in first..end {
            for (name, text) in self.items.task_items(self.task, &format!("{SKETCH}{hour:012}#")).await? {
                let sketches = FeatureSketches::parse(&text.value)
                    .map_err(|source| DriftError::Sketches { task: self.task.to_owned(), name, source })?;
                hours.entry(hour).or_default().merge(&sketches);
            }
        }
        Ok(hours)
    }

    /// The reference of the model of `digest`, if it is frozen.
    ///
    /// # Errors
    /// A store that fails, or a reference that is not what was written.
    pub async fn reference(&self, digest: &str) -> Result<Option<Reference>, DriftError> {
        let name = format!("{REFERENCE}{digest}");
        let Some(found) = self.items.task_item(self.task, &name).await? else { return Ok(None) };
        let damaged =
            |source| DriftError::Reference { task: self.task.to_owned(), digest: digest.to_owned(), source };
        Reference::parse(&found.value).map(Some).map_err(damaged)
    }

    /// Freezes the reference of the model of `digest` from the first hours after it went live at `live`, if there are
    /// enough of them at `now`. Once: what was frozen stays, whoever asks again.
    ///
    /// # Errors
    /// A store that fails, or an item that is not what was written.
    pub async fn freeze(
        &self,
        digest: &str,
        live: Timestamp,
        now: Timestamp,
    ) -> Result<Freezing, DriftError> {
        if let Some(reference) = self.reference(digest).await? {
            return Ok(Freezing::Was(reference));
        }
        // The hour a model goes live in is partly another's.
        let (first, need) = (hour_of(live) + 1, i64::from(self.settings.reference_hours));
        let have = hour_of(now) - first;
        if have < need {
            let (have, need) = (u64::try_from(have).unwrap_or(0), u64::from(self.settings.reference_hours));
            return Ok(Freezing::TooEarly(Missing { of: Lacking::ReferenceHours, have, need }));
        }
        let mut hours = self.hours(start_of(first), start_of(first + need)).await?;
        if Reference::freeze(&hours, &self.settings).is_err() {
            // Nobody watched the first days: the last ones are the first that are known.
            hours = self.hours(start_of(hour_of(now) - need), start_of(hour_of(now))).await?;
        }
        let reference = match Reference::freeze(&hours, &self.settings) {
            Ok(reference) => reference,
            Err(missing) => return Ok(Freezing::TooEarly(missing)),
        };
        self.put_reference(digest, reference).await
    }

    /// Freezes a reference that was made elsewhere, as from the hours of a training set. Once, as [`DriftDesk::freeze`].
    /// Written: the reference, by the model's digest.
    ///
    /// # Errors
    /// A store that fails, or an item that is not what was written.
    pub async fn put_reference(&self, digest: &str, reference: Reference) -> Result<Freezing, DriftError> {
        let text = Revised { revision: 0, value: reference.to_text() };
        let item = TaskItem { name: format!("{REFERENCE}{digest}"), text, until: None };
        if self.items.put_task_item(self.task, &item).await? == Written::Yes {
            return Ok(Freezing::Made(reference));
        }
        Ok(Freezing::Was(self.reference(digest).await?.unwrap_or(reference)))
    }

    /// Holds the last hours before `now` against the reference of the model of `digest`. No reference is a verdict too.
    ///
    /// # Errors
    /// A store that fails, or an item that is not what was written.
    pub async fn look(&self, digest: &str, now: Timestamp) -> Result<DriftReport, DriftError> {
        let need = u64::from(self.settings.reference_hours);
        let missing = Missing { of: Lacking::ReferenceHours, have: 0, need };
        let Some(reference) = self.reference(digest).await? else {
            return Ok(DriftReport::without_data(digest, now, missing, &self.settings));
        };
        let back = i64::from(self.settings.looks.max(1)) * i64::from(self.settings.look_hours.max(1));
        let hours = self.hours(start_of(hour_of(now) - back), now).await?;
        let (settings, importance) = (&self.settings, &self.importance);
        let question =
            Question { digest, at: now, reference: &reference, hours: &hours, settings, importance };
        Ok(judge(&question))
    }
}

fn hour_of(time: Timestamp) -> i64 {
    time.millis().div_euclid(HOUR_MS)
}

fn start_of(hour: i64) -> Timestamp {
    Timestamp::from_millis(hour.saturating_mul(HOUR_MS))
}
