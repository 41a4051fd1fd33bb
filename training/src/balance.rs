//! How much a row of each class weighs in growing, so that rare classes are not drowned by the healthy rest.

use linkcast_domain::PredictionType;

use crate::TrainingSet;
use crate::math;

/// What a row of each class weighs, so that rare classes are not drowned.
pub(crate) struct ClassWeights([f64; PredictionType::COUNT]);

impl ClassWeights {
    /// Inverse frequencies to the power of `balance`, scaled so that the weights of `set` keep their sum.
    pub(crate) fn of(set: &TrainingSet, balance: f64) -> Self {
        let mut sums = [0.0; PredictionType::COUNT];
        for (class, weight) in set.classes().iter().zip(set.weights()) {
            sums.get_mut(class.index()).into_iter().for_each(|sum| *sum += f64::from(*weight));
        }
        let total: f64 = sums.iter().sum();
        let power = |sum: f64| if sum > 0.0 { libm::pow(total / sum, balance) } else { 0.0 };
        let raised = sums.map(power);
        let weighted: f64 = raised.iter().zip(sums).map(|(raised, sum)| raised * sum).sum();
        ClassWeights(raised.map(|raised| if weighted > 0.0 { raised * total / weighted } else { 0.0 }))
    }

    pub(crate) fn weigh(&self, set: &TrainingSet) -> Vec<f32> {
        let rows = set.classes().iter().zip(set.weights());
        rows.map(|(class, weight)| self.0.get(class.index()).map_or(0.0, |factor| *factor as f32) * weight)
            .collect()
    }

    /// The logarithm of each class's factor, and 0 where the class had no rows: how far such weights move the margins of
    /// whoever learns under them.
    pub(crate) fn logarithms(&self) -> [f64; PredictionType::COUNT] {
        self.0.map(|factor| if factor > 0.0 { math::ln(factor) } else { 0.0 })
    }

    /// What a row of `class` weighs.
    pub(crate) fn factor(&self, class: PredictionType) -> f64 {
        self.0.get(class.index()).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::made_up;

    #[test]
    fn a_full_balance_makes_every_class_weigh_the_same_and_keeps_the_sum() {
        let set = made_up(60);
        let weighed = ClassWeights::of(&set, 1.0).weigh(&set);
        let of_class = |class: PredictionType| -> f64 {
            let rows = set.classes().iter().zip(&weighed).filter(|(truth, _)| **truth == class);
            rows.map(|(_, weight)| f64::from(*weight)).sum()
        };
        let sums = PredictionType::ALL.map(of_class);
        let share = set.len() as f64 / PredictionType::COUNT as f64;
        assert!(sums.iter().all(|sum| (sum / share - 1.0).abs() < 1e-4), "{sums:?}");
        assert_eq!(ClassWeights::of(&set, 0.0).logarithms(), [0.0; PredictionType::COUNT]);
    }
}
