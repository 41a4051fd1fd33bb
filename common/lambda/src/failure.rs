//! Failures AWS can count: a stable name, and the whole chain of causes in one line.
//!
//! Lambda's error metrics and alarms group by `errorType`. A type's path changes when code moves, so the name is
//! chosen and stays; the message keeps every cause, which an error's own text does not repeat.

use std::error::Error;

use linkcast_domain::Retry;
use serde::Serialize;

/// An error with a name that outlives the code.
pub trait Named: Error {
    /// The name, in upper camel case; changing it breaks alarms.
    fn name(&self) -> &'static str;

    /// Whether another attempt can help.
    fn class(&self) -> Retry;
}

/// What is reported to Lambda of a failed invocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// `Retryable.<name>` or `Permanent.<name>`.
    pub error_type: String,
    /// The error and its causes, joined by colons.
    pub error_message: String,
}

impl Diagnostic {
    /// What to report of `error`.
    pub fn of(error: &impl Named) -> Self {
        let class = match error.class() {
            Retry::Later | Retry::After(_) => "Retryable",
            Retry::Never => "Permanent",
        };
        Diagnostic { error_type: format!("{class}.{}", error.name()), error_message: chain(error) }
    }
}

/// Why a record of a batch was not done, in one line; records that failed together share it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RecordError(String);

impl RecordError {
    /// What to say of `error` and its causes.
    pub fn of(error: &dyn Error) -> Self {
        RecordError(chain(error))
    }
}

/// An error and its causes in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        line.push_str(": ");
        line.push_str(&next.to_string());
        cause = next.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not write the item")]
    struct Write {
        #[source]
        source: std::io::Error,
    }

    impl Named for Write {
        fn name(&self) -> &'static str {
            "ItemNotWritten"
        }

        fn class(&self) -> Retry {
            Retry::Later
        }
    }

    #[test]
    fn a_diagnostic_has_a_stable_type_and_every_cause() {
        let error = Write { source: std::io::Error::other("throttled") };
        let json = serde_json::to_string(&Diagnostic::of(&error)).unwrap();
        let expected = r#"{"errorType":"Retryable.ItemNotWritten","errorMessage":"could not write the item: throttled"}"#;
        assert_eq!(json, expected);
    }
}
