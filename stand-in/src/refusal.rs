//! How AWS says no.
//!
//! Both runtimes speak restJson1: the type stands in `x-amzn-errortype`, the text in the body. SageMaker's control plane speaks
//! JSON 1.1: type and text both stand in the body.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

/// A request that is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: u16,
    kind: &'static str,
    message: String,
    /// What the body says besides.
    more: Map<String, Value>,
}

impl Refusal {
    pub(crate) fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Refusal { status, kind, message: message.into(), more: Map::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// The type and the text, for what is remembered of a request.
    pub(crate) fn told(&self) -> String {
        format!("{}: {}", self.kind, self.message)
    }

    /// As a runtime answers; `text` is what the member with the text is called: SageMaker's `Message`, Bedrock's `message`.
    pub(crate) fn of_runtime(self, text: &str) -> Response {
        let mut body = self.more;
        body.insert(text.to_owned(), Value::String(self.message));
        let mut response = json_response(self.status, "application/json", Value::Object(body).to_string());
        if let Ok(kind) = self.kind.parse() {
            response.headers_mut().insert("x-amzn-errortype", kind);
        }
        response
    }

    /// As a control plane answers.
    pub(crate) fn of_control_plane(self) -> Response {
        let body = json!({"__type": self.kind, "message": self.message});
        json_response(self.status, "application/x-amz-json-1.1", body.to_string())
    }
}

/// An answer of this status and type.
pub(crate) fn json_response(status: u16, content_type: &str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(content_type) = content_type.parse() {
        response.headers_mut().insert("content-type", content_type);
    }
    response
}
