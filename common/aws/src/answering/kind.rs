//! What AWS's services and their clients say when they do not answer, as kinds that decide what is done next.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use http_body_util::LengthLimitError;
use linkcast_domain::FailureKind;

/// The kind of what an SDK's call failed of.
pub(super) fn kind_of_sdk<E>(error: &SdkError<E, HttpResponse>) -> FailureKind
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match error {
        SdkError::TimeoutError(_) => FailureKind::Timeout,
        SdkError::ConstructionFailure(_) => FailureKind::Refused,
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
            FailureKind::Unreachable
        }
        // A connection that broke before the answer's head came; what never got as far as a connection has no such kind.
        SdkError::DispatchFailure(failure) if failure.as_other().is_some() => FailureKind::Unreachable,
        SdkError::DispatchFailure(_) if is_due_to::<CredentialsError>(error) => FailureKind::AccessDenied,
        SdkError::DispatchFailure(_) => FailureKind::Refused,
        SdkError::ResponseError(_) if is_due_to::<LengthLimitError>(error) => FailureKind::BadOutput,
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
pub(super) fn kind_of_code(code: &str) -> Option<FailureKind> {
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

/// Whether a `Cause` stands among what led to `error`.
fn is_due_to<Cause: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<Cause>() {
            return true;
        }
        cause = error.source();
    }
    false
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
}
