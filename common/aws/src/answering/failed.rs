//! What services and their clients say when they do not answer, as kinds that decide what is done next.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use http_body_util::LengthLimitError;
use linkcast_domain::{Answer, AskError, FailureKind, Usage};

use crate::control_plane::Refused;
use crate::web::WebError;

/// A call that gave no answer. The samples of a batch share it.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub(super) kind: FailureKind,
    pub(super) usage: Usage,
    cause: Cause,
}

/// A cause that several errors have in common.
#[derive(Clone, Debug)]
struct Cause(Arc<dyn Error + Send + Sync>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl Failed {
    pub(super) fn new(kind: FailureKind, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Failed { kind, usage: Usage::default(), cause: Cause(cause.into().into()) }
    }

    /// What came is no answer.
    pub(super) fn bad(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Failed::new(FailureKind::BadOutput, cause)
    }

    /// What an SDK's call failed of.
    pub(super) fn of_sdk<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        Failed::new(kind_of_sdk(&error), error)
    }

    /// What a status other than 2xx of a plain service means.
    pub(super) fn of_status(status: u16, body: &[u8]) -> Self {
        let kind = match status {
            401 | 403 | 407 => FailureKind::AccessDenied,
            404 | 405 | 410 => FailureKind::NotFound,
            408 | 504 => FailureKind::Timeout,
            424 | 500 => FailureKind::Model,
            429 => FailureKind::Throttled,
            _ if status >= 500 => FailureKind::Unavailable,
            _ => FailureKind::Refused,
        };
        Failed::new(kind, format!("HTTP {status}: {}", opening(body)))
    }

    /// What a plain call failed of; an address may hold a key, so it is not repeated.
    pub(super) fn of_web(error: WebError) -> Self {
        match error {
            WebError::Late { budget, .. } => {
                Failed::new(FailureKind::Timeout, format!("nothing within {} ms", budget.as_millis()))
            }
            WebError::NoAnswer { reason, .. } => Failed::new(FailureKind::Unreachable, reason),
            WebError::TooLarge { limit, .. } => Failed::bad(format!("it answered more than {limit} bytes")),
            WebError::Address { .. } => Failed::new(
                FailureKind::Refused,
                "no address to ask: expected http:// or https:// and a host",
            ),
            refused @ WebError::Refused { .. } => Failed::new(FailureKind::Refused, refused),
        }
    }

    /// What the control plane refused.
    pub(super) fn of_control_plane(refused: Refused) -> Self {
        let kind = match refused.code.as_str() {
            // It never answered, or answered no JSON.
            "" => FailureKind::Unreachable,
            code => kind_of_code(code).unwrap_or(FailureKind::Unavailable),
        };
        Failed::new(kind, refused)
    }

    pub(super) fn with_usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// As the port tells it, of `asked`.
    pub(super) fn of(self, asked: &str) -> AskError {
        let mut error = AskError::new(asked, self.kind, Box::new(self.cause));
        error.usage = self.usage;
        error
    }

    /// The same for each of `count` samples; what it took is told of the first alone.
    pub(super) fn of_each(self, asked: &str, count: usize) -> Vec<Result<Answer, AskError>> {
        let rest = self.clone().with_usage(Usage::default());
        let each = std::iter::once(self).chain(std::iter::repeat(rest));
        each.take(count).map(|failed| Err(failed.of(asked))).collect()
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

fn kind_of_sdk<E>(error: &SdkError<E, HttpResponse>) -> FailureKind
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match error {
        SdkError::TimeoutError(_) => FailureKind::Timeout,
        SdkError::ConstructionFailure(_) => FailureKind::Refused,
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
            FailureKind::Unreachable
        }
        // What never got as far as a connection has no credentials.
        SdkError::DispatchFailure(failure) if failure.is_user() => FailureKind::Refused,
        SdkError::DispatchFailure(_) => FailureKind::AccessDenied,
        SdkError::ResponseError(_) if is_too_large(error) => FailureKind::BadOutput,
        SdkError::ResponseError(_) => FailureKind::Unreachable,
        SdkError::ServiceError(service) => {
            let (said, status) = (service.err(), service.raw().status());
            // An answer that says it is one and cannot be read.
            if status.is_success() {
                return FailureKind::BadOutput;
            }
            let message = said.message().unwrap_or_default();
            said.code().and_then(|code| kind_of_refusal(code, message)).unwrap_or(match status.as_u16() {
                401 | 403 => FailureKind::AccessDenied,
                404 => FailureKind::NotFound,
                408 | 504 => FailureKind::Timeout,
                424 => FailureKind::Model,
                429 => FailureKind::Throttled,
                status if status >= 500 => FailureKind::Unavailable,
                _ => FailureKind::Refused,
            })
        }
        _ => FailureKind::Unreachable,
    }
}

/// A refusal's kind by its code; both runtimes tell an endpoint or a model that is not there by the words of a validation.
fn kind_of_refusal(code: &str, message: &str) -> Option<FailureKind> {
    let message = message.to_ascii_lowercase();
    let is_validation = matches!(code, "ValidationError" | "ValidationException");
    let is_absent = (message.contains("endpoint") && message.contains("not found"))
        || message.contains("model identifier is invalid");
    if is_validation && is_absent { Some(FailureKind::NotFound) } else { kind_of_code(code) }
}

/// The codes of InvokeEndpoint's, Converse's and the control plane's references, and those common to all services.
fn kind_of_code(code: &str) -> Option<FailureKind> {
    Some(match code {
        "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "ServiceQuotaExceededException" => FailureKind::Throttled,
        "ModelError" | "ModelErrorException" => FailureKind::Model,
        "ModelTimeoutException" => FailureKind::Timeout,
        "ModelNotReadyException"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "InternalFailure"
        | "InternalDependencyException"
        | "InternalServerException" => FailureKind::Unavailable,
        "ResourceNotFound" | "ResourceNotFoundException" => FailureKind::NotFound,
        "AccessDeniedException"
        | "AccessDenied"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationTokenException"
        | "NotAuthorized"
        | "OptInRequired"
        | "UnrecognizedClientException" => FailureKind::AccessDenied,
        "ValidationError" | "ValidationException" => FailureKind::Refused,
        _ => return None,
    })
}

fn is_too_large(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The first characters of what a service said, on one line.
fn opening(body: &[u8]) -> String {
    const LENGTH: usize = 200;
    let text = String::from_utf8_lossy(body.get(..4 * LENGTH).unwrap_or(body)).into_owned();
    text.chars().map(|one| if one.is_control() { ' ' } else { one }).take(LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_by_its_code_and_an_absent_endpoint_by_its_words() {
        let of = |code, message| kind_of_refusal(code, message);
        let absent = "Endpoint linkcast-lab of account 123456789012 not found.";
        assert_eq!(of("ValidationError", absent), Some(FailureKind::NotFound));
        let absent = "The provided model identifier is invalid.";
        assert_eq!(of("ValidationException", absent), Some(FailureKind::NotFound));
        assert_eq!(of("ValidationError", "1 validation error detected"), Some(FailureKind::Refused));
        assert_eq!(of("ModelError", ""), Some(FailureKind::Model));
        assert_eq!(of("ModelNotReadyException", ""), Some(FailureKind::Unavailable));
        assert_eq!(of("ExpiredTokenException", ""), Some(FailureKind::AccessDenied));
        assert_eq!(of("NeverHeardOf", ""), None);
    }

    #[test]
    fn a_plain_services_status_is_a_kind_and_its_words_are_bounded() {
        let of = |status| Failed::of_status(status, b"").kind;
        assert_eq!(of(429), FailureKind::Throttled);
        assert_eq!(of(500), FailureKind::Model);
        assert_eq!(of(502), FailureKind::Unavailable);
        assert_eq!(of(301), FailureKind::Refused);
        let long = Failed::of_status(500, format!("a\nb{}", "x".repeat(5_000)).as_bytes());
        assert!(long.to_string().starts_with("HTTP 500: a bx") && long.to_string().len() < 300);
    }

    #[test]
    fn the_samples_of_a_batch_share_a_failure_and_what_it_took_is_told_once() {
        let usage = Usage { input_tokens: 7, output_tokens: 1 };
        let failed = Failed::bad("no answer").with_usage(usage).of_each("model m", 3);
        let usages: Vec<Usage> = failed.into_iter().map(|answer| answer.unwrap_err().usage).collect();
        assert_eq!(usages, [usage, Usage::default(), Usage::default()]);
    }
}
