//! Exponential and logarithm with the same bits on every machine.
//!
//! The standard library calls the platform's libm, which picks its code by the processor: two machines may differ in
//! the last bit, one such bit can flip a split, and the shipped model must be remade bit for bit. The `libm` crate is
//! plain Rust arithmetic, which IEEE 754 fixes, and Rust never fuses or reorders it.

/// e to the power of `x`.
pub(crate) fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// The natural logarithm of `x`.
pub(crate) fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// The probability whose odds have the logarithm `margin`, without overflow at either end.
pub(crate) fn logistic(margin: f64) -> f64 {
    if margin >= 0.0 {
        1.0 / (1.0 + exp(-margin))
    } else {
        let odds = exp(margin);
        odds / (1.0 + odds)
    }
}

/// Turns margins into probabilities, in place; the largest margin is subtracted first, so nothing overflows.
pub(crate) fn softmax(margins: &mut [f64]) {
    let largest = margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for margin in margins.iter_mut() {
        *margin = exp(*margin - largest);
        sum += *margin;
    }
    for margin in margins.iter_mut() {
        *margin /= sum;
    }
}

/// The place of the largest value, the first of equals.
pub(crate) fn largest(values: &[f64]) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (place, value) in values.iter().copied().enumerate() {
        if value > best.1 {
            best = (place, value);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_sums_to_one_even_for_huge_margins() {
        let mut margins = [1000.0, 999.0, -1000.0];
        softmax(&mut margins);
        assert!((margins.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!((margins[0] - 0.731_058_578_630_004_9).abs() < 1e-12, "{margins:?}");
    }

    #[test]
    fn exponential_and_logarithm_keep_their_recorded_bits() {
        assert_eq!(exp(0.3).to_bits(), 0x3ff5_9905_8c8c_1a96);
        assert_eq!(exp(-17.25).to_bits(), 0x3e61_4f49_dbc5_078c);
        assert_eq!(ln(3.7).to_bits(), 0x3ff4_eeee_650a_e550);
        assert_eq!(largest(&[0.2, 0.5, 0.5]), 1);
        assert!((ln(exp(0.7)) - 0.7).abs() < 1e-15);
    }
}
