//! Feedback on the table: beside the insights of the stream, a record each.

use linkcast_domain::ports::{FeedbackItems, Revised, StoreError, Written};
use linkcast_domain::{Feedback, InsightId, StreamId};

use crate::item::{Found, TTL, VERSION};
use crate::keys::{self, Key};
use crate::registry::revised_item;
use crate::store::DynamoStore;

impl FeedbackItems for DynamoStore {
    async fn feedback(
        &self,
        insights: &[(StreamId, InsightId)],
    ) -> Result<Vec<Option<Revised<Feedback>>>, StoreError> {
        let table = self.table("read feedback");
        let places: Vec<Key> =
            insights.iter().map(|(stream, insight)| keys::feedback(stream, insight)).collect();
        let found = table.get(places.iter().cloned(), None).await?;
        let damaged = |error| table.attempt().damaged(error);
        let read = |place: &Key| {
            let Some(item) = found.get(place) else { return Ok(None) };
            let revision = Found(item).number(VERSION).map_err(damaged)?;
            Ok(Some(Revised { revision, value: Found(item).json().map_err(damaged)? }))
        };
        places.iter().map(read).collect()
    }

    async fn put_feedback(&self, change: &Revised<Feedback>) -> Result<Written, StoreError> {
        let table = self.table("write feedback");
        let Feedback { stream, insight, .. } = &change.value;
        let item = revised_item(&table, keys::feedback(stream, insight), change)?;
        let item = item.number(TTL, change.value.until().seconds());
        let outcomes = table.put_each_if(vec![(item, change.revision)]).await;
        outcomes.into_iter().next().unwrap_or(Ok(Written::Moved))
    }
}
