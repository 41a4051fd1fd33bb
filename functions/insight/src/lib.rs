//! Insight as a function: records of the table's stream become questions, and each record answers for itself.
//!
//! Who judges stands behind [`Judge`], which the router will fill; until then it is the embedded model, loaded and
//! checked before the first event, so that a model of another schema stops the start and not somebody's batch.

mod config;
mod model;

use std::sync::Arc;
use std::time::Duration;

use linkcast_aws::{Count, DynamoStore, EventBridge, StreamRecord, Traces, question_of_image, write_counts};
use linkcast_domain::ports::{Bus, QuestionRecord};
use linkcast_domain::{Budget, Clock};
use linkcast_features::Calendar;
use linkcast_lambda::{
    Batch, BatchError, BatchReport, BatchResponse, Diagnostic, Function, Invocation, Order, RawRecord,
    RecordBatch, RecordError,
};
use linkcast_pipeline::apart::{Answering, ApartError, InsightStore, insight};
use linkcast_pipeline::steps::Steps;
use linkcast_pipeline::{Judges, OneJudge, Question, Settings};
use linkcast_scoring::{Model, ModelError};
use tracing::warn;

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
    model: Model,
}

impl Insight {
    /// The function over `store` and `bus`, its model loaded.
    ///
    /// # Errors
    /// A model that cannot be served.
    pub fn new(config: &Config, store: DynamoStore, bus: EventBridge) -> Result<Self, ModelError> {
        let settings = Settings { fabric: config.fabric.clone(), ..Settings::default() };
        let model = model::load(config.model_dir.as_deref())?;
        Ok(Insight { settings, store, bus, model })
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
        let answering = Answering { steps: &steps, judges: &OneJudge(&self.model), clock: invocation.clock };
        let carried = Traces::of_records(invocation.trace, event.records.iter().map(RawRecord::json));
        let traces = Arc::new(carried);
        let store = self.store.within(&invocation.budget, invocation.clock).tracing(Arc::clone(&traces));
        let bus = self.bus.within(&invocation.budget, invocation.clock).tracing(traces);
        let (report, insights) = handle((&store, &bus), &answering, &event, invocation.budget)
            .await
            .map_err(|error| Diagnostic::of(&error))?;
        for (record, cause) in report.failures() {
            warn!(record, %cause, "a record failed");
        }
        let counts = [
            (Count::Records, event.records.len() as f64),
            (Count::FailedRecords, report.failures().count() as f64),
            (Count::Insights, insights as f64),
        ];
        write_counts(("insight", &self.settings.fabric), &counts, store.take_usage(), invocation);
        report.reply().map_err(|error| Diagnostic::of(&error))
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
    let clock: &dyn Clock = answering.clock;
    let batch = Batch { order: Order::Free, portion: PORTION, budget, least_time: LEAST_TIME, clock };
    let made = std::sync::atomic::AtomicU64::new(0);
    let work = |questions: Vec<QuestionRecord>| {
        let made = &made;
        async move {
            let (outcomes, news) = insight((store, bus), answering, &questions).await;
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
