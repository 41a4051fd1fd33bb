//! Small floating-point numbers for closed buckets: unsigned, with a chosen unit, precision and range.
//!
//! Every value is a whole multiple of the format's unit and below 2^47 of it, so sums of a window's buckets are
//! exact in f64. A running sum can therefore take a bucket in and let another go for years without drifting, and
//! a sum made afresh from the buckets, as after a restart, has the same bits.

/// A format: `stored` bits behind the leading one, an exponent in the rest of `bits`, gradual underflow to the unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MiniFloat {
    bits: u32,
    stored: u32,
    unit: f64,
    units_in_one: f64,
    largest: f64,
    /// Below this a value is rounded to whole units, above it to the format's precision.
    first_rounded: f64,
}

/// Adding and taking away this rounds a number below 2^51 to a whole one.
const ROUNDER: f64 = 6_755_399_441_055_744.0; // 1.5 · 2^52

const fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

impl MiniFloat {
    /// A format of `bits` in all, `stored` of them for the significand, in units of `2^unit_exponent`.
    pub(crate) const fn new(bits: u32, stored: u32, unit_exponent: i32) -> Self {
        let widest_shift = (1_u64 << (bits - stored)) - 2;
        MiniFloat {
            bits,
            stored,
            unit: power_of_two(unit_exponent),
            units_in_one: power_of_two(-unit_exponent),
            largest: (((1_u64 << (stored + 1)) - 1) << widest_shift) as f64,
            first_rounded: (1_u64 << (stored + 1)) as f64,
        }
    }

    /// Bits a number takes when written.
    pub(crate) const fn bits(&self) -> u32 {
        self.bits
    }

    /// The nearest number the format can hold, which an f32 can hold too.
    #[inline(always)]
    pub(crate) fn round(&self, value: f64) -> f64 {
        let units = (value * self.units_in_one).min(self.largest);
        let whole = (units + ROUNDER) - ROUNDER;
        let dropped = 52 - self.stored;
        let half = 1_u64 << (dropped - 1);
        let rounded = f64::from_bits((units.to_bits() + half) & !((1_u64 << dropped) - 1));
        let chosen = if units < self.first_rounded { whole } else { rounded };
        chosen.min(self.largest) * self.unit
    }

    /// The code of a number the format can hold.
    #[inline(always)]
    pub(crate) fn encode(&self, value: f64) -> u32 {
        let units = (value * self.units_in_one) as u64;
        if units >> self.stored == 0 {
            return units as u32;
        }
        let exponent = 64 - units.leading_zeros() - self.stored;
        let significand = (units >> (exponent - 1)) as u32 & ((1 << self.stored) - 1);
        exponent << self.stored | significand
    }

    /// How many units a code stands for.
    #[inline(always)]
    pub(crate) fn units(&self, code: u32) -> u64 {
        let exponent = code >> self.stored;
        let significand = u64::from(code & ((1 << self.stored) - 1));
        if exponent == 0 { significand } else { (significand | 1 << self.stored) << (exponent - 1) }
    }

    /// The number a code stands for.
    #[inline(always)]
    pub(crate) fn decode(&self, code: u32) -> f64 {
        self.units(code) as f64 * self.unit
    }
}

/// `value` with 29 significant bits: what an open bucket's sum keeps, in five bytes.
#[inline(always)]
pub(crate) fn round_to_forty_bits(value: f64) -> f64 {
    f64::from_bits((value.to_bits() + (1 << 23)) & !((1 << 24) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMATS: [MiniFloat; 5] = [
        MiniFloat::new(20, 15, -8),
        MiniFloat::new(18, 13, -10),
        MiniFloat::new(17, 12, -14),
        MiniFloat::new(16, 12, 0),
        MiniFloat::new(8, 5, 0),
    ];

    #[test]
    fn every_code_comes_back() {
        for format in FORMATS {
            for code in 0..1 << format.bits() {
                let value = format.decode(code);
                assert_eq!(format.encode(value), code);
                assert_eq!(format.round(value), value);
                assert_eq!(f64::from(value as f32), value);
            }
        }
    }

    #[test]
    fn rounding_is_to_the_format_s_precision_and_saturates() {
        for format in FORMATS {
            let mut value = format.unit;
            while value < format.largest * format.unit {
                let error = (format.round(value) - value).abs();
                let allowed = (value / f64::from(1 << (format.stored + 1))).max(format.unit / 2.0);
                assert!(error <= allowed, "{value} in {format:?}");
                value *= 1.013;
            }
            assert_eq!(format.round(1e300), format.largest * format.unit);
            assert_eq!(format.round(0.0), 0.0);
        }
    }
}
