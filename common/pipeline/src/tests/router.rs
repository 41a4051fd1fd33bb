//! Routing, with backends that do as they are told: who answers, what it says of itself, what others learn of it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use linkcast_domain::ports::{Backend, Inquiry, Revised, StoreError, TaskItem, TaskItems, Written};
use linkcast_domain::{
    Answer, AskError, AttemptOutcome, Budget, Clock, Cost, FailureKind, Feature, FeatureVector, NanoDollars,
    PredictionType, StreamId, SystemClock, Target, Timestamp, Usage,
};
use linkcast_routing::{BreakerState, Evidence, Verdict};
use linkcast_store::MemoryStore;

use super::doubles::Rule;
use crate::{Judge, Judged, Judges, RoutedJudge, Router, RoutingDesk};

const TASK: &str = "link-health";

/// What an endpoint does when asked; its last doing is repeated.
#[derive(Clone, Debug)]
enum Does {
    Answer(PredictionType),
    Fail(FailureKind),
    Hang,
    Forget,
}

/// Endpoints by name, and what each was asked.
#[derive(Default)]
struct Scripted {
    scripts: Mutex<BTreeMap<String, Vec<Does>>>,
    asked: Mutex<Vec<(String, usize)>>,
    standing: Option<Target>,
}

impl Scripted {
    fn of(scripts: &[(&str, &[Does])]) -> Self {
        let scripts = scripts.iter().map(|(name, does)| ((*name).to_owned(), does.to_vec())).collect();
        Scripted { scripts: Mutex::new(scripts), ..Scripted::default() }
    }

    fn set(&self, name: &str, does: Does) {
        self.scripts.lock().unwrap().insert(name.to_owned(), vec![does]);
    }

    fn times_asked(&self, name: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|(asked, _)| asked == name).count()
    }
}

impl Backend for &Scripted {
    async fn ask(
        &self,
        target: &Target,
        inquiries: &[Inquiry<'_>],
        _: Duration,
    ) -> Vec<Result<Answer, AskError>> {
        let name = match target {
            Target::Sagemaker { endpoint, .. } => endpoint.clone().unwrap_or_default(),
            Target::Bedrock { model, .. } => model.clone(),
            other => panic!("nobody asks {other:?} across a network here"),
        };
        self.asked.lock().unwrap().push((name.clone(), inquiries.len()));
        let does = {
            let mut scripts = self.scripts.lock().unwrap();
            let script = scripts.get_mut(&name).unwrap_or_else(|| panic!("no script for {name}"));
            if script.len() > 1 { script.remove(0) } else { script[0].clone() }
        };
        match does {
            Does::Answer(class) => {
                let mut probabilities = [0.01; PredictionType::COUNT];
                probabilities[class.index()] = 0.9;
                let usage = Usage { input_tokens: 1_000, output_tokens: 100 };
                let mut answer = Answer::checked(&probabilities, Some(88.0)).unwrap();
                answer.usage = usage;
                answer.model_version = format!("{name}-7");
                inquiries.iter().map(|_| Ok(answer.clone())).collect()
            }
            Does::Fail(kind) => {
                inquiries.iter().map(|_| Err(AskError::new(&name, kind, "as told"))).collect()
            }
            Does::Hang => std::future::pending().await,
            Does::Forget => Vec::new(),
        }
    }

    async fn standing(&self, _: Duration) -> Option<Target> {
        self.standing.clone()
    }
}

/// The machine's clock, which can be put forward.
#[derive(Default)]
struct Ahead(AtomicI64);

impl Ahead {
    fn put_forward(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, Ordering::Relaxed);
    }
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().millis() + self.0.load(Ordering::Relaxed))
    }
    fn micros(&self) -> u64 {
        SystemClock.micros() + self.0.load(Ordering::Relaxed) as u64 * 1_000
    }
}

fn policy(more: &str) -> String {
    format!(
        r#"{{"salt":"s","deadline_ms":600,"reserve_ms":20,"fallback":["claude","embedded"]{more},"variants":[
            {{"name":"live","weight":100,"target":{{"kind":"sagemaker","endpoint":"live"}},
              "prices":{{"gigabyte_second":20000,"memory_mb":4096}}}},
            {{"name":"claude","weight":0,"target":{{"kind":"bedrock","model":"claude"}},
              "prices":{{"million_input_tokens":1000000000,"million_output_tokens":5000000000}}}},
            {{"name":"embedded","weight":0,"target":{{"kind":"embedded"}}}}]}}"#
    )
}

async fn put_policy(store: &MemoryStore, text: &str) {
    let revision = store.task_item(TASK, "routing").await.unwrap().map_or(0, |found| found.revision);
    let text = Revised { revision, value: text.to_owned() };
    let item = TaskItem { name: "routing".to_owned(), text, until: None };
    assert_eq!(store.put_task_item(TASK, &item).await.unwrap(), Written::Yes);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

fn streams(count: u64) -> Vec<StreamId> {
    (0..count).map(|number| format!("{number:016x}/1").parse().unwrap()).collect()
}

async fn routed<'a>(
    router: &'a Router<&Scripted, Rule>,
    store: &MemoryStore,
    clock: &Ahead,
    count: u64,
) -> Vec<RoutedJudge<'a, Rule>> {
    let mut features = FeatureVector::default();
    features.set(Feature::LinkDowned12h, 3.0);
    let streams = streams(count);
    let time = Timestamp::from_millis(1_700_000_000_000);
    let samples: Vec<Judged<'_>> =
        streams.iter().map(|stream| Judged { stream, time, features: &features }).collect();
    let budget = Budget::of(Duration::from_secs(10), clock);
    let judges = router.within(store, budget, clock).judges(&samples).await;
    assert_eq!(judges.len() as u64, count, "every sample is answered");
    judges
}

fn told(judge: &RoutedJudge<'_, Rule>) -> (String, Option<String>, Vec<(String, AttemptOutcome)>) {
    let route = judge.route().unwrap();
    let attempts = route.attempts.iter().map(|one| (one.variant.clone(), one.outcome)).collect();
    (route.variant.clone(), route.fallback_from.clone(), attempts)
}

fn failed(variant: &str, kind: FailureKind) -> (String, AttemptOutcome) {
    (variant.to_owned(), AttemptOutcome::Failed(kind))
}

fn answered(variant: &str) -> (String, AttemptOutcome) {
    (variant.to_owned(), AttemptOutcome::Answered)
}

const LATENCY: Does = Does::Answer(PredictionType::LatencySpike);

#[test]
fn the_streams_own_variant_answers_and_its_price_is_the_sum_of_its_parts() {
    runtime().block_on(async {
        let (store, clock, scripted) =
            (MemoryStore::new(), Ahead::default(), Scripted::of(&[("live", &[LATENCY])]));
        put_policy(
            &store,
            &policy(r#","prices":{"million_write_units":1000000000,"write_units_an_insight":3}"#),
        )
        .await;
        let router = Router::new(TASK, "one", &scripted, Rule::new());
        let judges = routed(&router, &store, &clock, 7).await;
        assert_eq!(scripted.times_asked("live"), 1, "seven samples are one question");
        for judge in &judges {
            assert_eq!(told(judge), ("live".into(), None, vec![answered("live")]));
            assert_eq!(judge.score(&FeatureVector::default()).class, PredictionType::LatencySpike);
            assert_eq!(
                (judge.identity().model_used.as_str(), judge.score(&FeatureVector::default()).risk),
                ("sagemaker", 88.0)
            );
            let cost = judge.route().unwrap().cost();
            assert_eq!((cost.table, cost.tokens), (NanoDollars(3_000), NanoDollars(0)));
            assert_eq!(cost.total(), cost.tokens + cost.endpoint + cost.function + cost.table);
        }
    });
}

#[test]
fn who_fails_is_stood_in_for_and_all_that_was_tried_stands_in_the_answer() {
    runtime().block_on(async {
        let (store, clock) = (MemoryStore::new(), Ahead::default());
        put_policy(&store, &policy("")).await;
        for kind in
            [FailureKind::Model, FailureKind::BadOutput, FailureKind::NotFound, FailureKind::AccessDenied]
        {
            let scripted = Scripted::of(&[("live", &[Does::Fail(kind)]), ("claude", &[LATENCY])]);
            let router = Router::new(TASK, "one", &scripted, Rule::new());
            let judges = routed(&router, &store, &clock, 3).await;
            let expected =
                ("claude".into(), Some("live".into()), vec![failed("live", kind), answered("claude")]);
            assert!(judges.iter().all(|judge| told(judge) == expected), "{:?}", told(&judges[0]));
            assert_eq!(judges[0].route().unwrap().cost().tokens, NanoDollars(1_500_000));
            assert_eq!(judges[0].identity().model_version, "claude-7");
            assert_eq!(scripted.times_asked("live"), 1, "what will fail again is not asked again");
        }
        let nobody =
            Scripted::of(&[("live", &[Does::Forget]), ("claude", &[Does::Fail(FailureKind::Model)])]);
        let router = Router::new(TASK, "one", &nobody, Rule::new());
        let judge = &routed(&router, &store, &clock, 1).await[0];
        assert_eq!(told(judge).0, "embedded");
        assert_eq!(
            told(judge).2[0],
            failed("live", FailureKind::BadOutput),
            "an answer to no sample is none"
        );
        assert_eq!(judge.score(&FeatureVector::default()).class, PredictionType::ConnectionInstability);
    });
}

#[test]
fn what_fails_for_a_moment_is_asked_once_more() {
    runtime().block_on(async {
        let (store, clock) = (MemoryStore::new(), Ahead::default());
        put_policy(&store, &policy("")).await;
        let scripted = Scripted::of(&[("live", &[Does::Fail(FailureKind::Throttled), LATENCY])]);
        let router = Router::new(TASK, "one", &scripted, Rule::new());
        assert_eq!(told(&routed(&router, &store, &clock, 2).await[0]).2, [answered("live")]);
        assert_eq!(scripted.times_asked("live"), 2);
        let stubborn =
            Scripted::of(&[("live", &[Does::Fail(FailureKind::Throttled)]), ("claude", &[LATENCY])]);
        let router = Router::new(TASK, "one", &stubborn, Rule::new());
        assert_eq!(told(&routed(&router, &store, &clock, 2).await[0]).0, "claude");
        assert_eq!(stubborn.times_asked("live"), 2, "and not a third time");
    });
}

#[test]
fn with_every_tier_hanging_the_embedded_model_answers_within_the_deadline() {
    runtime().block_on(async {
        let (store, clock) = (MemoryStore::new(), Ahead::default());
        put_policy(&store, &policy("")).await;
        let scripted = Scripted::of(&[("live", &[Does::Hang]), ("claude", &[Does::Hang])]);
        let router = Router::new(TASK, "one", &scripted, Rule::new());
        let judges = routed(&router, &store, &clock, 2).await;
        let attempts = vec![
            failed("live", FailureKind::Timeout),
            failed("claude", FailureKind::Timeout),
            answered("embedded"),
        ];
        assert_eq!(told(&judges[0]), ("embedded".into(), Some("live".into()), attempts));
        let tiers: u64 = judges[0].route().unwrap().attempts.iter().map(|one| one.latency_us).sum();
        assert!(tiers < 600_000, "both together left the deadline its reserve: {tiers} µs");
    });
}

#[test]
fn who_answers_late_is_overtaken_by_the_next_where_the_policy_hedges() {
    runtime().block_on(async {
        let (store, clock) = (MemoryStore::new(), Ahead::default());
        put_policy(&store, &policy(r#","hedge_after_ms":20"#)).await;
        let scripted = Scripted::of(&[("live", &[Does::Hang]), ("claude", &[LATENCY])]);
        let router = Router::new(TASK, "one", &scripted, Rule::new());
        let judge = &routed(&router, &store, &clock, 1).await[0];
        let attempts = vec![("live".to_owned(), AttemptOutcome::Overtaken), answered("claude")];
        assert_eq!(told(judge), ("claude".into(), Some("live".into()), attempts));
    });
}

#[test]
fn a_breaker_opens_is_known_to_others_is_probed_by_one_and_closes() {
    runtime().block_on(async {
        let (store, clock) = (MemoryStore::new(), Ahead::default());
        put_policy(&store, &policy("")).await;
        let scripted = Scripted::of(&[("live", &[Does::Fail(FailureKind::Model)]), ("claude", &[LATENCY])]);
        let (one, other) = (
            Router::new(TASK, "one", &scripted, Rule::new()),
            Router::new(TASK, "other", &scripted, Rule::new()),
        );
        for _ in 0..5 {
            routed(&one, &store, &clock, 4).await;
        }
        assert_eq!(scripted.times_asked("live"), 5);
        let written = store.task_item(TASK, "breaker#live").await.unwrap().unwrap();
        assert_eq!(serde_json::from_str::<Verdict>(&written.value).unwrap().state, BreakerState::Open);
        for router in [&one, &other] {
            let judge = &routed(router, &store, &clock, 1).await[0];
            assert_eq!(told(judge).2, [("live".into(), AttemptOutcome::Skipped), answered("claude")]);
        }
        assert_eq!(scripted.times_asked("live"), 5, "nobody asks who rests");
        clock.put_forward(16);
        scripted.set("live", LATENCY);
        let judges = routed(&other, &store, &clock, 4).await;
        let by_live = judges.iter().filter(|judge| told(judge).0 == "live").count();
        assert_eq!((by_live, scripted.times_asked("live")), (1, 6), "one sample probes, three go on");
        clock.put_forward(11);
        for router in [&one, &other] {
            assert!(routed(router, &store, &clock, 4).await.iter().all(|judge| told(judge).0 == "live"));
        }
    });
}

#[test]
fn of_two_who_would_probe_one_does() {
    runtime().block_on(async {
        let (store, clock) = (MemoryStore::new(), Ahead::default());
        put_policy(&store, &policy("")).await;
        let scripted = Scripted::of(&[("live", &[Does::Fail(FailureKind::Model)]), ("claude", &[LATENCY])]);
        let routers = ["one", "other"].map(|name| Router::new(TASK, name, &scripted, Rule::new()));
        for _ in 0..5 {
            routed(&routers[0], &store, &clock, 1).await;
        }
        routed(&routers[1], &store, &clock, 1).await;
        clock.put_forward(9);
        for router in &routers {
            routed(router, &store, &clock, 1).await;
        }
        clock.put_forward(7);
        let before = scripted.times_asked("live");
        for router in &routers {
            assert_eq!(told(&routed(router, &store, &clock, 1).await[0]).0, "claude");
        }
        assert_eq!(scripted.times_asked("live"), before + 1);
    });
}

#[test]
fn a_policy_that_cannot_be_followed_leaves_the_last_good_one_in_force() {
    runtime().block_on(async {
        let (store, clock) = (MemoryStore::new(), Ahead::default());
        let scripted = Scripted::of(&[("live", &[LATENCY]), ("claude", &[LATENCY])]);
        let router = Router::new(TASK, "one", &scripted, Rule::new());
        assert_eq!(told(&routed(&router, &store, &clock, 1).await[0]), ("embedded".into(), None, vec![]));
        put_policy(&store, &policy("")).await;
        assert_eq!(
            told(&routed(&router, &store, &clock, 1).await[0]).0,
            "embedded",
            "it is read now and then"
        );
        clock.put_forward(11);
        assert_eq!(told(&routed(&router, &store, &clock, 1).await[0]).0, "live");
        put_policy(&store, &policy("").replace("100", "90")).await;
        clock.put_forward(11);
        assert_eq!(told(&routed(&router, &store, &clock, 1).await[0]).0, "live");
        let news = router.take_news();
        assert!(news.bad_policy.unwrap().contains("a sum of 90"));
        assert_eq!(news.answered.get("live"), Some(&2));
    });
}

#[test]
fn without_a_policy_an_endpoint_that_stands_answers() {
    runtime().block_on(async {
        let (store, clock) = (MemoryStore::new(), Ahead::default());
        let mut scripted = Scripted::of(&[("found", &[LATENCY])]);
        let endpoint = serde_json::from_str(r#"{"kind":"sagemaker","endpoint":"found"}"#).unwrap();
        scripted.standing = Some(endpoint);
        let router = Router::new(TASK, "one", &scripted, Rule::new());
        assert_eq!(told(&routed(&router, &store, &clock, 1).await[0]).0, "live");
        assert_eq!(scripted.times_asked("found"), 1);
    });
}

#[test]
fn what_was_seen_is_written_down_whole_and_adds_up_over_processes() {
    runtime().block_on(async {
        let (store, clock) = (MemoryStore::new(), Ahead::default());
        put_policy(&store, &policy("")).await;
        let scripted = Scripted::of(&[("live", &[LATENCY])]);
        let one = Router::new(TASK, "one", &scripted, Rule::new()).with_shadow(Rule::new());
        let other = Router::new(TASK, "other", &scripted, Rule::new());
        for _ in 0..3 {
            routed(&one, &store, &clock, 5).await;
            routed(&other, &store, &clock, 2).await;
            clock.put_forward(11);
        }
        let mut all = Evidence::default();
        for (_, text) in store.task_items(TASK, "evidence#").await.unwrap() {
            all.merge(&serde_json::from_str(&text.value).unwrap());
        }
        let seen = all.of(&"live".parse().unwrap()).unwrap();
        assert_eq!((seen.answered, seen.agreed, seen.disagreements()), (21, 0, 21));
        let pair = (PredictionType::ConnectionInstability, PredictionType::LatencySpike);
        assert_eq!(seen.disagreed.get(&pair), Some(&21));
        assert_eq!(seen.latency.count(), 21);
        assert_eq!(seen.failures_by_question(), (6, 0), "samples asked about together are one question");
        let beside = seen.shadows.get("shadow-1").unwrap();
        assert_eq!((beside.agreed, beside.differed), (15, 0), "and over the same samples");
        let shadow = all.of(&"shadow-1".parse().unwrap()).unwrap();
        assert_eq!((shadow.answered, shadow.agreed), (15, 15), "a shadow judges all and is compared");
    });
}

#[test]
fn samples_two_models_differ_about_are_kept_whole_and_not_too_many() {
    runtime().block_on(async {
        let (store, clock) = (MemoryStore::new(), Ahead::default());
        put_policy(&store, &policy(r#","records_an_hour":3"#)).await;
        let scripted = Scripted::of(&[("live", &[LATENCY])]);
        let router = Router::new(TASK, "one", &scripted, Rule::new());
        for _ in 0..2 {
            routed(&router, &store, &clock, 5).await;
        }
        let kept = RoutingDesk::new(&store, TASK).disagreements(Timestamp::EARLIEST).await.unwrap();
        assert_eq!(kept.len(), 3);
        let first = &kept[0];
        assert_eq!((first.variant.as_str(), &first.stream), ("live", &streams(1)[0]));
        let classes = (first.answered.class, first.embedded.class);
        assert_eq!(classes, (PredictionType::LatencySpike, PredictionType::ConnectionInstability));
        assert_eq!(first.features.get("link_downed_12h"), Some(&3.0));
        clock.put_forward(3_600);
        routed(&router, &store, &clock, 5).await;
        let kept = RoutingDesk::new(&store, TASK).disagreements(Timestamp::EARLIEST).await.unwrap();
        assert_eq!(kept.len(), 3, "the same samples are the same records");
    });
}

/// A store that is there and says nothing.
struct Mute;

impl TaskItems for Mute {
    async fn task_item(&self, _: &str, _: &str) -> Result<Option<Revised<String>>, StoreError> {
        std::future::pending().await
    }
    async fn task_items(&self, _: &str, _: &str) -> Result<Vec<(String, Revised<String>)>, StoreError> {
        std::future::pending().await
    }
    async fn put_task_item(&self, _: &str, _: &TaskItem) -> Result<Written, StoreError> {
        std::future::pending().await
    }
}

#[test]
fn a_store_that_says_nothing_holds_up_no_answer() {
    runtime().block_on(async {
        let (store, clock) = (MemoryStore::new(), Ahead::default());
        put_policy(&store, &policy("")).await;
        let scripted = Scripted::of(&[("live", &[Does::Fail(FailureKind::Model)]), ("claude", &[LATENCY])]);
        let router = Router::new(TASK, "one", &scripted, Rule::new());
        for _ in 0..5 {
            routed(&router, &store, &clock, 1).await;
        }
        // Everything is due at once: to read anew, to claim the probe, to write down.
        clock.put_forward(16);
        let (streams, features) = (streams(2), FeatureVector::default());
        let time = Timestamp::from_millis(1_700_000_000_000);
        let samples: Vec<Judged<'_>> =
            streams.iter().map(|stream| Judged { stream, time, features: &features }).collect();
        let budget = Budget::of(Duration::from_secs(10), &clock);
        let routing = router.within(&Mute, budget, &clock);
        let judges = tokio::time::timeout(Duration::from_secs(5), routing.judges(&samples)).await.unwrap();
        let expected = vec![("live".to_owned(), AttemptOutcome::Skipped), answered("claude")];
        assert!(judges.iter().all(|judge| told(judge).2 == expected), "{:?}", told(&judges[0]));
        assert!(matches!(router.take_news().store, Some(StoreError::Busy { .. })));
    });
}

#[test]
fn a_route_without_attempts_is_free() {
    let route = crate::Route {
        variant: "embedded".into(),
        fallback_from: None,
        latency_us: 3,
        overhead: Cost::default(),
        attempts: Vec::new(),
    };
    assert_eq!((route.cost(), route.dollars()), (Cost::default(), 0.0));
}
