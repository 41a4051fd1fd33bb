//! The router over the real SDK clients and stand-ins that fail as told: every tier and every way to fail, alone and together.
//!
//! Whatever happens, each sample is answered in time, says who answered and what was tried, and belongs to the variant that the
//! policy gives its stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::StreamExt;
use linkcast_aws::{Backends, LocalServices, connect_locally};
use linkcast_domain::ports::{Revised, TaskItem, TaskItems, Written};
use linkcast_domain::{AttemptOutcome, Budget, Clock, StreamId, SystemClock, Timestamp};
use linkcast_pipeline::{Judge, Judged, Judges, Route, Router};
use linkcast_routing::{Policy, Verdict};
use linkcast_scoring::Model;
use linkcast_stand_in::{BedrockSettings, Fault, Running, SageMakerSettings, Script, Service, StandIn, Step};
use linkcast_store::MemoryStore;
use linkcast_tests::{FABRIC, TASK, sample_vector, shipped_model};

/// How much later than the deadline an answer may be noticed on a machine that is busy.
const SLACK: Duration = Duration::from_millis(1_500);
const DEADLINE: Duration = Duration::from_millis(2_000);
/// Cases tried at once.
const AT_ONCE: usize = 16;

/// The machine's clock, which can be put forward.
#[derive(Default)]
struct Ahead(AtomicI64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().millis() + self.0.load(Ordering::Relaxed))
    }
    fn micros(&self) -> u64 {
        SystemClock.micros() + self.0.load(Ordering::Relaxed).unsigned_abs() * 1_000
    }
}

/// SageMaker and Bedrock on this machine.
struct Aws {
    sagemaker: Running,
    bedrock: Running,
    model: Arc<Model>,
}

impl Aws {
    async fn start() -> Result<Aws> {
        let model = shipped_model()?;
        let sagemaker = StandIn::sagemaker(SageMakerSettings::new(Arc::clone(&model))).start().await?;
        let bedrock = StandIn::bedrock(BedrockSettings::new(Arc::clone(&model))).start().await?;
        Ok(Aws { sagemaker, bedrock, model })
    }

    /// A process of its own: its own connections, its own memory.
    async fn process(&self, name: &str) -> Router<Backends, Arc<Model>> {
        let services = LocalServices {
            all: self.sagemaker.url(),
            bedrock_runtime: Some(self.bedrock.url()),
            ..LocalServices::default()
        };
        let shared = connect_locally(services).await;
        Router::new(TASK, name, Backends::new(&shared, FABRIC, TASK), Arc::clone(&self.model))
    }
}

fn policy(endpoint: &str, language_model: &str) -> String {
    format!(
        r#"{{"salt":"s","deadline_ms":{},"fallback":["claude","embedded"],"variants":[
            {{"name":"live","weight":100,"target":{{"kind":"sagemaker","endpoint":"{endpoint}"}}}},
            {{"name":"claude","weight":0,"target":{{"kind":"bedrock","model":"{language_model}"}}}},
            {{"name":"embedded","weight":0,"target":{{"kind":"embedded"}}}}]}}"#,
        DEADLINE.as_millis()
    )
}

async fn put(store: &MemoryStore, policy: &str) -> Result<()> {
    let revision = store.task_item(TASK, "routing").await?.map_or(0, |found| found.revision);
    let text = Revised { revision, value: policy.to_owned() };
    let item = TaskItem { name: "routing".to_owned(), text, until: None };
    anyhow::ensure!(store.put_task_item(TASK, &item).await? == Written::Yes, "somebody else wrote");
    Ok(())
}

/// The routes of one sample of each stream, held to the deadline.
async fn routes(
    router: &Router<Backends, Arc<Model>>,
    store: &MemoryStore,
    clock: &Ahead,
    streams: &[StreamId],
) -> Result<Vec<Route>> {
    let vectors: Vec<_> = (0..streams.len()).map(sample_vector).collect();
    let time = Timestamp::from_millis(1_767_225_600_000);
    let samples: Vec<Judged<'_>> =
        streams.iter().zip(&vectors).map(|(stream, features)| Judged { stream, time, features }).collect();
    let budget = Budget::of(Duration::from_secs(30), clock);
    let started = Instant::now();
    let judges = router.within(store, budget, clock).judges(&samples).await;
    let took = started.elapsed();
    anyhow::ensure!(took < DEADLINE + SLACK, "answered after {took:?}");
    anyhow::ensure!(judges.len() == streams.len(), "{} of {} answered", judges.len(), streams.len());
    judges.iter().map(|judge| judge.route().cloned().context("a judge without a route")).collect()
}

fn streams(count: u64) -> Result<Vec<StreamId>> {
    (0..count).map(|number| Ok(format!("{:016x}/1", 0xb859_9f03_0012_0000 + number).parse()?)).collect()
}

/// A fault's own endpoint or model, so that all cases can be tried side by side.
fn named(fault: Fault) -> String {
    format!("{fault:?}").to_ascii_lowercase()
}

fn every_fault(service: Service) -> (Vec<Fault>, Script) {
    let faults: Vec<Fault> = Fault::ALL.into_iter().filter(|fault| fault.is_for(service)).collect();
    let script = faults.iter().fold(Script::default(), |script, fault| {
        let step = match fault {
            Fault::Slow => Step::slow(DEADLINE * 10, u32::MAX),
            fault => Step::always(*fault),
        };
        script.and(&named(*fault), vec![step])
    });
    (faults, script)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_alone_or_together_every_sample_is_answered_in_time_and_says_by_whom() -> Result<()> {
    let aws = Aws::start().await?;
    let (of_endpoints, script) = every_fault(Service::SageMaker);
    aws.sagemaker.set_script(script)?;
    let (of_models, script) = every_fault(Service::Bedrock);
    aws.bedrock.set_script(script)?;
    let pairs: Vec<(Fault, Fault)> =
        of_endpoints.iter().flat_map(|one| of_models.iter().map(move |other| (*one, *other))).collect();
    assert!(pairs.len() > 200, "{} cases", pairs.len());
    let aws = &aws;
    let cases = pairs.into_iter().map(|(endpoint, language_model)| async move {
        let store = MemoryStore::new();
        put(&store, &policy(&named(endpoint), &named(language_model))).await?;
        let router = aws.process("one").await;
        let routes = routes(&router, &store, &Ahead::default(), &streams(2)?).await?;
        let (expected, tried) = match (endpoint, language_model) {
            (Fault::Answer, _) => ("live", 1),
            (_, Fault::Answer) => ("claude", 2),
            _ => ("embedded", 3),
        };
        for route in &routes {
            let from = (expected != "live").then_some("live");
            let said = (route.variant.as_str(), route.fallback_from.as_deref(), route.attempts.len());
            anyhow::ensure!(
                said == (expected, from, tried),
                "{endpoint:?} and {language_model:?}: {route:?}"
            );
            let (last, before) = route.attempts.split_last().context("no attempt")?;
            let all_failed = before.iter().all(|one| matches!(one.outcome, AttemptOutcome::Failed(_)));
            anyhow::ensure!(last.outcome == AttemptOutcome::Answered && all_failed, "{route:?}");
        }
        Ok(())
    });
    let outcomes: Vec<Result<()>> =
        futures_util::stream::iter(cases).buffer_unordered(AT_ONCE).collect().await;
    outcomes.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_opens_for_every_process_and_closes_once_the_endpoint_is_well() -> Result<()> {
    let (aws, store, clock) = (Aws::start().await?, MemoryStore::new(), Ahead::default());
    put(&store, &policy("live", "claude")).await?;
    aws.sagemaker.set_script(Script::for_everyone(vec![Step::always(Fault::ModelError)]))?;
    let (one, other, streams) = (aws.process("one").await, aws.process("other").await, streams(1)?);
    for _ in 0..5 {
        routes(&one, &store, &clock, &streams).await?;
    }
    let asked = aws.sagemaker.requests().len();
    for router in [&one, &other] {
        let route = routes(router, &store, &clock, &streams).await?.remove(0);
        assert_eq!(route.variant, "claude");
        assert_eq!(route.attempts[0].outcome, AttemptOutcome::Skipped);
    }
    assert_eq!(aws.sagemaker.requests().len(), asked, "an endpoint that rests is not asked");
    let written = store.task_item(TASK, "breaker#live").await?.context("nothing is written down")?;
    let rest = serde_json::from_str::<Verdict>(&written.value)?.until.since(clock.now());
    assert!(rest > Duration::from_secs(5) && rest <= Duration::from_secs(15), "{rest:?} are left");

    aws.sagemaker.set_script(Script::default())?;
    clock.0.fetch_add(16_000, Ordering::Relaxed);
    assert_eq!(routes(&other, &store, &clock, &streams).await?[0].variant, "live", "the probe is answered");
    clock.0.fetch_add(11_000, Ordering::Relaxed);
    for router in [&one, &other] {
        assert_eq!(routes(router, &store, &clock, &streams).await?[0].variant, "live");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_stream_changes_its_variant_but_by_the_policy() -> Result<()> {
    let (aws, store, clock) = (Aws::start().await?, MemoryStore::new(), Ahead::default());
    let canary = |weight: u32| {
        format!(
            r#"{{"salt":"s","deadline_ms":2000,"fallback":["live","embedded"],"variants":[
                {{"name":"candidate","weight":{weight},"target":{{"kind":"sagemaker","endpoint":"candidate"}}}},
                {{"name":"live","weight":{},"target":{{"kind":"sagemaker","endpoint":"live"}}}},
                {{"name":"embedded","weight":0,"target":{{"kind":"embedded"}}}}]}}"#,
            100 - weight
        )
    };
    let streams = streams(2_000)?;
    let mut candidates_before: Vec<bool> = vec![false; streams.len()];
    for (weight, broken) in [(10, false), (25, true), (50, false), (100, false)] {
        put(&store, &canary(weight)).await?;
        clock.0.fetch_add(11_000, Ordering::Relaxed);
        let steps = if broken { vec![Step::always(Fault::Garbage)] } else { Vec::new() };
        aws.sagemaker.set_script(Script::default().and("candidate", steps))?;
        let expected = Policy::parse(&canary(weight))?;
        // Two processes that have just started: neither knows what the other gave whom.
        for name in ["one", "other"] {
            let router = aws.process(name).await;
            let routes = routes(&router, &store, &clock, &streams).await?;
            for ((stream, route), before) in streams.iter().zip(&routes).zip(&mut candidates_before) {
                let own = expected.variants()[expected.assigned(stream)].name.as_str();
                let is_own = route.fallback_from.as_deref().unwrap_or(&route.variant) == own;
                assert!(is_own, "{stream} belongs to {own}: {route:?}");
                assert!(own == "candidate" || !*before, "{stream} moved back at {weight} %");
                assert!(!(broken && route.variant == "candidate"), "garbage was taken for an answer");
                *before = own == "candidate";
            }
        }
    }
    Ok(())
}
