//! The policy, the breakers and what was seen, for people and for the rollout: read, and changed by one conditional write.

use std::collections::BTreeMap;

use crate::damaged::DamagedItem;
use linkcast_domain::Timestamp;
use linkcast_domain::ports::{Revised, StoreError, TaskItem, TaskItems, Written};
use linkcast_routing::rollout::{PolicyWrite, StoredPolicy};
use linkcast_routing::{Evidence, Policy, PolicyError, Verdict};

use super::known::{BREAKER, EVIDENCE, HOUR_MS, POLICY};
use super::records::{Disagreement, RECORD};

/// Hours whose names have all but their last two digits in common.
const HOURS_AT_ONCE: i64 = 100;

/// Routing of one task, over any store.
#[derive(Clone, Copy, Debug)]
pub struct RoutingDesk<'a, I> {
    items: &'a I,
    task: &'a str,
}

/// What could not be done with a task's routing.
#[derive(Debug, thiserror::Error)]
pub enum RoutingError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is to be written is no policy, or what is written is none.
    #[error("the routing policy of {task}")]
    Policy {
        /// Whose.
        task: String,
        /// Why.
        #[source]
        source: PolicyError,
    },
    /// Somebody else wrote meanwhile.
    #[error("the routing policy of {task} is not at revision {expected} any more")]
    Moved {
        /// Whose.
        task: String,
        /// What it was to be at.
        expected: u64,
    },
    /// An item that is not what was written.
    #[error(transparent)]
    Damaged(#[from] DamagedItem),
}

impl<'a, I: TaskItems> RoutingDesk<'a, I> {
    /// The routing of `task`.
    pub fn new(items: &'a I, task: &'a str) -> Self {
        RoutingDesk { items, task }
    }

    /// The policy in the store, if somebody wrote one.
    ///
    /// # Errors
    /// A store that fails, or a text that is no policy.
    pub async fn policy(&self) -> Result<Option<Revised<Policy>>, RoutingError> {
        let Some(found) = self.items.task_item(self.task, POLICY).await? else { return Ok(None) };
        let value = Policy::parse(&found.value).map_err(|source| self.refused(source))?;
        Ok(Some(Revised { revision: found.revision, value }))
    }

    /// Writes a policy in place of the one read at `read`, 0 if there was none; gives its revision.
    ///
    /// # Errors
    /// A store that fails, or another's write since then.
    pub async fn put(&self, policy: &Policy, read: u64) -> Result<u64, RoutingError> {
        let damaged = |source| {
            RoutingError::from(DamagedItem { task: self.task.to_owned(), name: POLICY.to_owned(), source })
        };
        let value = serde_json::to_string_pretty(policy.text()).map_err(damaged)?;
        let text = Revised { revision: read, value };
        let item = TaskItem { name: POLICY.to_owned(), text, until: None };
        match self.items.put_task_item(self.task, &item).await? {
            Written::Yes => Ok(read + 1),
            Written::Moved => Err(RoutingError::Moved { task: self.task.to_owned(), expected: read }),
        }
    }

    /// The policy's revision, whatever it holds; 0 if there is none.
    ///
    /// # Errors
    /// A store that fails.
    pub async fn revision(&self) -> Result<u64, RoutingError> {
        Ok(self.items.task_item(self.task, POLICY).await?.map_or(0, |found| found.revision))
    }

    /// The policy as it lies in the store, whatever it holds.
    ///
    /// # Errors
    /// A store that fails.
    pub async fn stored(&self) -> Result<Option<StoredPolicy>, StoreError> {
        let found = self.items.task_item(self.task, POLICY).await?;
        Ok(found.map(|found| StoredPolicy { revision: found.revision, text: found.value }))
    }

    /// Writes a policy's text as it is in place of the one read.
    ///
    /// # Errors
    /// A store that fails.
    pub(crate) async fn put_text(&self, write: &PolicyWrite) -> Result<Written, StoreError> {
        let text = Revised { revision: write.read, value: write.text.clone() };
        self.items.put_task_item(self.task, &TaskItem { name: POLICY.to_owned(), text, until: None }).await
    }

    /// What is known of each variant that ever failed often, by name.
    ///
    /// # Errors
    /// A store that fails, or an item that is not what was written.
    pub async fn breakers(&self) -> Result<Vec<(String, Verdict)>, RoutingError> {
        let found = self.items.task_items(self.task, BREAKER).await?;
        found
            .into_iter()
            .map(|(name, text)| {
                let verdict = self.read(&name, &text.value)?;
                Ok((name.trim_start_matches(BREAKER).to_owned(), verdict))
            })
            .collect()
    }

    /// What all processes saw in each hour from `since` on, oldest first.
    ///
    /// # Errors
    /// A store that fails, or an item that is not what was written.
    pub async fn evidence_by_hour(&self, since: Timestamp) -> Result<Vec<Evidence>, RoutingError> {
        Ok(self.evidence_hours(since).await?.into_values().collect())
    }

    /// The same by the hour's number since the epoch.
    ///
    /// # Errors
    /// As for the hours alone.
    pub async fn evidence_hours(&self, since: Timestamp) -> Result<BTreeMap<i64, Evidence>, RoutingError> {
        let first = since.millis().div_euclid(HOUR_MS);
        let mut hours: BTreeMap<i64, Evidence> = BTreeMap::new();
        for (name, text) in self.items.task_items(self.task, EVIDENCE).await? {
            let hour = name.trim_start_matches(EVIDENCE).split('#').next().and_then(|hour| hour.parse().ok());
            if let Some(hour) = hour.filter(|hour: &i64| *hour >= first) {
                hours.entry(hour).or_default().merge(&self.read(&name, &text.value)?);
            }
        }
        Ok(hours)
    }

    /// What all processes saw, by the hour since 1970, from that of `since` to that of `until`. Costs what lies between them and not
    /// what was kept before.
    ///
    /// # Errors
    /// A store that fails, or an item that is not what was written.
    pub async fn evidence_between(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeMap<i64, Evidence>, RoutingError> {
        let (first, last) = (since.millis().div_euclid(HOUR_MS), until.millis().div_euclid(HOUR_MS));
        let mut hours: BTreeMap<i64, Evidence> = BTreeMap::new();
        for coarse in first.max(0).div_euclid(HOURS_AT_ONCE)..=last.max(0).div_euclid(HOURS_AT_ONCE) {
            for (name, text) in self.items.task_items(self.task, &format!("{EVIDENCE}{coarse:010}")).await? {
                let hour = name.trim_start_matches(EVIDENCE).split('#').next();
                let hour = hour.and_then(|hour| hour.parse().ok());
                if let Some(hour) = hour.filter(|hour: &i64| (first..=last).contains(hour)) {
                    hours.entry(hour).or_default().merge(&self.read(&name, &text.value)?);
                }
            }
        }
        Ok(hours)
    }

    /// What all processes saw from `since` on, in one.
    ///
    /// # Errors
    /// As for each hour.
    pub async fn evidence(&self, since: Timestamp) -> Result<Evidence, RoutingError> {
        let mut all = Evidence::default();
        self.evidence_by_hour(since).await?.iter().for_each(|hour| all.merge(hour));
        Ok(all)
    }

    /// Samples from `since` on that a variant and the embedded model differ about, oldest first.
    ///
    /// # Errors
    /// A store that fails, or an item that is not what was written.
    pub async fn disagreements(&self, since: Timestamp) -> Result<Vec<Disagreement>, RoutingError> {
        let mut all = Vec::new();
        for (name, text) in self.items.task_items(self.task, RECORD).await? {
            let record: Disagreement = self.read(&name, &text.value)?;
            if record.time >= since {
                all.push(record);
            }
        }
        Ok(all)
    }

    fn read<T: serde::de::DeserializeOwned>(&self, name: &str, text: &str) -> Result<T, RoutingError> {
        serde_json::from_str(text).map_err(|source| {
            RoutingError::from(DamagedItem { task: self.task.to_owned(), name: name.to_owned(), source })
        })
    }

    fn refused(&self, source: PolicyError) -> RoutingError {
        RoutingError::Policy { task: self.task.to_owned(), source }
    }
}
