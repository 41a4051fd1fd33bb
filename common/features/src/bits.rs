//! Fields of any width, one behind the other, in a state's bytes.
//!
//! The state's budget is counted in bits, so nothing in it is padded to a byte.

/// Writes fields into a fixed room.
#[derive(Debug)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// What is not yet eight bytes, the earlier bits lower.
    pending: u64,
    pending_bits: u32,
}

impl BitWriter {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        BitWriter { bytes: Vec::with_capacity(bytes), pending: 0, pending_bits: 0 }
    }

    /// Appends the lowest `bits` (64 at most) of `value`.
    #[inline]
    pub(crate) fn put(&mut self, value: u64, bits: u32) {
        let kept = value & u64::MAX.checked_shr(u64::BITS - bits).unwrap_or(0);
        self.pending |= kept << self.pending_bits;
        let filled = self.pending_bits + bits;
        if filled < u64::BITS {
            self.pending_bits = filled;
            return;
        }
        self.bytes.extend_from_slice(&self.pending.to_le_bytes());
        self.pending = kept.checked_shr(u64::BITS - self.pending_bits).unwrap_or(0);
        self.pending_bits = filled - u64::BITS;
    }

    pub(crate) fn put_f64(&mut self, value: f64) {
        self.put(value.to_bits(), 64);
    }

    pub(crate) fn put_f32(&mut self, value: f32) {
        self.put(u64::from(value.to_bits()), 32);
    }

    /// The bytes, the last one filled with zeros.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let begun = self.pending_bits.div_ceil(8) as usize;
        self.bytes.extend(self.pending.to_le_bytes().into_iter().take(begun));
        self.bytes
    }
}

/// Reads fields back; past the end there are only zeros, so the caller checks the length first.
#[derive(Debug)]
pub(crate) struct BitReader<'a> {
    rest: &'a [u8],
    pending: u128,
    pending_bits: u32,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        BitReader { rest: bytes, pending: 0, pending_bits: 0 }
    }

    /// The next `bits` (64 at most).
    pub(crate) fn take(&mut self, bits: u32) -> u64 {
        if self.pending_bits < bits {
            let mut next = [0; 8];
            let (head, rest) = self.rest.split_at(self.rest.len().min(next.len()));
            next.iter_mut().zip(head).for_each(|(place, byte)| *place = *byte);
            self.rest = rest;
            self.pending |= u128::from(u64::from_le_bytes(next)) << self.pending_bits;
            self.pending_bits += u64::BITS;
        }
        let value = (self.pending & ((1 << bits) - 1)) as u64;
        self.pending >>= bits;
        self.pending_bits -= bits;
        value
    }

    pub(crate) fn take_f64(&mut self) -> f64 {
        f64::from_bits(self.take(64))
    }

    pub(crate) fn take_f32(&mut self) -> f32 {
        f32::from_bits(self.take(32) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_any_width_come_back() {
        let fields =
            [(1, 1), (0xdead_beef, 32), (u64::MAX, 64), (5, 3), (0x1_2345, 17), (0, 20), (1 << 63, 64)];
        let mut writer = BitWriter::with_capacity(64);
        for (value, bits) in fields {
            writer.put(value, bits);
        }
        let bytes = writer.finish();
        let mut reader = BitReader::new(&bytes);
        for (value, bits) in fields {
            assert_eq!(reader.take(bits), value);
        }
    }
}
