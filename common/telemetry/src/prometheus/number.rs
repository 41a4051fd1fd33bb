//! A sample's value, exact where it is whole.
//!
//! Counters are printed as floats (`1.8527668e+07`, `5.149057134655e+012`). Nearly all are whole, and reading
//! mantissa and exponent as integers is both exact beyond 2^53 and several times faster than a float parser.

/// A value as far as counters care.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// NaN: the exporter had nothing to say.
    Absent,
    /// A whole number that fits.
    Whole(u64),
    /// Anything else: fractions, negatives, infinities, numbers beyond 64 bits.
    Real(f64),
}

impl Number {
    /// From a float, as remote write carries it.
    pub(crate) fn from_f64(value: f64) -> Self {
        const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;
        if value.is_nan() {
            Number::Absent
        } else if (0.0..TWO_TO_64).contains(&value) && value.fract() == 0.0 {
            Number::Whole(value as u64)
        } else {
            Number::Real(value)
        }
    }

    /// The value as a float; absent is NaN.
    pub(crate) fn to_f64(self) -> f64 {
        match self {
            Number::Absent => f64::NAN,
            Number::Whole(value) => value as f64,
            Number::Real(value) => value,
        }
    }
}

/// Reads a number from the start of `bytes`: the number and what follows it, or `None` if none stands there.
#[inline]
pub(crate) fn read_number(bytes: &[u8]) -> Option<(Number, &[u8])> {
    match read_whole(bytes) {
        Some((whole, rest)) if matches!(rest.first(), None | Some(b'\n' | b' ' | b'\r' | b'\t')) => {
            Some((Number::Whole(whole), rest))
        }
        _ => read_general(bytes),
    }
}

/// Folds leading digits into `value`; with up to 19 digits in all it cannot overflow.
#[inline]
fn read_digits(mut value: u64, mut bytes: &[u8]) -> (u64, &[u8]) {
    while let [digit @ b'0'..=b'9', rest @ ..] = bytes {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        bytes = rest;
    }
    (value, bytes)
}

fn read_general(bytes: &[u8]) -> Option<(Number, &[u8])> {
    let end =
        bytes.iter().position(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).unwrap_or(bytes.len());
    let (text, rest) = bytes.split_at_checked(end)?;
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(whole) = text.parse() {
        return Some((Number::Whole(whole), rest));
    }
    if text.is_empty() || text.len() > 400 {
        return None;
    }
    Some((Number::from_f64(text.parse().ok()?), rest))
}

/// `715166628708940` or `1.8527668e+07` as a whole number, if it is one of up to 19 digits and fits.
#[inline]
fn read_whole(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (value, rest) = read_digits(0, bytes);
    let whole_digits = bytes.len() - rest.len();
    if whole_digits == 0 || whole_digits > 19 {
        return None;
    }
    let (value, fraction_digits, rest) = match rest {
        [b'.', fraction @ ..] => {
            let (value, rest) = read_digits(value, fraction);
            (value, fraction.len() - rest.len(), rest)
        }
        _ => (value, 0, rest),
    };
    if whole_digits + fraction_digits > 19 {
        return None;
    }
    let (exponent, rest) = match rest {
        [b'e' | b'E', b'+', exponent @ ..] | [b'e' | b'E', exponent @ ..] => read_exponent(exponent)?,
        _ => (0, rest),
    };
    Some((scale(value, exponent, fraction_digits)?, rest))
}

/// `value * 10^(exponent - fraction_digits)`, if that is whole and fits.
fn scale(value: u64, exponent: usize, fraction_digits: usize) -> Option<u64> {
    const POWERS: [u64; 20] = {
        let mut powers = [1; 20];
        let mut place = 1;
        #[expect(clippy::indexing_slicing, reason = "the loop's bound is the array's length")]
        while place < powers.len() {
            powers[place] = powers[place - 1] * 10;
            place += 1;
        }
        powers
    };
    if exponent >= fraction_digits {
        value.checked_mul(*POWERS.get(exponent - fraction_digits)?)
    } else {
        let divisor = POWERS.get(fraction_digits - exponent)?;
        value.is_multiple_of(*divisor).then_some(value / divisor)
    }
}

fn read_exponent(text: &[u8]) -> Option<(usize, &[u8])> {
    let (exponent, rest) = read_digits(0, text);
    let digits = text.len() - rest.len();
    ((1..=4).contains(&digits)).then_some((usize::try_from(exponent).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Number) {
        assert_eq!(read_number(text.as_bytes()).unwrap().0, expected, "{text}");
    }

    #[test]
    fn whole_numbers_are_exact_however_they_are_printed() {
        check("0\n", Number::Whole(0));
        check("85554128244 1628683905941", Number::Whole(85_554_128_244));
        check("1.8527668e+07", Number::Whole(18_527_668));
        check("5.149057134655e+012", Number::Whole(5_149_057_134_655));
        check("1.0", Number::Whole(1));
        check("715166628708940", Number::Whole(715_166_628_708_940));
        check("18446744073709551615", Number::Whole(u64::MAX));
        check("1.8446744073709552e+19", Number::Real(18_446_744_073_709_551_616.0));
    }

    #[test]
    fn what_is_no_count_is_told_apart() {
        check("NaN", Number::Absent);
        check("-1", Number::Real(-1.0));
        check("0.5", Number::Real(0.5));
        check("1e400", Number::Real(f64::INFINITY));
        assert_eq!(read_number(b"foo"), None);
        assert_eq!(read_number(b""), None);
    }

    #[test]
    fn sixty_digits_do_not_overflow_into_a_small_number() {
        check(&"9".repeat(60), Number::Real(1e60));
        check("99999999999999999999", Number::Real(1e20));
    }
}
