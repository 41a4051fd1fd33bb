//! What is watched for drift: each feature but the calendar's, and what the model says.

use std::fmt;

use linkcast_domain::{FEATURE_COUNT, Feature, PredictionType};

/// How many series there are.
pub const SERIES_COUNT: usize = FEATURE_COUNT + 2 + PredictionType::COUNT;

/// One series of numbers that may drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Series {
    /// A feature's values.
    Feature(Feature),
    /// The risk of scored samples, 0 to 100.
    Risk,
    /// The confidence of scored samples, 0 to 1.
    Confidence,
    /// The share of scored samples that are called so.
    Class(PredictionType),
}

impl Series {
    /// Every series that may drift, inputs first. The calendar's features follow from the clock alone: they repeat and never
    /// drift, and a window that is not a whole week would make them seem to. `saturated_counters` and `minutes_since_reset`
    /// tell of the counters' own wear and of people's maintenance, not of the fabric, and only rise until someone resets.
    pub fn all() -> impl Iterator<Item = Series> {
        let features = Feature::ALL.into_iter().filter(|feature| !follows_from_the_clock(*feature));
        let said = [Series::Risk, Series::Confidence];
        features.map(Series::Feature).chain(said).chain(PredictionType::ALL.into_iter().map(Series::Class))
    }

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Series::Feature(feature) => feature.name(),
            Series::Risk => "risk_score",
            Series::Confidence => "confidence",
            Series::Class(class) => class.name(),
        }
    }

    /// Whether it is something the model sees; else it is something the model says.
    pub fn is_input(self) -> bool {
        matches!(self, Series::Feature(_))
    }
}

fn follows_from_the_clock(feature: Feature) -> bool {
    matches!(
        feature,
        Feature::Hour
            | Feature::DayOfWeek
            | Feature::IsWeekend
            | Feature::IsBusinessHours
            | Feature::SaturatedCounters
            | Feature::MinutesSinceReset
    )
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_and_the_counters_own_wear_are_not_watched() {
        let names: Vec<&str> = Series::all().map(Series::name).collect();
        assert_eq!(names.len(), SERIES_COUNT - 6);
        assert!(names.contains(&"latency_p99") && names.contains(&"risk_score") && names.contains(&"normal"));
        let left_out = ["hour", "day_of_week", "is_weekend", "saturated_counters", "minutes_since_reset"];
        assert!(left_out.iter().all(|name| !names.contains(name)));
    }
}
