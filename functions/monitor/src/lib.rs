//! Monitor as a function: a schedule has it look once an hour, and people's feedback comes in at its URL.
//!
//! Two ways in, told apart by what only one of them has. A look is idempotent by its hour and feedback by insight and person, so
//! that whatever is delivered twice changes nothing.

mod config;
mod feedback;

use linkcast_aws::{Count, DynamoStore, EventBridge, write_counts};
use linkcast_domain::{Retry, Timestamp};
use linkcast_lambda::function_url::{Request, Response};
use linkcast_lambda::{Diagnostic, Function, Invocation, Named};
use linkcast_pipeline::{Look, Monitor, MonitorError, Trouble};
use serde::{Deserialize, Serialize};

pub use config::Config;
pub use feedback::receive;

/// The task whose insights feedback at the URL is about.
pub const TASK: &str = "link-health";

/// The function, loaded.
pub struct MonitorFunction {
    fabric: String,
    store: DynamoStore,
    bus: EventBridge,
}

/// What starts it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Trigger {
    /// A schedule's input, or a direct call: look at this task.
    Look {
        /// Which.
        look: String,
    },
    /// A request at the function's URL.
    Request(Box<Request>),
}

/// What is answered: to a request as HTTP, to others what was found.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To a request.
    Http(Response),
    /// To a schedule.
    Looked {
        /// The hour that was looked at.
        at: Timestamp,
        /// Whether it was before.
        outcome: Looked,
        /// What is wrong.
        troubles: Vec<Trouble>,
        /// Notices told.
        told: usize,
    },
}

/// Whether a look was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Looked {
    /// Now.
    Made,
    /// Earlier in its hour.
    Before,
}

/// A look that was not made.
#[derive(Debug, thiserror::Error)]
#[error("could not look")]
struct NotLooked(#[source] MonitorError);

impl Named for NotLooked {
    fn name(&self) -> &'static str {
        match &self.0 {
            MonitorError::Overtaken { .. } => "LookOvertaken",
            MonitorError::Damaged { .. } | MonitorError::Routing(_) => "MonitorRecordDamaged",
            MonitorError::Notice(_) => "PeopleNotTold",
            MonitorError::Store(_) | MonitorError::Feedback(_) | MonitorError::Drift(_) => "LookNotMade",
        }
    }

    fn class(&self) -> Retry {
        self.0.class()
    }
}

impl MonitorFunction {
    /// The function over `store` and `bus`.
    pub fn new(config: &Config, store: DynamoStore, bus: EventBridge) -> Self {
        MonitorFunction { fabric: config.fabric.clone(), store, bus }
    }
}

impl From<Look> for Answer {
    fn from(look: Look) -> Self {
        let outcome = match &look {
            Look::Made(_) => Looked::Made,
            Look::Before(_) => Looked::Before,
        };
        let report = look.report();
        Answer::Looked { at: report.at, outcome, troubles: report.troubles(), told: report.told.len() }
    }
}

impl Function for MonitorFunction {
    type Event = Trigger;
    type Answer = Answer;

    async fn handle(&self, event: Trigger, invocation: &Invocation<'_>) -> Result<Answer, Diagnostic> {
        let store = self.store.within(&invocation.budget, invocation.clock);
        let answer = match event {
            Trigger::Request(request) => {
                Ok(Answer::Http(receive(&store, TASK, *request, invocation.clock.now()).await))
            }
            Trigger::Look { look } => {
                let bus = self.bus.within(&invocation.budget, invocation.clock);
                let looked = Monitor::new(&store, (&self.fabric, &look)).look(&bus, invocation.clock).await;
                if let Ok(Look::Made(report)) = &looked {
                    report.lines().iter().for_each(|line| tracing::info!("{line}"));
                }
                looked.map(Answer::from)
            }
        };
        let failed = match &answer {
            Ok(Answer::Http(response)) => u8::from(response.status_code >= 400),
            Ok(Answer::Looked { .. }) => 0,
            Err(_) => 1,
        };
        let counts = [(Count::Records, 1.0), (Count::Failures, f64::from(failed))];
        write_counts(("monitor", &self.fabric), &counts, store.take_usage(), invocation);
        answer.map_err(|error| Diagnostic::of(&NotLooked(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_and_a_request_are_told_apart_and_nothing_else_is_taken() {
        let of = |text: &str| serde_json::from_str::<Trigger>(text);
        assert!(
            matches!(of(r#"{"look":"link-health"}"#), Ok(Trigger::Look { look }) if look == "link-health")
        );
        let request = r#"{"version":"2.0","requestContext":{"http":{"method":"POST","path":"/feedback"}},"headers":{}}"#;
        assert!(matches!(of(request), Ok(Trigger::Request(_))));
        assert!(of("{}").is_err());
    }
}
