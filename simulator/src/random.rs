//! Numbers that look random and are a pure function of what they are for.
//!
//! A draw is named by a path (seed, port, step, purpose) and not by its place in a sequence, so the order in which
//! ports are simulated, and whether their neighbours are simulated at all, changes nothing. Only additions,
//! multiplications, divisions and square roots are used, which IEEE 754 fixes to the last bit, and none of the
//! platform's own `exp` or `ln`: the same seed gives the same telemetry on every machine.

/// The golden ratio's fraction, an odd number with well spread bits.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A named source of randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draw(u64);

impl Draw {
    /// The root of all draws of one seed.
    pub(crate) fn of(seed: u64) -> Self {
        Draw(mix(seed ^ GOLDEN))
    }

    /// The draw one step further along its path.
    #[inline]
    pub(crate) fn at(self, step: u64) -> Self {
        Draw(mix(self.0 ^ step.wrapping_add(1).wrapping_mul(GOLDEN)))
    }

    /// 64 even bits.
    #[inline]
    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    /// Even over 0 to 1, 1 excluded.
    #[inline]
    pub(crate) fn unit(self) -> f64 {
        (self.0 >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Even over `low` to `high`.
    #[inline]
    pub(crate) fn between(self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Even over the logarithms of `low` to `high`: as many small ones as large ones.
    pub(crate) fn spread(self, low: f64, high: f64) -> f64 {
        low * power_of_two(self.unit() * logarithm(high / low) / std::f64::consts::LN_2)
    }

    /// One of `count` choices, from 0; 0 if there are none.
    pub(crate) fn choice(self, count: usize) -> usize {
        let wide = u128::from(self.0) * count as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// Whether something of this probability happens.
    #[inline]
    pub(crate) fn happens(self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A waiting time with this mean.
    pub(crate) fn wait(self, mean: f64) -> f64 {
        -mean * logarithm(1.0 - self.unit())
    }

    /// How many events happen where `mean` are expected.
    #[inline]
    pub(crate) fn count(self, mean: f64) -> u64 {
        let unit = self.unit();
        // 1 - mean is below e^-mean: most draws end here without an exponential.
        if mean <= 0.0 || unit < 1.0 - mean {
            return 0;
        }
        if mean > 24.0 { self.large_count(mean) } else { small_count(unit, mean) }
    }

    /// The normal approximation, good where the mean is large.
    fn large_count(self, mean: f64) -> u64 {
        let sum: u64 = (0..4).map(|part| self.at(GOLDEN).0 >> (16 * part) & 0xffff).sum();
        let normal = (sum as f64 / 65_536.0 - 2.0) * 1.732_050_807_568_877_2;
        (mean + mean.sqrt() * normal).max(0.0) as u64
    }
}

/// The inverse of Poisson's distribution, by adding up its terms.
fn small_count(unit: f64, mean: f64) -> u64 {
    let mut term = exponential(-mean);
    let mut total = term;
    let mut count = 0;
    while unit >= total && count < 200 {
        count += 1;
        term *= mean / count as f64;
        total += term;
    }
    count
}

/// Moves every bit of the input into every bit of the output (splitmix64's finaliser).
#[inline]
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// e to the power of `value`, to about nine digits.
pub(crate) fn exponential(value: f64) -> f64 {
    power_of_two(value * std::f64::consts::LOG2_E)
}

/// 2 to the power of `value`, to about nine digits; held to 2^±1000.
pub(crate) fn power_of_two(value: f64) -> f64 {
    let value = value.clamp(-1000.0, 1000.0);
    let whole = value.floor();
    let rest = (value - whole) * std::f64::consts::LN_2;
    let mut term = 1.0;
    let mut sum = 1.0;
    for order in 1..=11 {
        term *= rest / f64::from(order);
        sum += term;
    }
    let exponent = (whole as i64 + 1023) as u64;
    sum * f64::from_bits(exponent << 52)
}

/// The natural logarithm of a positive, normal number, to about nine digits.
pub(crate) fn logarithm(value: f64) -> f64 {
    let bits = value.max(f64::MIN_POSITIVE).to_bits();
    let exponent = (bits >> 52) as i64 - 1023;
    let mantissa = f64::from_bits(bits & 0x000f_ffff_ffff_ffff | 1023 << 52);
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let mut power = ratio;
    let mut sum = 0.0;
    for order in 0..10 {
        sum += power / f64::from(2 * order + 1);
        power *= square;
    }
    2.0 * sum + exponent as f64 * std::f64::consts::LN_2
}

/// A wave of period 1 between -1 and 1, zero and rising at 0: a sine drawn with two parabolas.
pub(crate) fn wave(phase: f64) -> f64 {
    let turn = phase - phase.floor();
    if turn < 0.5 { 16.0 * turn * (0.5 - turn) } else { -16.0 * (turn - 0.5) * (1.0 - turn) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_and_logarithm_agree_with_the_platforms() {
        for tenth in -200..200 {
            let value = f64::from(tenth) / 10.0;
            assert!((exponential(value) / value.exp() - 1.0).abs() < 1e-9, "{value}");
            assert!((logarithm(value.exp()) - value).abs() < 1e-7, "{value}");
        }
    }

    #[test]
    fn counts_have_the_mean_and_the_variance_of_poisson() {
        for mean in [0.02, 0.7, 5.0, 60.0] {
            let counts: Vec<f64> = (0..40_000).map(|step| Draw::of(3).at(step).count(mean) as f64).collect();
            let average = counts.iter().sum::<f64>() / 40_000.0;
            let variance = counts.iter().map(|c| (c - average) * (c - average)).sum::<f64>() / 40_000.0;
            assert!(
                (average - mean).abs() < 5.0 * (mean / 40_000.0).sqrt() + 0.5 * f64::from(mean > 24.0),
                "{mean} {average}"
            );
            assert!((variance / mean - 1.0).abs() < 0.12, "{mean} {variance}");
        }
    }

    #[test]
    fn a_draw_does_not_depend_on_what_was_drawn_before() {
        let alone = Draw::of(9).at(5).at(7).bits();
        let _ = (0..100).map(|step| Draw::of(9).at(step).bits()).fold(0, u64::wrapping_add);
        assert_eq!(Draw::of(9).at(5).at(7).bits(), alone);
        assert_ne!(Draw::of(9).at(7).at(5).bits(), alone);
    }

    #[test]
    fn a_wave_has_the_shape_of_a_sine() {
        for tick in 0..100 {
            let phase = f64::from(tick) / 100.0;
            assert!((wave(phase) - (phase * std::f64::consts::TAU).sin()).abs() < 0.07, "{phase}");
        }
    }
}
