//! Requests at a function's URL, and what is answered.
//!
//! Payload format 2.0, with the parts that are used here; who was let in by IAM stands in the request's context, which the
//! platform writes and no sender can.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A request, payload format 2.0.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Who asks and how.
    pub request_context: RequestContext,
    /// Headers, their names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body, if there is one.
    #[serde(default)]
    pub body: Option<String>,
    /// Whether the body is in base 64.
    #[serde(default)]
    pub is_base64_encoded: bool,
}

/// Who asks and how.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RequestContext {
    /// Method and path.
    pub http: RequestLine,
    /// Who was let in by IAM; the platform writes it and no sender can.
    #[serde(default)]
    pub authorizer: Option<Authorizer>,
}

/// Method and path.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RequestLine {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
}

/// Who was let in.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Authorizer {
    /// By IAM.
    #[serde(default)]
    pub iam: Option<IamCaller>,
}

/// Whom IAM let in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IamCaller {
    /// The ARN of the user, or of the session of a role.
    #[serde(default)]
    pub user_arn: Option<String>,
}

impl Request {
    /// The ARN of whom IAM let in, if it did.
    pub fn caller(&self) -> Option<&str> {
        self.request_context.authorizer.as_ref()?.iam.as_ref()?.user_arn.as_deref()
    }
}

/// What is answered to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The status.
    pub status_code: u16,
    /// Headers.
    pub headers: BTreeMap<&'static str, String>,
    /// The body.
    pub body: String,
}

impl Response {
    /// A body of this type, and a status.
    pub fn of(status_code: u16, content_type: &str, body: String) -> Self {
        let headers = BTreeMap::from([("content-type", content_type.to_owned())]);
        Response { status_code, headers, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_let_in_is_told_by_the_platform_and_not_by_the_sender() {
        let of = |text: &str| {
            serde_json::from_str::<Request>(text).map(|request| request.caller().map(str::to_owned))
        };
        let line = r#""http":{"method":"POST","path":"/"}"#;
        let arn = "arn:aws:iam::123456789012:user/ada";
        let signed =
            format!(r#"{{"requestContext":{{{line},"authorizer":{{"iam":{{"userArn":"{arn}"}}}}}}}}"#);
        assert_eq!(of(&signed).unwrap().as_deref(), Some(arn));
        let open = format!(r#"{{"requestContext":{{{line}}},"headers":{{"userarn":"{arn}"}}}}"#);
        assert_eq!(of(&open).unwrap(), None);
    }
}
