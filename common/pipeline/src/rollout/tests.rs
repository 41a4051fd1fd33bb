//! A rollout over the memory store: its whole life, two actors at once, a person's hand in its middle, a fault at every write.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use linkcast_domain::ports::{
    Bus, BusEvent, NotifyError, RegistryChange, RegistryItems, Revised, StoreError, TaskItem, TaskItems,
    Written,
};
use linkcast_domain::{
    Alias, Aliases, Decision as Ruled, Lineage, ModelFacts, ModelVersion, RegisteredModel, Registry, Ruling,
    Timestamp,
};
use linkcast_routing::rollout::{Asked, Decision, Readiness, Rollout, RolloutPhase, RolloutPlan, What};
use linkcast_store::MemoryStore;
use serde_json::Map;

use super::{RolloutDesk, RolloutError};
use crate::{NoBus, NoticeBoard};

const TASK: &str = "link-health";
const PLACE: (&str, &str) = ("lab", TASK);
const HOUR_MS: i64 = 3_600_000;
const BEGAN: i64 = 480_000 * HOUR_MS;
const POLICY: &str = r#"{"salt":"s","fallback":["live","embedded"],"variants":[
    {"name":"live","weight":100,"target":{"kind":"sagemaker","endpoint":"live"}},
    {"name":"embedded","weight":0,"target":{"kind":"embedded"}}]}"#;
const PLAN: &str = r#"{"candidate":{"name":"v2","target":{"kind":"sagemaker","endpoint":"v2"},
    "model":{"version":"2026.2","digest":"d2026.2"}},"slow_ms":50,"shortest_hours":0,"least_questions":100}"#;

/// A store that dies at a write: it does that one or does not, and no write after it.
struct Dying<'a> {
    store: &'a MemoryStore,
    writes: AtomicUsize,
    dies_at: usize,
    does_the_last: bool,
}

impl<'a> Dying<'a> {
    fn at(store: &'a MemoryStore, dies_at: usize, does_the_last: bool) -> Self {
        Dying { store, writes: AtomicUsize::new(0), dies_at, does_the_last }
    }

    /// Whether the write is done, and what is said of it.
    fn next(&self) -> (bool, Result<(), StoreError>) {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let gone = || StoreError::Busy {
            store: "memory".to_owned(),
            attempt: "write",
            source: "the process ends".into(),
        };
        match number.cmp(&self.dies_at) {
            std::cmp::Ordering::Less => (true, Ok(())),
            std::cmp::Ordering::Equal => (self.does_the_last, Err(gone())),
            std::cmp::Ordering::Greater => (false, Err(gone())),
        }
    }
}

impl TaskItems for Dying<'_> {
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
        let (is_done, said) = self.next();
        let written = if is_done { self.store.put_task_item(task, item).await? } else { Written::Moved };
        said.map(|()| written)
    }
}

impl RegistryItems for Dying<'_> {
    async fn model(
        &self,
        task: &str,
        version: &ModelVersion,
    ) -> Result<Option<Revised<RegisteredModel>>, StoreError> {
        self.store.model(task, version).await
    }

    async fn models(&self, task: &str) -> Result<Vec<RegisteredModel>, StoreError> {
        self.store.models(task).await
    }

    async fn aliases(&self, task: &str) -> Result<Revised<Aliases>, StoreError> {
        self.store.aliases(task).await
    }

    async fn change(&self, task: &str, change: &RegistryChange) -> Result<Written, StoreError> {
        let (is_done, said) = self.next();
        let written = if is_done { self.store.change(task, change).await? } else { Written::Moved };
        said.map(|()| written)
    }
}

/// A bus that is down as often as it is told.
struct Down(Mutex<usize>);

impl Bus for Down {
    async fn tell(&self, events: &[BusEvent]) -> Vec<Result<(), NotifyError>> {
        let mut left = self.0.lock().unwrap();
        let is_down = *left > 0;
        *left = left.saturating_sub(1);
        let fate = |_| {
            let (channel, reason) = ("bus".to_owned(), "down".to_owned());
            let retry = linkcast_domain::Retry::Later;
            if is_down { Err(NotifyError { channel, reason, retry }) } else { Ok(()) }
        };
        events.iter().map(fate).collect()
    }
}

fn at(hour: i64) -> Timestamp {
    Timestamp::from_millis(BEGAN + hour * HOUR_MS)
}

fn asked(hour: i64) -> Asked<'static> {
    Asked { by: "ada", reason: "it is better", at: at(hour) }
}

fn version(text: &str) -> ModelVersion {
    text.parse().unwrap()
}

/// A store with a policy, a live model and one that may follow it.
async fn prepared() -> MemoryStore {
    let store = MemoryStore::new();
    put(&store, "routing", 0, POLICY).await;
    let registry = Registry::new(&store, TASK);
    for name in ["2026.1", "2026.2"] {
        let facts = ModelFacts {
            version: version(name),
            task: TASK.to_owned(),
            feature_schema: 1,
            digest: format!("d{name}"),
            files: Vec::new(),
            lineage: Lineage::default(),
            metrics: Map::new(),
            added: at(-9),
            added_by: "ada".to_owned(),
        };
        registry.add(&facts).await.unwrap();
        let ruled = Ruled { ruling: Ruling::Approved, by: "ada".to_owned(), at: at(-8) };
        registry.decide(&version(name), &ruled).await.unwrap();
    }
    registry.point(Alias::Live, Some(&version("2026.1")), None, ("ada", at(-7))).await.unwrap();
    store
}

async fn put(store: &MemoryStore, name: &str, revision: u64, value: &str) {
    let text = Revised { revision, value: value.to_owned() };
    let item = TaskItem { name: name.to_owned(), text, until: None };
    assert_eq!(store.put_task_item(TASK, &item).await.unwrap(), Written::Yes);
}

/// An hour in which the candidate had this share, percent, and failed this often in a thousand.
async fn seen(store: &MemoryStore, hour: i64, share: u64, fails: u64) {
    let own = 40 * share;
    let failed = own * fails / 1_000;
    let value = format!(
        r#"{{"v2":{{"answered":{},"failures":{{"timeout":{failed}}},"agreed":{},"disagreed":{{"normal>latency_spike":{}}},"latency":{{"180":{}}}}},
            "live":{{"answered":{},"failures":{{"timeout":18}},"agreed":{},"latency":{{"180":{}}}}},
            "shadow-2026-2":{{"answered":4000,"agreed":3920,"disagreed":{{"normal>latency_spike":80}}}}}}"#,
        own - failed,
        own - failed - own / 50,
        own / 50,
        own - failed,
        4_000 - own,
        4_000 - own,
        4_000 - own,
    );
    put(store, &format!("evidence#{:012}#one", BEGAN / HOUR_MS + hour), 0, &value).await;
}

fn desk<I: TaskItems + RegistryItems>(store: &I) -> RolloutDesk<'_, I, NoBus> {
    RolloutDesk::new(store, &NoBus, PLACE)
}

fn plan() -> RolloutPlan {
    RolloutPlan::parse(PLAN).unwrap()
}

async fn policy(store: &MemoryStore) -> Revised<String> {
    store.task_item(TASK, "routing").await.unwrap().unwrap()
}

/// All that is kept of a task, but for what was seen.
async fn kept(store: &MemoryStore) -> Vec<String> {
    let items = store.task_items(TASK, "").await.unwrap().into_iter();
    let items = items.filter(|(name, _)| !name.starts_with("evidence#"));
    let mut all: Vec<String> =
        items.map(|(name, text)| format!("{name} at {}: {}", text.revision, text.value)).collect();
    all.push(format!("{:?}", Registry::new(store, TASK).aliases().await.unwrap()));
    all
}

async fn told(store: &MemoryStore) -> Vec<(String, &'static str)> {
    let all = NoticeBoard::new(store, TASK).between(at(0), at(500)).await.unwrap();
    let what = |notice: &linkcast_domain::Notice| notice.details["what"].as_str().unwrap().to_owned();
    all.iter().map(|notice| (what(notice), notice.severity.name())).collect()
}

/// Started and led to `steps` steps with good hours; gives the hour it stands in.
async fn led(store: &MemoryStore, steps: usize) -> i64 {
    desk(store).start(plan(), asked(0)).await.unwrap();
    for (step, share) in [0, 10, 25, 50].into_iter().enumerate().take(steps) {
        seen(store, step as i64 + 1, share, 5).await;
        let advanced = desk(store).advance(at(step as i64 + 2), &[], &Readiness::Ready).await.unwrap();
        assert!(advanced.did.is_some(), "{:?}", advanced.verdict);
    }
    steps as i64 + 1
}

#[tokio::test]
async fn a_good_candidate_becomes_live_step_by_step_and_everyone_is_told() {
    let store = prepared().await;
    led(&store, 4).await;
    let found = desk(&store).current().await.unwrap().unwrap().value;
    assert!(matches!(found.standing.phase, RolloutPhase::Finished { .. }));
    assert!(policy(&store).await.value.contains("\"v2\",\n    \"live\""), "{}", policy(&store).await.value);
    let aliases = Registry::new(&store, TASK).aliases().await.unwrap();
    let named = [Alias::Live, Alias::Candidate, Alias::Previous].map(|alias| aliases.version(alias));
    assert_eq!(named, [Some(&version("2026.2")), None, Some(&version("2026.1"))]);
    let all = ["started", "stepped", "stepped", "stepped", "finished"];
    assert_eq!(told(&store).await, all.map(|what| (what.to_owned(), "info")));
    let history = desk(&store).history().await.unwrap();
    assert!(history.iter().skip(1).all(|change| change.verdict.is_some() && change.by == "rollout"));
    assert_eq!(desk(&store).advance(at(9), &[], &Readiness::Ready).await.unwrap().did, None, "it is over");

    desk(&store).abort(asked(30), &[]).await.unwrap();
    assert_eq!(policy(&store).await.value, POLICY, "to the byte");
    let aliases = Registry::new(&store, TASK).aliases().await.unwrap();
    assert_eq!(aliases.version(Alias::Live), Some(&version("2026.1")));
    assert!(desk(&store).start(plan(), asked(40)).await.is_ok(), "another may begin");
}

#[tokio::test]
async fn a_harmful_candidate_is_taken_back_at_once_with_the_number_that_failed() {
    let store = prepared().await;
    let hour = led(&store, 1).await;
    seen(&store, hour, 10, 150).await;
    let before = kept(&store).await;
    let verdict = desk(&store).look(at(hour + 1), &[]).await.unwrap();
    assert!(matches!(verdict.decision, Decision::Abort { .. }), "{verdict:?}");
    assert_eq!(kept(&store).await, before, "a look changes nothing");
    let advanced = desk(&store).advance(at(hour + 1), &[], &Readiness::Ready).await.unwrap();
    assert_eq!((advanced.did, policy(&store).await.value.as_str()), (Some(What::Aborted), POLICY));
    let notices = NoticeBoard::new(&store, TASK).between(at(hour), at(hour + 2)).await.unwrap();
    let last = notices.last().unwrap();
    assert_eq!(last.severity.name(), "critical");
    assert!(last.summary.contains("failures: 60 of 400 against 18 of"), "{}", last.summary);
    assert!(last.details["verdict"]["guardrails"][0]["harm"]["evidence"].as_f64().unwrap() > 80.0);
    assert_eq!(Registry::new(&store, TASK).aliases().await.unwrap().candidate, None);
    assert_eq!(desk(&store).advance(at(hour + 2), &[], &Readiness::Ready).await.unwrap().did, None);
}

#[tokio::test]
async fn two_that_act_at_once_take_one_step() {
    let store = prepared().await;
    desk(&store).start(plan(), asked(0)).await.unwrap();
    seen(&store, 1, 0, 5).await;
    let (one, other) = (desk(&store), desk(&store));
    let both = futures_util::future::join(
        one.advance(at(2), &[], &Readiness::Ready),
        other.advance(at(2), &[], &Readiness::Ready),
    )
    .await;
    both.0.unwrap();
    both.1.unwrap();
    let found = desk(&store).current().await.unwrap().unwrap().value;
    assert_eq!((found.step().to_string().as_str(), found.sequence), ("10", 2));
    assert_eq!(told(&store).await.len(), 2);

    // One that was held up between its reading and its write finds the other's step and takes none.
    let stale = desk(&store).current().await.unwrap().unwrap();
    seen(&store, 3, 10, 5).await;
    desk(&store).advance(at(4), &[], &Readiness::Ready).await.unwrap();
    let late = store
        .put_task_item(
            TASK,
            &TaskItem {
                name: "rollout".to_owned(),
                text: Revised { revision: stale.revision, value: String::new() },
                until: None,
            },
        )
        .await;
    assert_eq!(late.unwrap(), Written::Moved);
    assert_eq!(desk(&store).current().await.unwrap().unwrap().value.step().to_string(), "25");
}

#[tokio::test]
async fn a_policy_changed_by_hand_stops_the_actor_and_only_a_person_lets_it_go_on() {
    let store = prepared().await;
    let hour = led(&store, 2).await;
    let found = policy(&store).await;
    let mine =
        found.value.replace("\"weight\": 75", "\"weight\": 95").replace("\"weight\": 25", "\"weight\": 5");
    put(&store, "routing", found.revision, &mine).await;
    seen(&store, hour, 25, 150).await;
    let refused = desk(&store).promote(asked(hour + 1), &[]).await.unwrap_err();
    assert!(matches!(refused, RolloutError::ChangedByHand { .. }), "{refused}");
    for _ in 0..3 {
        desk(&store).advance(at(hour + 1), &[], &Readiness::Ready).await.unwrap();
        assert_eq!(policy(&store).await.value, mine, "a person is not undone, harm or no harm");
    }
    let paused = desk(&store).current().await.unwrap().unwrap().value;
    let RolloutPhase::Paused { changed, .. } = &paused.standing.phase else { panic!("it goes on") };
    assert!(changed.contains(&"v2 has 5 % in place of 25 %".to_owned()), "{changed:?}");
    let said = told(&store).await;
    assert_eq!(said.last(), Some(&("paused".to_owned(), "warning")));
    assert_eq!(said.len(), 4, "and it is told once: {said:?}");
    let resumed = desk(&store).resume(asked(hour + 2)).await.unwrap();
    assert_eq!(resumed.step().to_string(), "shadow", "5 % is less than the first step with streams");
    desk(&store).abort(asked(hour + 3), &[]).await.unwrap();
    assert_eq!(policy(&store).await.value, POLICY);
}

#[tokio::test]
async fn a_bus_that_is_down_holds_nothing_up_and_is_told_later() {
    let store = prepared().await;
    let bus = Down(Mutex::new(1));
    let desk = RolloutDesk::new(&store, &bus, PLACE);
    assert!(matches!(desk.start(plan(), asked(0)).await, Err(RolloutError::Notice(_))));
    assert_eq!(desk.advance(at(1), &[], &Readiness::Ready).await.unwrap().did, Some(What::Started));
    assert_eq!(told(&store).await, [("started".to_owned(), "info")]);
}

#[tokio::test]
async fn what_cannot_be_begun_leaves_no_trace() {
    let store = prepared().await;
    let before = kept(&store).await;
    let other = RolloutPlan::parse(&PLAN.replace("d2026.2", "d9")).unwrap();
    assert!(matches!(desk(&store).start(other, asked(0)).await, Err(RolloutError::OtherModel { .. })));
    let unknown = RolloutPlan::parse(&PLAN.replace("2026.2", "2026.9")).unwrap();
    assert!(matches!(desk(&store).start(unknown, asked(0)).await, Err(RolloutError::Registry(_))));
    assert_eq!(kept(&store).await, before);
    let empty = MemoryStore::new();
    let alone = RolloutPlan::parse(
        &PLAN.replace(r#""model":{"version":"2026.2","digest":"d2026.2"}"#, r#""shadow":"x""#),
    );
    assert!(matches!(desk(&empty).start(alone.unwrap(), asked(0)).await, Err(RolloutError::NoPolicy { .. })));
    assert!(matches!(
        desk(&empty).advance(at(0), &[], &Readiness::Ready).await,
        Err(RolloutError::Absent { .. })
    ));
    desk(&store).start(plan(), asked(0)).await.unwrap();
    assert!(matches!(desk(&store).start(plan(), asked(1)).await, Err(RolloutError::Refused(_))));
}

/// What is done in the story of faults.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Start,
    Step,
    Harm,
    Finish,
    Rollback,
}

impl Deed {
    /// A store in which it may be done, and the hour.
    async fn ground(self) -> (MemoryStore, i64) {
        let store = prepared().await;
        let (steps, share, fails) = match self {
            Deed::Start => return (store, 0),
            Deed::Step => (1, 10, 5),
            Deed::Harm => (1, 10, 150),
            Deed::Finish => (3, 50, 5),
            Deed::Rollback => (4, 90, 5),
        };
        let hour = led(&store, steps).await;
        seen(&store, hour, share, fails).await;
        (store, hour + 1)
    }

    async fn done<I: TaskItems + RegistryItems>(self, store: &I, hour: i64) -> Result<Rollout, RolloutError> {
        match self {
            Deed::Start => desk(store).start(plan(), asked(hour)).await,
            Deed::Step | Deed::Harm | Deed::Finish => {
                Ok(desk(store).advance(at(hour), &[], &Readiness::Ready).await?.rollout)
            }
            Deed::Rollback => desk(store).abort(asked(hour), &[]).await,
        }
    }
}

#[tokio::test]
async fn a_crash_between_any_two_writes_ends_where_no_crash_would_have() {
    for deed in [Deed::Start, Deed::Step, Deed::Harm, Deed::Finish, Deed::Rollback] {
        let (store, hour) = deed.ground().await;
        let whole = Dying::at(&store, usize::MAX, true);
        deed.done(&whole, hour).await.unwrap();
        let (expected, writes) = (kept(&store).await, whole.writes.load(Ordering::Relaxed));
        assert!((4..=7).contains(&writes), "{deed:?} takes {writes} writes");
        for dies_at in 0..writes {
            for does_the_last in [false, true] {
                let (store, hour) = deed.ground().await;
                let dying = Dying::at(&store, dies_at, does_the_last);
                assert!(deed.done(&dying, hour).await.is_err(), "{deed:?} at write {dies_at}");
                let under_way = desk(&store).current().await.unwrap();
                if under_way.is_some_and(|found| found.value.pending.is_some()) {
                    desk(&store).advance(at(hour), &[], &Readiness::Ready).await.unwrap();
                } else if kept(&store).await != expected {
                    deed.done(&store, hour).await.unwrap();
                }
                assert_eq!(kept(&store).await, expected, "{deed:?}, write {dies_at}, done: {does_the_last}");
            }
        }
    }
}

#[tokio::test]
async fn a_hand_on_the_policy_while_a_step_is_under_way_is_left_alone() {
    let (store, hour) = Deed::Step.ground().await;
    // The process dies after it wrote down what it is about to do, and before the policy's write.
    let dying = Dying::at(&store, 1, false);
    assert!(Deed::Step.done(&dying, hour).await.is_err());
    let found = policy(&store).await;
    let mine =
        found.value.replace("\"weight\": 90", "\"weight\": 97").replace("\"weight\": 10", "\"weight\": 3");
    put(&store, "routing", found.revision, &mine).await;
    let advanced = desk(&store).advance(at(hour), &[], &Readiness::Ready).await.unwrap();
    assert!(matches!(advanced.rollout.standing.phase, RolloutPhase::Paused { .. }));
    assert_eq!(policy(&store).await.value, mine);
}
