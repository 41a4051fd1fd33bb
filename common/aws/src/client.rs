//! Clients that share one HTTP client, and how long a call may take.
//!
//! The SDK retries and limits the time to connect, but lets an operation take for ever; the invocation's budget is
//! therefore set inside the SDK, which then also discards the connection that hung. The HTTP client, its connections and
//! the root certificates it read are shared by every service: reading them anew would cost each its milliseconds.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use linkcast_domain::{Budget, Clock};

/// Tries of one operation, the first included; after a thaw the first may find a connection that was closed meanwhile.
const ATTEMPTS: u32 = 4;

/// The longest one try may take: a table answers in milliseconds.
const LONGEST_TRY: Duration = Duration::from_secs(3);

/// The longest to wait for a connection.
const LONGEST_CONNECT: Duration = Duration::from_secs(1);

/// The longest an operation may take where no budget is set.
pub(crate) const LONGEST_OPERATION: Duration = Duration::from_secs(20);

/// What the environment says of region, credentials and endpoint, and the one HTTP client.
#[derive(Clone, Debug)]
pub struct Shared {
    pub(crate) config: SdkConfig,
}

/// Stand-ins and emulators in the place of AWS's services.
#[derive(Clone, Debug, Default)]
pub struct LocalServices {
    /// Where every service is that is not named below.
    pub all: String,
    /// SageMaker's control plane.
    pub sagemaker: Option<String>,
    /// What asks SageMaker's endpoints.
    pub sagemaker_runtime: Option<String>,
    /// What asks Bedrock's models.
    pub bedrock_runtime: Option<String>,
}

/// Reads the environment, once, before the first event.
pub async fn connect() -> Shared {
    Shared { config: defaults().load().await }
}

/// As [`connect`], and `services` are asked with a key that opens nothing: two calls in one process may ask two places, which
/// the environment cannot say.
pub async fn connect_locally(services: LocalServices) -> Shared {
    let nobody = Credentials::new("test", "test", None, None, "local services");
    let config =
        defaults().region(Region::from_static("us-east-1")).credentials_provider(nobody).load().await;
    Shared { config: config.into_builder().service_config(services).build() }
}

impl LoadServiceConfig for LocalServices {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        if key.env() != "AWS_ENDPOINT_URL" {
            return None;
        }
        let named = match key.service_id() {
            "SageMaker" => &self.sagemaker,
            "SageMaker Runtime" => &self.sagemaker_runtime,
            "Bedrock Runtime" => &self.bedrock_runtime,
            _ => &None,
        };
        Some(named.as_ref().unwrap_or(&self.all).clone())
    }
}

fn defaults() -> ConfigLoader {
    let http =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts(LONGEST_OPERATION))
}

/// The limits of one try that may take all of `limit`: who asks a model decides itself what is tried again.
pub(crate) fn limits_of_one_try(limit: Duration) -> TimeoutConfig {
    let limit = limit.max(Duration::from_millis(1));
    TimeoutConfig::builder()
        .connect_timeout(LONGEST_CONNECT.min(limit))
        .operation_attempt_timeout(limit)
        .operation_timeout(limit)
        .build()
}

/// The limits of one operation within a budget.
pub(crate) fn limits(budget: &Budget, clock: &dyn Clock) -> TimeoutConfig {
    timeouts(budget.share(LONGEST_OPERATION, clock))
}

fn timeouts(operation: Duration) -> TimeoutConfig {
    // The SDK takes zero for a fault of the program; a spent budget is one millisecond, which no call survives.
    let operation = operation.max(Duration::from_millis(1));
    TimeoutConfig::builder()
        .connect_timeout(LONGEST_CONNECT.min(operation))
        .operation_attempt_timeout(LONGEST_TRY.min(operation))
        .operation_timeout(operation)
        .build()
}
