//! A call that gave no answer: its kind, what it took all the same, and why.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use linkcast_domain::{Answer, AskError, FailureKind, Usage};

use super::kind::{kind_of_code, kind_of_sdk};
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
