//! Ranges of items under one key, page by page.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use linkcast_domain::ports::StoreError;

use crate::calls::Table;
use crate::item::{Attributes, INDEX_PK, INDEX_SK, PK, SK};
use crate::meter::Direction;
use crate::table::LATEST;

/// Which items of one key are wanted.
#[derive(Clone, Debug)]
pub(crate) struct Range {
    pub(crate) pk: String,
    /// The first and the last sort key, both included.
    pub(crate) sk: (String, String),
    pub(crate) from: From,
    pub(crate) order: Order,
    /// At most so many.
    pub(crate) limit: usize,
}

/// Where they are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// The table, as last written.
    Table,
    /// The index, which may lag behind by a moment.
    Latest,
}

/// In which order of their sort keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Rising,
    Falling,
}

/// Behind every text of a sort key.
pub(crate) const LAST: &str = "\u{10ffff}";

impl Range {
    /// Every item whose sort key begins with `prefix`, rising.
    pub(crate) fn prefix(pk: impl Into<String>, prefix: &str) -> Self {
        Range {
            pk: pk.into(),
            sk: (first_of(prefix), format!("{prefix}{LAST}")),
            from: From::Table,
            order: Order::Rising,
            limit: usize::MAX,
        }
    }

    /// The same in the index.
    pub(crate) fn listed(pk: impl Into<String>, first: &str, last: String) -> Self {
        Range { sk: (first_of(first), last), from: From::Latest, ..Range::prefix(pk, "") }
    }
}

/// A sort key is never empty, and none of ours begins below a space.
fn first_of(prefix: &str) -> String {
    if prefix.is_empty() { " ".to_owned() } else { prefix.to_owned() }
}

impl Table<'_> {
    /// The items of a range.
    pub(crate) async fn query(&self, range: Range) -> Result<Vec<Attributes>, StoreError> {
        let (index, pk, sk) = match range.from {
            From::Table => (None, PK, SK),
            From::Latest => (Some(LATEST.to_owned()), INDEX_PK, INDEX_SK),
        };
        let mut found = Vec::new();
        let mut next = None;
        if range.sk.0 > range.sk.1 {
            return Ok(found);
        }
        loop {
            let left = range.limit.saturating_sub(found.len());
            let output = self
                .client
                .query()
                .table_name(self.name)
                .set_index_name(index.clone())
                .key_condition_expression(format!("{pk} = :pk AND {sk} BETWEEN :first AND :last"))
                .expression_attribute_values(":pk", AttributeValue::S(range.pk.clone()))
                .expression_attribute_values(":first", AttributeValue::S(range.sk.0.clone()))
                .expression_attribute_values(":last", AttributeValue::S(range.sk.1.clone()))
                .scan_index_forward(range.order == Order::Rising)
                .consistent_read(index.is_none())
                .set_limit(i32::try_from(left).ok())
                .set_exclusive_start_key(next)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(|error| self.attempt().failed(error))?;
            self.meter.count(Direction::Read, output.consumed_capacity());
            let items = output.items.unwrap_or_default();
            self.meter.count_items(Direction::Read, &items);
            found.extend(items);
            next = output.last_evaluated_key;
            if next.is_none() || found.len() >= range.limit {
                found.truncate(range.limit);
                return Ok(found);
            }
        }
    }
}
