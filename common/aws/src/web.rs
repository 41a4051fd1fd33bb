//! Plain HTTP over the SDK's own client, objects in buckets, and secrets.
//!
//! Exporters and Alertmanager are spoken to with the client that is there anyway: a second one would bring a second TLS
//! library, and its own way to find connections dead after a freeze.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

use crate::client::Shared;

/// The longest to wait for a connection to an exporter.
const LONGEST_CONNECT: Duration = Duration::from_secs(2);

/// A request that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// Not an address.
    #[error("{url} is no address to ask: expected http:// or https:// and a host")]
    Address {
        /// What was given.
        url: String,
    },
    /// Nothing came in time.
    #[error("{url} did not answer: nothing within {} ms", budget.as_millis())]
    Late {
        /// Who was asked.
        url: String,
        /// For how long.
        budget: Duration,
    },
    /// Nobody answered, or the answer broke off.
    #[error("{url} did not answer: {reason}")]
    NoAnswer {
        /// Who was asked.
        url: String,
        /// Why.
        reason: String,
    },
    /// The answer is larger than it may be.
    #[error("{url} answered more than {limit} bytes")]
    TooLarge {
        /// Who was asked.
        url: String,
        /// The limit.
        limit: usize,
    },
    /// A service of AWS refused.
    #[error("could not {attempt}")]
    Refused {
        /// Completes "could not …".
        attempt: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// Asks by HTTP; the root certificates are read when the first is asked.
#[derive(Clone, Debug)]
pub struct WebClient(Arc<LazyLock<SharedHttpConnector>>);

impl WebClient {
    /// One for the process: it keeps its connections.
    pub fn new() -> Self {
        WebClient(Arc::new(LazyLock::new(connector)))
    }

    /// Gets `url`, at most `limit` bytes of it.
    ///
    /// # Errors
    /// No answer within `budget`, or one that is too large.
    pub async fn get(&self, url: &str, limit: usize, budget: Duration) -> Result<Answer, WebError> {
        self.ask(url, "GET", SdkBody::empty(), limit, budget).await
    }

    /// Posts JSON to `url`.
    ///
    /// # Errors
    /// No answer within `budget`.
    pub async fn post_json(&self, url: &str, json: String, budget: Duration) -> Result<Answer, WebError> {
        const ANSWER: usize = 64 * 1024;
        self.post_json_for(url, json, ANSWER, budget).await
    }

    /// Posts JSON to `url` for an answer of at most `limit` bytes.
    ///
    /// # Errors
    /// No answer within `budget`, or one that is too large.
    pub async fn post_json_for(
        &self,
        url: &str,
        json: String,
        limit: usize,
        budget: Duration,
    ) -> Result<Answer, WebError> {
        self.ask(url, "POST", SdkBody::from(json), limit, budget).await
    }

    async fn ask(
        &self,
        url: &str,
        method: &str,
        body: SdkBody,
        limit: usize,
        budget: Duration,
    ) -> Result<Answer, WebError> {
        let address = || WebError::Address { url: url.to_owned() };
        let mut request = HttpRequest::new(body);
        request.set_uri(url).map_err(|_| address())?;
        request.set_method(method).map_err(|_| address())?;
        if method == "POST" {
            request.headers_mut().insert("content-type", "application/json");
        }
        self.send(request, url, limit, budget).await
    }

    /// Sends a request that is made already; `url` is where it goes, for errors.
    pub(crate) async fn send(
        &self,
        request: HttpRequest,
        url: &str,
        limit: usize,
        budget: Duration,
    ) -> Result<Answer, WebError> {
        let asked = async {
            let failed = |reason: String| WebError::NoAnswer { url: url.to_owned(), reason };
            let response = self.0.call(request).await;
            let response = response.map_err(|error| failed(linkcast_lambda::chain(&error)))?;
            let status = response.status().as_u16();
            let mut stream = ByteStream::new(response.into_body());
            let mut bytes = Vec::new();
            while let Some(part) = stream.next().await {
                let part = part.map_err(|error| failed(linkcast_lambda::chain(&error)))?;
                if bytes.len() + part.len() > limit {
                    return Err(WebError::TooLarge { url: url.to_owned(), limit });
                }
                bytes.extend_from_slice(&part);
            }
            Ok(Answer { status, body: bytes })
        };
        let late = || WebError::Late { url: url.to_owned(), budget };
        tokio::time::timeout(budget, asked).await.unwrap_or_else(|_| Err(late()))
    }
}

fn connector() -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder().connect_timeout(LONGEST_CONNECT).build();
    let connector = Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .connector_settings(settings)
        .sleep_impl(TokioSleep::new())
        .build();
    SharedHttpConnector::new(connector)
}

impl Default for WebClient {
    fn default() -> Self {
        WebClient::new()
    }
}

/// Objects in buckets.
#[derive(Clone, Debug)]
pub struct Objects(aws_sdk_s3::Client);

impl Objects {
    /// Path-style addresses, which emulators and buckets with dots in their names need.
    pub fn new(shared: &Shared) -> Self {
        let config = aws_sdk_s3::config::Builder::from(&shared.config).force_path_style(true).build();
        Objects(aws_sdk_s3::Client::from_conf(config))
    }

    /// The object's bytes, piece by piece.
    ///
    /// # Errors
    /// An object that cannot be read.
    pub async fn open(&self, bucket: &str, key: &str) -> Result<ByteStream, WebError> {
        let attempt = format!("read s3://{bucket}/{key}");
        let output = self.0.get_object().bucket(bucket).key(key).send().await;
        Ok(output.map_err(|error| WebError::Refused { attempt, source: error.into() })?.body)
    }
}

/// Secrets Manager.
#[derive(Clone, Debug)]
pub struct Secrets(aws_sdk_secretsmanager::Client);

impl Secrets {
    /// Over the client all services share.
    pub fn new(shared: &Shared) -> Self {
        Secrets(aws_sdk_secretsmanager::Client::new(&shared.config))
    }

    /// The text of a secret.
    ///
    /// # Errors
    /// A secret that cannot be read, or holds no text.
    pub async fn text(&self, id: &str) -> Result<linkcast_lambda::Secret<String>, WebError> {
        let attempt = || format!("read the secret {id}");
        let output = self.0.get_secret_value().secret_id(id).send().await;
        let output =
            output.map_err(|error| WebError::Refused { attempt: attempt(), source: error.into() })?;
        let text = output
            .secret_string
            .ok_or_else(|| WebError::Refused { attempt: attempt(), source: "it holds no text".into() })?;
        Ok(linkcast_lambda::Secret::new(text))
    }
}
