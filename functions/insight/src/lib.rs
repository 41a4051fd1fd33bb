//! Insight as a function: records of the table's stream become questions, and each record answers for itself.
//!
//! Who judges is the router's choice: an endpoint, a language model, or the embedded model, which is loaded and checked before
//! the first event, so that a model of another schema stops the start and not somebody's batch.

// The SDK's futures nest deeper than the compiler looks by itself.
#![recursion_limit = "256"]

mod config;
mod model;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use linkcast_aws::{
    Backends, Count, DynamoStore, EventBridge, StreamRecord, Traces, question_of_image, write_counts,
};
use linkcast_domain::ports::{Bus, QuestionRecord};
use linkcast_domain::{Budget, Clock};
use linkcast_features::Calendar;
use linkcast_lambda::{
    Batch, BatchError, BatchReport, BatchResponse, Diagnostic, Function, Invocation, Order, RawRecord,
    RecordBatch, RecordError,
};
use linkcast_pipeline::apart::{Answering, ApartError, InsightStore, insight_counted};
use linkcast_pipeline::steps::Steps;
use linkcast_pipeline::{Judges, Question, Router, RouterNews, Settings, Sketching};
pub use linkcast_scoring::TASK;
use linkcast_scoring::{Model, ModelError};
use tracing::{error, warn};

pub use config::Config;

/// Records worked on together.
const PORTION: usize = 100;

/// No portion is begun with less time than this.
const LEAST_TIME: Duration = Duration::from_millis(500);

/// The function, loaded.
pub struct Insight {
    settings: Settings,
    store: DynamoStore,
    bus: EventBridge,
    router: Router<Backends, Model>,
    sketching: Sketching,
}

impl Insight {
    /// The function over `store`, `bus` and those who can be asked, its models loaded.
    ///
    /// # Errors
    /// A model that cannot be served.
    pub fn new(
        config: &Config,
        store: DynamoStore,
        bus: EventBridge,
        backends: Backends,
    ) -> Result<Self, ModelError> {
        let settings = Settings { fabric: config.fabric.clone(), ..Settings::default() };
        let process = format!("{:016x}", RandomState::new().hash_one(std::process::id()));
        let model = model::load(config.model_dir.as_deref())?;
        let mut router = Router::new(&settings.task, &process, backends, model);
        if let Some(folder) = config.shadow_model_dir.as_deref() {
            router = router.with_shadow(model::load(Some(folder))?);
        }
        let sketching = Sketching::new(&settings.task, &format!("insight-{process}"));
        Ok(Insight { settings, store, bus, router, sketching })
    }
}

impl Function for Insight {
    type Event = RecordBatch;
    type Answer = BatchResponse;

    async fn handle(
        &self,
        event: RecordBatch,
        invocation: &Invocation<'_>,
    ) -> Result<BatchResponse, Diagnostic> {
        let calendar = Calendar::utc();
        let steps = Steps { settings: &self.settings, calendar: &calendar };
        let carried = Traces::of_records(invocation.trace, event.records.iter().map(RawRecord::json));
        let traces = Arc::new(carried);
        let store = self.store.within(&invocation.budget, invocation.clock).tracing(Arc::clone(&traces));
        let bus = self.bus.within(&invocation.budget, invocation.clock).tracing(traces);
        let judges = self.router.within(&store, invocation.budget, invocation.clock);
        let answering = Answering { steps: &steps, judges: &judges, clock: invocation.clock };
        let (report, insights) =
            handle_counted((&store, &bus), &answering, &event, invocation.budget, Some(&self.sketching))
                .await
                .map_err(|error| Diagnostic::of(&error))?;
        if let Err(cause) = self.sketching.write_down(&store, invocation.clock.now()).await {
            warn!(cause = %linkcast_lambda::chain(&cause), "sketches could not be written; they are with the next");
        }
        for (record, cause) in report.failures() {
            warn!(record, %cause, "a record failed");
        }
        let news = self.router.take_news();
        warn_of(&news);
        let counts = [
            (Count::Records, event.records.len() as f64),
            (Count::FailedRecords, report.failures().count() as f64),
            (Count::Insights, insights as f64),
            (Count::Fallbacks, news.stood_in as f64),
            (Count::FailedAttempts, news.failures.values().sum::<u64>() as f64),
            (Count::BadPolicies, f64::from(u8::from(news.bad_policy.is_some()))),
        ];
        write_counts(("insight", &self.settings.fabric), &counts, store.take_usage(), invocation);
        report.reply().map_err(|error| Diagnostic::of(&error))
    }
}

/// Tells what the router met with.
fn warn_of(news: &RouterNews) {
    if let Some(reason) = &news.bad_policy {
        error!(%reason, "the routing policy cannot be followed: the last good one stays in force");
    }
    if let Some(cause) = &news.store {
        warn!(cause = %linkcast_lambda::chain(cause), "policy, breakers or evidence could not be read or written");
    }
    for ((variant, kind), attempts) in &news.failures {
        warn!(variant, kind, attempts, "attempts failed");
    }
}

/// The model inside this binary.
///
/// # Errors
/// A model that cannot be served.
pub fn shipped_model() -> Result<Model, ModelError> {
    model::load(None)
}

/// Answers a batch on any store and bus; gives the number of insights made beside what became of each record.
///
/// # Errors
/// A record without a sequence number, which no answer could name.
pub async fn handle<S: InsightStore, B: Bus, J: Judges>(
    (store, bus): (&S, &B),
    answering: &Answering<'_, J>,
    event: &RecordBatch,
    budget: Budget,
) -> Result<(BatchReport, u64), BatchError> {
    handle_counted((store, bus), answering, event, budget, None).await
}

async fn handle_counted<S: InsightStore, B: Bus, J: Judges>(
    (store, bus): (&S, &B),
    answering: &Answering<'_, J>,
    event: &RecordBatch,
    budget: Budget,
    sketching: Option<&Sketching>,
) -> Result<(BatchReport, u64), BatchError> {
    let clock: &dyn Clock = answering.clock;
    let batch = Batch { order: Order::Free, portion: PORTION, budget, least_time: LEAST_TIME, clock };
    let made = std::sync::atomic::AtomicU64::new(0);
    let work = |questions: Vec<QuestionRecord>| {
        let made = &made;
        async move {
            let (outcomes, news) = insight_counted((store, bus), answering, &questions, sketching).await;
            made.fetch_add(news.insights, std::sync::atomic::Ordering::Relaxed);
            outcomes
                .into_iter()
                .map(|outcome| outcome.map_err(|error| RecordError::of(error.as_ref())))
                .collect()
        }
    };
    let report = batch.run(&event.records, |record| decode(record.json()), work).await?;
    Ok((report, made.into_inner()))
}

/// The record's question, looked into: one that is damaged must not hold up its stream's others.
fn decode(json: &str) -> Result<QuestionRecord, RecordError> {
    let record: StreamRecord = serde_json::from_str(json).map_err(|error| RecordError::of(&error))?;
    let question = question_of_image(record).map_err(|error| RecordError::of(&error))?;
    let damaged = || ApartError::Question { stream: question.stream.clone() };
    match Question::from_bytes(&question.stream, question.time, &question.bytes) {
        Some(_) => Ok(question),
        None => Err(RecordError::of(&damaged())),
    }
}
