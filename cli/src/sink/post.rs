//! Sending JSON to an address, and what its answer says about another attempt.

use std::time::Duration;

use linkcast_domain::Retry;
use linkcast_domain::ports::NotifyError;
use serde::Serialize;
use ureq::Agent;

/// An address that takes JSON.
#[derive(Debug)]
pub(super) struct Address {
    channel: String,
    url: String,
    agent: Agent,
}

/// How much of an error page is read.
const KEPT_ANSWER_BYTES: u64 = 300;

impl Address {
    /// The address behind `url`, known as `kind:` and the address without its credentials.
    pub(super) fn new(kind: &str, url: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("linkcast/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Address { channel: format!("{kind}:{}", without_credentials(url)), url: url.to_owned(), agent }
    }

    /// The channel's name.
    pub(super) fn channel(&self) -> &str {
        &self.channel
    }

    /// Posts `body`; an identification for the receiver goes into the header `Idempotency-Key`.
    pub(super) fn post(&self, body: &impl Serialize, key: &str, budget: Duration) -> Result<(), NotifyError> {
        let body = serde_json::to_vec(body).map_err(|error| self.failed(error.to_string(), Retry::Never))?;
        let sent = self
            .agent
            .post(&self.url)
            .config()
            .timeout_global(Some(budget))
            .build()
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", key)
            .send(&body);
        let mut answer = sent.map_err(|error| self.failed(error.to_string(), Retry::Later))?;
        let status = answer.status().as_u16();
        if (200..300).contains(&status) {
            return Ok(());
        }
        let pause = answer.headers().get("Retry-After").and_then(|value| value.to_str().ok()?.parse().ok());
        let retry = match (status, pause) {
            (408 | 429 | 500.., Some(seconds)) => Retry::After(Duration::from_secs(seconds)),
            (408 | 429 | 500.., None) => Retry::Later,
            _ => Retry::Never,
        };
        let said =
            answer.body_mut().with_config().limit(KEPT_ANSWER_BYTES).read_to_string().unwrap_or_default();
        let said = said.lines().next().unwrap_or_default();
        Err(self.failed(format!("expected status 2xx, got {status} {said}").trim().to_owned(), retry))
    }

    fn failed(&self, reason: String, retry: Retry) -> NotifyError {
        NotifyError { channel: self.channel.clone(), reason, retry }
    }
}

/// `https://user:secret@host/x` without `user:secret@`: channel names are stored and logged.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let host_end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(host_end);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channels_name_holds_no_credentials() {
        assert_eq!(without_credentials("https://a:b@host:9/x@y"), "https://host:9/x@y");
        assert_eq!(without_credentials("http://host"), "http://host");
    }
}
