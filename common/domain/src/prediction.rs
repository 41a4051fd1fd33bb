//! The eleven classes a model chooses from.
//!
//! Their order is part of every model's contract: class 0 is `normal`. `false_positive` is a reviewer's verdict
//! and never a prediction, so it is not here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! prediction_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What a model says a sample shows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum PredictionType { $($(#[$doc])* #[serde(rename = $name)] $variant,)* }

        impl PredictionType {
            /// Every class, in the models' order.
            pub const ALL: [PredictionType; PredictionType::COUNT] = [$(PredictionType::$variant,)*];

            /// The name in files, stores and messages.
            pub fn name(self) -> &'static str {
                match self { $(PredictionType::$variant => $name,)* }
            }
        }

        impl FromStr for PredictionType {
            type Err = ParsePredictionTypeError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(PredictionType::$variant),)*
                    _ => Err(ParsePredictionTypeError { name: text.chars().take(64).collect() }),
                }
            }
        }
    };
}

prediction_types! {
    /// Nothing wrong.
    Normal = "normal",
    /// Slower than it should be: trained below capability, or latency or bandwidth off its baseline.
    PerformanceDegradation = "performance_degradation",
    /// Unlike its own past, with no named cause.
    AnomalyDetected = "anomaly_detected",
    /// Close to its limit: link, buffers or receive queues.
    ResourceSaturation = "resource_saturation",
    /// Flapping or about to: the link drops and retrains.
    ConnectionInstability = "connection_instability",
    /// Packets are lost or received in error.
    PacketLossDetected = "packet_loss_detected",
    /// Latency well above its baseline.
    LatencySpike = "latency_spike",
    /// Bandwidth held below what is asked: throttled or retrained narrower.
    BandwidthThrottling = "bandwidth_throttling",
    /// Queue pairs fail at a high rate.
    QpErrorRateHigh = "qp_error_rate_high",
    /// Memory registrations fail.
    MemoryRegistrationFailure = "memory_registration_failure",
    /// Transport retries time out.
    RdmaTimeout = "rdma_timeout",
}

impl PredictionType {
    /// How many classes there are.
    pub const COUNT: usize = 11;

    /// The class at `index` of a model's output.
    pub fn from_index(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }

    /// The class's place in a model's output.
    pub fn index(self) -> usize {
        self as usize
    }
}

/// A name that is no prediction type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a prediction type")]
pub struct ParsePredictionTypeError {
    name: String,
}

impl fmt::Display for PredictionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_keep_the_models_order() {
        for (index, class) in PredictionType::ALL.into_iter().enumerate() {
            assert_eq!(PredictionType::from_index(index), Some(class));
            assert_eq!(class.name().parse(), Ok(class));
            assert_eq!(serde_json::to_value(class).unwrap(), class.name());
        }
        assert_eq!(PredictionType::from_index(11), None);
    }
}
