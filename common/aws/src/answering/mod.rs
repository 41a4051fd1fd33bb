//! Models outside the process: SageMaker's endpoints, language models behind Bedrock, services asked by HTTP.
//!
//! One question is one try: the SDK's own retries are off and nothing is tried again here, because whoever asks has several
//! tiers and one deadline, and decides itself what is worth another try. Every call ends within the limit it was given, and is
//! then dropped with its connection. What comes back is read with a bound on its size and held against what an answer can be.

mod bedrock;
mod bounded;
mod discovery;
mod failed;
mod http;
mod kind;
mod sagemaker;

use std::time::Duration;

use futures_util::{StreamExt, stream};
use linkcast_domain::ports::{Backend, Inquiry};
use linkcast_domain::{Answer, AskError, FailureKind, SageMakerFormat, SystemClock, Target};
use tokio::time::Instant;

use crate::client::Shared;
use crate::control_plane::ControlPlane;
use discovery::Endpoints;
use failed::Failed;

/// Calls of one question that are under way at once.
const SIDE_BY_SIDE: usize = 4;

/// The most an answer may hold: that to the largest batch is a quarter of it.
const LARGEST_ANSWER: usize = 1 << 20;

/// Samples of one call. Written out they are at most half a megabyte, well under what a serverless endpoint takes (4 MB).
const ROWS: usize = 500;

/// Everyone who can be asked outside the process, for one task of one fabric.
#[derive(Debug)]
pub struct Backends {
    sagemaker: sagemaker::Runtime,
    bedrock: bedrock::Runtime,
    http: http::Services,
    endpoints: Endpoints,
}

impl Backends {
    /// Over the account, region and addresses of the environment. `fabric` and `task` name the endpoint of a target that names
    /// none. Nothing is asked before the first question.
    pub fn new(shared: &Shared, fabric: &str, task: &str) -> Self {
        Backends {
            sagemaker: sagemaker::Runtime::new(shared),
            bedrock: bedrock::Runtime::new(shared),
            http: http::Services::default(),
            endpoints: Endpoints::new(ControlPlane::new(shared, SystemClock), fabric, task),
        }
    }
}

impl Backend for Backends {
    async fn ask(
        &self,
        target: &Target,
        inquiries: &[Inquiry<'_>],
        limit: Duration,
    ) -> Vec<Result<Answer, AskError>> {
        let deadline = Deadline::after(limit);
        match target {
            Target::Embedded => refuse_all(inquiries.len()),
            Target::Sagemaker { endpoint, format, target_variant, component } => {
                let name = match self.endpoints.name(endpoint.as_deref(), deadline).await {
                    Ok(name) => name,
                    Err((asked, failed)) => return failed.of_each(&asked, inquiries.len()),
                };
                let named = sagemaker::Named {
                    endpoint: &name,
                    format: *format,
                    variant: target_variant.as_deref(),
                    component: component.as_deref(),
                };
                let answers = in_batches(inquiries, |batch| self.sagemaker.ask(named, batch, deadline)).await;
                if endpoint.is_none() && answers.iter().any(is_not_found) {
                    self.endpoints.forget().await;
                }
                answers
            }
            Target::Bedrock { model, prompt, temperature, top_p, max_tokens } => {
                let named = bedrock::Named {
                    model,
                    prompt: *prompt,
                    temperature: *temperature,
                    top_p: *top_p,
                    max_tokens: *max_tokens,
                };
                self.bedrock.ask(named, inquiries, deadline).await
            }
            Target::Http { url, protocol } => {
                in_batches(inquiries, |batch| self.http.ask(url, *protocol, batch, deadline)).await
            }
        }
    }

    async fn standing(&self, limit: Duration) -> Option<Target> {
        let (endpoint, target_variant, component) = (None, None, None);
        let format = SageMakerFormat::Json;
        let stands = self.endpoints.stands(Deadline::after(limit)).await;
        stands.then_some(Target::Sagemaker { endpoint, format, target_variant, component })
    }
}

/// Asks in batches of bounded size, a few at once; answers come in the order asked.
async fn in_batches<'a, F>(
    inquiries: &'a [Inquiry<'a>],
    ask: impl Fn(&'a [Inquiry<'a>]) -> F,
) -> Vec<Result<Answer, AskError>>
where
    F: Future<Output = Vec<Result<Answer, AskError>>>,
{
    let batches: Vec<F> = inquiries.chunks(ROWS).map(ask).collect();
    let answers: Vec<_> = stream::iter(batches).buffered(SIDE_BY_SIDE).collect().await;
    answers.into_iter().flatten().collect()
}

fn is_not_found(answer: &Result<Answer, AskError>) -> bool {
    answer.as_ref().is_err_and(|error| error.kind == FailureKind::NotFound)
}

fn refuse_all(count: usize) -> Vec<Result<Answer, AskError>> {
    let reason = "the model inside the process is not asked outside of it";
    Failed::new(FailureKind::Refused, reason).of_each("embedded", count)
}

/// Until when an answer is of use.
#[derive(Clone, Copy, Debug)]
struct Deadline(Instant);

impl Deadline {
    fn after(limit: Duration) -> Self {
        let now = Instant::now();
        // A limit that no clock can hold is none; a year is.
        Deadline(now.checked_add(limit).unwrap_or(now + Duration::from_secs(31_536_000)))
    }

    fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// What `call` comes to, or that it was too late; a call that has no time left is not begun.
    async fn keep<T>(self, call: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
        if self.left().is_zero() {
            return Err(Failed::new(FailureKind::Timeout, "no time was left to ask"));
        }
        let late = |_| Failed::new(FailureKind::Timeout, "nothing came in time");
        tokio::time::timeout_at(self.0, call).await.map_err(late)?
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_credential_types::credential_fn::provide_credentials_fn;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_credential_types::provider::error::CredentialsError;
    use linkcast_domain::{FeatureVector, SageMakerFormat, Timestamp};

    use super::*;

    /// Who has no credentials, and would find nobody either.
    fn nobody() -> Backends {
        let none = provide_credentials_fn(|| async { Err(CredentialsError::not_loaded("there are none")) });
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(none))
            .endpoint_url("http://127.0.0.1:9")
            .build();
        Backends::new(&Shared { config }, "lab", "link-health")
    }

    fn ask(target: &Target, limit: Duration) -> Vec<FailureKind> {
        let (stream, features) = ("a".parse().unwrap(), FeatureVector::default());
        let time = Timestamp::from_millis(0);
        let inquiry = Inquiry { stream: &stream, time, features: &features, influencers: &[] };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answers = runtime.block_on(nobody().ask(target, &[inquiry], limit));
        answers.into_iter().map(|answer| answer.unwrap_err().kind).collect()
    }

    #[test]
    fn who_has_no_credentials_is_told_so_and_not_that_nobody_is_there() {
        let (endpoint, format) = (Some("one".to_owned()), SageMakerFormat::Json);
        let sagemaker = Target::Sagemaker { endpoint, format, target_variant: None, component: None };
        let bedrock = |prompt| {
            let model = "some.model".to_owned();
            Target::Bedrock { model, prompt, temperature: None, top_p: None, max_tokens: 9 }
        };
        let ample = Duration::from_secs(20);
        assert_eq!(ask(&sagemaker, ample), [FailureKind::AccessDenied]);
        assert_eq!(ask(&bedrock(1), ample), [FailureKind::AccessDenied]);
        assert_eq!(ask(&bedrock(1), Duration::ZERO), [FailureKind::Timeout]);
        assert_eq!(ask(&bedrock(7), ample), [FailureKind::Refused], "there is no such prompt");
        assert_eq!(ask(&Target::Embedded, ample), [FailureKind::Refused]);
    }
}
