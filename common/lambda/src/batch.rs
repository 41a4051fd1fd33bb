//! Partial batches: each record succeeds or fails on its own, and only the failed ones come again.
//!
//! Records are decoded one by one and worked on in portions, because a table is read and written in portions. Work that panics is
//! halved until the record at fault stands alone, so work must be idempotent, as it must be anyway behind a queue that
//! repeats. Within a portion the work itself must stop a key at its first failure; what it did nevertheless is asked
//! for again. The reply names failed records by ids that came in, each once and none empty: an empty or unknown id makes
//! AWS fail the whole batch. A batch none of which succeeded is an error, so that the platform's own error count moves.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use linkcast_domain::{Budget, Clock, Retry};
use serde::Serialize;

use crate::failure::Named;
use crate::panic::{catch, catch_now};

/// What a batch is made of.
pub trait Record {
    /// The id its queue knows it by: SQS message id, or stream sequence number.
    fn id(&self) -> Option<&str>;

    /// Records of one key are to be worked on in order; no key, no order.
    fn key(&self) -> Option<&str> {
        None
    }
}

/// Whether a failure holds up what comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It does not.
    Free,
    /// It holds up the later records of its key.
    ByKey,
}

/// Why a record failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// It could not be read.
    #[error("the record could not be decoded: {0}")]
    Undecodable(String),
    /// The work on it failed.
    #[error("the work failed: {0}")]
    Failed(String),
    /// The work on it panicked.
    #[error("the work panicked: {0}")]
    Panicked(String),
    /// An earlier record of its key failed.
    #[error("an earlier record of the same key failed")]
    HeldUp,
    /// There was no time left to begin with it.
    #[error("no time was left")]
    OutOfTime,
}

/// A batch that is answered with an error instead of a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// A record has no id, so the reply could not name it.
    #[error("record {place} of the batch has no id to report a failure by")]
    Unnamed {
        /// Its place, from 0.
        place: usize,
    },
    /// Not one record succeeded.
    #[error("none of {count} records succeeded; the first failed because {first}")]
    AllFailed {
        /// How many there were.
        count: usize,
        /// Why the first failed.
        first: Cause,
    },
}

impl Named for BatchError {
    fn name(&self) -> &'static str {
        match self {
            BatchError::Unnamed { .. } => "RecordWithoutId",
            BatchError::AllFailed { .. } => "WholeBatchFailed",
        }
    }

    fn class(&self) -> Retry {
        Retry::Later
    }
}

/// The reply SQS, Kinesis and DynamoDB streams alike understand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// The records to be delivered again.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// One record to be delivered again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// The id it came with.
    pub item_identifier: String,
}

/// How a batch is worked on.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    /// Whether a failure holds up what comes after it.
    pub order: Order,
    /// At most so many records are worked on together.
    pub portion: usize,
    /// The invocation's budget.
    pub budget: Budget,
    /// A portion is begun only while at least this much is left.
    pub least_time: Duration,
    /// What tells the time left.
    pub clock: &'a dyn Clock,
}

/// What became of each record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchReport {
    ids: Vec<String>,
    outcomes: Vec<Result<(), Cause>>,
}

impl Batch<'_> {
    /// Decodes every record and has `work` done on what they hold. `work` answers for each item it was given, in order.
    ///
    /// # Errors
    /// A record without an id: nothing is worked on then.
    pub async fn run<R, T, D, W, F, E>(
        &self,
        records: &[R],
        decode: D,
        work: W,
    ) -> Result<BatchReport, BatchError>
    where
        R: Record,
        T: Clone,
        D: Fn(&R) -> Result<T, E>,
        E: std::fmt::Display,
        W: Fn(Vec<T>) -> F,
        F: Future<Output = Vec<Result<(), E>>>,
    {
        let ids = ids_of(records)?;
        let mut run = Run { batch: self, keys: keys_of(records), outcomes: vec![None; records.len()] };
        let mut decoded: Vec<(usize, T)> = Vec::with_capacity(records.len());
        for (place, record) in records.iter().enumerate() {
            match catch_now(|| decode(record)) {
                Ok(Ok(item)) => decoded.push((place, item)),
                Ok(Err(error)) => run.fail(place, Cause::Undecodable(error.to_string())),
                Err(panic) => run.fail(place, Cause::Panicked(panic)),
            }
        }
        for portion in decoded.chunks(self.portion.max(1)) {
            run.portion(portion, &work).await;
        }
        let outcomes = run.settle();
        Ok(BatchReport { ids, outcomes })
    }
}

fn ids_of<R: Record>(records: &[R]) -> Result<Vec<String>, BatchError> {
    let named = |(place, record): (usize, &R)| {
        let id = record.id().filter(|id| !id.is_empty());
        id.map(str::to_owned).ok_or(BatchError::Unnamed { place })
    };
    records.iter().enumerate().map(named).collect()
}

fn keys_of<R: Record>(records: &[R]) -> Vec<Option<String>> {
    records.iter().map(|record| record.key().map(str::to_owned)).collect()
}

/// A batch being worked on; an outcome that is `None` is still open.
struct Run<'a> {
    batch: &'a Batch<'a>,
    keys: Vec<Option<String>>,
    outcomes: Vec<Option<Result<(), Cause>>>,
}

impl Run<'_> {
    fn fail(&mut self, place: usize, cause: Cause) {
        self.put(place, Err(cause));
    }

    fn put(&mut self, place: usize, outcome: Result<(), Cause>) {
        if let Some(slot) = self.outcomes.get_mut(place) {
            *slot = Some(outcome);
        }
    }

    /// Works on a portion; on a panic, on each half of it, until the record at fault stands alone.
    async fn portion<T, W, F, E>(&mut self, portion: &[(usize, T)], work: &W)
    where
        T: Clone,
        W: Fn(Vec<T>) -> F,
        F: Future<Output = Vec<Result<(), E>>>,
        E: std::fmt::Display,
    {
        let mut waiting = vec![portion];
        while let Some(part) = waiting.pop() {
            let free: Vec<&(usize, T)> = part.iter().filter(|(place, _)| !self.is_held_up(*place)).collect();
            if free.is_empty() {
                continue;
            }
            if self.batch.budget.remaining(self.batch.clock) < self.batch.least_time {
                free.iter().for_each(|(place, _)| self.fail(*place, Cause::OutOfTime));
                continue;
            }
            let items = free.iter().map(|(_, item)| item.clone()).collect();
            match catch(async { work(items).await }).await {
                Ok(outcomes) => self.note(&free, outcomes),
                Err(panic) => match (part.split_at_checked(part.len() / 2), free.as_slice()) {
                    (_, [(place, _)]) => self.fail(*place, Cause::Panicked(panic)),
                    (Some((first, second)), _) => waiting.extend([second, first]),
                    (None, _) => {}
                },
            }
        }
    }

    /// An item the work gave no answer for has failed: silence is no success.
    fn note<T, E: std::fmt::Display>(&mut self, items: &[&(usize, T)], outcomes: Vec<Result<(), E>>) {
        let mut outcomes = outcomes.into_iter();
        for (place, _) in items {
            let outcome = match outcomes.next() {
                Some(outcome) => outcome.map_err(|error| Cause::Failed(error.to_string())),
                None => Err(Cause::Failed("the work gave no answer for it".to_owned())),
            };
            self.put(*place, outcome);
        }
    }

    /// Whether an earlier record of the same key has failed.
    fn is_held_up(&self, place: usize) -> bool {
        let Some(Some(key)) = self.keys.get(place).filter(|_| self.batch.order == Order::ByKey) else {
            return false;
        };
        let earlier = self.keys.iter().zip(&self.outcomes).take(place);
        earlier
            .into_iter()
            .any(|(other, outcome)| other.as_ref() == Some(key) && matches!(outcome, Some(Err(_))))
    }

    /// Every outcome. What follows a failure of its key within one portion counts as held up: to do it again, in
    /// order, is what order means.
    fn settle(mut self) -> Vec<Result<(), Cause>> {
        for place in 0..self.outcomes.len() {
            let is_failed = matches!(self.outcomes.get(place), Some(Some(Err(_))));
            if !is_failed && self.is_held_up(place) {
                self.fail(place, Cause::HeldUp);
            }
        }
        let open = || Err(Cause::Failed("it was never worked on".to_owned()));
        self.outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(open)).collect()
    }
}

impl BatchReport {
    /// Every failed record with its cause, in the batch's order.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &Cause)> {
        let pairs = self.ids.iter().zip(&self.outcomes);
        pairs.filter_map(|(id, outcome)| Some((id.as_str(), outcome.as_ref().err()?)))
    }

    /// What to answer.
    ///
    /// # Errors
    /// A batch of which nothing succeeded.
    pub fn reply(&self) -> Result<BatchResponse, BatchError> {
        let first = self.failures().next().map(|(_, cause)| cause.clone());
        if let Some(first) = first.filter(|_| self.outcomes.iter().all(Result::is_err)) {
            return Err(BatchError::AllFailed { count: self.outcomes.len(), first });
        }
        let mut named = BTreeSet::new();
        let failures = self.failures().filter(|(id, _)| named.insert(id.to_owned()));
        let batch_item_failures =
            failures.map(|(id, _)| BatchItemFailure { item_identifier: id.to_owned() }).collect();
        Ok(BatchResponse { batch_item_failures })
    }
}

#[cfg(test)]
mod tests;
