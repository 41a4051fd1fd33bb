//! What can go wrong with a fold: a sample out of order, and a state that cannot be trusted.
//!
//! Both leave everything as it was; the caller counts the first and starts the stream afresh on the second.

use linkcast_domain::Timestamp;

/// A sample that is not newer than its stream's last; it was dropped and changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sample of {time} is not newer than its stream's last, of {last}")]
pub struct StaleSample {
    /// The time of the sample that was refused.
    pub time: Timestamp,
    /// The time of the stream's last sample.
    pub last: Timestamp,
}

/// Bytes that are no state of a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The state was written by another version of the fold.
    #[error("stream state has version {found}, expected {expected}")]
    Version {
        /// The version the bytes name.
        found: u16,
        /// The version this fold reads.
        expected: u16,
    },
    /// The state has the wrong size.
    #[error("stream state has {found} bytes, expected {expected}")]
    Length {
        /// How many bytes there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// The state's checksum does not match its bytes.
    #[error("stream state is damaged: checksum is {found:08x}, expected {expected:08x}")]
    Checksum {
        /// The checksum of the bytes as they are.
        found: u32,
        /// The checksum written with them.
        expected: u32,
    },
}
