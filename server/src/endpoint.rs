//! How SageMaker's runtime says what it says, so that its own SDKs understand a server on this machine.
//!
//! Forms and words: the API reference of `InvokeEndpoint` and what its SDKs read: the type of an error stands in
//! `x-amzn-errortype`, its text in `Message`.

use serde::Serialize;

/// The account that endpoints on this machine belong to.
const ACCOUNT: &str = "000000000000";

/// The one variant of an endpoint here, under the name SageMaker gives it by default.
pub(crate) const VARIANT: &str = "AllTraffic";

/// The header that says which variant answered.
pub(crate) const INVOKED_VARIANT: &str = "x-amzn-invoked-production-variant";

/// The header that asks for one variant.
pub(crate) const TARGET_VARIANT: &str = "x-amzn-sagemaker-target-variant";

/// The header that names an error.
pub(crate) const ERROR_TYPE: &str = "x-amzn-errortype";

/// An error as the runtime tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuntimeError {
    /// Of HTTP.
    pub(crate) status: u16,
    /// Its type.
    pub(crate) kind: &'static str,
    /// The body.
    pub(crate) body: Vec<u8>,
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "Message")]
    message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ModelErrorMessage<'a> {
    error_code: &'static str,
    log_stream_arn: &'static str,
    message: String,
    original_message: &'a str,
    original_status_code: u16,
}

impl RuntimeError {
    /// There is no endpoint of this name.
    pub(crate) fn unknown_endpoint(name: &str) -> Self {
        let name: String = name.chars().take(63).collect();
        RuntimeError::invalid(&format!("Endpoint {name} of account {ACCOUNT} not found."))
    }

    /// The endpoint has no variant of this name.
    pub(crate) fn unknown_variant(name: &str) -> Self {
        let name: String = name.chars().take(63).collect();
        RuntimeError::invalid(&format!("Variant {name} not found for Request"))
    }

    /// What the container said to a request: its own faults are what the runtime calls a model's error.
    pub(crate) fn of_container(status: u16, body: &[u8]) -> Self {
        if status == 503 {
            let message = "The model is busy, send the request again later.";
            return RuntimeError { status, kind: "ServiceUnavailable", body: json(&Message { message }) };
        }
        let said = String::from_utf8_lossy(body);
        let original_message = said.trim_end();
        let (error_code, whose) = match status {
            500.. => ("SERVER_ERROR_FROM_MODEL", "server"),
            _ => ("CLIENT_ERROR_FROM_MODEL", "client"),
        };
        let message =
            format!("Received {whose} error ({status}) from primary with message \"{original_message}\".");
        let body = json(&ModelErrorMessage {
            error_code,
            log_stream_arn: "",
            message,
            original_message,
            original_status_code: status,
        });
        RuntimeError { status: 424, kind: "ModelError", body }
    }

    fn invalid(message: &str) -> Self {
        RuntimeError { status: 400, kind: "ValidationError", body: json(&Message { message }) }
    }
}

fn json(message: &impl Serialize) -> Vec<u8> {
    // Text and numbers can always be written.
    serde_json::to_vec(message).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_endpoint_is_told_in_the_runtimes_words() {
        let error = RuntimeError::unknown_endpoint("lab");
        assert_eq!((error.status, error.kind), (400, "ValidationError"));
        let body = String::from_utf8(error.body).unwrap();
        assert_eq!(body, r#"{"Message":"Endpoint lab of account 000000000000 not found."}"#);
    }

    #[test]
    fn what_the_model_refuses_is_a_models_error_and_overload_is_not() {
        let error = RuntimeError::of_container(400, b"{\"error\":\"row 1\"}\n");
        assert_eq!((error.status, error.kind), (424, "ModelError"));
        let body: serde_json::Value = serde_json::from_slice(&error.body).unwrap();
        assert_eq!(body["OriginalStatusCode"], 400);
        assert_eq!(body["OriginalMessage"], r#"{"error":"row 1"}"#);
        assert!(body["Message"].as_str().unwrap().starts_with("Received client error (400) from primary"));
        let error = RuntimeError::of_container(503, b"");
        assert_eq!((error.status, error.kind), (503, "ServiceUnavailable"));
    }
}
