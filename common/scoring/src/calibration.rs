//! From the trees' raw numbers to probabilities and a risk that mean what they say.
//!
//! Boosted trees rank well and are over-confident. One temperature repairs the common part of that, a monotone map
//! for each class the rest (Zadrozny and Elkan 2002); the eleven results are scaled to sum to 1 again. All of it is
//! fitted by training on rows the trees never saw, and only applied here.

use linkcast_domain::PiecewiseLinear;
use serde::{Deserialize, Serialize};

use crate::Refusal;

/// The calibration map of a classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Margins are divided by this before the softmax.
    pub temperature: f64,
    /// One map a class, in the classes' order; an empty list leaves all as they are.
    pub classes: Vec<PiecewiseLinear>,
}

/// From the regressor's output, in hundredths, to a risk of 0 to 100, in hundredths: a squared loss shrinks towards the
/// mean what it is unsure of, and the scale stretches it again, so that one risk means one thing whatever the model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RiskScale(pub PiecewiseLinear);

impl Calibration {
    /// The map that changes nothing.
    pub fn identity() -> Self {
        Calibration { temperature: 1.0, classes: Vec::new() }
    }

    /// Calibrated probabilities, summing to 1, of these margins.
    pub fn apply<const CLASSES: usize>(&self, margins: &[f32; CLASSES]) -> [f64; CLASSES] {
        let raw = softmax(margins.map(|margin| f64::from(margin) / self.temperature));
        let mut mapped = raw;
        for (probability, map) in mapped.iter_mut().zip(&self.classes) {
            *probability = map.apply(*probability);
        }
        let sum: f64 = mapped.iter().sum();
        if sum > 0.0 { mapped.map(|probability| probability / sum) } else { raw }
    }

    pub(crate) fn check(&self, classes: usize) -> Result<(), Refusal> {
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return Err(Refusal::new("calibration.temperature", self.temperature, "a number above 0"));
        }
        if !self.classes.is_empty() && self.classes.len() != classes {
            let found = format!("{} maps", self.classes.len());
            return Err(Refusal::new("calibration.classes", found, format!("none, or {classes}")));
        }
        let mut maps = self.classes.iter().enumerate();
        maps.try_for_each(|(class, map)| check_map(map, &format!("calibration.classes of class {class}")))
    }
}

impl RiskScale {
    /// The risk, 0 to 100, of the regressor's output.
    pub fn apply(&self, output: f32) -> f64 {
        (self.0.apply(f64::from(output) / 100.0) * 100.0).clamp(0.0, 100.0)
    }

    pub(crate) fn check(&self) -> Result<(), Refusal> {
        check_map(&self.0, "risk")
    }
}

pub(crate) fn check_map(map: &PiecewiseLinear, name: &str) -> Result<(), Refusal> {
    map.check().map_err(|error| Refusal::new(name, error.found, "knots within 0 to 1 that rise in both"))
}

fn softmax<const CLASSES: usize>(logits: [f64; CLASSES]) -> [f64; CLASSES] {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights = logits.map(|logit| (logit - highest).exp());
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halved_above_half() -> PiecewiseLinear {
        PiecewiseLinear { knots: vec![[0.0, 0.0], [0.5, 0.5], [1.0, 0.75]] }
    }

    #[test]
    fn probabilities_sum_to_one_whatever_the_margins() {
        let calibration = Calibration { temperature: 1.7, classes: vec![halved_above_half(); 3] };
        for margins in [[0.0f32, 0.0, 0.0], [80.0, -80.0, 0.0], [f32::MAX, f32::MIN, 0.0]] {
            let sum: f64 = calibration.apply(&margins).iter().sum();
            assert!((sum - 1.0).abs() < 1e-12, "{margins:?} sum to {sum}");
        }
    }

    #[test]
    fn maps_that_send_all_to_zero_leave_the_softmax() {
        let nothing = PiecewiseLinear { knots: vec![[0.0, 0.0], [1.0, 0.0]] };
        let calibration = Calibration { temperature: 1.0, classes: vec![nothing; 2] };
        assert_eq!(calibration.apply(&[1.0f32, 1.0]), [0.5, 0.5]);
    }

    #[test]
    fn falling_knots_and_a_cold_temperature_are_refused() {
        let falling = PiecewiseLinear { knots: vec![[0.0, 0.5], [1.0, 0.4]] };
        let calibration = Calibration { temperature: 1.0, classes: vec![falling] };
        assert!(calibration.check(1).unwrap_err().to_string().contains("before"));
        let cold = Calibration { temperature: 0.0, classes: vec![] };
        assert!(cold.check(1).unwrap_err().to_string().contains("temperature"));
        assert!(Calibration::identity().check(11).is_ok());
    }

    #[test]
    fn a_risk_stays_within_0_and_100() {
        let plain = RiskScale::default();
        assert_eq!([plain.apply(-20.0), plain.apply(25.0), plain.apply(1e9)], [0.0, 25.0, 100.0]);
        let stretched = RiskScale(PiecewiseLinear { knots: vec![[0.0, 0.0], [0.5, 0.75], [1.0, 1.0]] });
        assert_eq!([stretched.apply(-1.0), stretched.apply(25.0), stretched.apply(75.0)], [0.0, 37.5, 87.5]);
    }
}
