//! Clients that share one HTTP client, and how long a call may take.
//!
//! The SDK retries and limits the time to connect, but lets an operation take for ever; the invocation's budget is
//! therefore set inside the SDK, which then also discards the connection that hung. The HTTP client, its connections and
//! the root certificates it read are shared by every service: reading them anew would cost each its milliseconds.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
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

/// Reads the environment, once, before the first event.
pub async fn connect() -> Shared {
    let http =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts(LONGEST_OPERATION))
        .load()
        .await;
    Shared { config }
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
