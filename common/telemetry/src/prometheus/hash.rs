//! The hash under which a parse remembers labels and ports.
//!
//! Each port's label text, a hundred bytes, is hashed twice a sweep: the standard library's hash costs as much there
//! as reading the text does. This one is seeded anew for each parse, so that a text cannot be made to collide.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Makes hashers of one random seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct TextHash {
    seed: u64,
}

impl Default for TextHash {
    fn default() -> Self {
        TextHash { seed: RandomState::new().hash_one(0_u8) }
    }
}

impl BuildHasher for TextHash {
    type Hasher = TextHasher;

    #[inline]
    fn build_hasher(&self) -> TextHasher {
        TextHasher(self.seed)
    }
}

/// Hashes texts in one shot each.
pub(super) struct TextHasher(u64);

impl Hasher for TextHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    /// The end mark of a text.
    #[inline]
    fn write_u8(&mut self, byte: u8) {
        self.0 ^= u64::from(byte);
    }

    /// The length of a slice, which the bytes' own hash holds already.
    #[inline]
    fn write_usize(&mut self, length: usize) {
        self.0 = self.0.wrapping_add(length as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}
