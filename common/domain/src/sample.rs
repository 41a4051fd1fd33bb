//! What happened on one stream between two readings.
//!
//! The named values live in one array indexed by [`SampleField`], absent being NaN: absent is not zero, and a fold
//! that runs millions of times a second reads them without a lookup. Counters Linkcast has no name for travel
//! along in `other` and are kept.

use std::fmt;
use std::str::FromStr;

use crate::{CounterName, StreamId, Timestamp};

/// How many named values a sample has.
pub const SAMPLE_FIELD_COUNT: usize = 26;

macro_rules! sample_fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A named value of a sample, in the order of the canonical sample file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum SampleField { $($(#[$doc])* $variant,)* }

        impl SampleField {
            /// Every field, in order.
            pub const ALL: [SampleField; SAMPLE_FIELD_COUNT] = [$(SampleField::$variant,)*];

            /// The name in sample files, stores and messages.
            pub fn name(self) -> &'static str {
                match self { $(SampleField::$variant => $name,)* }
            }
        }

        impl FromStr for SampleField {
            type Err = UnknownSampleFieldError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(SampleField::$variant),)*
                    _ => Err(UnknownSampleFieldError { name: text.chars().take(64).collect() }),
                }
            }
        }
    };
}

sample_fields! {
    /// 99th percentile latency, µs; from a probe, for no InfiniBand counter holds it.
    LatencyP99 = "latency_p99",
    /// Per cent of the link's data rate, busier direction.
    Utilization = "utilization",
    /// Fraction of packets received in error, 0 to 1.
    ErrorRate = "error_rate",
    /// Gb/s, busier direction.
    BandwidthGbps = "bandwidth_gbps",
    /// Queue-pair errors a minute, from host counters only.
    QpErrors = "qp_errors",
    /// Symbol errors in the interval.
    SymbolErrors = "symbol_errors",
    /// Times the link retrained and recovered in the interval.
    LinkErrorRecoveries = "link_error_recoveries",
    /// Times the link went down in the interval.
    LinkDowned = "link_downed",
    /// Packets received in error in the interval.
    RcvErrors = "rcv_errors",
    /// Packets received already marked bad by the far side in the interval.
    RcvRemotePhysicalErrors = "rcv_remote_physical_errors",
    /// Packets received in the interval.
    RcvPackets = "rcv_packets",
    /// Outbound packets dropped in the interval.
    XmitDiscards = "xmit_discards",
    /// Share of the interval in which data waited to be sent, 0 to 1.
    XmitWaitRatio = "xmit_wait_ratio",
    /// Local link integrity threshold crossings in the interval.
    LocalLinkIntegrityErrors = "local_link_integrity_errors",
    /// Excessive buffer overruns in the interval.
    BufferOverruns = "buffer_overruns",
    /// Local acknowledgement timeouts in the interval, host counter.
    AckTimeouts = "ack_timeouts",
    /// Receiver-not-ready refusals in the interval, host counter.
    RnrNaks = "rnr_naks",
    /// Packets dropped for want of a receive buffer in the interval, host counter.
    OutOfBuffer = "out_of_buffer",
    /// Congestion notifications in the interval, host counter.
    CongestionNotifications = "congestion_notifications",
    /// Memory registrations that failed in the interval.
    MemoryRegistrationFailures = "memory_registration_failures",
    /// The link's data rate as trained, Gb/s.
    LinkRateGbps = "link_rate_gbps",
    /// The data rate both ends could train to, Gb/s.
    LinkCapableGbps = "link_capable_gbps",
    /// Seconds the sample covers.
    IntervalS = "interval_s",
    /// How many of the port's counters stand at their maximum, so that their change is unknown.
    SaturatedCounters = "saturated_counters",
    /// 1 if the port's counters were reset within the interval.
    Reset = "reset",
    /// 1 if one or more expected readings are missing before this one.
    Gap = "gap",
}

/// A name that is no sample field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a sample field")]
pub struct UnknownSampleFieldError {
    name: String,
}

impl fmt::Display for SampleField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The named values of a sample; absent is NaN inside and `None` outside.
#[derive(Clone, Copy, Debug)]
pub struct SampleValues([f64; SAMPLE_FIELD_COUNT]);

impl Default for SampleValues {
    fn default() -> Self {
        SampleValues([f64::NAN; SAMPLE_FIELD_COUNT])
    }
}

impl SampleValues {
    /// The value, or `None` if absent.
    #[inline]
    pub fn get(&self, field: SampleField) -> Option<f64> {
        let value = self.raw(field);
        (!value.is_nan()).then_some(value)
    }

    /// The value, NaN if absent.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "the array has one place for each variant of the index's enum"
    )]
    pub fn raw(&self, field: SampleField) -> f64 {
        self.0[field as usize]
    }

    /// Sets a value; an infinite one is as unusable as an absent one, and becomes absent.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "the array has one place for each variant of the index's enum"
    )]
    pub fn set(&mut self, field: SampleField, value: f64) {
        self.0[field as usize] = if value.is_finite() { value } else { f64::NAN };
    }

    /// These values with one more.
    #[must_use]
    pub fn with(mut self, field: SampleField, value: f64) -> Self {
        self.set(field, value);
        self
    }

    /// The present values, in the fields' order.
    pub fn present(&self) -> impl Iterator<Item = (SampleField, f64)> + '_ {
        SampleField::ALL.into_iter().filter_map(|field| Some((field, self.get(field)?)))
    }
}

/// Two sets of values are equal when the same fields are present with the same bits.
impl PartialEq for SampleValues {
    fn eq(&self, other: &Self) -> bool {
        SampleField::ALL
            .into_iter()
            .all(|field| self.get(field).map(f64::to_bits) == other.get(field).map(f64::to_bits))
    }
}

/// What happened on one stream in the interval that ends at `time`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Whose.
    pub stream: StreamId,
    /// The end of the interval.
    pub time: Timestamp,
    /// The named values.
    pub values: SampleValues,
    /// Changes of counters without a name above, under their source's own names, sorted by name.
    pub other: Vec<(CounterName, f64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name() {
        for field in SampleField::ALL {
            assert_eq!(field.name().parse(), Ok(field));
        }
        assert_eq!(SampleField::Gap as usize, SAMPLE_FIELD_COUNT - 1);
    }

    #[test]
    fn absent_is_not_zero() {
        let values = SampleValues::default().with(SampleField::SymbolErrors, 0.0);
        assert_eq!(values.get(SampleField::SymbolErrors), Some(0.0));
        assert_eq!(values.get(SampleField::RcvErrors), None);
        assert_eq!(values.present().count(), 1);
    }

    #[test]
    fn an_infinite_value_is_absent() {
        assert_eq!(SampleValues::default().with(SampleField::ErrorRate, f64::INFINITY).present().count(), 0);
    }
}
