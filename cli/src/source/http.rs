//! Asking an exporter.
//!
//! One agent for all addresses keeps connections open between scrapes. The whole exchange has one deadline, and the
//! body a bound, so that a source that trickles or floods costs its own scrape and nobody else's.

use std::io::Read;
use std::time::Duration;

use ureq::Agent;

/// The most one answer may hold: 200 000 ports of a verbose exporter are some 1.5 GB; half a gigabyte is where a
/// single address should be split in shards.
const LARGEST_BODY_BYTES: u64 = 512 << 20;

/// What an exporter can do instead of answering.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// No connection, or it broke.
    #[error("no answer from {url}: expected an exporter to be listening there")]
    Unreachable {
        /// The address.
        url: String,
        /// What the client said.
        #[source]
        source: Box<ureq::Error>,
    },
    /// Not in time.
    #[error("{url} did not answer within {}: raise --timeout or ask for less", humane(*timeout))]
    Slow {
        /// The address.
        url: String,
        /// The time it had.
        timeout: Duration,
    },
    /// An error page.
    #[error("{url} answered with status {status}: expected 200")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// A page for people.
    #[error("{url} answered with a web page: expected metrics, as under /metrics or /csv/metrics")]
    Html {
        /// The address.
        url: String,
    },
    /// Beyond the bound.
    #[error("{url} answered with more than {limit} bytes: expected the answer in shards")]
    TooLarge {
        /// The address.
        url: String,
        /// The bound.
        limit: u64,
    },
}

/// A client for exporters.
pub(crate) fn agent(timeout: Duration) -> Agent {
    Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .user_agent(concat!("linkcast/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

/// The body behind `url`.
pub(crate) fn fetch(agent: &Agent, url: &str, timeout: Duration) -> Result<Vec<u8>, HttpError> {
    let failed = |error: ureq::Error| match error {
        ureq::Error::Timeout(_) => HttpError::Slow { url: url.to_owned(), timeout },
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            HttpError::Slow { url: url.to_owned(), timeout }
        }
        other => HttpError::Unreachable { url: url.to_owned(), source: Box::new(other) },
    };
    let response = agent.get(url).header("Accept", "text/plain, text/csv").call().map_err(failed)?;
    if response.status().as_u16() != 200 {
        return Err(HttpError::Status { url: url.to_owned(), status: response.status().as_u16() });
    }
    let mut body = Vec::new();
    let mut reader =
        response.into_body().into_with_config().limit(u64::MAX).reader().take(LARGEST_BODY_BYTES + 1);
    reader.read_to_end(&mut body).map_err(|error| failed(ureq::Error::from(error)))?;
    if body.len() as u64 > LARGEST_BODY_BYTES {
        return Err(HttpError::TooLarge { url: url.to_owned(), limit: LARGEST_BODY_BYTES });
    }
    if is_web_page(&body) {
        return Err(HttpError::Html { url: url.to_owned() });
    }
    Ok(body)
}

fn is_web_page(body: &[u8]) -> bool {
    let start: String =
        String::from_utf8_lossy(body.get(..256).unwrap_or(body)).trim_start().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

fn humane(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_page_is_told_from_metrics() {
        assert!(is_web_page(b"\n<!DOCTYPE html><html>"));
        assert!(is_web_page(b"<html lang=\"en\">"));
        assert!(!is_web_page(b"# HELP a b\na 1\n"));
    }
}
