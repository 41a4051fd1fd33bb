//! One signed call of a control plane, SageMaker's or Application Auto Scaling's, and what a refusal says.
//!
//! SageMaker's own SDK is one crate of some 150 seconds of processor time for the few calls that are needed, each a JSON
//! document posted to one address. They are made here by hand and signed by the SDK's own signer, over the HTTP client that
//! is there anyway.

use std::error::Error;
use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use linkcast_domain::ports::{JobError, PlaneError, PlaneFault};
use linkcast_domain::{Clock, Retry};
use serde_json::Value;

use crate::client::Shared;
use crate::web::WebClient;

/// A service that speaks JSON 1.1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// Its name in signatures.
    signing: &'static str,
    /// Its name in the environment and profiles.
    id: &'static str,
    /// What stands before an operation's name.
    target: &'static str,
    /// What stands before the region in its address.
    host: &'static str,
}

impl Service {
    pub(crate) const SAGEMAKER: Service =
        Service { signing: "sagemaker", id: "SageMaker", target: "SageMaker", host: "api.sagemaker" };
    pub(crate) const AUTO_SCALING: Service = Service {
        signing: "application-autoscaling",
        id: "Application Auto Scaling",
        target: "AnyScaleFrontendService",
        host: "application-autoscaling",
    };
}

/// The most an answer may hold.
const LARGEST_ANSWER: usize = 1 << 20;
/// Refusals that may not be given again later.
pub(crate) const BUSY: [&str; 4] =
    ["ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"];
/// Refusals because the account may have no more.
const QUOTA: [&str; 3] = ["ResourceLimitExceeded", "LimitExceededException", "ServiceQuotaExceededException"];

/// The control plane of one region.
#[derive(Debug)]
pub(crate) struct ControlPlane<C> {
    service: Service,
    config: SdkConfig,
    web: WebClient,
    clock: C,
}

/// A call that was refused, or not answered.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) attempt: String,
    /// The service's word for it; empty if it never answered.
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) retry: Retry,
}

impl Refused {
    /// Whether it says that there is no such thing.
    pub(crate) fn says_not_found(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        matches!(self.code.as_str(), "ResourceNotFound" | "ObjectNotFoundException")
            || (self.code == "ValidationException"
                && ["not found", "could not find", "does not exist"]
                    .iter()
                    .any(|said| message.contains(said)))
    }

    /// Whether it says that there is such a thing already.
    pub(crate) fn says_it_exists(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        self.code == "ResourceInUse"
            || (["ValidationException", "ConflictException"].contains(&self.code.as_str())
                && message.contains("already exist"))
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code.as_str() {
            "" => write!(f, "could not {}: {}", self.attempt, self.message),
            code => write!(f, "could not {}: {code}: {}", self.attempt, self.message),
        }
    }
}

impl Error for Refused {}

impl From<Refused> for JobError {
    fn from(refused: Refused) -> Self {
        let Refused { attempt, code, message, retry } = refused;
        if BUSY.contains(&code.as_str()) {
            return JobError::Throttled { attempt };
        }
        let text = if code.is_empty() { message } else { format!("{code}: {message}") };
        JobError::Failed { attempt, retry, source: text.into() }
    }
}

impl From<Refused> for PlaneError {
    fn from(refused: Refused) -> Self {
        let fault = fault(&refused);
        let Refused { attempt, code, message, .. } = refused;
        let text = if code.is_empty() { message } else { format!("{code}: {message}") };
        PlaneError { attempt, fault, source: text.into() }
    }
}

/// The kind of a refusal; that a name is taken and that something is on its way are told by the words of a validation.
fn fault(refused: &Refused) -> PlaneFault {
    let (code, message) = (refused.code.as_str(), refused.message.to_ascii_lowercase());
    let is_validation = code == "ValidationException";
    if BUSY.contains(&code) {
        PlaneFault::Throttled
    } else if QUOTA.contains(&code) {
        PlaneFault::Quota
    } else if refused.says_not_found() {
        PlaneFault::NotFound
    } else if is_validation && message.contains("already exist") {
        PlaneFault::Exists
    } else if matches!(code, "ResourceInUse" | "ConcurrentUpdateException" | "ConflictException")
        || (is_validation && message.contains("in-progress"))
    {
        PlaneFault::InProgress
    } else if refused.retry == Retry::Never {
        PlaneFault::Refused
    } else {
        PlaneFault::Unanswered
    }
}

impl<C: Clock> ControlPlane<C> {
    /// SageMaker's.
    pub(crate) fn new(shared: &Shared, clock: C) -> Self {
        ControlPlane::of(Service::SAGEMAKER, shared, clock)
    }

    /// That of `service`.
    pub(crate) fn of(service: Service, shared: &Shared, clock: C) -> Self {
        ControlPlane { service, config: shared.config.clone(), web: WebClient::new(), clock }
    }

    pub(crate) fn region(&self) -> Option<&str> {
        self.config.region().map(AsRef::as_ref)
    }

    /// Posts `body` to the operation called `name`, and waits at most `limit` for its answer.
    pub(crate) async fn call(
        &self,
        name: &str,
        body: &Value,
        attempt: String,
        limit: Duration,
    ) -> Result<Value, Refused> {
        let refused = |message: String, retry| Refused {
            attempt: attempt.clone(),
            code: String::new(),
            message,
            retry,
        };
        let url = self.url().ok_or_else(|| {
            refused("no region is set: expected AWS_REGION or a profile with one".to_owned(), Retry::Never)
        })?;
        let request = self
            .signed(&url, name, &body.to_string())
            .await
            .map_err(|message| refused(message, Retry::Never))?;
        let answer = self.web.send(request, &url, LARGEST_ANSWER, limit).await;
        let answer = answer.map_err(|error| refused(linkcast_lambda::chain(&error), Retry::Later))?;
        if (200..300).contains(&answer.status) {
            let text = if answer.body.is_empty() { b"{}".as_slice() } else { &answer.body };
            return serde_json::from_slice(text)
                .map_err(|error| refused(format!("its answer is no JSON: {error}"), Retry::Later));
        }
        Err(refusal(attempt, answer.status, &answer.body))
    }

    /// The endpoint of the environment or the profile, or the region's own.
    fn url(&self) -> Option<String> {
        let key = ServiceConfigKey::builder()
            .service_id(self.service.id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .ok();
        let own = key.and_then(|key| self.config.service_config()?.load_config(key));
        let given = own.or_else(|| self.config.endpoint_url().map(str::to_owned));
        let usual = || Some(format!("https://{}.{}.amazonaws.com", self.service.host, self.region()?));
        let url = given.or_else(usual)?;
        Some(format!("{}/", url.trim_end_matches('/')))
    }

    async fn signed(&self, url: &str, name: &str, body: &str) -> Result<HttpRequest, String> {
        let provider = self.config.credentials_provider().ok_or("no credentials are set")?;
        let credentials = provider.provide_credentials().await;
        let identity = credentials.map_err(|error| linkcast_lambda::chain(&error))?.into();
        let region = self.region().ok_or("no region is set")?;
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(self.clock.now().millis().unsigned_abs());
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(self.service.signing)
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let target = format!("{}.{name}", self.service.target);
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
        let signable =
            SignableRequest::new("POST", url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))
                .map_err(|error| error.to_string())?;
        let (signature, _) = sign(signable, &parameters).map_err(|error| error.to_string())?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_uri(url).map_err(|_| format!("{url} is no address"))?;
        request.set_method("POST").map_err(|error| error.to_string())?;
        for (name, value) in headers.into_iter().chain(signature.headers()) {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        Ok(request)
    }
}

/// What a refusal's body says; its type stands behind the last `#`, where there is one.
pub(crate) fn refusal(attempt: String, status: u16, body: &[u8]) -> Refused {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| said.get(name)).and_then(Value::as_str);
        found.unwrap_or_default().chars().take(1_000).collect::<String>()
    };
    let code = text(["__type", "code"]);
    let code = code.rsplit('#').next().unwrap_or_default();
    let code = if code.is_empty() { format!("HTTP {status}") } else { code.to_owned() };
    let code = if status == 429 { "ThrottlingException".to_owned() } else { code };
    let retry = if status >= 500 { Retry::Later } else { Retry::Never };
    Refused { attempt, code, message: text(["message", "Message"]), retry }
}
