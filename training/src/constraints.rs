//! What a forest may not learn, whatever the rows say.
//!
//! A simulated fabric runs for days and not for seasons, so the few faults of an hour of the day would teach a forest
//! that the hour is to blame: the calendar takes no part in splits. And more errors are never good news: where a model
//! sees little else, as with a plain `perfquery`, chance in the rows must not make a risk fall as errors rise.

use hessboost::config::Monotone;
use linkcast_domain::{FEATURE_COUNT, Feature};

/// Features no split may use; the vectors hold them and the models ignore them.
pub(crate) const LEFT_OUT: [Feature; 4] =
    [Feature::Hour, Feature::DayOfWeek, Feature::IsWeekend, Feature::IsBusinessHours];

/// Counts and ratios of things gone wrong: the risk never falls as one of them rises.
pub(crate) const RISING: [Feature; 13] = [
    Feature::ErrorRate,
    Feature::QpErrors,
    Feature::SymbolBer12m,
    Feature::SymbolBer125m,
    Feature::RcvErrorRatio5m,
    Feature::XmitDiscardsPerSecond5m,
    Feature::LinkErrorRecoveries1h,
    Feature::LinkDowned12h,
    Feature::IntegrityErrors1h,
    Feature::BelowCapability,
    Feature::AckTimeoutsPerSecond5m,
    Feature::ReceiverNotReadyPerSecond5m,
    Feature::MemoryRegistrationFailures5m,
];

/// Which way a forest's answer may move with each feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Any way.
    Free,
    /// Up with [`RISING`].
    WithErrors,
}

impl Direction {
    /// One constraint a feature, or none at all.
    pub(crate) fn constraints(self) -> Vec<Monotone> {
        match self {
            Direction::Free => Vec::new(),
            Direction::WithErrors => Feature::ALL
                .map(|feature| if RISING.contains(&feature) { Monotone::Increasing } else { Monotone::None })
                .to_vec(),
        }
    }

    /// The same as XGBoost is told it: `(0,1,…)`.
    pub(crate) fn tuple(self) -> String {
        let rises = |feature: &Feature| self == Direction::WithErrors && RISING.contains(feature);
        let ways: Vec<&str> =
            Feature::ALL.iter().map(|feature| if rises(feature) { "1" } else { "0" }).collect();
        format!("({})", ways.join(","))
    }
}

/// The rows with what is left out set to one value, on which nothing can be split.
pub(crate) fn shown(rows: &[[f32; FEATURE_COUNT]]) -> Vec<[f32; FEATURE_COUNT]> {
    let mut rows = rows.to_vec();
    for row in &mut rows {
        for feature in LEFT_OUT {
            row.get_mut(feature as usize).into_iter().for_each(|value| *value = 0.0);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_is_hidden_and_nothing_else() {
        let rows = shown(&[[7.0; FEATURE_COUNT]]);
        let hidden: Vec<Feature> =
            Feature::ALL.into_iter().filter(|feature| rows[0][*feature as usize] == 0.0).collect();
        assert_eq!(hidden, LEFT_OUT);
    }

    #[test]
    fn every_feature_has_its_direction_and_only_errors_are_bound() {
        let bound = Direction::WithErrors.constraints();
        assert_eq!(bound.len(), FEATURE_COUNT);
        assert_eq!(bound.iter().filter(|one| **one == Monotone::Increasing).count(), RISING.len());
        assert_eq!(bound[Feature::WaitRatio1h as usize], Monotone::None);
        assert!(Direction::Free.constraints().is_empty());
    }
}
