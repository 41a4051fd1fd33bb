//! Retrain as a function: a schedule, a drift or a person asks, and a recorded run answers.
//!
//! The request's name is what tells its repeats: an event of the bus has an id of its own, and a direct call the
//! invocation's, which its retries share.

mod config;

use linkcast_aws::{Count, DynamoStore, EventBridge, write_counts};
use linkcast_domain::Retry;
use linkcast_lambda::{Diagnostic, Function, Invocation, Named};
use linkcast_pipeline::apart::{Begun, RetrainError, RunRequest, TrainingRun, retrain};
use serde::{Deserialize, Serialize};

pub use config::Config;

/// The function, loaded.
pub struct Retrain {
    fabric: String,
    store: DynamoStore,
    bus: EventBridge,
}

/// What asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Request {
    /// An event of the bus.
    Event {
        /// Its id.
        id: String,
        /// What it says.
        detail: Asked,
    },
    /// A schedule's input, or a direct call.
    Call(Asked),
}

/// What is asked for.
#[derive(Clone, Debug, Deserialize)]
pub struct Asked {
    /// Which task.
    pub task: String,
    /// Why.
    pub reason: String,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reply {
    /// `begun`, or `locked` if another run holds the task.
    pub outcome: &'static str,
    /// The run that was begun, or the one that holds the task.
    #[serde(flatten)]
    pub run: TrainingRun,
}

/// A run that was not begun.
#[derive(Debug, thiserror::Error)]
#[error("could not begin a training run")]
struct NotBegun(#[source] RetrainError);

impl Named for NotBegun {
    fn name(&self) -> &'static str {
        match &self.0 {
            RetrainError::UnknownTask { .. } | RetrainError::Reason { .. } => "BadRequest",
            RetrainError::Damaged { .. } => "TrainingRecordDamaged",
            RetrainError::Apart(_) => "RunNotRecorded",
        }
    }

    fn class(&self) -> Retry {
        match &self.0 {
            RetrainError::Apart(error) => error.class(),
            _ => Retry::Never,
        }
    }
}

impl Retrain {
    /// The function over `store` and `bus`.
    pub fn new(config: &Config, store: DynamoStore, bus: EventBridge) -> Self {
        Retrain { fabric: config.fabric.clone(), store, bus }
    }
}

impl Request {
    /// The request in the use case's words; `invocation` names it if nothing else does.
    pub fn into_run_request(self, invocation: &str) -> RunRequest {
        let (asked, request) = match self {
            Request::Event { id, detail } => (detail, format!("event:{id}")),
            Request::Call(asked) => (asked, format!("call:{invocation}")),
        };
        RunRequest { task: asked.task, reason: asked.reason, request }
    }
}

impl From<Begun> for Reply {
    fn from(begun: Begun) -> Self {
        match begun {
            Begun::Run(run) => Reply { outcome: "begun", run },
            Begun::Locked(run) => Reply { outcome: "locked", run },
        }
    }
}

impl Function for Retrain {
    type Event = Request;
    type Answer = Reply;

    async fn handle(&self, event: Request, invocation: &Invocation<'_>) -> Result<Reply, Diagnostic> {
        let store = self.store.within(&invocation.budget, invocation.clock);
        let bus = self.bus.within(&invocation.budget, invocation.clock);
        let request = event.into_run_request(invocation.request);
        let begun = retrain((&store, &bus), &self.fabric, &request, invocation.clock).await;
        let counts = [(Count::Records, 1.0)];
        write_counts(("retrain", &self.fabric), &counts, store.take_usage(), invocation);
        begun.map(Reply::from).map_err(|error| Diagnostic::of(&NotBegun(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drift_a_schedule_and_a_call_are_requests_and_nothing_else_is() {
        let drift =
            r#"{"id":"e-1","detail-type":"Drift Detected","detail":{"task":"link-health","reason":"psi"}}"#;
        let request: Request = serde_json::from_str(drift).unwrap();
        assert_eq!(request.into_run_request("i-1").request, "event:e-1");
        let call = r#"{"task":"link-health","reason":"schedule"}"#;
        let request: Request = serde_json::from_str(call).unwrap();
        assert_eq!(request.into_run_request("i-1").request, "call:i-1");
        assert!(serde_json::from_str::<Request>("{}").is_err());
    }
}
