//! The name under which one of several models is asked.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// The longest name SageMaker gives an endpoint.
const LONGEST: usize = 63;

/// An endpoint's name, as SageMaker writes them: 1 to 63 letters, digits and single hyphens within.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct EndpointName(String);

/// Not an endpoint's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?}: expected an endpoint's name, 1 to 63 letters, digits, and hyphens within")]
pub struct ParseEndpointNameError {
    found: String,
}

impl EndpointName {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The pattern of SageMaker's `EndpointName`: `^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$`.
impl FromStr for EndpointName {
    type Err = ParseEndpointNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = (1..=LONGEST).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if is_name {
            return Ok(EndpointName(text.to_owned()));
        }
        Err(ParseEndpointNameError { found: text.chars().take(80).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_sagemaker_takes() {
        for good in ["a", "linkcast-lab-link-health-realtime", "A--1"] {
            assert!(good.parse::<EndpointName>().is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in ["", "-a", "a-", "a_b", "a/b", "é", &long] {
            assert!(bad.parse::<EndpointName>().is_err(), "{bad}");
        }
    }
}
