//! Which of thousands of rows that say the same are kept.
//!
//! Nearly every sample of a fabric is a healthy port's. Each kept row carries the weight of those it stands for, so that the
//! trainer still sees how rare trouble is. Which rows stay is a hash of stream and time: the same on every run.

use linkcast_domain::{StreamId, Timestamp};
use serde::{Deserialize, Serialize};

/// One row in so many is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thinning {
    /// Of rows that are labelled with a fault.
    pub faulty: u32,
    /// Of normal rows that a rule takes for a fault.
    pub suspicious: u32,
    /// Of all others. What a reviewer looked at is always kept.
    pub quiet: u32,
}

impl Thinning {
    /// Everything is kept.
    pub const NONE: Thinning = Thinning { faulty: 1, suspicious: 1, quiet: 1 };
}

impl Default for Thinning {
    /// What the shipped model was trained with.
    fn default() -> Self {
        Thinning { faulty: 4, suspicious: 6, quiet: 60 }
    }
}

/// Whether the row of this stream and time is the one in `one_in` that stays.
pub(super) fn stays(stream: &StreamId, time: Timestamp, one_in: u32) -> bool {
    one_in <= 1 || lot(stream, time).is_multiple_of(u64::from(one_in))
}

/// A number that follows from a sample's stream and time, the same everywhere: what chance there is in choosing rows. FNV-1a with a
/// last mix.
pub fn lot(stream: &StreamId, time: Timestamp) -> u64 {
    let bytes = stream.as_str().bytes().chain(time.millis().to_le_bytes());
    let folded = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (folded ^ folded >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_so_many_stays_whatever_came_before() {
        let stream: StreamId = "0000000000000001/1".parse().unwrap();
        let at = |minute: i64| Timestamp::from_millis(1_700_000_000_000 + minute * 60_000);
        let kept = (0..60_000).filter(|minute| stays(&stream, at(*minute), 60)).count();
        assert!((800..1_200).contains(&kept), "{kept} of 1,000 expected");
        assert!((0..100).all(|minute| stays(&stream, at(minute), 1)));
    }
}
