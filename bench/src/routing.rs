//! What routing costs beside whoever answers, and what it does when nobody does.
//!
//! The router's own time is that of one sample with a tier that answers at once, less the embedded model's score, which every
//! sample gets anyway. The trials with every tier hanging are real waits: each must end with the embedded model's answer within
//! the deadline, and soon after the last share does. LiteLLM's figure is the one it publishes for its proxy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use linkcast_domain::ports::{Backend, Inquiry};
use linkcast_domain::{
    Answer, AskError, Budget, Feature, FeatureVector, PredictionType, StreamId, SystemClock, Target,
    Timestamp,
};
use linkcast_pipeline::{Judged, Judges, Router, RoutingDesk};
use linkcast_routing::Policy;
use linkcast_scoring::{Model, TASK};
use linkcast_store::MemoryStore;
use tokio::task::JoinSet;

use crate::contest::quantile;
use crate::report::{Line, Met, fixed};
use crate::scoring::load_shipped;

/// Questions routed for one figure.
const QUESTIONS: usize = 50_000;
/// Samples of the larger question.
const BATCH: usize = 100;
/// Trials in which every tier hangs, and how many wait at once.
const TRIALS: usize = 100_000;
const AT_ONCE: usize = 100;
/// The trials' deadline and what of it is the embedded model's.
const DEADLINE: Duration = Duration::from_millis(100);
const RESERVE: Duration = Duration::from_millis(20);

/// Answers at once, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tier {
    AtOnce,
    Never,
}

impl Backend for Tier {
    async fn ask(&self, _: &Target, inquiries: &[Inquiry<'_>], _: Duration) -> Vec<Result<Answer, AskError>> {
        if *self == Tier::Never {
            return std::future::pending().await;
        }
        let mut probabilities = [0.0; PredictionType::COUNT];
        probabilities[0] = 1.0;
        inquiries.iter().filter_map(|_| Answer::checked(&probabilities, Some(0.0)).ok()).map(Ok).collect()
    }
}

pub(crate) fn run() -> Result<Vec<Line>> {
    let model = Arc::new(load_shipped()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build()?;
    let store = Arc::new(MemoryStore::new());
    runtime.block_on(write_policy(&store))?;
    let (one, each) = runtime.block_on(overhead(&store, &model))?;
    let hanging = runtime.block_on(hang(&store, &model))?;
    let micros = |time: Duration| format!("{:.1} µs", time.as_nanos() as f64 / 1e3);
    let millis = |time: Duration| format!("{:.2} ms", time.as_nanos() as f64 / 1e6);
    let litellm = "LiteLLM's proxy, as published (docs.litellm.ai/docs/benchmarks)";
    let met = Met::when(one <= Duration::from_micros(5));
    let of_one = fixed("routing one question, p50", micros(one), litellm, "2–12 ms", "5 µs", met);
    let of_batch =
        fixed("routing, a sample of 100 asked together, p50", micros(each), litellm, "–", "–", Met::NoTarget);
    let told = format!(
        "{} of {TRIALS} within {} ms; after the last share p50 {}, p99 {}, most {}",
        hanging.in_time,
        DEADLINE.as_millis(),
        millis(hanging.p50),
        millis(hanging.p99),
        millis(hanging.most)
    );
    let met = Met::when(hanging.in_time == TRIALS && hanging.p99 <= Duration::from_millis(1));
    let target = "all in time, 1 ms after the last share";
    Ok(vec![of_one, of_batch, fixed("every tier hanging", told, "the deadline", "–", target, met)])
}

async fn write_policy(store: &MemoryStore) -> Result<()> {
    let text = format!(
        r#"{{"salt":"bench","deadline_ms":{},"reserve_ms":{},"fallback":["second","embedded"],
            "breaker":{{"failures":1000,"least_outcomes":100000}},"variants":[
            {{"name":"first","weight":100,"target":{{"kind":"sagemaker","endpoint":"first"}}}},
            {{"name":"second","weight":0,"target":{{"kind":"sagemaker","endpoint":"second"}}}},
            {{"name":"embedded","weight":0,"target":{{"kind":"embedded"}}}}]}}"#,
        DEADLINE.as_millis(),
        RESERVE.as_millis()
    );
    let policy = Policy::parse(&text).context("not a policy")?;
    RoutingDesk::new(store, TASK).put(&policy, 0).await.context("cannot write the policy")?;
    Ok(())
}

fn streams(count: usize) -> Vec<StreamId> {
    (0..count).filter_map(|number| format!("{number:016x}/1").parse().ok()).collect()
}

fn vector() -> FeatureVector {
    let mut features = FeatureVector::default();
    features.set(Feature::SymbolBer12m, 1e-12);
    features.set(Feature::Utilization, 40.0);
    features
}

/// The median time of routing one question of one sample, and of one of [`BATCH`] for each of its samples: of each, what it took
/// beyond the scores of the same samples a moment before.
async fn overhead(store: &MemoryStore, model: &Model) -> Result<(Duration, Duration)> {
    let router = Router::new(TASK, "bench", Tier::AtOnce, model);
    let (streams, features, time) = (streams(BATCH), vector(), Timestamp::from_millis(1_700_000_000_000));
    let samples: Vec<Judged<'_>> =
        streams.iter().map(|stream| Judged { stream, time, features: &features }).collect();
    let mut medians = Vec::new();
    for size in [1, BATCH] {
        let part = samples.get(..size).context("there are as many samples as that")?;
        let mut times = Vec::with_capacity(QUESTIONS / size);
        for _ in 0..QUESTIONS / size {
            let started = Instant::now();
            for sample in part {
                std::hint::black_box(model.score(std::hint::black_box(sample.features)));
            }
            let scored = started.elapsed();
            let budget = Budget::of(Duration::from_secs(10), &SystemClock);
            let started = Instant::now();
            std::hint::black_box(router.within(store, budget, &SystemClock).judges(part).await);
            times.push(started.elapsed().saturating_sub(scored).as_secs_f64());
        }
        medians.push(duration(quantile(times, 0.5) / size as f64));
    }
    match medians.as_slice() {
        [one, each] => Ok((*one, *each)),
        _ => anyhow::bail!("two sizes give two figures"),
    }
}

/// How the trials ended: how many in time, and how long after the last share.
struct Hanging {
    in_time: usize,
    p50: Duration,
    p99: Duration,
    most: Duration,
}

async fn hang(store: &Arc<MemoryStore>, model: &Arc<Model>) -> Result<Hanging> {
    let mut running = JoinSet::new();
    let mut times = Vec::with_capacity(TRIALS);
    for trial in 0..TRIALS {
        if running.len() >= AT_ONCE {
            times.extend(running.join_next().await.transpose()?);
        } else {
            // Trials that begin together would end together, and wait for one another.
            tokio::time::sleep(DEADLINE / AT_ONCE as u32).await;
        }
        let (store, model) = (Arc::clone(store), Arc::clone(model));
        running.spawn(async move {
            let router = Router::new(TASK, "trial", Tier::Never, &*model);
            let (stream, features) = (streams(trial % 1_000 + 1).pop(), vector());
            let stream = stream.unwrap_or_else(|| {
                linkcast_domain::PortId { node: linkcast_domain::NodeGuid(1), port: 1 }.into()
            });
            let time = Timestamp::from_millis(1_700_000_000_000);
            let budget = Budget::of(Duration::from_secs(10), &SystemClock);
            let started = Instant::now();
            let judged = [Judged { stream: &stream, time, features: &features }];
            let judges = router.within(&*store, budget, &SystemClock).judges(&judged).await;
            std::hint::black_box(&judges);
            started.elapsed()
        });
    }
    while let Some(time) = running.join_next().await {
        times.push(time?);
    }
    let in_time = times.iter().filter(|time| **time <= DEADLINE).count();
    let late = || times.iter().map(|time| time.saturating_sub(DEADLINE - RESERVE).as_secs_f64()).collect();
    Ok(Hanging {
        in_time,
        p50: duration(quantile(late(), 0.5)),
        p99: duration(quantile(late(), 0.99)),
        most: duration(quantile(late(), 1.0)),
    })
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
