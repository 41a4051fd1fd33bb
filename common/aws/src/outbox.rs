//! What is to be told, until it was: one item a message, and one a channel.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use linkcast_domain::ports::{Outbox, OutboxMessage, StoreError};

use crate::item::{Found, Item, SK, TOLD};
use crate::keys::{self, Key};
use crate::query::{LAST, Range};
use crate::store::DynamoStore;
use crate::streams::read_all;

impl Outbox for DynamoStore {
    async fn register_channel(&self, channel: &str) -> Result<(), StoreError> {
        let table = self.table("register a channel");
        let newest = self.newest_message(&table).await?;
        let item = Item::new(Key::new(keys::CHANNELS, channel)).number(TOLD, newest);
        // Version 0: only if the channel is not there yet.
        let _ = table.put_each_if(vec![(item, 0)]).await.into_iter().next().transpose()?;
        Ok(())
    }

    async fn unpublished(&self, channel: &str, limit: usize) -> Result<Vec<OutboxMessage>, StoreError> {
        let table = self.table("read what is to be told");
        let key = Key::new(keys::CHANNELS, channel);
        let told: u64 = match table.get([key.clone()], None).await?.get(&key) {
            Some(found) => Found(found).number(TOLD).map_err(|error| table.attempt().damaged(error))?,
            None => 0,
        };
        let sk = (keys::sequence(told.saturating_add(1)), LAST.to_owned());
        let items = table.query(Range { sk, limit, ..Range::prefix(keys::OUTBOX, "") }).await?;
        read_all(&table, &items)
    }

    async fn mark_published(&self, channel: &str, sequence: u64) -> Result<(), StoreError> {
        let table = self.table("record what was told");
        let key: HashMap<_, _> = Key::new(keys::CHANNELS, channel).attributes();
        let outcome = table
            .client
            .update_item()
            .table_name(table.name)
            .set_key(Some(key))
            .update_expression(format!("SET {TOLD} = :sequence"))
            .condition_expression(format!("attribute_not_exists({SK}) OR {TOLD} < :sequence"))
            .expression_attribute_values(":sequence", AttributeValue::N(sequence.to_string()))
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(()),
            // The mark stands further on already.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(table.attempt().failed(error)),
        }
    }
}

impl DynamoStore {
    /// Every channel that was ever registered.
    ///
    /// # Errors
    /// The store's.
    pub async fn channels(&self) -> Result<Vec<String>, StoreError> {
        let table = self.table("read the channels");
        let found = table.query(Range::prefix(keys::CHANNELS, "")).await?;
        let name = |item| Found(item).text(SK).map(str::to_owned);
        found.iter().map(name).collect::<Result<_, _>>().map_err(|error| table.attempt().damaged(error))
    }
}
