//! Arrivals and questions as items, and out of the table's stream.
//!
//! What one function writes the next is delivered as the item's image, in the attribute values' JSON. Both ways lie in one
//! file, so that they cannot drift apart.

use std::collections::HashMap;

use linkcast_domain::ports::{ArrivalRecord, QuestionRecord};
use linkcast_domain::{Sample, StreamId, Timestamp};
use serde::Deserialize;
use serde_json::json;

use crate::item::{ARRIVAL, Attributes, BYTES, Found, Item, PK, QUESTION, SK, TTL, stored_bytes};
use crate::keys::{self, Key};
use crate::store::RETENTION;

const ARRIVAL_VERSION: u8 = 1;

/// How long a question is kept: longer than a stream keeps its records.
const QUESTION_RETENTION: std::time::Duration = std::time::Duration::from_secs(3 * 24 * 3600);

/// An image that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// There is none.
    #[error("the record has no new image: expected a stream of the view NEW_IMAGE")]
    Missing,
    /// It lacks an attribute, or has one of another kind.
    #[error("the image of {key} has no usable {attribute}")]
    Attribute {
        /// Whose.
        key: String,
        /// Which.
        attribute: &'static str,
    },
}

/// One record of a table's stream.
#[derive(Clone, Debug, Deserialize)]
pub struct StreamRecord {
    /// What is told of the item.
    pub dynamodb: StreamImage,
}

/// What is told of the item.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StreamImage {
    /// The item as written.
    pub new_image: Option<HashMap<String, ImageValue>>,
}

/// A value in the stream's JSON.
#[derive(Clone, Debug, Deserialize)]
pub struct ImageValue {
    /// Text.
    #[serde(rename = "S")]
    pub text: Option<String>,
    /// Bytes, in base 64.
    #[serde(rename = "B")]
    pub bytes: Option<String>,
}

impl StreamRecord {
    fn attributes(self) -> Result<Attributes, ImageError> {
        use aws_sdk_dynamodb::primitives::Blob;
        use aws_sdk_dynamodb::types::AttributeValue;
        let image = self.dynamodb.new_image.ok_or(ImageError::Missing)?;
        let value = |value: ImageValue| match value {
            ImageValue { text: Some(text), .. } => Some(AttributeValue::S(text)),
            ImageValue { bytes: Some(bytes), .. } => {
                aws_smithy_types::base64::decode(bytes).ok().map(|bytes| AttributeValue::B(Blob::new(bytes)))
            }
            _ => None,
        };
        Ok(image.into_iter().filter_map(|(name, found)| Some((name, value(found)?))).collect())
    }
}

/// The arrival of a stream's record.
///
/// # Errors
/// A record that is no arrival's, or damaged.
pub fn arrival_of_image(record: StreamRecord) -> Result<ArrivalRecord, ImageError> {
    arrival_of(&record.attributes()?)
}

/// The question of a stream's record.
///
/// # Errors
/// A record that is no question's, or damaged.
pub fn question_of_image(record: StreamRecord) -> Result<QuestionRecord, ImageError> {
    question_of(&record.attributes()?)
}

/// The record the table's stream delivers of an arrival: what tests, benches and event files are made of.
pub fn record_of_arrival(arrival: &ArrivalRecord, sequence: u64) -> serde_json::Value {
    record_of(&arrival_item(arrival), sequence)
}

/// The record the table's stream delivers of a question.
pub fn record_of_question(question: &QuestionRecord, sequence: u64) -> serde_json::Value {
    record_of(&question_item(question), sequence)
}

/// The bytes an arrival takes in the table, as the table counts them.
pub fn bytes_of_arrival(arrival: &ArrivalRecord) -> u64 {
    stored_bytes(&arrival_item(arrival).attributes)
}

fn record_of(item: &Item, sequence: u64) -> serde_json::Value {
    use aws_sdk_dynamodb::types::AttributeValue;
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => Some(json!({ "S": text })),
        AttributeValue::N(number) => Some(json!({ "N": number })),
        AttributeValue::B(bytes) => Some(json!({ "B": aws_smithy_types::base64::encode(bytes.as_ref()) })),
        _ => None,
    };
    let image: serde_json::Map<String, serde_json::Value> =
        item.attributes.iter().filter_map(|(name, found)| Some((name.clone(), value(found)?))).collect();
    json!({
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "SequenceNumber": sequence.to_string(),
            "Keys": { PK: { "S": item.key.pk }, SK: { "S": item.key.sk } },
            "NewImage": image,
            "StreamViewType": "NEW_IMAGE",
        },
    })
}

/// The item's stream and time, from its key.
fn place(item: &Attributes, prefix: &str) -> Result<(StreamId, Timestamp), ImageError> {
    let found = Found(item);
    let stream = found.text(PK).ok().and_then(|pk| pk.strip_prefix("stream#")?.parse().ok());
    let time = found.text(SK).ok().and_then(|sk| keys::time_of(sk.strip_prefix(prefix)?));
    Ok((stream.ok_or_else(|| unusable(item, PK))?, time.ok_or_else(|| unusable(item, SK))?))
}

fn unusable(item: &Attributes, attribute: &'static str) -> ImageError {
    let (pk, sk) = Found(item).shown_key();
    ImageError::Attribute { key: format!("{pk} {sk}"), attribute }
}

pub(crate) fn arrival_key(stream: &StreamId, time: Timestamp) -> Key {
    Key::new(keys::stream(stream), format!("{}{}", keys::SAMPLE, keys::time(time)))
}

pub(crate) fn arrival_item(arrival: &ArrivalRecord) -> Item {
    let mut head = vec![ARRIVAL_VERSION, u8::from(arrival.told_active)];
    head.extend_from_slice(&arrival.source.to_le_bytes());
    head.extend(arrival.before.iter().flat_map(|before| before.millis().to_le_bytes()));
    let item = Item::new(arrival_key(&arrival.stream, arrival.time))
        .bytes(ARRIVAL, head)
        .number(TTL, arrival.time.plus(RETENTION).seconds());
    match &arrival.sample {
        Some(sample) => item.bytes(BYTES, sample.to_packed()),
        None => item,
    }
}

pub(crate) fn arrival_of(item: &Attributes) -> Result<ArrivalRecord, ImageError> {
    let (stream, time) = place(item, keys::SAMPLE)?;
    let head = Found(item).bytes(ARRIVAL).map_err(|_| unusable(item, ARRIVAL))?;
    let (told_active, source, before) = head_of(head).ok_or_else(|| unusable(item, ARRIVAL))?;
    let sample = match Found(item).bytes(BYTES) {
        Ok(bytes) => {
            let sample = Sample::from_packed(&stream, time, bytes);
            Some(Box::new(sample.ok_or_else(|| unusable(item, BYTES))?))
        }
        Err(_) => None,
    };
    Ok(ArrivalRecord { stream, time, before, source, told_active, sample })
}

fn head_of(head: &[u8]) -> Option<(bool, u32, Option<Timestamp>)> {
    let (first, rest) = head.split_first_chunk::<2>()?;
    let (source, rest) = rest.split_first_chunk::<4>()?;
    let [version, told] = *first;
    let before = match rest {
        [] => None,
        _ => Some(Timestamp::from_millis(i64::from_le_bytes(rest.try_into().ok()?))),
    };
    (version == ARRIVAL_VERSION).then_some((told == 1, u32::from_le_bytes(*source), before))
}

pub(crate) fn question_item(question: &QuestionRecord) -> Item {
    let sk = format!("{}{}", keys::QUESTION, keys::time(question.time));
    let mut bytes = question.before.map_or(i64::MIN, Timestamp::millis).to_le_bytes().to_vec();
    bytes.extend_from_slice(&question.bytes);
    Item::new(Key::new(keys::stream(&question.stream), sk))
        .bytes(QUESTION, bytes)
        .number(TTL, question.time.plus(QUESTION_RETENTION).seconds())
}

pub(crate) fn question_of(item: &Attributes) -> Result<QuestionRecord, ImageError> {
    let (stream, time) = place(item, keys::QUESTION)?;
    let bytes = Found(item).bytes(QUESTION).map_err(|_| unusable(item, QUESTION))?;
    let (before, bytes) = bytes.split_first_chunk::<8>().ok_or_else(|| unusable(item, QUESTION))?;
    let before = Some(i64::from_le_bytes(*before)).filter(|before| *before != i64::MIN);
    let before = before.map(Timestamp::from_millis);
    Ok(QuestionRecord { stream, time, before, bytes: bytes.to_vec() })
}
