//! The hash under which maps keep texts and stream ids.
//!
//! Each port's label text, a hundred bytes, and its id, twenty, are hashed for every sample: the standard library's hash
//! costs as much there as reading the text does, and a streaming form sets up more state than it hashes. Each map has
//! a seed of its own, so that texts cannot be made to collide.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Makes hashers of one random seed, drawn by `default`.
#[derive(Clone, Copy, Debug)]
pub struct TextHash {
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
pub struct TextHasher(u64);

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
