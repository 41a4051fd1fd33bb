//! Whether a request is signed as AWS wants it (Signature Version 4), as far as can be told without the secret.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>: the scope names the day, the
//! region, the service and `aws4_request`; host and date are among the signed headers. A request signed for another service or
//! region passes everywhere but at AWS, which is why this is looked at.

use axum::http::HeaderMap;

use crate::refusal::Refusal;

/// Refuses what is not signed for `service` in `region`.
pub(crate) fn check(headers: &HeaderMap, service: &str, region: &str) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = text("authorization").ok_or_else(|| {
        Refusal::new(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
    })?;
    let parts = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or_else(incomplete)?;
    let part = |name: &str| {
        let found = parts.split(',').map(str::trim).find_map(|part| part.strip_prefix(name));
        found.and_then(|part| part.strip_prefix('=')).ok_or_else(incomplete)
    };
    let (credential, signed, signature) = (part("Credential")?, part("SignedHeaders")?, part("Signature")?);
    let scope: Vec<&str> = credential.split('/').collect();
    let [_, day, in_region, for_service, "aws4_request"] = scope.as_slice() else { return Err(incomplete()) };
    let date = text("x-amz-date").ok_or_else(incomplete)?;
    if date.len() != 16 || !date.ends_with('Z') || !date.starts_with(*day) || day.len() != 8 {
        return Err(wrong(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: {date}"
        )));
    }
    if *in_region != region {
        return Err(wrong(format!("Credential should be scoped to a valid region, not '{in_region}'.")));
    }
    if *for_service != service {
        return Err(wrong(format!("Credential should be scoped to correct service: '{service}'.")));
    }
    let is_signed = |name: &str| signed.split(';').any(|signed| signed == name);
    if !is_signed("host") || !is_signed("x-amz-date") {
        return Err(wrong("'Host' and 'X-Amz-Date' must be signed headers.".to_owned()));
    }
    let is_hex = signature.len() == 64 && signature.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex { Ok(()) } else { Err(incomplete()) }
}

fn incomplete() -> Refusal {
    Refusal::new(
        403,
        "IncompleteSignature",
        "Authorization header requires existence of Credential, SignedHeaders and Signature, and an X-Amz-Date header.",
    )
}

fn wrong(message: String) -> Refusal {
    Refusal::new(403, "InvalidSignatureException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(scope: &str, signed: &str) -> HeaderMap {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=test/{scope}, SignedHeaders={signed}, Signature={}",
            "0f".repeat(32)
        );
        let mut headers = HeaderMap::new();
        headers.insert("authorization", authorization.parse().unwrap());
        headers.insert("x-amz-date", "20260102T030405Z".parse().unwrap());
        headers
    }

    fn told(scope: &str, signed: &str) -> Option<String> {
        check(&headers(scope, signed), "sagemaker", "us-east-1").err().map(|refusal| refusal.told())
    }

    #[test]
    fn a_request_signed_for_another_day_region_or_service_is_refused() {
        let signed = "content-type;host;x-amz-date";
        assert_eq!(told("20260102/us-east-1/sagemaker/aws4_request", signed), None);
        let of = |scope| told(scope, signed).unwrap();
        assert!(of("20260102/us-east-1/bedrock/aws4_request").contains("correct service: 'sagemaker'"));
        assert!(of("20260102/eu-west-1/sagemaker/aws4_request").contains("region"));
        assert!(of("20260103/us-east-1/sagemaker/aws4_request").contains("Date in Credential"));
        assert!(of("us-east-1/sagemaker/aws4_request").starts_with("IncompleteSignature"));
        assert!(
            told("20260102/us-east-1/sagemaker/aws4_request", "host").unwrap().contains("signed headers")
        );
        let nothing = check(&HeaderMap::new(), "sagemaker", "us-east-1").unwrap_err();
        assert!(nothing.told().starts_with("MissingAuthenticationToken"));
    }
}
