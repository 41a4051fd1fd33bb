//! Retrain as a function: a schedule, a notice or a person asks, guards decide, a pipeline trains, and its events are followed.
//!
//! Nothing waits here: a call starts an execution or takes one event of it, and ends.

mod config;
mod request;

use linkcast_aws::{Count, DynamoStore, EventBridge, SageMakerPipelines, write_counts};
use linkcast_domain::Retry;
use linkcast_domain::ports::StoreError;
use linkcast_lambda::{Diagnostic, Function, Invocation, Named};
use linkcast_pipeline::retraining::{
    Asked, Circumstances, Followed, Refusal, RetrainingDesk, RetrainingError, Run, RunRequest, TASKS, begin,
    follow, live_data_until, new_labels,
};
use serde::Serialize;

pub use config::Config;
pub use request::{Request, UnusableEventError, Work};

/// The function, loaded.
pub struct Retrain {
    config: Config,
    store: DynamoStore,
    bus: EventBridge,
    pipelines: SageMakerPipelines,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reply {
    /// `begun`; `refused` by a guard; `followed`, an event of a run's; or `ignored`, one that is nobody's.
    pub outcome: &'static str,
    /// The run, as it is now.
    #[serde(flatten)]
    pub run: Option<Run>,
    /// The guard that refused, with its numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
}

/// A run that was neither begun nor followed.
#[derive(Debug, thiserror::Error)]
enum NotDone {
    #[error("could not understand what is asked")]
    Unusable(#[source] UnusableEventError),
    #[error("could not begin or follow a training run")]
    Desk(#[source] RetrainingError),
    #[error("could not count new labels")]
    Labels(#[source] StoreError),
}

impl Named for NotDone {
    fn name(&self) -> &'static str {
        match self {
            NotDone::Unusable(_) | NotDone::Desk(RetrainingError::Request(_)) => "BadRequest",
            NotDone::Desk(RetrainingError::Damaged(_)) => "TrainingRecordDamaged",
            NotDone::Desk(RetrainingError::NotStarted { .. }) => "PipelineNotStarted",
            NotDone::Desk(_) | NotDone::Labels(_) => "RunNotRecorded",
        }
    }

    fn class(&self) -> Retry {
        match self {
            NotDone::Unusable(_) => Retry::Never,
            NotDone::Desk(error) => error.class(),
            NotDone::Labels(error) => error.class(),
        }
    }
}

impl Retrain {
    /// The function over these.
    pub fn new(config: Config, store: DynamoStore, bus: EventBridge, pipelines: SageMakerPipelines) -> Self {
        Retrain { config, store, bus, pipelines }
    }

    async fn work(
        &self,
        work: Work,
        (store, bus): (&DynamoStore, &EventBridge),
        invocation: &Invocation<'_>,
    ) -> Result<Reply, NotDone> {
        // A desk is of one task; whoever asks for another is refused by the request's own check.
        let [task] = TASKS;
        let desk = RetrainingDesk::new((store, bus), (&self.config.fabric, task), self.config.guards);
        let now = invocation.clock.now();
        let pipeline = self.config.pipeline.as_deref();
        match work {
            Work::Begin(request) => {
                let circumstances = self.circumstances(store, &request).await.map_err(NotDone::Labels)?;
                let pipeline = pipeline.map(|name| (&self.pipelines, name));
                let asked = begin((&desk, bus), pipeline, (&request, &circumstances), now).await;
                asked.map(Reply::from).map_err(NotDone::Desk)
            }
            Work::Follow(event) => {
                let followed = follow(&desk, pipeline.unwrap_or_default(), &event, now).await;
                followed.map(Reply::from).map_err(NotDone::Desk)
            }
        }
    }

    async fn circumstances(
        &self,
        store: &DynamoStore,
        request: &RunRequest,
    ) -> Result<Circumstances, StoreError> {
        let since = live_data_until(store, &request.task).await?;
        let new_labels = new_labels(store, since).await?;
        Ok(Circumstances { new_labels, estimate: self.config.estimate })
    }
}

impl From<Asked> for Reply {
    fn from(asked: Asked) -> Self {
        match asked {
            Asked::Begun(run) => Reply { outcome: "begun", run: Some(*run), refusal: None, told: None },
            Asked::Refused(answer) => {
                let told = answer.refusal.as_ref().map(ToString::to_string);
                Reply { outcome: "refused", run: None, refusal: answer.refusal, told }
            }
        }
    }
}

impl From<Followed> for Reply {
    fn from(followed: Followed) -> Self {
        let (outcome, run) = match followed {
            Followed::Run(run) => ("followed", Some(*run)),
            Followed::Nobodys => ("ignored", None),
        };
        Reply { outcome, run, refusal: None, told: None }
    }
}

impl Function for Retrain {
    type Event = Request;
    type Answer = Reply;

    async fn handle(&self, event: Request, invocation: &Invocation<'_>) -> Result<Reply, Diagnostic> {
        let store = self.store.within(&invocation.budget, invocation.clock);
        let bus = self.bus.within(&invocation.budget, invocation.clock);
        let done = match event.into_work(invocation.request).map_err(NotDone::Unusable) {
            Ok(work) => self.work(work, (&store, &bus), invocation).await,
            Err(error) => Err(error),
        };
        let counts = [(Count::Records, 1.0)];
        write_counts(("retrain", &self.config.fabric), &counts, store.take_usage(), invocation);
        done.map_err(|error| Diagnostic::of(&error))
    }
}
