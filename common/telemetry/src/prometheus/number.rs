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
    let (whole, rest) = read_digits(0, bytes);
    let digits = bytes.len() - rest.len();
    if digits > 0 && digits < 19 && matches!(rest.first(), None | Some(b'\n' | b' ' | b'\r')) {
        return Some((Number::Whole(whole), rest));
    }
    read_general(bytes)
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
    if let Some(whole) = read_scientific(text) {
        return Some((Number::Whole(whole), rest));
    }
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(whole) = text.parse() {
        return Some((Number::Whole(whole), rest));
    }
    if text.is_empty() || text.len() > 400 {
        return None;
    }
    Some((Number::from_f64(text.parse().ok()?), rest))
}

/// `1.8527668e+07` and the like as a whole number, if it is one and fits.
fn read_scientific(text: &[u8]) -> Option<u64> {
    let (value, after_whole) = read_digits(0, text);
    let whole_digits = text.len() - after_whole.len();
    let (value, after_fraction, fraction_digits) = match after_whole {
        [b'.', fraction @ ..] => {
            let (value, rest) = read_digits(value, fraction);
            (value, rest, fraction.len() - rest.len())
        }
        _ => (value, after_whole, 0),
    };
    if whole_digits == 0 || whole_digits + fraction_digits > 19 {
        return None;
    }
    let exponent = match after_fraction {
        [] => 0,
        [b'e' | b'E', b'+', exponent @ ..] | [b'e' | b'E', exponent @ ..] => read_exponent(exponent)?,
        _ => return None,
    };
    let fraction_digits = u32::try_from(fraction_digits).ok()?;
    if exponent >= fraction_digits {
        value.checked_mul(10u64.checked_pow(exponent - fraction_digits)?)
    } else {
        let divisor = 10u64.checked_pow(fraction_digits - exponent)?;
        (value % divisor == 0).then_some(value / divisor)
    }
}

fn read_exponent(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 4 {
        return None;
    }
    let (exponent, rest) = read_digits(0, text);
    rest.is_empty().then_some(u32::try_from(exponent).ok()?)
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
