//! The loop: events from Lambda, one invocation after another, each with its budget and its span.
//!
//! A function is a [`Function`]: an event type it decodes itself, record by record where there are records, and an answer. The
//! loop takes the deadline from the invocation, puts the request's id on every line, turns a panic into a failure with a
//! name, and writes what was counted before it answers, for nothing may be left for a sandbox that freezes.

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::{LambdaEvent, service_fn};
use linkcast_domain::{Budget, Clock, SystemClock};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{Instrument, error, info, info_span};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::deadline::invocation_budget;
use crate::failure::Diagnostic;
use crate::log::{JsonLog, StandardOutput};
use crate::panic::catch;
use crate::start::{ColdStart, StartError, Temperature};
use crate::trace::TraceContext;

/// What no call may use: for the answer, and for what is written of the invocation.
const RESERVE: Duration = Duration::from_millis(200);

/// One invocation, beside its event.
pub struct Invocation<'a> {
    /// The platform's id of it: the same for every line written and every attempt's own.
    pub request: &'a str,
    /// How long it may take.
    pub budget: Budget,
    /// What tells the time left.
    pub clock: &'a dyn Clock,
    /// Whether it is its sandbox's first.
    pub temperature: Temperature,
    /// The trace it belongs to, where the platform tells one.
    pub trace: Option<TraceContext>,
}

/// What a binary serves.
pub trait Function: Send + Sync + 'static {
    /// The event, as Lambda delivers it.
    type Event: DeserializeOwned + Send;
    /// The answer.
    type Answer: Serialize + Send;

    /// Handles one event.
    fn handle(
        &self,
        event: Self::Event,
        invocation: &Invocation<'_>,
    ) -> impl Future<Output = Result<Self::Answer, Diagnostic>> + Send;
}

/// Begins to write the log.
pub fn start_log(least: tracing::Level) {
    let log = JsonLog::new(StandardOutput, Box::new(SystemClock), least);
    // A second call finds a log in place, which is the first one's.
    let _ = tracing_subscriber::registry().with(log).try_init();
}

/// Serves a function that has started, until its sandbox ends. A start that failed, or a runtime interface that is not
/// Lambda's, is told in one line, and the process fails.
pub async fn serve<F: Function>(started: Result<F, StartError>) -> ExitCode {
    let function = match started {
        Ok(function) => Arc::new(function),
        Err(fault) => {
            let diagnostic = Diagnostic::of(&fault);
            error!(errorType = diagnostic.error_type, error = diagnostic.error_message, "could not start");
            return ExitCode::FAILURE;
        }
    };
    let cold = Arc::new(ColdStart::default());
    let served = lambda_runtime::run(service_fn(move |event: LambdaEvent<F::Event>| {
        let (function, cold) = (Arc::clone(&function), Arc::clone(&cold));
        async move { invoke(function.as_ref(), &cold, event).await }
    }))
    .await;
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            error!(errorType = "Retryable.RuntimeInterface", error = %fault, "could not go on");
            ExitCode::FAILURE
        }
    }
}

async fn invoke<F: Function>(
    function: &F,
    cold: &ColdStart,
    event: LambdaEvent<F::Event>,
) -> Result<F::Answer, lambda_runtime::Diagnostic> {
    let LambdaEvent { payload, context } = event;
    let temperature = cold.take();
    let header = context.xray_trace_id.as_deref();
    // A trace is never worth an invocation: one that cannot be read is none.
    let trace = header.and_then(|header| TraceContext::from_xray(header).ok());
    let span = info_span!(
        "invocation",
        requestId = context.request_id,
        traceId = trace.map(TraceContext::to_xray),
        cold = temperature == Temperature::Cold
    );
    let work = async {
        let clock = SystemClock;
        let budget = invocation_budget(context.deadline, RESERVE, &clock);
        let budget = budget.map_err(|fault| Diagnostic::of(&fault))?;
        let started = clock.now();
        let request = &context.request_id;
        let invocation = Invocation { request, budget, clock: &clock, temperature, trace };
        let outcome = catch(function.handle(payload, &invocation)).await.unwrap_or_else(|panic| {
            let error_type = "Permanent.Panicked".to_owned();
            Err(Diagnostic { error_type, error_message: panic })
        });
        let took = clock.now().since(started).as_millis() as u64;
        match &outcome {
            Ok(_) => info!(took_ms = took, "answered"),
            Err(fault) => {
                error!(took_ms = took, errorType = fault.error_type, error = fault.error_message, "failed");
            }
        }
        outcome
    };
    let fault = |fault: Diagnostic| lambda_runtime::Diagnostic {
        error_type: fault.error_type,
        error_message: fault.error_message,
    };
    work.instrument(span).await.map_err(fault)
}
