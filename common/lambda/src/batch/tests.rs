//! What a batch promises, on records whose text says what happens to them.

use std::cell::RefCell;
use std::sync::atomic::{AtomicI64, Ordering};

use linkcast_domain::Timestamp;

use super::*;
use crate::panic::tests::now;

/// An id, a key, and what happens: `bad` is undecodable, `fail` fails, `panic` panics, anything else goes well.
#[derive(Clone, Debug)]
struct Message(&'static str, &'static str, &'static str);

impl Record for Message {
    fn id(&self) -> Option<&str> {
        (self.0 != "none").then_some(self.0)
    }

    fn key(&self) -> Option<&str> {
        (!self.1.is_empty()).then_some(self.1)
    }
}

/// Stands still long before the budget's end.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_000)
    }
}

fn batch(order: Order, portion: usize) -> Batch<'static> {
    let budget = Budget::until(Timestamp::from_millis(9_000), Duration::ZERO);
    Batch { order, portion, budget, least_time: Duration::from_millis(100), clock: &Still }
}

fn decode(message: &Message) -> Result<Message, String> {
    if message.2 == "bad" { Err("no json".to_owned()) } else { Ok(message.clone()) }
}

fn one(message: &Message) -> Result<(), String> {
    assert!(message.2 != "panic", "poison {}", message.0);
    if message.2 == "fail" { Err("throttled".to_owned()) } else { Ok(()) }
}

/// The report, and the ids of what went well, in the order it was done.
fn run(batch: Batch<'_>, messages: &[Message]) -> (Result<BatchReport, BatchError>, Vec<&'static str>) {
    let done = RefCell::new(Vec::new());
    let work = |items: Vec<Message>| {
        let outcomes: Vec<_> = items.iter().map(one).collect();
        let well = items.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
        done.borrow_mut().extend(well.map(|(message, _)| message.0));
        async { outcomes }
    };
    let report = now(batch.run(messages, decode, work));
    (report, done.into_inner())
}

fn failed(report: &BatchReport) -> Vec<&str> {
    report.failures().map(|(id, _)| id).collect()
}

#[test]
fn a_poison_record_fails_alone_and_with_its_cause() {
    let messages = [
        Message("1", "", ""),
        Message("2", "", "panic"),
        Message("3", "", "bad"),
        Message("4", "", "fail"),
        Message("5", "", ""),
    ];
    for portion in 1..=6 {
        let (report, done) = run(batch(Order::Free, portion), &messages);
        let report = report.unwrap();
        let expected = [
            ("2", &Cause::Panicked("poison 2".into())),
            ("3", &Cause::Undecodable("no json".into())),
            ("4", &Cause::Failed("throttled".into())),
        ];
        assert_eq!(report.failures().collect::<Vec<_>>(), expected, "portions of {portion}");
        assert!(done.contains(&"1") && done.contains(&"5"));
        let json = serde_json::to_string(&report.reply().unwrap()).unwrap();
        assert_eq!(
            json,
            r#"{"batchItemFailures":[{"itemIdentifier":"2"},{"itemIdentifier":"3"},{"itemIdentifier":"4"}]}"#
        );
    }
}

#[test]
fn a_batch_without_failures_answers_an_empty_list() {
    let (report, _) = run(batch(Order::Free, 10), &[Message("1", "", "")]);
    assert_eq!(
        serde_json::to_string(&report.unwrap().reply().unwrap()).unwrap(),
        r#"{"batchItemFailures":[]}"#
    );
    let (nothing, _) = run(batch(Order::Free, 10), &[]);
    assert_eq!(nothing.unwrap().reply(), Ok(BatchResponse::default()));
}

#[test]
fn in_order_a_failure_holds_up_its_key_and_no_other() {
    let messages = [
        Message("1", "a", ""),
        Message("2", "a", "panic"),
        Message("3", "b", ""),
        Message("4", "a", ""),
        Message("5", "", ""),
        Message("6", "a", "bad"),
    ];
    for portion in 1..=7 {
        let (report, done) = run(batch(Order::ByKey, portion), &messages);
        let report = report.unwrap();
        assert_eq!(failed(&report), ["2", "4", "6"], "portions of {portion}");
        assert!(!done.contains(&"4"), "nothing of the key is done after its failure: {done:?}");
        let cause = report.failures().find(|(id, _)| *id == "4").map(|(_, cause)| cause.clone());
        assert_eq!(cause, Some(Cause::HeldUp));
    }
}

#[test]
fn what_cannot_be_decoded_holds_up_its_key_too() {
    let messages = [Message("1", "a", "bad"), Message("2", "a", ""), Message("3", "b", "")];
    let (report, done) = run(batch(Order::ByKey, 10), &messages);
    assert_eq!((failed(&report.unwrap()), done), (vec!["1", "2"], vec!["3"]));
}

#[test]
fn a_record_nobody_can_name_fails_the_batch_before_any_work() {
    let (report, done) = run(batch(Order::Free, 10), &[Message("1", "", ""), Message("none", "", "")]);
    assert_eq!(report, Err(BatchError::Unnamed { place: 1 }));
    let (empty, _) = run(batch(Order::Free, 10), &[Message("", "", "")]);
    assert_eq!((empty, done), (Err(BatchError::Unnamed { place: 0 }), vec![]));
}

#[test]
fn a_batch_of_which_nothing_succeeded_is_an_error_aws_counts() {
    let (report, _) = run(batch(Order::Free, 1), &[Message("1", "", "fail"), Message("2", "", "panic")]);
    let error = report.unwrap().reply().unwrap_err();
    assert_eq!(error, BatchError::AllFailed { count: 2, first: Cause::Failed("throttled".into()) });
    assert_eq!(error.name(), "WholeBatchFailed");
}

#[test]
fn an_id_that_came_twice_is_reported_once() {
    let messages = [Message("1", "", "fail"), Message("1", "", "fail"), Message("2", "", "")];
    let (report, _) = run(batch(Order::Free, 10), &messages);
    assert_eq!(report.unwrap().reply().unwrap().batch_item_failures.len(), 1);
}

/// Half a second goes by each time it is looked at.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(500 + self.0.fetch_add(500, Ordering::Relaxed))
    }
}

#[test]
fn what_there_is_no_time_for_is_reported_and_not_begun() {
    let messages = [Message("1", "", ""), Message("2", "", ""), Message("3", "", ""), Message("4", "", "")];
    let clock = Ticking(AtomicI64::new(0));
    let budget = Budget::until(Timestamp::from_millis(2_000), Duration::from_millis(500));
    let least_time = Duration::from_millis(500);
    let batch = Batch { order: Order::Free, portion: 1, budget, least_time, clock: &clock };
    let (report, done) = run(batch, &messages);
    let report = report.unwrap();
    assert_eq!((failed(&report), done), (vec!["3", "4"], vec!["1", "2"]));
    assert!(report.failures().all(|(_, cause)| *cause == Cause::OutOfTime));
}

#[test]
fn an_item_the_work_gave_no_answer_for_has_failed() {
    let messages = [Message("1", "", ""), Message("2", "", "")];
    let work = |_: Vec<Message>| async { vec![Ok::<(), String>(())] };
    let report = now(batch(Order::Free, 10).run(&messages, decode, work)).unwrap();
    assert_eq!(failed(&report), ["2"]);
}
