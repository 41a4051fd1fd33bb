//! Money in whole billionths of a dollar, so that sums are exact.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

/// Billionths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoDollars(pub u64);

/// What one insight cost, by what was paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Tokens a language model read and wrote.
    pub tokens: NanoDollars,
    /// Time of endpoints.
    pub endpoint: NanoDollars,
    /// Time of functions.
    pub function: NanoDollars,
    /// Reads and writes of the table.
    pub table: NanoDollars,
}

impl NanoDollars {
    /// The same in dollars, for people and for files that say dollars.
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// `amount` units at this price for each `per` of them, to the nearest billionth.
    pub fn times(self, amount: u64, per: u64) -> NanoDollars {
        let exact = u128::from(self.0) * u128::from(amount);
        let per = u128::from(per.max(1));
        NanoDollars(u64::try_from((exact + per / 2) / per).unwrap_or(u64::MAX))
    }
}

impl Cost {
    /// All of it.
    pub fn total(&self) -> NanoDollars {
        self.tokens + self.endpoint + self.function + self.table
    }

    /// Whether nothing was paid.
    pub fn is_free(&self) -> bool {
        *self == Cost::default()
    }
}

/// Shares a price among `among` parts so that they sum to it: the first ones are a billionth larger where it does not divide.
pub fn apportion(price: NanoDollars, among: usize) -> impl Iterator<Item = NanoDollars> {
    let parts = (among as u64).max(1);
    let (each, rest) = (price.0 / parts, price.0 % parts);
    (0..among as u64).map(move |part| NanoDollars(each + u64::from(part < rest)))
}

impl Add for NanoDollars {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        NanoDollars(self.0.saturating_add(other.0))
    }
}

impl AddAssign for NanoDollars {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for NanoDollars {
    fn sum<I: Iterator<Item = Self>>(prices: I) -> Self {
        prices.fold(NanoDollars(0), Add::add)
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Cost {
            tokens: self.tokens + other.tokens,
            endpoint: self.endpoint + other.endpoint,
            function: self.function + other.function,
            table: self.table + other.table,
        }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Cost::default(), Add::add)
    }
}

impl fmt::Display for NanoDollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_the_price_to_the_unit() {
        for (price, among) in [(0, 3), (1, 3), (100, 7), (u64::MAX, 11), (5, 1)] {
            let shares: Vec<NanoDollars> = apportion(NanoDollars(price), among).collect();
            assert_eq!(shares.len(), among);
            assert_eq!(shares.iter().map(|share| u128::from(share.0)).sum::<u128>(), u128::from(price));
        }
        assert_eq!(apportion(NanoDollars(9), 0).count(), 0);
    }

    #[test]
    fn a_price_per_million_is_rounded_once() {
        let three_dollars_a_million = NanoDollars(3_000_000_000);
        assert_eq!(three_dollars_a_million.times(1_234, 1_000_000), NanoDollars(3_702_000));
        assert_eq!(NanoDollars(37_500_000).times(1, 1_000_000), NanoDollars(38));
        assert_eq!(NanoDollars(u64::MAX).times(u64::MAX, 1), NanoDollars(u64::MAX));
        assert_eq!(NanoDollars(1_000_000_001).to_string(), "$1.000000001");
    }
}
