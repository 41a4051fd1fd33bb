//! What was said of insights, one record each with the revision it is at.

use linkcast_domain::ports::{FeedbackItems, Revised, StoreError, Written};
use linkcast_domain::{Feedback, InsightId, StreamId};
use rusqlite::params;

use super::SqliteStore;
use super::registry::{json, revised, revision};
use super::write::whole;

const ITEM: &str = "SELECT revision, body FROM feedback WHERE stream = ?1 AND insight = ?2";

impl FeedbackItems for SqliteStore {
    async fn feedback(
        &self,
        insights: &[(StreamId, InsightId)],
    ) -> Result<Vec<Option<Revised<Feedback>>>, StoreError> {
        self.run("read feedback", |inner, attempt| {
            let item = |(stream, insight): &(StreamId, InsightId)| {
                revised(&inner.connection, ITEM, params![stream.as_str(), insight.as_str()], attempt)
            };
            insights.iter().map(item).collect()
        })
    }

    async fn put_feedback(&self, change: &Revised<Feedback>) -> Result<Written, StoreError> {
        self.run("write feedback", |inner, attempt| {
            let failed = |error| attempt.failed(error);
            let Feedback { stream, insight, .. } = &change.value;
            let transaction = super::immediate(&mut inner.connection).map_err(failed)?;
            let there = revision(&transaction, ITEM, params![stream.as_str(), insight.as_str()]);
            if there.map_err(failed)? != whole(change.revision) {
                return Ok(Written::Moved);
            }
            let statement = "INSERT OR REPLACE INTO feedback (stream, insight, revision, until, body)
                             VALUES (?1, ?2, ?3, ?4, ?5)";
            let (next, until) = (whole(change.revision + 1), change.value.until().millis());
            let body = json(&change.value, attempt)?;
            let values = params![stream.as_str(), insight.as_str(), next, until, body];
            transaction.execute(statement, values).map_err(failed)?;
            transaction.commit().map_err(failed)?;
            Ok(Written::Yes)
        })
    }
}
