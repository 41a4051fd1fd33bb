//! What the SDK says, in the ports' words.

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use linkcast_domain::ports::StoreError;

/// Answers that may be others later: throttling, conflicts and the service's own trouble.
const LATER: [&str; 8] = [
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// One call, for its errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) table: &'a str,
    /// Completes "could not …".
    pub(crate) what: &'static str,
}

impl Attempt<'_> {
    /// The SDK's failure.
    pub(crate) fn failed<E>(self, error: SdkError<E>) -> StoreError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let transient = match &error {
            SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
            // What never got as far as a connection is missing credentials or a wrong endpoint.
            SdkError::DispatchFailure(failure) => failure.is_io() || failure.is_timeout(),
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or_default();
                LATER.contains(&code)
                    || (code == "TransactionCanceledException" && !is_refused(service.err()))
            }
            _ => false,
        };
        if transient { self.busy(error) } else { self.broken(error) }
    }

    /// Anything that may work later.
    pub(crate) fn busy(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
        StoreError::Busy { store: self.table.to_owned(), attempt: self.what, source: source.into() }
    }

    /// Anything that will not.
    pub(crate) fn broken(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
        StoreError::Failed { store: self.table.to_owned(), attempt: self.what, source: source.into() }
    }

    /// An item that is not what was written.
    pub(crate) fn damaged(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
        StoreError::Damaged { store: self.table.to_owned(), source: source.into() }
    }
}

/// Whether a transaction was cancelled for what it asked, and not for its time.
fn is_refused(error: &impl ProvideErrorMetadata) -> bool {
    let message = error.message().unwrap_or_default();
    message.contains("ValidationError") || message.contains("ItemCollectionSizeLimitExceeded")
}
