//! Prepare as a function: records of the table's stream become arrivals, and each record answers for itself.
//!
//! A record that cannot be read, or whose stream's work failed, is named in the answer and delivered again; the others are
//! done. The order within a stream is the use case's own care, so nothing here holds a record up for another's sake.

mod config;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use linkcast_aws::{Count, DynamoStore, StreamRecord, Traces, arrival_of_image, write_counts};
use linkcast_domain::ports::ArrivalRecord;
use linkcast_domain::{Budget, Clock};
use linkcast_features::{Calendar, UnknownTimeZone};
use linkcast_lambda::{
    Batch, BatchError, BatchReport, BatchResponse, Diagnostic, Function, Invocation, Order, RawRecord,
    RecordBatch, RecordError,
};
use linkcast_pipeline::apart::{PrepareStore, prepare_counted};
use linkcast_pipeline::steps::Steps;
use linkcast_pipeline::{Settings, Sketching};
use tracing::warn;

pub use config::Config;

/// Records worked on together: a bound on memory, and full batches of the table's calls.
const PORTION: usize = 500;

/// No portion is begun with less time than this.
const LEAST_TIME: Duration = Duration::from_millis(500);

/// The function, loaded.
pub struct Prepare {
    settings: Settings,
    calendar: Calendar,
    store: DynamoStore,
    sketching: Sketching,
}

impl Prepare {
    /// The function over `store`.
    ///
    /// # Errors
    /// A time zone nobody knows.
    pub fn new(config: &Config, store: DynamoStore) -> Result<Self, UnknownTimeZone> {
        let calendar = Calendar::named(&config.time_zone)?;
        let settings = Settings { fabric: config.fabric.clone(), ..Settings::default() };
        let process = format!("prepare-{:016x}", RandomState::new().hash_one(std::process::id()));
        let sketching = Sketching::new(&settings.task, &process);
        Ok(Prepare { settings, calendar, store, sketching })
    }
}

impl Function for Prepare {
    type Event = RecordBatch;
    type Answer = BatchResponse;

    async fn handle(
        &self,
        event: RecordBatch,
        invocation: &Invocation<'_>,
    ) -> Result<BatchResponse, Diagnostic> {
        let steps = Steps { settings: &self.settings, calendar: &self.calendar };
        let carried = Traces::of_records(invocation.trace, event.records.iter().map(RawRecord::json));
        let traces = Arc::new(carried);
        let store = self.store.within(&invocation.budget, invocation.clock).tracing(traces);
        let time = (invocation.budget, invocation.clock);
        let report = handle_counted(&store, &steps, &event, time, Some(&self.sketching)).await;
        let report = report.map_err(|error| Diagnostic::of(&error))?;
        if let Err(cause) = self.sketching.write_down(&store, invocation.clock.now()).await {
            warn!(cause = %linkcast_lambda::chain(&cause), "sketches could not be written; they are with the next");
        }
        for (record, cause) in report.failures() {
            warn!(record, %cause, "a record failed");
        }
        let failed = report.failures().count() as f64;
        let counts = [(Count::Records, event.records.len() as f64), (Count::FailedRecords, failed)];
        write_counts(("prepare", &self.settings.fabric), &counts, store.take_usage(), invocation);
        report.reply().map_err(|error| Diagnostic::of(&error))
    }
}

/// Prepares a batch on any store. Written: what the use case writes, by its keys.
///
/// # Errors
/// A record without a sequence number, which no answer could name.
pub async fn handle<S: PrepareStore>(
    store: &S,
    steps: &Steps<'_>,
    event: &RecordBatch,
    time: (Budget, &dyn Clock),
) -> Result<BatchReport, BatchError> {
    handle_counted(store, steps, event, time, None).await
}

async fn handle_counted<S: PrepareStore>(
    store: &S,
    steps: &Steps<'_>,
    event: &RecordBatch,
    (budget, clock): (Budget, &dyn Clock),
    sketching: Option<&Sketching>,
) -> Result<BatchReport, BatchError> {
    let batch = Batch { order: Order::Free, portion: PORTION, budget, least_time: LEAST_TIME, clock };
    let work = |arrivals: Vec<ArrivalRecord>| async move {
        let outcomes = prepare_counted(store, steps, &arrivals, sketching).await;
        outcomes.into_iter().map(|outcome| outcome.map_err(|error| RecordError::of(error.as_ref()))).collect()
    };
    batch.run(&event.records, |record| decode(record.json()), work).await
}

fn decode(json: &str) -> Result<ArrivalRecord, RecordError> {
    let record: StreamRecord = serde_json::from_str(json).map_err(|error| RecordError::of(&error))?;
    arrival_of_image(record).map_err(|error| RecordError::of(&error))
}
