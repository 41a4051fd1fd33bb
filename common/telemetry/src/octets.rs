//! Data counters count 4-octet words; Linkcast counts bytes.
//!
//! Done in one place, because the limit must survive the conversion: a 32-bit word counter that stands at all ones
//! becomes a 34-bit byte counter that stands at all ones, so the differ needs no rule of its own for data.

use crate::Range;

/// Octets in a word of `PortXmitData` and `PortRcvData`.
const WORD_OCTETS: u64 = 4;

/// Bytes for a count of words from a counter of `bits` bits that clamps.
pub(crate) fn words_to_bytes(words: u64, bits: u8) -> (u64, Range) {
    let byte_bits = bits.saturating_add(2).min(64);
    let most_words = u64::MAX >> (64 - bits.clamp(1, 64));
    let bytes =
        if words >= most_words { u64::MAX >> (64 - byte_bits) } else { words.saturating_mul(WORD_OCTETS) };
    (bytes, Range::Clamps(byte_bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clamped_word_counter_is_a_clamped_byte_counter() {
        assert_eq!(words_to_bytes(4_294_967_295, 32), ((1 << 34) - 1, Range::Clamps(34)));
        assert_eq!(words_to_bytes(4_294_967_294, 32), ((1 << 34) - 8, Range::Clamps(34)));
        assert_eq!(words_to_bytes(u64::MAX, 64), (u64::MAX, Range::Clamps(64)));
        assert_eq!(words_to_bytes(72, 64), (288, Range::Clamps(64)));
    }
}
