//! A monotone map of probabilities, as calibration fits and applies them.
//!
//! The shape is the same wherever a probability is repaired: a model's card has one for each class, and a variant that is not
//! ours has one so that its answers lie on the scale of the others.

use serde::{Deserialize, Serialize};

/// A monotone map of 0..1 onto itself: straight lines between knots, level beyond the first and the last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PiecewiseLinear {
    /// `[from, to]`, rising in both; no knots leave every value as it is.
    pub knots: Vec<[f64; 2]>,
}

/// Knots that make no monotone map.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("found {found}, expected knots within 0 to 1 that rise in both")]
pub struct KnotError {
    /// The first knots that do not.
    pub found: String,
}

impl PiecewiseLinear {
    /// The map's value at `from`.
    pub fn apply(&self, from: f64) -> f64 {
        let after = self.knots.partition_point(|[knot, _]| *knot <= from);
        let before = after.checked_sub(1).and_then(|index| self.knots.get(index));
        match (before, self.knots.get(after)) {
            (None, None) => from,
            (None, Some([_, level])) | (Some([_, level]), None) => *level,
            (Some([x0, y0]), Some([x1, y1])) => y0 + (y1 - y0) * ((from - x0) / (x1 - x0)),
        }
    }

    /// Whether the knots make a map.
    ///
    /// # Errors
    /// The first knots that leave 0 to 1 or do not rise.
    pub fn check(&self) -> Result<(), KnotError> {
        let within = |value: f64| (0.0..=1.0).contains(&value);
        if let Some(knot) = self.knots.iter().find(|[from, to]| !within(*from) || !within(*to)) {
            return Err(KnotError { found: format!("{knot:?}") });
        }
        for (here, next) in self.knots.iter().zip(self.knots.iter().skip(1)) {
            let ([x0, y0], [x1, y1]) = (here, next);
            if !(x0 < x1 && y0 <= y1) {
                return Err(KnotError { found: format!("{here:?} before {next:?}") });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_straight_between_knots_and_level_beyond() {
        let map = PiecewiseLinear { knots: vec![[0.2, 0.1], [0.6, 0.5]] };
        assert_eq!(map.apply(0.0), 0.1);
        assert!((map.apply(0.4) - 0.3).abs() < 1e-15);
        assert_eq!(map.apply(0.6), 0.5);
        assert_eq!(map.apply(1.0), 0.5);
        assert_eq!(PiecewiseLinear::default().apply(0.37), 0.37);
    }

    #[test]
    fn knots_that_fall_or_leave_the_unit_are_refused() {
        let falling = PiecewiseLinear { knots: vec![[0.0, 0.5], [1.0, 0.4]] };
        assert!(falling.check().unwrap_err().to_string().contains("before"));
        let outside = PiecewiseLinear { knots: vec![[0.0, 0.0], [1.0, 1.5]] };
        assert!(outside.check().unwrap_err().to_string().contains("1.5"));
        assert_eq!(PiecewiseLinear::default().check(), Ok(()));
    }
}
