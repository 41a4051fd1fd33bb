//! Bits by their likelihood: an adaptive binary arithmetic coder.
//!
//! A likely bit costs a fraction of one. Encoder and decoder stand behind one trait whose `bit` takes the bit to encode and
//! gives the bit that holds, so that one walk over the fields serves both directions and the two cannot disagree.
//! The interval is carry-free: its ends are 32-bit, and their common first bytes are written as soon as they are
//! settled. What is behind the last byte reads as zeros.

/// How likely a bit is to be 1, learnt from the bits seen with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chance {
    of_one: u16,
    seen: u8,
}

impl Chance {
    pub(crate) const EVEN: Chance = Chance { of_one: 1 << 15, seen: 0 };

    const SURE: u16 = 1 << 9;
    const SLOWEST: u8 = 4;

    fn learn(&mut self, bit: bool) {
        self.seen = (self.seen + 1).min(Self::SLOWEST);
        if bit {
            self.of_one += (u16::MAX - self.of_one) >> self.seen;
        } else {
            self.of_one -= self.of_one >> self.seen;
        }
        self.of_one = self.of_one.clamp(Self::SURE, u16::MAX - Self::SURE);
    }
}

/// Either direction.
pub(crate) trait BitCoder {
    /// Codes one bit with `chance`: an encoder writes `bit`, a decoder reads one instead; either gives the bit that holds.
    fn bit(&mut self, chance: &mut Chance, bit: bool) -> bool;

    /// Codes `count` bits of which nothing is known, the highest first, many in one step.
    fn noise(&mut self, count: u32, bits: u64) -> u64;
}

/// Bits of noise in one step.
const NOISE_BITS: u32 = 12;

/// An interval wide enough to be cut into a piece for each value of so many bits.
const WIDE: u32 = 1 << 20;

/// An interval of what the bytes can still be.
#[derive(Clone, Copy, Debug)]
struct Interval {
    low: u32,
    high: u32,
}

impl Interval {
    const WHOLE: Interval = Interval { low: 0, high: u32::MAX };

    fn middle(self, chance: Chance) -> u32 {
        let width = u64::from(self.high - self.low);
        self.low + ((width * u64::from(chance.of_one)) >> 16) as u32
    }

    /// The width of one piece where the interval is cut for a step of noise; nothing if it is too narrow to be cut.
    fn piece(self, count: u32) -> Option<u32> {
        let width = self.high - self.low;
        (width >= WIDE).then_some(width >> count)
    }

    fn take_piece(&mut self, piece: u32, number: u32) {
        self.low += piece * number;
        self.high = self.low + (piece - 1);
    }

    fn take(&mut self, middle: u32, bit: bool) {
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
    }

    /// The first byte, once both ends have the same; the interval then moves one byte on.
    fn settled(&mut self) -> Option<u8> {
        if (self.low ^ self.high) >> 24 != 0 {
            return None;
        }
        let byte = (self.high >> 24) as u8;
        self.low <<= 8;
        self.high = self.high << 8 | 0xff;
        Some(byte)
    }
}

/// Writes.
pub(crate) struct BitEncoder {
    interval: Interval,
    bytes: Vec<u8>,
}

impl BitEncoder {
    pub(crate) fn onto(bytes: Vec<u8>) -> Self {
        BitEncoder { interval: Interval::WHOLE, bytes }
    }

    /// The bytes: as few more as name a place inside the interval.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let Interval { low, high } = self.interval;
        for length in 0..=4_u32 {
            let below = if length == 4 { 0 } else { u32::MAX >> (8 * length) };
            let place = low.checked_add(below).map(|place| place & !below);
            if let Some(place) = place.filter(|place| *place <= high) {
                self.bytes.extend(place.to_be_bytes().into_iter().take(length as usize));
                break;
            }
        }
        self.bytes
    }
}

impl BitCoder for BitEncoder {
    fn bit(&mut self, chance: &mut Chance, bit: bool) -> bool {
        let middle = self.interval.middle(*chance);
        self.interval.take(middle, bit);
        chance.learn(bit);
        self.write_settled();
        bit
    }

    fn noise(&mut self, mut count: u32, bits: u64) -> u64 {
        while count > 0 {
            let step = count.min(NOISE_BITS);
            let Some(piece) = self.interval.piece(step) else {
                count -= 1;
                self.bit(&mut { Chance::EVEN }, bits >> count & 1 == 1);
                continue;
            };
            count -= step;
            let number = (bits >> count) as u32 & ((1 << step) - 1);
            self.interval.take_piece(piece, number);
            self.write_settled();
        }
        bits
    }
}

impl BitEncoder {
    fn write_settled(&mut self) {
        while let Some(byte) = self.interval.settled() {
            self.bytes.push(byte);
        }
    }
}

/// Reads.
pub(crate) struct BitDecoder<'a> {
    interval: Interval,
    place: u32,
    rest: std::slice::Iter<'a, u8>,
}

impl<'a> BitDecoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = BitDecoder { interval: Interval::WHOLE, place: 0, rest: bytes.iter() };
        (0..4).for_each(|_| decoder.move_on());
        decoder
    }

    fn move_on(&mut self) {
        self.place = self.place << 8 | u32::from(self.rest.next().copied().unwrap_or(0));
    }
}

impl BitCoder for BitDecoder<'_> {
    fn bit(&mut self, chance: &mut Chance, _: bool) -> bool {
        let middle = self.interval.middle(*chance);
        let bit = self.place <= middle;
        self.interval.take(middle, bit);
        chance.learn(bit);
        self.read_settled();
        bit
    }

    fn noise(&mut self, mut count: u32, _: u64) -> u64 {
        let mut bits = 0;
        while count > 0 {
            let step = count.min(NOISE_BITS);
            let Some(piece) = self.interval.piece(step) else {
                count -= 1;
                bits = bits << 1 | u64::from(self.bit(&mut { Chance::EVEN }, false));
                continue;
            };
            count -= step;
            // Damaged bytes may name a place outside of every piece; a checksum tells later.
            let number = (self.place.wrapping_sub(self.interval.low) / piece).min((1 << step) - 1);
            bits = bits << step | u64::from(number);
            self.interval.take_piece(piece, number);
            self.read_settled();
        }
        bits
    }
}

impl BitDecoder<'_> {
    fn read_settled(&mut self) {
        while self.interval.settled().is_some() {
            self.move_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(bits: &[bool]) -> usize {
        let mut encoder = BitEncoder::onto(Vec::new());
        let mut chance = Chance::EVEN;
        for bit in bits {
            encoder.bit(&mut chance, *bit);
        }
        let bytes = encoder.finish();
        let (mut decoder, mut chance) = (BitDecoder::new(&bytes), Chance::EVEN);
        for bit in bits {
            assert_eq!(decoder.bit(&mut chance, false), *bit);
        }
        bytes.len()
    }

    #[test]
    fn bits_come_back_whatever_they_are() {
        let mut seed = 7_u64;
        for length in 0..600 {
            let bits: Vec<bool> = (0..length)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    seed >> 33 & 3 == 0
                })
                .collect();
            round_trip(&bits);
        }
    }

    #[test]
    fn noise_comes_back_among_bits_that_are_learnt() {
        let mut seed = 3_u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            seed
        };
        let parts: Vec<(bool, u32, u64)> = (0..5_000)
            .map(|_| {
                let count = (next() >> 58) as u32 + 1;
                (next() >> 33 & 7 == 0, count, next() >> (64 - count))
            })
            .collect();
        let (mut encoder, mut chance) = (BitEncoder::onto(Vec::new()), Chance::EVEN);
        for (bit, count, bits) in &parts {
            encoder.bit(&mut chance, *bit);
            encoder.noise(*count, *bits);
        }
        let bytes = encoder.finish();
        let whole: u32 = parts.iter().map(|(_, count, _)| count).sum();
        assert!(bytes.len() < whole as usize / 8 * 101 / 100 + 600, "{} bytes", bytes.len());
        let (mut decoder, mut chance) = (BitDecoder::new(&bytes), Chance::EVEN);
        for (bit, count, bits) in parts {
            assert_eq!(decoder.bit(&mut chance, false), bit);
            assert_eq!(decoder.noise(count, 0), bits);
        }
    }

    #[test]
    fn what_is_likely_is_cheap() {
        assert!(round_trip(&[false; 1_000]) < 25);
        assert!(round_trip(&[true; 1_000]) < 25);
    }
}
