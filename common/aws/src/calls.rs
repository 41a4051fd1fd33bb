//! The table's calls in batches: split to its limits, side by side, what was left undone asked again.
//!
//! A batch call may do a part and hand the rest back without an error, when the table is busy; that is asked again after
//! a pause that grows. A conditional write that is tried again may find its own first try: the item found is then the one
//! that was to be written, and that is success.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, ConsumedCapacity, DeleteRequest, KeysAndAttributes, Put, PutRequest,
    ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure, TransactWriteItem, WriteRequest,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use linkcast_domain::ports::{StoreError, Written};

use crate::failure::Attempt;
use crate::item::{Attributes, Found, Item, PK, SK, VERSION};
use crate::keys::Key;
use crate::meter::{Direction, Meter};

/// The most keys one batch may read.
const READS_A_BATCH: usize = 100;

/// The most items one batch may write.
const WRITES_A_BATCH: usize = 25;

/// The most items one transaction may write.
pub(crate) const WRITES_A_TRANSACTION: usize = 100;

/// Calls side by side.
const SIDE_BY_SIDE: usize = 16;

/// Rounds for what a busy table hands back, about three seconds in all.
const ROUNDS: u32 = 8;

/// One table, for one attempt's errors.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a> {
    pub(crate) client: &'a Client,
    pub(crate) name: &'a str,
    pub(crate) meter: &'a Meter,
    /// Completes "could not …".
    pub(crate) what: &'static str,
}

/// What a batch does to one key.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Put(Attributes),
    Delete,
}

impl Table<'_> {
    pub(crate) fn attempt(&self) -> Attempt<'_> {
        Attempt { table: self.name, what: self.what }
    }

    fn built<T>(&self, built: Result<T, BuildError>) -> Result<T, StoreError> {
        built.map_err(|error| self.attempt().broken(error))
    }

    /// The items of these keys, as last written; `only` names the attributes wanted beside none.
    pub(crate) async fn get(
        &self,
        keys: impl IntoIterator<Item = Key>,
        only: Option<&str>,
    ) -> Result<HashMap<Key, Attributes>, StoreError> {
        let mut keys: Vec<Key> = keys.into_iter().collect();
        keys.sort();
        keys.dedup();
        let batches: Vec<Vec<Key>> = keys.chunks(READS_A_BATCH).map(<[Key]>::to_vec).collect();
        let calls: Vec<_> = batches.into_iter().map(|batch| self.get_batch(batch, only)).collect();
        let found: Vec<Vec<Attributes>> =
            stream::iter(calls).buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
        let keyed = found.into_iter().flatten().map(|item| {
            let key = Found(&item).key().map_err(|error| self.attempt().damaged(error))?;
            Ok((key, item))
        });
        keyed.collect()
    }

    async fn get_batch(&self, batch: Vec<Key>, only: Option<&str>) -> Result<Vec<Attributes>, StoreError> {
        let mut asked: Vec<Attributes> = batch.iter().map(Key::attributes).collect();
        let mut found = Vec::with_capacity(asked.len());
        for round in 0..ROUNDS {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(std::mem::take(&mut asked)))
                .set_projection_expression(only.map(str::to_owned))
                .consistent_read(true)
                .build();
            let output = self
                .client
                .batch_get_item()
                .request_items(self.name, self.built(request)?)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| self.attempt().failed(error))?;
            self.meter.count(Direction::Read, output.consumed_capacity());
            let answered = output.responses.unwrap_or_default().remove(self.name).unwrap_or_default();
            self.meter.count_items(Direction::Read, &answered);
            found.extend(answered);
            let rest = output.unprocessed_keys.unwrap_or_default().remove(self.name);
            asked = rest.map(|rest| rest.keys).unwrap_or_default();
            if asked.is_empty() {
                return Ok(found);
            }
            pause(round).await;
        }
        Err(self.attempt().busy("the table handed keys back unread"))
    }

    /// Makes every change, in no order; of several to one key the last stands.
    pub(crate) async fn change(&self, changes: Vec<(Key, Change)>) -> Result<(), StoreError> {
        let last: BTreeMap<Key, Change> = changes.into_iter().collect();
        let mut requests = Vec::with_capacity(last.len());
        for (key, change) in last {
            requests.push(match change {
                Change::Put(item) => {
                    self.meter.count_items(Direction::Write, [&item]);
                    let put = PutRequest::builder().set_item(Some(item)).build();
                    WriteRequest::builder().put_request(self.built(put)?).build()
                }
                Change::Delete => {
                    let delete = DeleteRequest::builder().set_key(Some(key.attributes())).build();
                    WriteRequest::builder().delete_request(self.built(delete)?).build()
                }
            });
        }
        let batches: Vec<Vec<WriteRequest>> =
            requests.chunks(WRITES_A_BATCH).map(<[WriteRequest]>::to_vec).collect();
        let calls: Vec<_> = batches.into_iter().map(|batch| self.change_batch(batch)).collect();
        stream::iter(calls).buffer_unordered(SIDE_BY_SIDE).try_collect().await
    }

    async fn change_batch(&self, mut batch: Vec<WriteRequest>) -> Result<(), StoreError> {
        for round in 0..ROUNDS {
            let output = self
                .client
                .batch_write_item()
                .request_items(self.name, batch)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| self.attempt().failed(error))?;
            self.meter.count(Direction::Write, output.consumed_capacity());
            batch = output.unprocessed_items.unwrap_or_default().remove(self.name).unwrap_or_default();
            if batch.is_empty() {
                return Ok(());
            }
            pause(round).await;
        }
        Err(self.attempt().busy("the table handed items back unwritten"))
    }

    /// Puts one item, whatever was there.
    pub(crate) async fn put(&self, item: Item) -> Result<(), StoreError> {
        self.meter.count_items(Direction::Write, [&item.attributes]);
        let output = self
            .client
            .put_item()
            .table_name(self.name)
            .set_item(Some(item.attributes))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| self.attempt().failed(error))?;
        self.meter.count(Direction::Write, output.consumed_capacity());
        Ok(())
    }

    /// Puts each item if the version there is the one read, side by side; what came of each, in the order given.
    pub(crate) async fn put_each_if(&self, items: Vec<(Item, u64)>) -> Vec<Result<Written, StoreError>> {
        let calls: Vec<_> = items.into_iter().map(|(item, read)| self.put_if(item, read)).collect();
        stream::iter(calls).buffered(SIDE_BY_SIDE).collect().await
    }

    async fn put_if(&self, item: Item, read: u64) -> Result<Written, StoreError> {
        let written = item.attributes.clone();
        self.meter.count_items(Direction::Write, [&written]);
        let request = self
            .client
            .put_item()
            .table_name(self.name)
            .set_item(Some(item.attributes))
            .condition_expression(version_condition(read))
            .set_expression_attribute_values(version_values(read))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match request.send().await {
            Ok(output) => {
                self.meter.count(Direction::Write, output.consumed_capacity());
                Ok(Written::Yes)
            }
            Err(SdkError::ServiceError(error)) if error.err().is_conditional_check_failed_exception() => {
                self.meter.count(Direction::Write, None::<&ConsumedCapacity>);
                let found = match error.err() {
                    PutItemError::ConditionalCheckFailedException(failed) => failed.item.as_ref(),
                    _ => None,
                };
                Ok(if found == Some(&written) { Written::Yes } else { Written::Moved })
            }
            Err(error) => Err(self.attempt().failed(error)),
        }
    }

    /// Puts all items or none; those with a version read, only if it is still there.
    pub(crate) async fn put_all(&self, items: Vec<(Item, Option<u64>)>) -> Result<Written, StoreError> {
        self.put_all_while(items, &[]).await
    }

    /// Puts all items or none, as long as each of `unchanged` is at the version that was read.
    pub(crate) async fn put_all_while(
        &self,
        items: Vec<(Item, Option<u64>)>,
        unchanged: &[(Key, u64)],
    ) -> Result<Written, StoreError> {
        let mut writes = Vec::with_capacity(items.len() + unchanged.len());
        for (key, read) in unchanged {
            let check = ConditionCheck::builder()
                .table_name(self.name)
                .set_key(Some(key.attributes()))
                .condition_expression(version_condition(*read))
                .set_expression_attribute_values(version_values(*read));
            writes.push(TransactWriteItem::builder().condition_check(self.built(check.build())?).build());
        }
        for (item, read) in items {
            self.meter.count_items(Direction::Write, [&item.attributes]);
            let mut put = Put::builder().table_name(self.name).set_item(Some(item.attributes));
            if let Some(read) = read {
                put = put
                    .condition_expression(version_condition(read))
                    .set_expression_attribute_values(version_values(read));
            }
            writes.push(TransactWriteItem::builder().put(self.built(put.build())?).build());
        }
        let request = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match request.send().await {
            Ok(output) => {
                self.meter.count(Direction::Write, output.consumed_capacity());
                Ok(Written::Yes)
            }
            Err(SdkError::ServiceError(error))
                if error.err().as_transaction_canceled().is_some_and(is_condition) =>
            {
                Ok(Written::Moved)
            }
            Err(error) => Err(self.attempt().failed(error)),
        }
    }

    /// Deletes one item, if it is there.
    pub(crate) async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.change(vec![(key.clone(), Change::Delete)]).await
    }
}

/// Whether a transaction was cancelled because a version had moved.
fn is_condition(cancelled: &aws_sdk_dynamodb::types::error::TransactionCanceledException) -> bool {
    cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some("ConditionalCheckFailed"))
}

/// Access to a transaction's refusal.
trait Cancelled {
    fn as_transaction_canceled(
        &self,
    ) -> Option<&aws_sdk_dynamodb::types::error::TransactionCanceledException>;
}

impl Cancelled for aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError {
    fn as_transaction_canceled(
        &self,
    ) -> Option<&aws_sdk_dynamodb::types::error::TransactionCanceledException> {
        match self {
            Self::TransactionCanceledException(cancelled) => Some(cancelled),
            _ => None,
        }
    }
}

fn version_condition(read: u64) -> String {
    if read == 0 { format!("attribute_not_exists({PK})") } else { format!("{VERSION} = :read") }
}

fn version_values(read: u64) -> Option<HashMap<String, AttributeValue>> {
    (read != 0).then(|| [(":read".to_owned(), AttributeValue::N(read.to_string()))].into())
}

async fn pause(round: u32) {
    tokio::time::sleep(Duration::from_millis(15 << round)).await;
}

impl Key {
    pub(crate) fn attributes(&self) -> Attributes {
        let pairs = [(PK, &self.pk), (SK, &self.sk)];
        pairs.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.clone()))).into()
    }
}
