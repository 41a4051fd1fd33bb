//! The ports between functions, kept in memory: for tests of what functions do under repeats, losses and crashes.

use std::ops::Bound;

use linkcast_domain::ports::{
    ArrivalRecord, Arrivals, Judgement, Judgements, Keep, Kept, Known, Memories, MemoryKey, QuestionRecord,
    Questions, SourceRecord, StoreError, Written,
};
use linkcast_domain::{NodeGuid, NodeKind, PortFacts, StreamId, Timestamp};

use crate::memory::{Content, MemoryStore};

impl Memories for MemoryStore {
    async fn load(&self, keys: &[MemoryKey]) -> Result<Vec<Option<Kept>>, StoreError> {
        let content = self.content();
        Ok(keys.iter().map(|key| content.memories.get(key).cloned()).collect())
    }

    async fn keep(&self, changes: &[Keep]) -> Vec<Result<Written, StoreError>> {
        let mut content = self.content();
        changes.iter().map(|change| Ok(replace(&mut content, change))).collect()
    }
}

fn replace(content: &mut Content, change: &Keep) -> Written {
    let version = content.memories.get(&change.key).map_or(0, |kept| kept.version);
    if version != change.read {
        return Written::Moved;
    }
    let kept = Kept { version: version + 1, bytes: change.bytes.clone() };
    content.memories.insert(change.key.clone(), kept);
    Written::Yes
}

fn between(stream: &StreamId, after: Timestamp, before: Timestamp) -> (Bound<Place>, Bound<Place>) {
    let latest = (stream.clone(), before.max(after));
    (Bound::Excluded((stream.clone(), after)), Bound::Excluded(latest))
}

type Place = (StreamId, Timestamp);

impl Arrivals for MemoryStore {
    async fn put_arrivals(&self, arrivals: &[ArrivalRecord]) -> Result<(), StoreError> {
        let mut content = self.content();
        for arrival in arrivals {
            let place = (arrival.stream.clone(), arrival.time);
            if let Some(sample) = &arrival.sample {
                content.samples.insert(place.clone(), sample.as_ref().clone());
            }
            content.arrivals.insert(place, arrival.clone());
        }
        Ok(())
    }

    async fn arrivals(
        &self,
        stream: &StreamId,
        after: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<ArrivalRecord>, StoreError> {
        if after >= before {
            return Ok(Vec::new());
        }
        let content = self.content();
        let found = content.arrivals.range::<Place, _>(between(stream, after, before));
        Ok(found.map(|(_, arrival)| arrival.clone()).collect())
    }

    async fn have_arrived(&self, arrivals: &[(StreamId, Timestamp)]) -> Result<Vec<bool>, StoreError> {
        let content = self.content();
        Ok(arrivals.iter().map(|place| content.arrivals.contains_key(place)).collect())
    }
}

impl Questions for MemoryStore {
    async fn put_questions(&self, questions: &[QuestionRecord]) -> Result<(), StoreError> {
        let places = questions.iter().map(|one| ((one.stream.clone(), one.time), one.clone()));
        self.content().questions.extend(places);
        Ok(())
    }

    async fn questions(
        &self,
        stream: &StreamId,
        after: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<QuestionRecord>, StoreError> {
        if after >= before {
            return Ok(Vec::new());
        }
        let content = self.content();
        let found = content.questions.range::<Place, _>(between(stream, after, before));
        Ok(found.map(|(_, question)| question.clone()).collect())
    }
}

impl Judgements for MemoryStore {
    async fn judge(&self, judgements: &[Judgement]) -> Vec<Result<Written, StoreError>> {
        let mut content = self.content();
        let mut outcomes = Vec::new();
        for judgement in judgements {
            let key = MemoryKey::Judging(judgement.stream.clone());
            let change = Keep { key, read: judgement.read, bytes: judgement.bytes.clone() };
            let written = replace(&mut content, &change);
            if written == Written::Yes {
                let insights = judgement.insights.iter();
                content.insights.extend(insights.map(|one| (one.entity_id.clone(), one.clone())));
                let conditions = judgement.conditions.iter();
                content.conditions.extend(conditions.map(|one| (one.into(), one.clone())));
            }
            outcomes.push(Ok(written));
        }
        outcomes
    }
}

impl Known for MemoryStore {
    async fn facts(&self, streams: &[StreamId]) -> Result<Vec<PortFacts>, StoreError> {
        let content = self.content();
        let facts = |stream| content.streams.get(stream).and_then(|(facts, _)| facts.clone());
        Ok(streams.iter().map(|stream| facts(stream).unwrap_or_default()).collect())
    }

    async fn source(&self, name: &str) -> Result<Option<SourceRecord>, StoreError> {
        Ok(self.content().sources.get(name).cloned())
    }

    async fn kinds(&self, nodes: &[NodeGuid]) -> Result<Vec<Option<NodeKind>>, StoreError> {
        let content = self.content();
        let kind = |node: &NodeGuid| {
            let mut known = content.streams.iter().filter_map(|(stream, (facts, _))| {
                let own = stream.port().is_some_and(|port| port.node == *node);
                facts.as_ref().filter(|_| own)?.node_kind
            });
            known.next()
        };
        Ok(nodes.iter().map(kind).collect())
    }
}
