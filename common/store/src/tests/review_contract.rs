//! What every store of reviews promises, checked on each in the same words.

use linkcast_domain::ports::{ReviewItems, Revised, Written};
use linkcast_domain::{
    Asked, ModelOpinion, PredictionType, Recorded, Review, ReviewDesk, ReviewId, ReviewItem, Reviewed,
    RuleOpinion, Standing,
};

use super::items::{at, now, stream};

/// Hands every check's name to `$tests`, which makes a test of each for each store.
macro_rules! review_contract {
    ($tests:ident) => {
        $tests! {
            review_contract:
            what_is_asked_comes_highest_priority_first,
            to_ask_again_renews_what_was_said_and_keeps_the_verdicts,
            verdicts_are_all_kept_and_the_same_one_is_none_more,
            an_item_stands_where_its_reviewers_left_it,
            who_wrote_on_what_another_changed_has_not_written,
            many_items_are_asked_about_and_judged_at_once,
        }
    };
}

pub(super) use review_contract;

fn item(number: u64, priority: f64) -> ReviewItem {
    ReviewItem {
        id: ReviewId::of(&stream(number), at(30)),
        stream: stream(number),
        time: at(30),
        rules: RuleOpinion {
            class: PredictionType::PacketLossDetected,
            risk: 80.5,
            confidence: 0.7,
            rule: Some("packets in error over 2 %".into()),
            disputed_by: Some("queue pairs fail".into()),
        },
        model: Some(ModelOpinion { class: PredictionType::Normal, risk: 7.0, confidence: 0.1 + 0.2 }),
        priority,
    }
}

fn review(number: u64, reviewer: &str, seconds: i64, verdict: &str) -> (ReviewId, Review) {
    let review = Review {
        reviewer: reviewer.parse().unwrap(),
        time: at(seconds),
        verdict: verdict.parse().unwrap(),
        severity: Some(62.5),
        note: "optics, \"again\"\nsecond line".into(),
    };
    (item(number, 0.0).id, review)
}

fn queue<S: ReviewItems>(store: &S, standing: Option<Standing>, limit: usize) -> Vec<String> {
    let found = now(store.review_queue(standing, limit)).unwrap();
    found.into_iter().map(|reviewed| reviewed.item.stream.to_string()).collect()
}

fn streams(numbers: &[u64]) -> Vec<String> {
    numbers.iter().map(|number| stream(*number).to_string()).collect()
}

pub(super) fn what_is_asked_comes_highest_priority_first<S: ReviewItems>(store: &S) {
    assert_eq!(queue(store, None, 9), [] as [String; 0]);
    let asked = [item(1, 0.5), item(2, 99.25), item(3, 0.0), item(4, 1e-9)];
    assert_eq!(now(ReviewDesk::new(store).ask(&asked)).unwrap(), Asked { new: 4, known: 0 });
    assert_eq!(queue(store, Some(Standing::Open), 9), streams(&[2, 1, 4, 3]));
    assert_eq!(queue(store, None, 2), streams(&[2, 1]));
    assert_eq!(now(store.review_queue(None, 1)).unwrap()[0].item, item(2, 99.25));
}

pub(super) fn to_ask_again_renews_what_was_said_and_keeps_the_verdicts<S: ReviewItems>(store: &S) {
    let desk = ReviewDesk::new(store);
    now(desk.ask(&[item(1, 5.0), item(2, 4.0)])).unwrap();
    now(desk.record(&[review(1, "ada", 60, "normal")])).unwrap();
    let again = [item(1, 3.0), item(3, 9.0), item(1, 2.0)];
    assert_eq!(now(desk.ask(&again)).unwrap(), Asked { new: 1, known: 1 });
    let found = now(store.reviewed(&[item(1, 0.0).id])).unwrap().remove(0).unwrap().value;
    assert_eq!(found, Reviewed { item: item(1, 2.0), reviews: vec![review(1, "ada", 60, "normal").1] });
    assert_eq!(queue(store, None, 9), streams(&[3, 2, 1]));
}

pub(super) fn verdicts_are_all_kept_and_the_same_one_is_none_more<S: ReviewItems>(store: &S) {
    let desk = ReviewDesk::new(store);
    now(desk.ask(&[item(1, 5.0)])).unwrap();
    let given = [
        review(1, "bob", 90, "false_positive"),
        review(1, "ada", 60, "normal"),
        review(2, "ada", 60, "normal"),
        review(1, "ada", 60, "normal"),
        review(1, "ada", 120, "rdma_timeout"),
    ];
    use Recorded::{Known, New, NotAsked};
    assert_eq!(now(desk.record(&given)).unwrap(), [New, New, NotAsked, Known, New]);
    assert_eq!(now(desk.record(&given)).unwrap(), [Known, Known, NotAsked, Known, Known]);
    let found = now(store.reviewed(&[given[2].0.clone(), given[0].0.clone()])).unwrap();
    assert_eq!(found[0], None);
    let reviews = &found[1].as_ref().unwrap().value.reviews;
    assert_eq!(*reviews, [&given[1], &given[0], &given[4]].map(|(_, review)| review.clone()));
}

pub(super) fn an_item_stands_where_its_reviewers_left_it<S: ReviewItems>(store: &S) {
    let desk = ReviewDesk::new(store);
    let items: Vec<ReviewItem> = (1..=4).map(|number| item(number, number as f64)).collect();
    now(desk.ask(&items)).unwrap();
    let given = [
        review(2, "ada", 60, "normal"),
        review(3, "ada", 60, "normal"),
        review(3, "bob", 60, "normal"),
        review(4, "ada", 60, "normal"),
        review(4, "bob", 60, "rdma_timeout"),
    ];
    now(desk.record(&given)).unwrap();
    let stand = |standing| queue(store, Some(standing), 9);
    assert_eq!(Standing::ALL.map(stand), [1, 2, 3, 4].map(|number| streams(&[number])));
    now(desk.record(&[review(4, "ada", 90, "rdma_timeout")])).unwrap();
    assert_eq!(queue(store, Some(Standing::Agreed), 9), streams(&[4, 3]));
    assert_eq!(queue(store, Some(Standing::Disputed), 9), streams(&[]));
}

pub(super) fn who_wrote_on_what_another_changed_has_not_written<S: ReviewItems>(store: &S) {
    let desk = ReviewDesk::new(store);
    now(desk.ask(&[item(1, 5.0), item(2, 4.0)])).unwrap();
    let ids = [item(1, 0.0).id, item(2, 0.0).id];
    let mut read: Vec<Revised<Reviewed>> =
        now(store.reviewed(&ids)).unwrap().into_iter().map(Option::unwrap).collect();
    now(desk.record(&[review(1, "ada", 60, "normal")])).unwrap();
    read.iter_mut().for_each(|kept| kept.value.item.priority = 1.0);
    assert_eq!(now(store.put_reviewed(&read)).unwrap(), [Written::Moved, Written::Yes]);
    let unread = Revised { revision: 0, value: read[0].value.clone() };
    assert_eq!(now(store.put_reviewed(&[unread])).unwrap(), [Written::Moved]);
    let found = now(store.reviewed(&ids)).unwrap();
    let priorities = found.iter().map(|kept| kept.as_ref().unwrap().value.item.priority);
    assert_eq!(priorities.collect::<Vec<_>>(), [5.0, 1.0]);
}

pub(super) fn many_items_are_asked_about_and_judged_at_once<S: ReviewItems>(store: &S) {
    let desk = ReviewDesk::new(store);
    let items: Vec<ReviewItem> = (1..=620).map(|number| item(number, number as f64)).collect();
    assert_eq!(now(desk.ask(&items)).unwrap(), Asked { new: 620, known: 0 });
    let given: Vec<_> = (1..=620).map(|number| review(number, "ada", 60, "normal")).collect();
    assert!(now(desk.record(&given)).unwrap().into_iter().all(|outcome| outcome == Recorded::New));
    assert_eq!(queue(store, Some(Standing::Single), 9_999).len(), 620);
}
