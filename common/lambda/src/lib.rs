//! The Lambda kit: what every function behind a queue needs and no one of them should write again.
//!
//! No business word stands here. Everything but the log's writer and the loop is plain values and functions: no network,
//! no clock but the one handed in, no environment but the map handed in, so that each promise is held by a test without
//! AWS. The promises are those of a platform that repeats, splits, reorders and cuts short what it delivers.

mod batch;
mod config;
mod deadline;
mod failure;
pub mod function_url;
mod idempotency;
mod log;
mod metrics;
mod panic;
mod runtime;
mod secret;
mod start;
mod table_stream;
mod trace;

pub use batch::{Batch, BatchError, BatchItemFailure, BatchReport, BatchResponse, Cause, Order, Record};
pub use config::{ConfigError, ConfigReader, Fault, Setting, Shown, Variables};
pub use deadline::{NoDeadlineError, invocation_budget};
pub use failure::{Diagnostic, Named, RecordError, chain};
pub use idempotency::{
    Attempt, IdempotencyError, IdempotencyKey, IdempotencyStore, MemoryIdempotency, Once, once,
};
pub use log::{JsonLog, LineSink, StandardOutput};
pub use metrics::{Dimension, Metric, MetricError, Metrics, Unit};
pub use panic::catch;
pub use runtime::{Function, Invocation, serve, start_log};
pub use secret::Secret;
pub use start::{ColdStart, StartError, Temperature, start};
pub use table_stream::{RawRecord, RecordBatch};
pub use trace::{ParseTraceError, Sampling, TraceContext};
