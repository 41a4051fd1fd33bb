//! The desk of feedback: takes words on insights, lists them, and says how right each variant was.
//!
//! A record lies beside its insight; a small item of the task, named by when its first word came in, says that it is there, so
//! that a week of feedback is found without reading the years before. The item is written first: a crash after it leaves a name
//! without a record, which readers pass over, and whoever says it again is told that it was taken. The record names the one item
//! that counts, so that two of them are never two.

mod error;
mod outcome;
mod statistics;

use std::collections::BTreeMap;

use linkcast_domain::ports::{
    FeedbackItems, InsightQuery, Lookup, ReviewItems, Revised, TaskItem, TaskItems, Written,
};
use linkcast_domain::{
    Feedback, FeedbackSource, FeedbackStanding, FeedbackWord, Insight, InsightId, ReviewId, StreamId,
    Timestamp, WordTaken,
};
use serde::Serialize;

pub use error::FeedbackError;
pub use outcome::{Outcome, OutcomeEvidence, has_outcome, outcome};
pub use statistics::{Interval, QualityCounts, VersionQuality, quality_by_version, wilson};

/// Names of the items that say which insights were spoken of.
const FEEDBACK: &str = "feedback#";
/// Digits of a time in a name, milliseconds.
const DIGITS: usize = 16;
/// What is cut off them to list by: 10^8 ms, 28 hours at once.
const FINE_DIGITS: usize = 8;
/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;
/// How often a word is tried again because others spoke meanwhile.
const TRIES: usize = 8;
/// Records read at once.
const TOGETHER: usize = 100;

/// Feedback on one task's insights, over any store.
#[derive(Clone, Copy, Debug)]
pub struct FeedbackDesk<'a, S> {
    store: &'a S,
    task: &'a str,
}

/// A record, and what it is worth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JudgedFeedback {
    /// What was said.
    #[serde(flatten)]
    pub feedback: Feedback,
    /// Whether the insight was right.
    pub standing: FeedbackStanding,
    /// Who says so.
    pub source: FeedbackSource,
}

/// Whether each variant was right, hour by hour: hours since 1970, oldest first.
pub type QualityByHour = Vec<(i64, BTreeMap<String, QualityCounts>)>;

impl<'a, S: FeedbackItems + TaskItems> FeedbackDesk<'a, S> {
    /// The desk of `task`.
    pub fn new(store: &'a S, task: &'a str) -> Self {
        FeedbackDesk { store, task }
    }

    /// Takes a word on the insight of this id; gives the record as it stands then. Keyed by insight, source and who says it.
    ///
    /// # Errors
    /// An insight that is not kept or another task's, a record that is full, a store that fails.
    pub async fn add(
        &self,
        insight: &InsightId,
        word: &FeedbackWord,
    ) -> Result<(WordTaken, Feedback), FeedbackError>
    where
        S: Lookup,
    {
        let query = InsightQuery { id: Some(insight.clone()), limit: 1, ..InsightQuery::default() };
        let Some(found) = self.store.insights(&query).await?.pop() else {
            return Err(FeedbackError::Unknown { insight: insight.clone() });
        };
        self.add_to(&found, word).await
    }

    /// The same for an insight at hand.
    ///
    /// # Errors
    /// As for one by its id.
    pub async fn add_to(
        &self,
        insight: &Insight,
        word: &FeedbackWord,
    ) -> Result<(WordTaken, Feedback), FeedbackError> {
        let id = &insight.entity_id;
        if InsightId::of(&insight.related_entity, insight.timestamp, self.task) != *id {
            return Err(FeedbackError::OtherTask { insight: id.clone(), task: self.task.to_owned() });
        }
        for _ in 0..TRIES {
            let read = self.record(&insight.related_entity, id).await?;
            let is_new = read.is_none();
            let mut change =
                read.unwrap_or_else(|| Revised { revision: 0, value: Feedback::on(insight, word.at) });
            match change.value.take(word) {
                WordTaken::Unchanged => return Ok((WordTaken::Unchanged, change.value)),
                WordTaken::Full => return Err(FeedbackError::Full { insight: id.clone() }),
                taken => {
                    if is_new {
                        self.list(&change.value).await?;
                    }
                    if self.store.put_feedback(&change).await? == Written::Yes {
                        return Ok((taken, change.value));
                    }
                }
            }
        }
        Err(FeedbackError::Contended { insight: id.clone() })
    }

    /// The record of one insight, if anybody spoke.
    ///
    /// # Errors
    /// A store that fails.
    pub async fn record(
        &self,
        stream: &StreamId,
        insight: &InsightId,
    ) -> Result<Option<Revised<Feedback>>, FeedbackError> {
        let found = self.store.feedback(&[(stream.clone(), insight.clone())]).await?;
        Ok(found.into_iter().next().flatten())
    }

    /// Writes the item that says where the record lies; that it is there already is as good.
    async fn list(&self, feedback: &Feedback) -> Result<(), FeedbackError> {
        let text = Revised { revision: 0, value: feedback.stream.to_string() };
        let item = TaskItem { name: name_of(feedback), text, until: Some(feedback.until()) };
        match self.store.put_task_item(self.task, &item).await? {
            Written::Yes | Written::Moved => Ok(()),
        }
    }

    /// Feedback whose first word came in from `since` to before `until`, oldest first, and what it is worth; none older than it is
    /// kept. A review that agrees settles what people contest.
    ///
    /// # Errors
    /// A store that fails.
    pub async fn between(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<JudgedFeedback>, FeedbackError>
    where
        S: ReviewItems,
    {
        let mut judged = Vec::new();
        for names in self.names(since, until).await?.chunks(TOGETHER) {
            let keys: Vec<(StreamId, InsightId)> =
                names.iter().map(|(_, stream, insight)| (stream.clone(), insight.clone())).collect();
            let found = self.store.feedback(&keys).await?;
            let records = names.iter().zip(found).filter_map(|((received, _, _), found)| {
                // A name of another time was left by a crash; the record is listed under the time it names.
                Some(found?.value).filter(|feedback| feedback.received == *received)
            });
            judged.extend(records.filter_map(|feedback| {
                let (standing, source) = feedback.standing()?;
                Some(JudgedFeedback { feedback, standing, source })
            }));
        }
        self.settle(&mut judged).await?;
        Ok(judged)
    }

    /// When, on which stream and on which insight somebody spoke first, by time.
    async fn names(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(Timestamp, StreamId, InsightId)>, FeedbackError> {
        let span = 10_i64.pow(FINE_DIGITS as u32);
        let since = since.max(until.minus(Feedback::KEPT));
        let (first, last) = (since.millis().max(0), until.millis().max(0) - 1);
        let mut names = Vec::new();
        for coarse in first.div_euclid(span)..=last.div_euclid(span) {
            let prefix = format!("{FEEDBACK}{coarse:0width$}", width = DIGITS - FINE_DIGITS);
            for (name, text) in self.store.task_items(self.task, &prefix).await? {
                names.extend(read_name(&name, &text.value));
            }
        }
        names.retain(|(received, _, _)| (first..=last).contains(&received.millis()));
        Ok(names)
    }

    async fn settle(&self, judged: &mut [JudgedFeedback]) -> Result<(), FeedbackError>
    where
        S: ReviewItems,
    {
        let mut contested: Vec<&mut JudgedFeedback> =
            judged.iter_mut().filter(|one| one.standing == FeedbackStanding::Contested).collect();
        for portion in contested.chunks_mut(TOGETHER) {
            let ids: Vec<ReviewId> =
                portion.iter().map(|one| ReviewId::of(&one.feedback.stream, one.feedback.time)).collect();
            for (one, found) in portion.iter_mut().zip(self.store.reviewed(&ids).await?) {
                if let Some(verdict) = found.and_then(|found| found.value.verdict()) {
                    one.standing = FeedbackStanding::of_classes(one.feedback.class, verdict.class());
                }
            }
        }
        Ok(())
    }

    /// How right each variant was, by the hour in which the first word on an insight came in, from `since` to before `until`.
    ///
    /// Insights older than `since` are left out: what is said late of an answer from before a rollout began is no evidence about
    /// it. An hour that is over gains no more insights, so that evidence over hours may be looked at again and again.
    ///
    /// # Errors
    /// A store that fails.
    pub async fn quality_by_hour(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<QualityByHour, FeedbackError>
    where
        S: ReviewItems,
    {
        let mut hours: BTreeMap<i64, BTreeMap<String, QualityCounts>> = BTreeMap::new();
        for one in self.between(since, until).await?.into_iter().filter(|one| one.feedback.time >= since) {
            let hour = hours.entry(one.feedback.received.millis().div_euclid(HOUR_MS)).or_default();
            hour.entry(one.feedback.variant).or_default().count(one.standing);
        }
        Ok(hours.into_iter().collect())
    }
}

fn name_of(feedback: &Feedback) -> String {
    format!("{FEEDBACK}{:0DIGITS$}#{}", feedback.received.millis().max(0), feedback.insight)
}

fn read_name(name: &str, stream: &str) -> Option<(Timestamp, StreamId, InsightId)> {
    let (time, insight) = name.strip_prefix(FEEDBACK)?.split_once('#')?;
    let received = Timestamp::from_millis(time.parse().ok()?);
    Some((received, stream.parse().ok()?, insight.parse().ok()?))
}

#[cfg(test)]
mod tests;
