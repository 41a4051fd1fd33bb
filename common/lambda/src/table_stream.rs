//! A batch of a stream's records, each still as it came.
//!
//! Were the records typed, one that is damaged would fail the decoding of the whole event, and with it the batch. Here each
//! is the text it came as, which costs less than a tree of values; only its id is looked for at once, because a failure must be
//! able to name it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::batch::Record;

/// The event.
#[derive(Debug, Deserialize)]
pub struct RecordBatch {
    /// The records, in their shard's order.
    #[serde(rename = "Records")]
    pub records: Vec<RawRecord>,
}

/// One record.
#[derive(Debug, Deserialize)]
#[serde(from = "Box<RawValue>")]
pub struct RawRecord {
    json: Box<RawValue>,
    id: Option<String>,
}

/// What a record's id is found by.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    dynamodb: Numbered<'a>,
}

#[derive(Deserialize)]
struct Numbered<'a> {
    #[serde(rename = "SequenceNumber", borrow)]
    number: Cow<'a, str>,
}

impl From<Box<RawValue>> for RawRecord {
    fn from(json: Box<RawValue>) -> Self {
        let id = serde_json::from_str::<Named<'_>>(json.get()).ok();
        let id = id.map(|named| named.dynamodb.number.into_owned());
        RawRecord { json, id }
    }
}

impl RawRecord {
    /// The record's JSON as it came.
    pub fn json(&self) -> &str {
        self.json.get()
    }
}

impl Record for RawRecord {
    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_damaged_is_still_named_and_its_neighbours_are_whole() {
        let text = r#"{"Records":[
            {"dynamodb":{"SequenceNumber":"1","NewImage":7}},
            {"dynamodb":{"SequenceNumber":"2"}},
            {"odd":true}
        ]}"#;
        let batch: RecordBatch = serde_json::from_str(text).unwrap();
        let ids: Vec<_> = batch.records.iter().map(Record::id).collect();
        assert_eq!(ids, [Some("1"), Some("2"), None]);
        assert_eq!(batch.records[0].json(), r#"{"dynamodb":{"SequenceNumber":"1","NewImage":7}}"#);
    }
}
