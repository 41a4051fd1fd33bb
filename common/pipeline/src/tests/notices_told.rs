//! Notices reach every channel once and in order: over crashes at every call, with two who tell at once, past a channel that is
//! down or refuses.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use linkcast_domain::ports::{NoticeChannel, NotifyError, Revised, StoreError, TaskItem, TaskItems, Written};
use linkcast_domain::{Budget, Clock, FixedClock, Notice, NoticeKind, Retry, Severity, Timestamp};
use linkcast_store::MemoryStore;

use super::doubles::{Death, Life, Reach, now};
use crate::{Delivered, NoBus, NoticeBoard, TellingOutcome, channel_logs, deliver_notices};

const TASK: &str = "link-health";
const START: i64 = 1_700_000_000_000;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(START).plus(Duration::from_secs(seconds))
}

fn notice(number: u64, severity: Severity) -> Notice {
    let what = format!("step {number}");
    let place = ("lab", TASK);
    Notice::of(NoticeKind::Rollout, place, (&what, at(number)), severity, format!("{what} was taken"))
}

/// A channel that remembers ids, and what it answers.
struct Ear {
    name: &'static str,
    least: Severity,
    heard: Arc<Mutex<Vec<String>>>,
    life: Life,
    answer: Option<Retry>,
}

impl Ear {
    fn new(name: &'static str) -> Self {
        let life = Life::without_end();
        Ear { name, least: Severity::Info, heard: Arc::default(), life, answer: None }
    }

    fn answering(name: &'static str, answer: Retry) -> Self {
        Ear { answer: Some(answer), ..Ear::new(name) }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

impl NoticeChannel for Ear {
    fn channel(&self) -> &str {
        self.name
    }

    fn least(&self) -> Severity {
        self.least
    }

    async fn tell_notice(&self, notice: &Notice, _: Duration) -> Result<(), NotifyError> {
        let failed =
            |retry| NotifyError { channel: self.name.to_owned(), reason: "no answer".to_owned(), retry };
        if let Some(retry) = self.answer {
            return Err(failed(retry));
        }
        let told = self.life.spend(|| self.heard.lock().unwrap().push(notice.id.clone()));
        told.ok_or_else(|| failed(Retry::Later))
    }
}

struct Story {
    store: Arc<MemoryStore>,
    notices: Vec<Notice>,
}

impl Story {
    /// A store whose channels are known, with `count` notices after that.
    fn with(count: u64, channels: &[Ear]) -> Self {
        let story = Story { store: Arc::default(), notices: Vec::new() };
        story.deliver(channels, at(0));
        story.publish((1..=count).map(|number| notice(number, Severity::Info)).collect())
    }

    fn publish(mut self, notices: Vec<Notice>) -> Self {
        let board = NoticeBoard::new(&*self.store, TASK);
        for notice in &notices {
            let _ = now(board.publish(&NoBus, notice)).unwrap();
        }
        self.notices.extend(notices);
        self
    }

    fn ids(&self) -> Vec<String> {
        self.notices.iter().map(|notice| notice.id.clone()).collect()
    }

    fn deliver(&self, channels: &[Ear], at: Timestamp) -> Delivered {
        deliver(&self.reach(Life::without_end()), channels, at).unwrap()
    }

    fn reach(&self, life: Life) -> Reach {
        Reach { store: Arc::clone(&self.store), life }
    }
}

fn deliver(reach: &Reach, channels: &[Ear], at: Timestamp) -> Result<Delivered, crate::NoticeError> {
    let clock = FixedClock(at);
    let budget = Budget::of(Duration::from_secs(60), &clock);
    now(deliver_notices((reach, TASK), channels, (&budget, &clock as &dyn Clock)))
}

#[test]
fn every_notice_is_told_once_and_in_order_however_often_it_is_looked_for() {
    let channels = [Ear::new("one"), Ear::new("two")];
    let story = Story::with(5, &channels);
    assert_eq!(story.deliver(&channels, at(60)), Delivered { told: 10, failed: 0 });
    assert_eq!(story.deliver(&channels, at(120)), Delivered::default());
    let story = story.publish(vec![notice(6, Severity::Info)]);
    assert_eq!(story.deliver(&channels, at(180)), Delivered { told: 2, failed: 0 });
    assert!(channels.iter().all(|channel| channel.heard() == story.ids()));
}

#[test]
fn a_crash_at_any_call_loses_nothing_and_doubles_at_most_what_was_told_last() {
    for death in [Death::Before, Death::After] {
        let mut died = 0;
        for calls in 1..40 {
            let channels = [Ear::new("one")];
            let story = Story::with(4, &channels);
            if deliver(&story.reach(Life::of(calls, death)), &channels, at(60)).is_err() {
                died += 1;
            }
            story.deliver(&channels, at(61));
            story.deliver(&channels, at(120));
            let mut heard = channels[0].heard();
            assert!(heard.len() <= 5, "{death:?} at {calls}: {heard:?}");
            heard.dedup();
            assert_eq!(heard, story.ids(), "{death:?} at {calls}");
        }
        assert!(died >= 7, "a list, an item, a turn and four words are calls: {died}");
    }
}

#[test]
fn a_channel_that_dies_at_any_word_hears_all_when_it_is_back() {
    for death in [Death::Before, Death::After] {
        for calls in 1..6 {
            let mut channels = [Ear::new("one")];
            let story = Story::with(4, &channels);
            channels[0].life = Life::of(calls, death);
            story.deliver(&channels, at(60));
            channels[0].life = Life::without_end();
            assert_eq!(story.deliver(&channels, at(61)).failed, 0, "left alone at first");
            story.deliver(&channels, at(60 + 31));
            let mut heard = channels[0].heard();
            heard.dedup();
            assert_eq!(heard, story.ids(), "{death:?} at {calls}");
        }
    }
}

/// A channel in whose midst another process delivers too.
struct Rival<'a> {
    ear: Ear,
    reach: Reach,
    other: &'a [Ear],
}

impl NoticeChannel for Rival<'_> {
    fn channel(&self) -> &str {
        self.ear.channel()
    }

    fn least(&self) -> Severity {
        self.ear.least()
    }

    async fn tell_notice(&self, notice: &Notice, budget: Duration) -> Result<(), NotifyError> {
        deliver(&self.reach, self.other, at(60)).unwrap();
        self.ear.tell_notice(notice, budget).await
    }
}

#[test]
fn two_who_tell_at_once_tell_it_once() {
    let others = [Ear::new("one")];
    let story = Story::with(5, &others);
    let rival = Rival { ear: Ear::new("one"), reach: story.reach(Life::without_end()), other: &others };
    let clock = FixedClock(at(60));
    let budget = Budget::of(Duration::from_secs(60), &clock);
    let told = now(deliver_notices((&*story.store, TASK), &[rival], (&budget, &clock))).unwrap();
    assert_eq!(told, Delivered { told: 5, failed: 0 });
    assert_eq!(others[0].heard(), Vec::<String>::new(), "the turn was another's");
}

/// A store in whose writes another process comes first, once.
struct Overtaken<'a> {
    store: &'a MemoryStore,
    writes_before: AtomicU64,
    other: &'a [Ear],
}

impl TaskItems for Overtaken<'_> {
    async fn task_item(&self, task: &str, name: &str) -> Result<Option<Revised<String>>, StoreError> {
        self.store.task_item(task, name).await
    }

    async fn task_items(
        &self,
        task: &str,
        prefix: &str,
    ) -> Result<Vec<(String, Revised<String>)>, StoreError> {
        self.store.task_items(task, prefix).await
    }

    async fn put_task_item(&self, task: &str, item: &TaskItem) -> Result<Written, StoreError> {
        if self.writes_before.fetch_sub(1, Ordering::Relaxed) == 0 {
            let clock = FixedClock(at(60));
            let budget = Budget::of(Duration::from_secs(60), &clock);
            now(deliver_notices((self.store, TASK), self.other, (&budget, &clock))).unwrap();
        }
        self.store.put_task_item(task, item).await
    }
}

#[test]
fn who_is_overtaken_at_any_write_tells_nothing_twice() {
    for writes_before in 0..7 {
        let channels = [Ear::new("one")];
        let story = Story::with(5, &channels);
        let overtaken =
            Overtaken { store: &story.store, writes_before: AtomicU64::new(writes_before), other: &channels };
        let clock = FixedClock(at(60));
        let budget = Budget::of(Duration::from_secs(60), &clock);
        now(deliver_notices((&overtaken, TASK), &channels, (&budget, &clock))).unwrap();
        assert_eq!(channels[0].heard(), story.ids(), "overtaken at write {writes_before}");
    }
}

#[test]
fn a_dead_channel_holds_up_no_other_and_is_left_alone_longer_and_longer() {
    let channels = [Ear::answering("dead", Retry::Later), Ear::new("well")];
    let story = Story::with(3, &channels);
    assert_eq!(story.deliver(&channels, at(60)), Delivered { told: 3, failed: 1 });
    let hour = (61..3_660).map(|second| story.deliver(&channels, at(second)).failed).sum::<u64>();
    assert!((5..=12).contains(&hour), "{hour} attempts in an hour");
    let logs = now(channel_logs(&*story.store, TASK)).unwrap();
    let first = logs.iter().find(|log| log.channel == "dead").unwrap().of(&story.ids()[0]).unwrap();
    assert!(matches!(&first.outcome, TellingOutcome::Failed { reason, .. } if reason == "no answer"));
    assert_eq!(first.attempts, hour as u32 + 1);
}

#[test]
fn a_refused_notice_holds_up_none_after_it() {
    let mut channels = [Ear::answering("one", Retry::Never)];
    let story = Story::with(2, &channels);
    assert_eq!(story.deliver(&channels, at(60)), Delivered { told: 0, failed: 2 });
    channels[0].answer = None;
    let story = story.publish(vec![notice(61, Severity::Info)]);
    assert_eq!(story.deliver(&channels, at(62)), Delivered { told: 1, failed: 0 });
    assert_eq!(story.deliver(&channels, at(120)), Delivered { told: 2, failed: 0 });
}

#[test]
fn what_is_old_or_slight_or_was_there_before_the_channel_is_not_told() {
    let channels = [Ear { least: Severity::Warning, ..Ear::new("one") }];
    let story = Story { store: Arc::default(), notices: Vec::new() };
    let story = story.publish(vec![notice(1, Severity::Critical)]);
    story.deliver(&channels, at(30));
    let later = [(40, Severity::Info), (50, Severity::Warning)];
    let story = story.publish(later.map(|(number, severity)| notice(number, severity)).to_vec());
    assert_eq!(story.deliver(&channels, at(60)), Delivered { told: 1, failed: 0 });
    assert_eq!(channels[0].heard(), [story.ids()[2].clone()]);
    let story = story.publish(vec![notice(70, Severity::Critical)]);
    assert_eq!(story.deliver(&channels, at(70 + 4 * 86_400)), Delivered::default(), "four days later");
}
