//! Changes against a stream's previous present value: rate and acceleration.
//!
//! Both are a minute's worth, and unknown when the previous value is more than a quarter of an hour old. A rate
//! that is unknown now makes the next acceleration unknown too: the rate before it is older than the value that
//! was already too old.

use crate::bits::{BitReader, BitWriter};

const OLDEST_MILLIS: i64 = 15 * 60_000;
const MINUTE_MILLIS: f64 = 60_000.0;
const AGE_BITS: u32 = 20;
/// An age that cannot be: there is no previous value.
const NO_AGE: u64 = (1 << AGE_BITS) - 1;

/// A metric's previous present value and its rate then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trend {
    millis: i64,
    value: f64,
    rate: f64,
}

/// A metric's change now, a minute's worth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) rate: f64,
    pub(crate) acceleration: f64,
}

impl Trend {
    pub(crate) fn new() -> Self {
        Trend { millis: i64::MIN, value: f64::NAN, rate: f64::NAN }
    }

    /// The change to `value`, which becomes the previous one if it is present.
    #[inline(always)]
    pub(crate) fn advance(&mut self, millis: i64, value: f64) -> Change {
        let age_millis = millis.saturating_sub(self.millis);
        if value.is_nan() || age_millis > OLDEST_MILLIS {
            if !value.is_nan() {
                *self = Trend { millis, value, rate: f64::NAN };
            }
            return Change { rate: f64::NAN, acceleration: f64::NAN };
        }
        let per_minute = MINUTE_MILLIS / age_millis as f64;
        let rate = finite((value - self.value) * per_minute);
        let acceleration = finite((rate - self.rate) * per_minute);
        *self = Trend { millis, value, rate };
        Change { rate, acceleration }
    }

    pub(crate) fn write(&self, last_millis: i64, writer: &mut BitWriter) {
        let age_millis = last_millis.saturating_sub(self.millis);
        let known = (0..=OLDEST_MILLIS).contains(&age_millis);
        writer.put(if known { age_millis as u64 } else { NO_AGE }, AGE_BITS);
        writer.put_f64(self.value);
    }

    pub(crate) fn write_rate(&self, writer: &mut BitWriter) {
        writer.put_f64(self.rate);
    }

    pub(crate) fn read(last_millis: i64, reader: &mut BitReader<'_>) -> Self {
        let age_millis = reader.take(AGE_BITS);
        let value = reader.take_f64();
        let millis =
            if age_millis == NO_AGE { i64::MIN } else { last_millis.saturating_sub(age_millis as i64) };
        Trend { millis, value, rate: f64::NAN }
    }

    pub(crate) fn with_rate(self, rate: f64) -> Self {
        Trend { rate, ..self }
    }
}

/// A difference of two huge numbers may overflow; it is then unknown rather than infinite.
#[inline(always)]
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::NAN }
}
