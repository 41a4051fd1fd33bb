//! What every store promises to functions that run apart, checked on each in the same words.

use linkcast_domain::ports::{
    ArrivalRecord, Arrivals, Changes, InsightQuery, Judgement, Judgements, Keep, Kept, Known, Lookup,
    Memories, MemoryKey, PipelineStore, QuestionRecord, Questions, TimeRange, Written,
};
use linkcast_domain::{Cause, NodeGuid, NodeKind, PortFacts, PredictionType};

use super::items::*;

/// Hands every check's name to `$tests`, which makes a test of each.
macro_rules! apart_contract {
    ($tests:ident) => {
        $tests! {
            a_memory_is_replaced_only_by_its_last_reader,
            memories_of_every_kind_are_kept_apart,
            arrivals_come_back_and_lie_among_the_samples,
            a_sign_of_life_is_no_sample,
            questions_lie_between_their_neighbours,
            a_judgement_is_written_whole_or_not_at_all,
            many_of_everything_come_back_in_the_order_asked,
            what_a_node_is_comes_from_its_ports,
        }
    };
}

pub(super) use apart_contract;

fn keep<S: Memories>(store: &S, key: &MemoryKey, read: u64, bytes: &[u8]) -> Written {
    let change = Keep { key: key.clone(), read, bytes: bytes.to_vec() };
    now(store.keep(&[change])).remove(0).unwrap()
}

fn load<S: Memories>(store: &S, key: &MemoryKey) -> Option<Kept> {
    now(store.load(std::slice::from_ref(key))).unwrap().remove(0)
}

pub(super) fn a_memory_is_replaced_only_by_its_last_reader<S: Memories>(store: &S) {
    let key = MemoryKey::Folding(stream(1));
    assert_eq!(load(store, &key), None);
    assert_eq!(keep(store, &key, 0, b"one"), Written::Yes);
    assert_eq!(keep(store, &key, 0, b"two"), Written::Moved);
    assert_eq!(load(store, &key), Some(Kept { version: 1, bytes: b"one".to_vec() }));
    assert_eq!(keep(store, &key, 1, b"three"), Written::Yes);
    assert_eq!(keep(store, &key, 1, b"four"), Written::Moved);
    assert_eq!(load(store, &key), Some(Kept { version: 2, bytes: b"three".to_vec() }));
}

pub(super) fn memories_of_every_kind_are_kept_apart<S: Memories>(store: &S) {
    let keys = [
        MemoryKey::Node(NodeGuid(1)),
        MemoryKey::Lone(stream(1)),
        MemoryKey::Folding(stream(1)),
        MemoryKey::Judging(stream(1)),
        MemoryKey::Book,
    ];
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(keep(store, key, 0, &[number as u8]), Written::Yes);
    }
    let found = now(store.load(&keys)).unwrap();
    let bytes: Vec<u8> = found.into_iter().map(|kept| kept.unwrap().bytes[0]).collect();
    assert_eq!(bytes, [0, 1, 2, 3, 4]);
}

fn arrival(number: u64, seconds: i64, before: Option<i64>) -> ArrivalRecord {
    ArrivalRecord {
        stream: stream(number),
        time: at(seconds),
        before: before.map(at),
        source: 77,
        told_active: seconds % 2 == 0,
        sample: Some(Box::new(sample(number, seconds, 0.1 + 0.2))),
    }
}

pub(super) fn arrivals_come_back_and_lie_among_the_samples<S: Arrivals + Lookup>(store: &S) {
    let made =
        [arrival(1, 30, None), arrival(1, 61, Some(30)), arrival(1, 90, Some(61)), arrival(2, 61, None)];
    for _ in 0..2 {
        now(store.put_arrivals(&made)).unwrap();
    }
    assert_eq!(now(store.arrivals(&stream(1), at(30), at(90))).unwrap(), [made[1].clone()]);
    assert_eq!(now(store.arrivals(&stream(1), at(0), at(61))).unwrap(), [made[0].clone()]);
    assert_eq!(now(store.arrivals(&stream(1), at(61), at(61))).unwrap(), []);
    let samples = now(store.samples(&stream(1), TimeRange::ALL)).unwrap();
    let expected: Vec<_> = made[..3].iter().map(|one| one.sample.as_deref().unwrap().clone()).collect();
    assert_eq!(samples, expected);
    let asked = [(stream(2), at(61)), (stream(2), at(62)), (stream(1), at(30))];
    assert_eq!(now(store.have_arrived(&asked)).unwrap(), [true, false, true]);
}

pub(super) fn a_sign_of_life_is_no_sample<S: Arrivals + Lookup>(store: &S) {
    let heard = ArrivalRecord { sample: None, ..arrival(1, 30, None) };
    now(store.put_arrivals(std::slice::from_ref(&heard))).unwrap();
    assert_eq!(now(store.arrivals(&stream(1), at(0), at(99))).unwrap(), [heard]);
    assert_eq!(now(store.samples(&stream(1), TimeRange::ALL)).unwrap(), []);
}

pub(super) fn questions_lie_between_their_neighbours<S: Questions>(store: &S) {
    let question = |seconds: i64, before: Option<i64>| QuestionRecord {
        stream: stream(1),
        time: at(seconds),
        before: before.map(at),
        bytes: vec![0, 255, seconds as u8],
    };
    let made = [question(30, None), question(60, Some(30)), question(90, Some(60))];
    for _ in 0..2 {
        now(store.put_questions(&made)).unwrap();
    }
    assert_eq!(now(store.questions(&stream(1), at(0), at(90))).unwrap(), made[..2]);
    assert_eq!(now(store.questions(&stream(1), at(30), at(90))).unwrap(), made[1..2]);
    assert_eq!(now(store.questions(&stream(2), at(0), at(99))).unwrap(), []);
}

pub(super) fn a_judgement_is_written_whole_or_not_at_all<S: Judgements + Memories + Lookup>(store: &S) {
    let loss = PredictionType::PacketLossDetected;
    let judgement = |read, seconds| Judgement {
        stream: stream(1),
        read,
        bytes: vec![seconds as u8],
        insights: vec![insight(1, seconds, loss, 90.0)],
        conditions: vec![condition(1, Cause::Predicted(loss), None)],
    };
    let judge = |one: Judgement| now(store.judge(&[one])).remove(0).unwrap();
    assert_eq!(judge(judgement(0, 30)), Written::Yes);
    assert_eq!(judge(judgement(0, 60)), Written::Moved);
    let bare = Judgement { insights: vec![], conditions: vec![], ..judgement(0, 60) };
    assert_eq!(judge(bare.clone()), Written::Moved);
    let all = InsightQuery::default();
    assert_eq!(now(store.insights(&all)).unwrap(), [insight(1, 30, loss, 90.0)]);
    assert_eq!(judge(judgement(1, 60)), Written::Yes);
    assert_eq!(judge(Judgement { read: 2, ..bare }), Written::Yes);
    assert_eq!(now(store.insights(&all)).unwrap().len(), 2);
    assert_eq!(now(store.conditions(None)).unwrap(), [condition(1, Cause::Predicted(loss), None)]);
    assert_eq!(load(store, &MemoryKey::Judging(stream(1))).unwrap().version, 3);
}

pub(super) fn many_of_everything_come_back_in_the_order_asked<S: Memories + Arrivals>(store: &S) {
    let numbers: Vec<u64> = (1..=230).rev().collect();
    let key = |number: &u64| MemoryKey::Folding(stream(*number));
    let changes: Vec<Keep> =
        numbers.iter().map(|number| Keep { key: key(number), read: 0, bytes: vec![*number as u8] }).collect();
    assert!(now(store.keep(&changes)).into_iter().all(|written| written.unwrap() == Written::Yes));
    let keys: Vec<MemoryKey> = numbers.iter().map(key).collect();
    let found = now(store.load(&keys)).unwrap();
    assert!(found.iter().zip(&numbers).all(|(kept, number)| kept.as_ref().unwrap().bytes == [*number as u8]));
    let arrivals: Vec<ArrivalRecord> = numbers.iter().map(|number| arrival(*number, 30, None)).collect();
    now(store.put_arrivals(&arrivals)).unwrap();
    let asked: Vec<_> = (1..=300).map(|number| (stream(number), at(30))).collect();
    let there = now(store.have_arrived(&asked)).unwrap();
    assert_eq!(there.iter().filter(|there| **there).count(), 230);
    assert!(there[..230].iter().all(|there| *there));
}

pub(super) fn what_a_node_is_comes_from_its_ports<S: PipelineStore + Known>(store: &S) {
    let switch = PortFacts { node_kind: Some(NodeKind::Switch), ..facts("leaf") };
    let changes = Changes { facts: vec![(stream(1), switch.clone())], ..Changes::default() };
    now(store.commit(&changes)).unwrap();
    assert_eq!(now(store.facts(&[stream(2), stream(1)])).unwrap(), [PortFacts::default(), switch]);
    let kinds = now(store.kinds(&[NodeGuid(1), NodeGuid(2)])).unwrap();
    assert_eq!(kinds, [Some(NodeKind::Switch), None]);
    let sources = Changes { sources: vec![source("scrape", 7)], ..Changes::default() };
    now(store.commit(&sources)).unwrap();
    assert_eq!(now(store.source("scrape")).unwrap(), Some(source("scrape", 7)));
    assert_eq!(now(store.source("other")).unwrap(), None);
}
