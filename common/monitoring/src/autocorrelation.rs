//! How long a series remembers: its integrated autocorrelation time.
//!
//! The mean of n numbers scatters as that of n/tau independent ones. Tau is 1 + 2 times the sum of the autocorrelations, and the sum must
//! end where they drown in noise: Geyer's initial monotone sequence (Statistical Science 7, 1992) adds those of neighbouring lags
//! in pairs as long as the pairs are positive, and lets none be greater than the one before.

/// The integrated autocorrelation time of a series, in its own steps; at least 1.
pub(crate) fn integrated_time(series: &[f64]) -> f64 {
    let count = series.len() as f64;
    let mean = series.iter().sum::<f64>() / count;
    let variance = covariance(series, mean, 0);
    if series.len() < 4 || variance <= f64::EPSILON * f64::EPSILON {
        return 1.0;
    }
    let (mut sum, mut before) = (-1.0, f64::INFINITY);
    for pair in 0..series.len() / 4 {
        let both = covariance(series, mean, 2 * pair) + covariance(series, mean, 2 * pair + 1);
        let both = (both / variance).min(before);
        if both <= 0.0 {
            break;
        }
        sum += 2.0 * both;
        before = both;
    }
    sum.max(1.0)
}

/// With n below, as is usual: with n less the lag, the last ones are noise.
fn covariance(series: &[f64], mean: f64, lag: usize) -> f64 {
    let later = series.get(lag..).unwrap_or_default();
    let products = series.iter().zip(later).map(|(one, two)| (one - mean) * (two - mean));
    products.sum::<f64>() / series.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::{Dice, autoregressive};

    #[test]
    fn the_time_of_an_autoregressive_series_is_found() {
        for (phi, exact) in [(0.0, 1.0), (0.5, 3.0), (0.9, 19.0), (0.98, 99.0)] {
            let mut dice = Dice::new(7);
            let series: Vec<f64> = autoregressive(&mut dice, phi).take(60_000).collect();
            let found = integrated_time(&series);
            assert!((found / exact - 1.0).abs() < 0.2, "{phi}: {found} for {exact}");
        }
    }

    #[test]
    fn a_constant_series_and_a_short_one_remember_nothing() {
        assert_eq!(integrated_time(&[3.0; 50]), 1.0);
        assert_eq!(integrated_time(&[1.0, 2.0]), 1.0);
        assert_eq!(integrated_time(&[]), 1.0);
    }
}
