//! The ports between functions.

use std::collections::HashMap;

use futures_util::stream::{self, StreamExt};
use linkcast_domain::ports::{
    ArrivalRecord, Arrivals, Judgement, Judgements, Keep, Kept, Known, Memories, MemoryKey, QuestionRecord,
    Questions, SourceRecord, StoreError, Written,
};
use linkcast_domain::{NodeGuid, NodeKind, PortFacts, StreamId, Timestamp};

use crate::images::{arrival_item, arrival_key, arrival_of, question_item, question_of};
use crate::item::{BYTES, Found, Item, PK, SK, VERSION};
use crate::keys::{self, Key};
use crate::query::Range;
use crate::store::DynamoStore;
use crate::write::{broken, condition_item, insight_items, puts};

/// Judgements written side by side.
const SIDE_BY_SIDE: usize = 16;

impl Memories for DynamoStore {
    async fn load(&self, keys: &[MemoryKey]) -> Result<Vec<Option<Kept>>, StoreError> {
        let table = self.table("read what was remembered");
        let places: Vec<Key> = keys.iter().map(keys::memory).collect();
        let found = table.get(places.iter().cloned(), None).await?;
        let kept = |place: &Key| {
            let Some(item) = found.get(place) else { return Ok(None) };
            let damaged = |error| table.attempt().damaged(error);
            let version = Found(item).number(VERSION).map_err(damaged)?;
            let bytes = Found(item).bytes(BYTES).map_err(damaged)?.to_vec();
            Ok(Some(Kept { version, bytes }))
        };
        places.iter().map(kept).collect()
    }

    async fn keep(&self, changes: &[Keep]) -> Vec<Result<Written, StoreError>> {
        let table = self.table("replace what was remembered");
        let items = changes.iter().map(|change| (self.memory_item(change), change.read)).collect();
        table.put_each_if(items).await
    }
}

impl DynamoStore {
    fn memory_item(&self, change: &Keep) -> Item {
        Item::new(keys::memory(&change.key))
            .number(VERSION, change.read + 1)
            .bytes(BYTES, change.bytes.clone())
    }

    async fn judge_one(&self, judgement: &Judgement) -> Result<Written, StoreError> {
        let table = self.table("write a judgement");
        let key = MemoryKey::Judging(judgement.stream.clone());
        let memory = Keep { key, read: judgement.read, bytes: judgement.bytes.clone() };
        let memory = (self.memory_item(&memory), judgement.read);
        if judgement.insights.is_empty() && judgement.conditions.is_empty() {
            let written = table.put_each_if(vec![memory]).await;
            return written.into_iter().next().unwrap_or(Ok(Written::Moved));
        }
        let mut items = vec![(memory.0, Some(memory.1))];
        for insight in &judgement.insights {
            items.extend(broken(&table, insight_items(insight))?.map(|item| (item, None)));
        }
        for condition in &judgement.conditions {
            items.push((broken(&table, condition_item(condition))?, None));
        }
        table.put_all(items).await
    }
}

impl Arrivals for DynamoStore {
    async fn put_arrivals(&self, arrivals: &[ArrivalRecord]) -> Result<(), StoreError> {
        let table = self.table("write arrivals");
        let item = |arrival: &ArrivalRecord| arrival_item(arrival).traced(self.traces.of(&arrival.stream));
        for wave in waves(arrivals, |arrival| &arrival.stream) {
            table.change(puts(wave.into_iter().map(item).collect())).await?;
        }
        Ok(())
    }

    async fn arrivals(
        &self,
        stream: &StreamId,
        after: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<ArrivalRecord>, StoreError> {
        let table = self.table("read arrivals");
        let sort = |time: Timestamp| format!("{}{}", keys::SAMPLE, keys::time(time));
        let sk = (sort(next(after)), sort(previous(before)));
        let items = table.query(Range { sk, ..Range::prefix(keys::stream(stream), keys::SAMPLE) }).await?;
        // A damaged one was delivered, refused and given up before.
        Ok(items.iter().filter_map(|item| arrival_of(item).ok()).collect())
    }

    async fn have_arrived(&self, arrivals: &[(StreamId, Timestamp)]) -> Result<Vec<bool>, StoreError> {
        let table = self.table("look for arrivals");
        let places: Vec<Key> = arrivals.iter().map(|(stream, time)| arrival_key(stream, *time)).collect();
        let only = format!("{PK}, {SK}");
        let found = table.get(places.iter().cloned(), Some(&only)).await?;
        Ok(places.iter().map(|place| found.contains_key(place)).collect())
    }
}

/// Every stream's first item, then every stream's second, and so on. A batch may break off with any part of it written; written wave
/// by wave, no item of a stream is there without those before it, and a reader who finds a gap finds what fills it.
fn waves<T>(items: &[T], stream_of: impl Fn(&T) -> &StreamId) -> Vec<Vec<&T>> {
    let mut seen: HashMap<&StreamId, usize> = HashMap::new();
    let mut waves: Vec<Vec<&T>> = Vec::new();
    for item in items {
        let place = seen.entry(stream_of(item)).or_default();
        match waves.get_mut(*place) {
            Some(wave) => wave.push(item),
            None => waves.push(vec![item]),
        }
        *place += 1;
    }
    waves
}

fn next(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.millis().saturating_add(1))
}

fn previous(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.millis().saturating_sub(1))
}

impl Questions for DynamoStore {
    async fn put_questions(&self, questions: &[QuestionRecord]) -> Result<(), StoreError> {
        let table = self.table("write questions");
        let item =
            |question: &QuestionRecord| question_item(question).traced(self.traces.of(&question.stream));
        for wave in waves(questions, |question| &question.stream) {
            table.change(puts(wave.into_iter().map(item).collect())).await?;
        }
        Ok(())
    }

    async fn questions(
        &self,
        stream: &StreamId,
        after: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<QuestionRecord>, StoreError> {
        let table = self.table("read questions");
        let sort = |time: Timestamp| format!("{}{}", keys::QUESTION, keys::time(time));
        let sk = (sort(next(after)), sort(previous(before)));
        let items = table.query(Range { sk, ..Range::prefix(keys::stream(stream), keys::QUESTION) }).await?;
        Ok(items.iter().filter_map(|item| question_of(item).ok()).collect())
    }
}

impl Judgements for DynamoStore {
    async fn judge(&self, judgements: &[Judgement]) -> Vec<Result<Written, StoreError>> {
        let calls: Vec<_> = judgements.iter().map(|judgement| self.judge_one(judgement)).collect();
        stream::iter(calls).buffered(SIDE_BY_SIDE).collect().await
    }
}

impl Known for DynamoStore {
    async fn facts(&self, streams: &[StreamId]) -> Result<Vec<PortFacts>, StoreError> {
        let table = self.table("read what is known of ports");
        let places: Vec<Key> =
            streams.iter().map(|stream| Key::new(keys::stream(stream), keys::FACTS)).collect();
        let found = table.get(places.iter().cloned(), None).await?;
        let facts = |place| match found.get(place) {
            Some(item) => Found(item).json().map_err(|error| table.attempt().damaged(error)),
            None => Ok(PortFacts::default()),
        };
        places.iter().map(facts).collect()
    }

    async fn source(&self, name: &str) -> Result<Option<SourceRecord>, StoreError> {
        let table = self.table("read a source's record");
        let place = Key::new(keys::SOURCES, name);
        let found = table.get([place.clone()], None).await?;
        let record = found.get(&place).map(|item| Found(item).json());
        record.transpose().map_err(|error| table.attempt().damaged(error))
    }

    async fn kinds(&self, nodes: &[NodeGuid]) -> Result<Vec<Option<NodeKind>>, StoreError> {
        let table = self.table("read what nodes are");
        let places: Vec<Key> = nodes.iter().map(|node| Key::new(keys::node(*node), keys::KIND)).collect();
        let found = table.get(places.iter().cloned(), None).await?;
        let kind = |place| {
            let kind = found.get(place).map(|item| Found(item).json());
            kind.transpose().map_err(|error| table.attempt().damaged(error))
        };
        places.iter().map(kind).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_item_of_a_stream_is_written_before_the_one_ahead_of_it() {
        let stream = |number: u64| format!("{number:016x}/1").parse::<StreamId>().unwrap();
        let items: Vec<(StreamId, i32)> = [(1, 10), (2, 20), (1, 11), (3, 30), (1, 12), (2, 21)]
            .map(|(of, time)| (stream(of), time))
            .into();
        let times: Vec<Vec<i32>> = waves(&items, |item| &item.0)
            .into_iter()
            .map(|wave| wave.into_iter().map(|item| item.1).collect())
            .collect();
        assert_eq!(times, [vec![10, 20, 30], vec![11, 21], vec![12]]);
    }
}
