//! What every store of feedback promises, checked on each in the same words.

use linkcast_domain::ports::{FeedbackItems, Revised, Written};
use linkcast_domain::{
    Feedback, FeedbackSource, FeedbackVerdict, FeedbackWord, InsightId, PredictionType, StreamId,
};

use super::items::{at, insight, now};

/// Hands every check's name to `$tests`, which makes a test of each for each store.
macro_rules! feedback_contract {
    ($tests:ident) => {
        $tests! {
            feedback_contract:
            feedback_comes_back_as_it_was_written_and_in_the_order_asked,
            of_two_who_write_on_the_same_revision_one_has_written,
        }
    };
}

pub(super) use feedback_contract;

/// Feedback on the insight into stream `number`, by these people.
fn feedback(number: u64, people: &[&str]) -> Feedback {
    let class = PredictionType::ConnectionInstability;
    let mut feedback = Feedback::on(&insight(number, 60, class, 90.5), at(4_000));
    for by in people {
        feedback.take(&FeedbackWord {
            by: by.parse().unwrap(),
            source: FeedbackSource::Person,
            at: at(4_000),
            verdict: FeedbackVerdict::Confirmed,
            note: "the cable \u{f8} \"loose\"\nand old".parse().unwrap(),
        });
    }
    feedback
}

fn key(feedback: &Feedback) -> (StreamId, InsightId) {
    (feedback.stream.clone(), feedback.insight.clone())
}

fn put<S: FeedbackItems>(store: &S, revision: u64, value: &Feedback) -> Written {
    now(store.put_feedback(&Revised { revision, value: value.clone() })).unwrap()
}

pub(super) fn feedback_comes_back_as_it_was_written_and_in_the_order_asked<S: FeedbackItems>(store: &S) {
    let (first, second, nobody) = (feedback(1, &["ada"]), feedback(2, &["bob", "eve"]), feedback(3, &[]));
    assert_eq!(now(store.feedback(&[])).unwrap(), []);
    assert_eq!((put(store, 0, &first), put(store, 0, &second)), (Written::Yes, Written::Yes));
    let found = now(store.feedback(&[key(&second), key(&nobody), key(&first)])).unwrap();
    let at_first = |value: Feedback| Some(Revised { revision: 1, value });
    assert_eq!(found, [at_first(second.clone()), None, at_first(first.clone())]);
    let strange = (second.stream, first.insight);
    assert_eq!(now(store.feedback(&[strange])).unwrap(), [None], "of another stream");
}

pub(super) fn of_two_who_write_on_the_same_revision_one_has_written<S: FeedbackItems>(store: &S) {
    let (one, both) = (feedback(1, &["ada"]), feedback(1, &["ada", "bob"]));
    assert_eq!(put(store, 0, &one), Written::Yes);
    assert_eq!(put(store, 0, &feedback(1, &["eve"])), Written::Moved);
    assert_eq!(put(store, 1, &both), Written::Yes);
    assert_eq!(put(store, 1, &one), Written::Moved);
    assert_eq!(put(store, 9, &one), Written::Moved);
    let found = now(store.feedback(&[key(&one)])).unwrap();
    assert_eq!(found, [Some(Revised { revision: 2, value: both })]);
}
