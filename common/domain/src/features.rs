//! Feature schema 1: the forty numbers a model sees, in their order.
//!
//! Serving, training and scoring all index by this list; a new feature is a new schema version, and a model that
//! names another version is refused at load.

use std::fmt;
use std::str::FromStr;

/// The version of the schema in this file.
pub const FEATURE_SCHEMA_VERSION: u32 = 1;

/// How many features the schema has.
pub const FEATURE_COUNT: usize = 40;

/// One feature's name and unit, as written in model cards, sample files and explanations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureDefinition {
    /// The name in files and messages.
    pub name: &'static str,
    /// The unit, for people.
    pub unit: &'static str,
}

macro_rules! features {
    ($($variant:ident = $name:literal, $unit:literal;)*) => {
        /// A feature; its number in the schema is `self as usize + 1`. Definitions stand in the design of schema 1.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "each variant's name and unit stand in its definition, once")]
        pub enum Feature { $($variant,)* }

        /// Every feature's name and unit, in the schema's order.
        pub const FEATURES: [FeatureDefinition; FEATURE_COUNT] =
            [$(FeatureDefinition { name: $name, unit: $unit },)*];

        impl Feature {
            /// Every feature, in the schema's order.
            pub const ALL: [Feature; FEATURE_COUNT] = [$(Feature::$variant,)*];

            /// The name in files and messages.
            pub fn name(self) -> &'static str {
                match self { $(Feature::$variant => $name,)* }
            }

            /// The unit, for people.
            pub fn unit(self) -> &'static str {
                match self { $(Feature::$variant => $unit,)* }
            }
        }

        impl FromStr for Feature {
            type Err = UnknownFeatureError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Feature::$variant),)*
                    _ => Err(UnknownFeatureError { name: text.chars().take(64).collect() }),
                }
            }
        }
    };
}

features! {
    LatencyP99 = "latency_p99", "µs";
    Utilization = "utilization", "%";
    ErrorRate = "error_rate", "fraction";
    BandwidthGbps = "bandwidth_gbps", "Gb/s";
    QpErrors = "qp_errors", "1/min";
    LatencyP99Mean5m = "latency_p99_5m_avg", "µs";
    LatencyP99Deviation5m = "latency_p99_5m_std", "µs";
    LatencyP99Mean15m = "latency_p99_15m_avg", "µs";
    LatencyP99Mean1h = "latency_p99_1h_avg", "µs";
    UtilizationMean5m = "utilization_5m_avg", "%";
    LatencyP99DeltaPercent = "latency_p99_delta_pct", "%";
    LatencyP99Delta = "latency_p99_delta_abs", "µs";
    UtilizationDelta = "utilization_delta_pct", "% points";
    BandwidthDeltaPercent = "bandwidth_delta_pct", "%";
    LatencyP99Rate = "latency_p99_rate", "µs/min";
    LatencyP99Acceleration = "latency_p99_accel", "µs/min²";
    UtilizationRate = "utilization_rate", "% points/min";
    Hour = "hour", "h";
    DayOfWeek = "day_of_week", "d";
    IsWeekend = "is_weekend", "0 or 1";
    IsBusinessHours = "is_business_hours", "0 or 1";
    LatencyTimesUtilization = "latency_x_utilization", "µs";
    ErrorTimesBandwidth = "error_x_bandwidth", "Gb/s";
    HealthScore = "health_score", "0 to 100";
    SymbolBer12m = "symbol_ber_12m", "errors/bit";
    SymbolBer125m = "symbol_ber_125m", "errors/bit";
    RcvErrorRatio5m = "rcv_error_ratio_5m", "fraction";
    XmitDiscardsPerSecond5m = "xmit_discards_per_s_5m", "1/s";
    WaitRatio5m = "wait_ratio_5m", "fraction";
    WaitRatio1h = "wait_ratio_1h", "fraction";
    LinkErrorRecoveries1h = "link_error_recoveries_1h", "count";
    LinkDowned12h = "link_downed_12h", "count";
    IntegrityErrors1h = "integrity_errors_1h", "count";
    BelowCapability = "below_capability", "fraction";
    AckTimeoutsPerSecond5m = "ack_timeouts_per_s_5m", "1/s";
    ReceiverNotReadyPerSecond5m = "receiver_not_ready_per_s_5m", "1/s";
    CongestionNotificationsPerSecond5m = "congestion_notifications_per_s_5m", "1/s";
    MemoryRegistrationFailures5m = "memory_registration_failures_5m", "count";
    SaturatedCounters = "saturated_counters", "count";
    MinutesSinceReset = "minutes_since_reset", "min";
}

/// A name that is no feature of this schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a feature of schema {FEATURE_SCHEMA_VERSION}")]
pub struct UnknownFeatureError {
    name: String,
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The forty numbers of one sample; absent is NaN.
#[derive(Clone, Copy, Debug)]
pub struct FeatureVector(pub [f64; FEATURE_COUNT]);

impl Default for FeatureVector {
    fn default() -> Self {
        FeatureVector([f64::NAN; FEATURE_COUNT])
    }
}

impl FeatureVector {
    /// The feature's value, or `None` if absent.
    #[inline]
    pub fn get(&self, feature: Feature) -> Option<f64> {
        let value = self.raw(feature);
        (!value.is_nan()).then_some(value)
    }

    /// The feature's value, NaN if absent.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "the array has one place for each variant of the index's enum"
    )]
    pub fn raw(&self, feature: Feature) -> f64 {
        self.0[feature as usize]
    }

    /// Sets the feature's value.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "the array has one place for each variant of the index's enum"
    )]
    pub fn set(&mut self, feature: Feature, value: f64) {
        self.0[feature as usize] = value;
    }

    /// The one cast to f32, at the model's edge.
    pub fn to_model_input(&self) -> [f32; FEATURE_COUNT] {
        self.0.map(|value| value as f32)
    }

    /// The 40 values' bits, every NaN made the same: what "equal to the bit" compares.
    pub fn canonical_bits(&self) -> [u64; FEATURE_COUNT] {
        self.0.map(|value| if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() })
    }
}

/// Two vectors are equal when they are equal to the bit, every NaN counting as the same.
impl PartialEq for FeatureVector {
    fn eq(&self, other: &Self) -> bool {
        self.canonical_bits() == other.canonical_bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_has_forty_names_in_order() {
        for (position, feature) in Feature::ALL.into_iter().enumerate() {
            assert_eq!(feature as usize, position);
            assert_eq!(FEATURES[position].name, feature.name());
            assert_eq!(feature.name().parse(), Ok(feature));
        }
        assert_eq!(Feature::MinutesSinceReset as usize + 1, 40);
        assert_eq!(Feature::SymbolBer12m as usize + 1, 25);
    }

    #[test]
    fn vectors_with_nan_in_the_same_places_are_equal() {
        assert_eq!(FeatureVector::default(), FeatureVector::default());
    }
}
