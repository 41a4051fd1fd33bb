//! Which streams a variant answers: a bucket a stream, drawn by a hash, against the cumulative weights.
//!
//! Nothing is stored and nothing asked: two processes agree, and a restart changes nothing. Each variant has the buckets from
//! where the one before it ends, so that the first variant keeps all it has when its weight rises (Kohavi et al. 2009,
//! on hash and partition).

use linkcast_domain::StreamId;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// How many buckets there are: a hundredth of a percent each.
pub const BUCKETS: u64 = 10_000;

/// The bucket of `stream` under `salt`; another salt draws all streams anew.
pub fn bucket(salt: &str, stream: &StreamId) -> u16 {
    bucket_of(seed(salt), stream)
}

/// The same with the salt hashed already.
#[inline]
pub(crate) fn bucket_of(seed: u64, stream: &StreamId) -> u16 {
    (xxh3_64_with_seed(stream.as_bytes(), seed) % BUCKETS) as u16
}

/// What a salt becomes.
pub(crate) fn seed(salt: &str) -> u64 {
    xxh3_64(salt.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_the_same_on_every_machine() {
        let buckets = ["0000000000200000/2", "b8599f0300120000/17", "gpu-17/nic0"]
            .map(|stream| bucket("link-health", &stream.parse().unwrap()));
        assert_eq!(buckets, [1854, 5317, 1604], "as the reference xxHash gives them");
    }

    #[test]
    fn another_salt_draws_anew() {
        let streams: Vec<StreamId> =
            (0..1_000_u64).map(|number| format!("{number:016x}/1").parse().unwrap()).collect();
        let same = streams.iter().filter(|stream| bucket("a", stream) / 1_000 == bucket("b", stream) / 1_000);
        let share = same.count();
        assert!((60..140).contains(&share), "{share} of 1,000 streams kept their tenth");
    }
}
