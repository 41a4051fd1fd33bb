//! Forgetting what has no time to live of its own.
//!
//! Samples and insights carry theirs, and the table removes them without charge. Conditions and alerts live on from
//! their end, which is not known when they are written, and messages until every channel had them: those are deleted here.

use linkcast_domain::ports::{AlertRecord, Forgotten, OutboxMessage, StoreError};
use linkcast_domain::{Condition, Timestamp};
use serde::de::DeserializeOwned;

use crate::calls::{Change, Table};
use crate::item::{Found, TOLD};
use crate::keys::{self, Key, SHARDS};
use crate::query::{LAST, Range};
use crate::store::DynamoStore;
use crate::streams::read_all;

impl DynamoStore {
    pub(crate) async fn forget_old(&self, before: Timestamp, most: usize) -> Result<Forgotten, StoreError> {
        let table = self.table("forget what is old");
        let over = |condition: &Condition| condition.resolved.is_some_and(|resolved| resolved < before);
        let conditions = self.delete_listed(&table, keys::LISTED_OVER, most, over).await?;
        let old = |record: &AlertRecord| record.alert.updated < before;
        let alerts = self.delete_listed(&table, keys::LISTED_RESOLVED, most, old).await?;
        let messages = self.delete_told(&table, before, most).await?;
        Ok(Forgotten { conditions, alerts, messages, ..Forgotten::default() })
    }

    /// Deletes listed items that are old; gives how many.
    async fn delete_listed<T: DeserializeOwned>(
        &self,
        table: &Table<'_>,
        kind: &str,
        most: usize,
        is_old: impl Fn(&T) -> bool,
    ) -> Result<usize, StoreError> {
        let mut doomed = Vec::new();
        for shard in 0..SHARDS {
            let range = Range::listed(keys::shard_key(kind, shard), "", LAST.to_owned());
            for item in table.query(range).await? {
                let damaged = |error| table.attempt().damaged(error);
                if is_old(&Found(&item).json::<T>().map_err(damaged)?) && doomed.len() < most {
                    doomed.push((Found(&item).key().map_err(damaged)?, Change::Delete));
                }
            }
        }
        let count = doomed.len();
        table.change(doomed).await?;
        Ok(count)
    }

    /// Deletes old messages that every channel had; the newest stays, for sequences go on from it.
    async fn delete_told(
        &self,
        table: &Table<'_>,
        before: Timestamp,
        most: usize,
    ) -> Result<usize, StoreError> {
        let newest = self.newest_message(table).await?;
        let mut told = u64::MAX;
        for channel in table.query(Range::prefix(keys::CHANNELS, "")).await? {
            let place = Found(&channel).number(TOLD).map_err(|error| table.attempt().damaged(error))?;
            told = told.min(place);
        }
        let Some(last) = Some(told.min(newest.saturating_sub(1))).filter(|last| *last > 0) else {
            return Ok(0);
        };
        let sk = (keys::sequence(0), keys::sequence(last));
        let items = table.query(Range { sk, limit: most, ..Range::prefix(keys::OUTBOX, "") }).await?;
        let messages: Vec<OutboxMessage> = read_all(table, &items)?;
        let old = messages.into_iter().filter(|message| message.alert.updated < before);
        let doomed: Vec<(Key, Change)> = old
            .map(|message| (Key::new(keys::OUTBOX, keys::sequence(message.sequence)), Change::Delete))
            .collect();
        let count = doomed.len();
        table.change(doomed).await?;
        Ok(count)
    }
}
