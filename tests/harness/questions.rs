//! What prepare asked on AWS, feature by feature, beside what the embedded pipeline's samples fold to.
//!
//! A question carries the features that a judge sees. If one bit of them differed, the two forms would be two products.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use linkcast_domain::ports::{Lookup, PipelineStore, TimeRange};
use linkcast_domain::{Feature, FeatureVector, StreamId, Timestamp};
use linkcast_features::{Calendar, StreamState};
use linkcast_pipeline::Question;
use linkcast_store::SqliteStore;
use serde_json::Value;

use crate::{Capture, Deployed};

/// Most streams a capture may hold here.
const MOST_STREAMS: usize = 10_000;

type Folded = BTreeMap<(StreamId, Timestamp), FeatureVector>;

/// Questions in the table whose features are not those of the embedded run, and how many were compared.
pub fn feature_differences(capture: &Capture, deployed: &Deployed) -> Result<(usize, Vec<String>)> {
    let folded = folded(capture)?;
    let (mut compared, mut differences) = (0, Vec::new());
    for item in deployed.items("question#")? {
        let question = question(&item)?;
        compared += 1;
        let key = (question.stream.clone(), question.time);
        if folded.get(&key).is_none_or(|expected| bits(expected) != bits(&question.vector)) {
            let expected = folded.get(&key);
            differences.push(format!("{} {}: {:?}, expected {expected:?}", key.0, key.1, question.vector));
        }
    }
    Ok((compared, differences))
}

fn bits(vector: &FeatureVector) -> Vec<Option<u64>> {
    Feature::ALL.iter().map(|feature| vector.get(*feature).map(f64::to_bits)).collect()
}

fn folded(capture: &Capture) -> Result<Folded> {
    let store = SqliteStore::open(capture.database()).context("cannot open the embedded run's database")?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("cannot start a runtime")?;
    let mut folded = Folded::new();
    runtime.block_on(async {
        for record in store.streams(None, MOST_STREAMS).await? {
            let mut state = StreamState::new();
            for sample in store.samples(&record.stream, TimeRange::ALL).await? {
                let vector = state.advance(sample.time, &sample.values, &Calendar::utc())?;
                folded.insert((record.stream.clone(), sample.time), vector);
            }
        }
        Ok(folded)
    })
}

fn question(item: &Value) -> Result<Question> {
    let text = |path| item.pointer(path).and_then(Value::as_str);
    let stream = text("/pk/S").and_then(|key| key.strip_prefix("stream#")?.parse().ok());
    let stream: StreamId = stream.context("a question without a stream")?;
    let time = text("/sk/S").and_then(|key| u64::from_str_radix(key.strip_prefix("question#")?, 16).ok());
    // Times are written with their sign turned, so that text sorts as they do.
    let time = Timestamp::from_millis((time.context("a question without a time")? ^ (1 << 63)) as i64);
    let bytes = text("/q/B").and_then(|packed| aws_smithy_types::base64::decode(packed).ok());
    let bytes = bytes.context("a question without bytes")?;
    // The time of the question before it comes first.
    let rest = bytes.get(8..).context("a question that is too short")?;
    Question::from_bytes(&stream, time, rest).context("a question that cannot be read")
}
