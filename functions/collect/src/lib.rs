//! Collect as a function: readings in by schedule, by request or by object, samples out.
//!
//! Three ways in and one use case: each way makes a sweep of what it got, and the sweep is durable before anything is
//! acknowledged.

mod config;
mod object;
mod receive;
mod scrape;
mod sweep;
mod trigger;

use std::sync::Arc;

use linkcast_aws::{Count, DynamoStore, Objects, Secrets, Shared, Traces, WebClient, WebError, write_counts};
use linkcast_domain::Retry;
use linkcast_features::Calendar;
use linkcast_lambda::{Diagnostic, Function, Invocation, Named};
use linkcast_pipeline::Settings;
use linkcast_pipeline::apart::{ApartError, Collected};
use linkcast_pipeline::steps::Steps;
use serde::Serialize;

pub use config::Config;
pub use linkcast_lambda::function_url::{Request, Response};
pub use object::ObjectError;
use object::{sweep_in, unescaped};
pub use receive::{Admission, receive};
use scrape::scrape;
pub use trigger::{ObjectPlace, Share, Trigger};

/// The function, loaded.
pub struct Collect {
    settings: Settings,
    calendar: Calendar,
    targets: Vec<String>,
    admission: Admission,
    store: DynamoStore,
    web: WebClient,
    objects: Objects,
    collect: linkcast_pipeline::apart::Collect,
}

/// What is answered: to a request as HTTP, to others in numbers.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// To a request.
    Http(Response),
    /// To a schedule or an object.
    Done {
        /// Targets asked, or objects read.
        sources: u64,
        /// Those that gave nothing.
        failed: u64,
        /// Samples and signs of life written.
        arrivals: u64,
    },
}

/// Readings that were not taken in.
#[derive(Debug, thiserror::Error)]
enum CollectError {
    #[error("none of {targets} targets gave anything")]
    NoTarget { targets: u64 },
    #[error("the object was not taken in")]
    Object(#[source] ObjectError),
    #[error("the object could not be fetched")]
    Fetch(#[source] WebError),
    #[error("what the object holds was not stored")]
    Store(#[source] ApartError),
}

impl Named for CollectError {
    fn name(&self) -> &'static str {
        match self {
            CollectError::NoTarget { .. } => "NoTargetAnswered",
            CollectError::Object(_) => "BadObject",
            CollectError::Fetch(_) => "ObjectNotFetched",
            CollectError::Store(_) => "ReadingsNotStored",
        }
    }

    fn class(&self) -> Retry {
        match self {
            CollectError::NoTarget { .. } | CollectError::Fetch(_) => Retry::Later,
            CollectError::Object(_) => Retry::Never,
            CollectError::Store(error) => error.class(),
        }
    }
}

impl Collect {
    /// The function over `store`, its token read.
    ///
    /// # Errors
    /// A secret that cannot be read.
    pub async fn new(config: &Config, shared: &Shared, store: DynamoStore) -> Result<Self, WebError> {
        let admission = match &config.token_secret {
            Some(id) => Admission::Token(Secrets::new(shared).text(id).await?),
            None => Admission::SignedOnly,
        };
        Ok(Collect {
            settings: Settings { fabric: config.fabric.clone(), ..Settings::default() },
            calendar: Calendar::utc(),
            targets: config.targets.clone(),
            admission,
            store,
            web: WebClient::new(),
            objects: Objects::new(shared),
            collect: linkcast_pipeline::apart::Collect::default(),
        })
    }

    async fn take(
        &self,
        store: &DynamoStore,
        trigger: Trigger,
        invocation: &Invocation<'_>,
    ) -> Result<(Answer, Collected), CollectError> {
        let steps = Steps { settings: &self.settings, calendar: &self.calendar };
        match trigger {
            Trigger::Request(request) => {
                let request = (*request, invocation.clock.now());
                let parts = (store, &self.collect);
                let (response, collected) = receive(parts, &steps, &self.admission, request).await;
                Ok((Answer::Http(response), collected))
            }
            Trigger::Scrape { scrape: share } => {
                let parts = (store, &self.collect, &self.web);
                let time = (&invocation.budget, invocation.clock);
                let scraped = scrape(parts, &steps, (&self.targets, share), time).await;
                let (targets, failed) = (scraped.targets, scraped.failed);
                if targets > 0 && targets == failed {
                    return Err(CollectError::NoTarget { targets });
                }
                let arrivals = scraped.collected.arrivals;
                Ok((Answer::Done { sources: targets, failed, arrivals }, scraped.collected))
            }
            Trigger::Created { time, detail } => {
                let key = detail.object.key.clone();
                self.objects(store, &steps, &[(detail, key, time)]).await
            }
            Trigger::Notified { records } => {
                let objects: Vec<(ObjectPlace, String, String)> = records
                    .into_iter()
                    .map(|record| {
                        let key = unescaped(&record.s3.object.key);
                        (record.s3, key, record.event_time)
                    })
                    .collect();
                self.objects(store, &steps, &objects).await
            }
        }
    }

    async fn objects(
        &self,
        store: &DynamoStore,
        steps: &Steps<'_>,
        objects: &[(ObjectPlace, String, String)],
    ) -> Result<(Answer, Collected), CollectError> {
        let mut whole = Collected::default();
        for (place, key, time) in objects {
            let body = self.objects.open(&place.bucket.name, key).await.map_err(CollectError::Fetch)?;
            let sweep = sweep_in(place, key, time, body).await.map_err(CollectError::Object)?;
            let collected = self.collect.sweep(store, steps, sweep).await.map_err(CollectError::Store)?;
            whole.add(&collected);
        }
        let (sources, arrivals) = (objects.len() as u64, whole.arrivals);
        Ok((Answer::Done { sources, failed: 0, arrivals }, whole))
    }
}

impl Function for Collect {
    type Event = Trigger;
    type Answer = Answer;

    async fn handle(&self, event: Trigger, invocation: &Invocation<'_>) -> Result<Answer, Diagnostic> {
        let traces = Arc::new(Traces::of_invocation(invocation.trace));
        let store = self.store.within(&invocation.budget, invocation.clock).tracing(traces);
        let outcome = self.take(&store, event, invocation).await;
        let collected = outcome.as_ref().map_or(Collected::default(), |(_, collected)| *collected);
        let failed = match &outcome {
            Ok((Answer::Done { failed, .. }, _)) => *failed as f64,
            Ok((Answer::Http(response), _)) => f64::from(u8::from(response.status_code >= 400)),
            Err(_) => 1.0,
        };
        let counts = [
            (Count::Arrivals, collected.arrivals as f64),
            (Count::StaleReadings, collected.tally.stale as f64),
            (Count::Failures, failed),
        ];
        write_counts(("collect", &self.settings.fabric), &counts, store.take_usage(), invocation);
        outcome.map(|(answer, _)| answer).map_err(|error| Diagnostic::of(&error))
    }
}
