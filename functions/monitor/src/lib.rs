//! Monitor as a function: a schedule has it look once an hour and let a rollout go on, and people's feedback comes in at its URL.
//!
//! Two ways in, told apart by what only one of them has. A look is idempotent by its hour, a rollout's step by the rollout and feedback
//! by insight and person, so that whatever is delivered twice changes nothing. A look that fails keeps no rollout from being stopped.

mod config;
mod feedback;

use std::time::Duration;

use linkcast_aws::{Count, DynamoStore, Endpoints, EventBridge, write_counts};
use linkcast_domain::{Retry, Timestamp};
use linkcast_lambda::function_url::{Request, Response};
use linkcast_lambda::{Diagnostic, Function, Invocation, Named};
use linkcast_pipeline::{Advanced, Look, Monitor, MonitorError, RolloutDesk, RolloutError, Trouble};
use linkcast_routing::rollout::What;
use serde::{Deserialize, Serialize};

pub use config::Config;
pub use feedback::receive;

/// The task whose insights feedback at the URL is about.
pub const TASK: &str = "link-health";

/// The longest that a look at a candidate's endpoint may take.
const LONGEST_CALL: Duration = Duration::from_secs(10);

/// The function, loaded.
pub struct MonitorFunction {
    fabric: String,
    store: DynamoStore,
    bus: EventBridge,
    endpoints: Endpoints,
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
        /// What was done of a rollout, if anything.
        rollout: Option<&'static str>,
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

/// What was not done.
#[derive(Debug, thiserror::Error)]
enum NotDone {
    #[error("could not look")]
    Look(#[source] MonitorError),
    #[error("could not let the rollout go on")]
    Rollout(#[source] RolloutError),
}

impl Named for NotDone {
    fn name(&self) -> &'static str {
        let error = match self {
            NotDone::Rollout(_) => return "RolloutNotTended",
            NotDone::Look(error) => error,
        };
        match error {
            MonitorError::Overtaken { .. } => "LookOvertaken",
            MonitorError::Damaged(_) | MonitorError::Routing(_) => "MonitorRecordDamaged",
            MonitorError::Notice(_) => "PeopleNotTold",
            MonitorError::Store(_) | MonitorError::Feedback(_) | MonitorError::Drift(_) => "LookNotMade",
        }
    }

    fn class(&self) -> Retry {
        match self {
            NotDone::Look(error) => error.class(),
            NotDone::Rollout(error) => error.class(),
        }
    }
}

impl MonitorFunction {
    /// The function over `store` and `bus`; `endpoints` says whether a candidate can answer.
    pub fn new(config: &Config, store: DynamoStore, bus: EventBridge, endpoints: Endpoints) -> Self {
        MonitorFunction { fabric: config.fabric.clone(), store, bus, endpoints }
    }

    /// Looks, and lets a rollout go on whatever came of that.
    async fn look(
        &self,
        store: &DynamoStore,
        task: &str,
        invocation: &Invocation<'_>,
    ) -> Result<Answer, NotDone> {
        let bus = self.bus.within(&invocation.budget, invocation.clock);
        let looked = Monitor::new(store, (&self.fabric, task)).look(&bus, invocation.clock).await;
        if let Ok(Look::Made(report)) = &looked {
            report.lines().iter().for_each(|line| tracing::info!("{line}"));
        }
        let limit = invocation.budget.share(LONGEST_CALL, invocation.clock);
        let desk = RolloutDesk::new(store, &bus, (&self.fabric, task));
        let tended = desk.tend(&self.endpoints, invocation.clock.now(), limit).await;
        Ok(answer(&looked.map_err(NotDone::Look)?, tended.map_err(NotDone::Rollout)?.as_ref()))
    }
}

fn answer(look: &Look, advanced: Option<&Advanced>) -> Answer {
    let outcome = match look {
        Look::Made(_) => Looked::Made,
        Look::Before(_) => Looked::Before,
    };
    let (report, rollout) = (look.report(), advanced.and_then(|advanced| advanced.did));
    Answer::Looked {
        at: report.at,
        outcome,
        troubles: report.troubles(),
        told: report.told.len(),
        rollout: rollout.map(What::name),
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
            Trigger::Look { look } => self.look(&store, &look, invocation).await,
        };
        let failed = match &answer {
            Ok(Answer::Http(response)) => u8::from(response.status_code >= 400),
            Ok(Answer::Looked { .. }) => 0,
            Err(_) => 1,
        };
        let counts = [(Count::Records, 1.0), (Count::Failures, f64::from(failed))];
        write_counts(("monitor", &self.fabric), &counts, store.take_usage(), invocation);
        answer.map_err(|error| Diagnostic::of(&error))
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
