//! Items as maps of attributes, made and taken apart.
//!
//! What a query or the index needs is an attribute of its own; the rest is one JSON text or one packed value, because
//! every attribute's name is paid for with every item.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use linkcast_lambda::TraceContext;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::keys::Key;

/// Attributes by name.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

pub(crate) const PK: &str = "pk";
pub(crate) const SK: &str = "sk";
pub(crate) const INDEX_PK: &str = "lpk";
pub(crate) const INDEX_SK: &str = "lsk";
/// JSON.
pub(crate) const BODY: &str = "j";
/// Packed.
pub(crate) const BYTES: &str = "b";
/// A memory's version.
pub(crate) const VERSION: &str = "v";
/// What collect hands on to prepare.
pub(crate) const ARRIVAL: &str = "a";
/// What prepare asks insight.
pub(crate) const QUESTION: &str = "q";
/// A time in milliseconds.
pub(crate) const TIME: &str = "t";
/// The trace that wrote the item, where it is recorded.
pub(crate) const TRACE: &str = "x";
/// When the table may delete the item, seconds since 1970.
pub(crate) const TTL: &str = "ttl";
/// How far a channel was told.
pub(crate) const TOLD: &str = "told";

/// An item that is not what was written.
#[derive(Debug, thiserror::Error)]
pub enum DamagedItemError {
    /// An attribute is missing or of another kind.
    #[error("item {pk} {sk} has no usable attribute {attribute}")]
    Attribute {
        /// Its partition key.
        pk: String,
        /// Its sort key.
        sk: String,
        /// The attribute.
        attribute: &'static str,
    },
    /// Its JSON cannot be read.
    #[error("item {pk} {sk} holds no JSON of its kind")]
    Json {
        /// Its partition key.
        pk: String,
        /// Its sort key.
        sk: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// An item to write.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) key: Key,
    pub(crate) attributes: Attributes,
}

impl Item {
    pub(crate) fn new(key: Key) -> Self {
        let attributes = [(PK, &key.pk), (SK, &key.sk)]
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.clone())));
        Item { attributes: attributes.into(), key }
    }

    fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.attributes.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn text(self, name: &str, text: impl Into<String>) -> Self {
        self.with(name, AttributeValue::S(text.into()))
    }

    pub(crate) fn number(self, name: &str, number: impl ToString) -> Self {
        self.with(name, AttributeValue::N(number.to_string()))
    }

    pub(crate) fn bytes(self, name: &str, bytes: Vec<u8>) -> Self {
        self.with(name, AttributeValue::B(Blob::new(bytes)))
    }

    /// With the trace its writing belongs to, if any.
    pub(crate) fn traced(self, trace: Option<TraceContext>) -> Self {
        match trace {
            Some(trace) => self.text(TRACE, trace.to_string()),
            None => self,
        }
    }

    pub(crate) fn listed(self, pk: String, sk: String) -> Self {
        self.text(INDEX_PK, pk).text(INDEX_SK, sk)
    }

    pub(crate) fn json(self, value: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(self.text(BODY, serde_json::to_string(value)?))
    }
}

/// The size of an item as the table counts it: names and values; a number takes a byte for two digits and one more.
///
/// Source: the DynamoDB developer guide, item sizes and formats.
pub(crate) fn stored_bytes(item: &Attributes) -> u64 {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len().div_ceil(2) + 1,
        AttributeValue::B(blob) => blob.as_ref().len(),
        _ => 0,
    };
    item.iter().map(|(name, found)| (name.len() + value(found)) as u64).sum()
}

/// An item that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a>(pub(crate) &'a Attributes);

impl<'a> Found<'a> {
    fn attribute<T>(
        self,
        attribute: &'static str,
        read: impl FnOnce(&'a AttributeValue) -> Option<T>,
    ) -> Result<T, DamagedItemError> {
        self.0.get(attribute).and_then(read).ok_or_else(|| DamagedItemError::Attribute {
            pk: self.shown(PK),
            sk: self.shown(SK),
            attribute,
        })
    }

    fn shown(self, name: &str) -> String {
        let text = self.0.get(name).and_then(|value| value.as_s().ok());
        text.cloned().unwrap_or_else(|| "?".to_owned())
    }

    pub(crate) fn text(self, name: &'static str) -> Result<&'a str, DamagedItemError> {
        self.attribute(name, |value| value.as_s().ok().map(String::as_str))
    }

    pub(crate) fn number<T: std::str::FromStr>(self, name: &'static str) -> Result<T, DamagedItemError> {
        self.attribute(name, |value| value.as_n().ok()?.parse().ok())
    }

    pub(crate) fn bytes(self, name: &'static str) -> Result<&'a [u8], DamagedItemError> {
        self.attribute(name, |value| value.as_b().ok().map(AsRef::as_ref))
    }

    pub(crate) fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn shown_key(self) -> (String, String) {
        (self.shown(PK), self.shown(SK))
    }

    pub(crate) fn json<T: DeserializeOwned>(self) -> Result<T, DamagedItemError> {
        serde_json::from_str(self.text(BODY)?).map_err(|source| DamagedItemError::Json {
            pk: self.shown(PK),
            sk: self.shown(SK),
            source,
        })
    }

    pub(crate) fn key(self) -> Result<Key, DamagedItemError> {
        Ok(Key::new(self.text(PK)?, self.text(SK)?))
    }
}
