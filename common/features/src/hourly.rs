//! What a metric usually is at this hour of the day.
//!
//! A value can be ordinary for a stream and out of place at three in the morning. The median of [`crate::baseline`] knows a stream's days
//! as one and cannot see that, so every hour has a mean of its own, in which a week ago counts half. A mean and no median: the hour of
//! one fault among the seven that count most moves it by little, and it needs three numbers.

use linkcast_domain::Timestamp;

const HOURS: usize = 24;

/// A day of a week ago is half forgotten.
const HALF_LIFE_DAYS: f64 = 7.0;

/// An hour first seen so long ago was seen on an earlier day, for it lasts one hour.
const ANOTHER_DAY_S: f64 = 12.0 * 3_600.0;

/// The usual value of one metric at each hour.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hourly {
    hours: [Option<HourMean>; HOURS],
}

#[derive(Clone, Copy, Debug)]
struct HourMean {
    mean: f64,
    weight: f64,
    first: Timestamp,
    last: Timestamp,
}

impl Hourly {
    /// What is usual at `hour`, 0 to 23; none until it was seen on an earlier day.
    pub(crate) fn usual(&self, hour: usize, time: Timestamp) -> Option<f64> {
        let hour = self.hours.get(hour)?.as_ref()?;
        (time.seconds_since(hour.first) > ANOTHER_DAY_S).then_some(hour.mean)
    }

    /// Makes `value` part of the past.
    pub(crate) fn join(&mut self, hour: usize, time: Timestamp, value: f64) {
        let Some(place) = self.hours.get_mut(hour) else { return };
        let hour = place.get_or_insert(HourMean { mean: value, weight: 0.0, first: time, last: time });
        let days = time.seconds_since(hour.last).max(0.0) / 86_400.0;
        hour.weight = hour.weight * (-days / HALF_LIFE_DAYS).exp2() + 1.0;
        hour.mean += (value - hour.mean) / hour.weight;
        hour.last = time;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64, hour: i64) -> Timestamp {
        Timestamp::from_millis((day * 24 + hour) * 3_600_000)
    }

    #[test]
    fn an_hour_is_known_from_the_second_day_on_and_is_its_own() {
        let mut hourly = Hourly::default();
        hourly.join(3, at(0, 3), 10.0);
        hourly.join(15, at(0, 15), 90.0);
        assert_eq!(hourly.usual(3, at(0, 3)), None);
        assert_eq!(hourly.usual(3, at(1, 3)), Some(10.0));
        assert_eq!(hourly.usual(15, at(1, 15)), Some(90.0));
        assert_eq!(hourly.usual(4, at(1, 4)), None);
    }

    #[test]
    fn a_week_ago_counts_half_and_no_hour_is_beyond_the_day() {
        let mut hourly = Hourly::default();
        hourly.join(3, at(0, 3), 10.0);
        hourly.join(3, at(7, 3), 40.0);
        assert_eq!(hourly.usual(3, at(8, 3)), Some(30.0));
        hourly.join(24, at(8, 0), 1.0);
        assert_eq!(hourly.usual(24, at(9, 0)), None);
    }
}
