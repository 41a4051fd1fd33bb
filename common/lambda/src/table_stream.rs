//! A batch of a stream's records, each still as it came.
//!
//! Were the records typed, one that is damaged would fail the decoding of the whole event, and with it the batch. Here each
//! is any value; only its id is looked for at once, because a failure must be able to name it.

use serde::Deserialize;
use serde_json::Value;

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
#[serde(from = "Value")]
pub struct RawRecord {
    value: Value,
    id: Option<String>,
}

impl From<Value> for RawRecord {
    fn from(value: Value) -> Self {
        let id = value.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str).map(str::to_owned);
        RawRecord { value, id }
    }
}

impl RawRecord {
    /// The record as it came.
    pub fn value(&self) -> &Value {
        &self.value
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
        assert_eq!(batch.records[0].value()["dynamodb"]["NewImage"], 7);
    }
}
