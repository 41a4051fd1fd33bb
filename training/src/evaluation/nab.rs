//! The Numenta Anomaly Benchmark's own scoring (Lavin and Ahmad 2015), of alarms rather than of scores.
//!
//! A window around a labelled anomaly is worth most at its first row and nothing at its end, a false alarm costs more the further
//! it lies behind the last window, and the first 15 % of a series, at most 750 rows, do not count. The sum is put on a scale on
//! which a detector that never alarms has 0 and a perfect one 100. The benchmark tunes every detector's threshold on the labels; alarms
//! that come from a threshold fixed beforehand are scored here as they are.

use serde::Serialize;

use crate::math;
use crate::metrics::rounded;

/// What found windows, missed ones and false alarms weigh.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NabProfile {
    /// Its name in the benchmark.
    pub name: &'static str,
    /// What a false alarm costs.
    pub false_positive: f64,
    /// What a missed window costs.
    pub false_negative: f64,
}

/// The benchmark's three application profiles.
pub const NAB_PROFILES: [NabProfile; 3] = [
    NabProfile { name: "standard", false_positive: 0.11, false_negative: 1.0 },
    NabProfile { name: "reward_low_FP_rate", false_positive: 0.22, false_negative: 1.0 },
    NabProfile { name: "reward_low_FN_rate", false_positive: 0.11, false_negative: 2.0 },
];

/// One series' rows, labels and alarms, by row number.
#[derive(Clone, Debug, PartialEq)]
pub struct NabSeries {
    /// How many rows it has.
    pub rows: usize,
    /// The first and last row of each window, in order.
    pub windows: Vec<(usize, usize)>,
    /// The rows with an alarm, in order.
    pub alarms: Vec<usize>,
}

/// What alarms came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NabReport {
    /// 0 for silence, 100 for perfection; below 0 is worse than silence.
    pub score: f64,
    /// Windows that count.
    pub windows: usize,
    /// Of them, those with an alarm.
    pub found: usize,
    /// Alarms outside every window.
    pub false_alarms: usize,
}

/// Scores `series` under `profile`; none without a window that counts.
pub fn nab_score(series: &[NabSeries], profile: NabProfile) -> Option<NabReport> {
    let mut sum = 0.0;
    let mut report = NabReport { score: 0.0, windows: 0, found: 0, false_alarms: 0 };
    for one in series {
        for window in one.counting_windows() {
            report.windows += 1;
            match one.first_alarm(window) {
                Some(row) => {
                    report.found += 1;
                    sum += worth(position(row, window)) / worth(-1.0);
                }
                None => sum -= profile.false_negative,
            }
        }
        for row in one.false_alarms() {
            report.false_alarms += 1;
            sum += profile.false_positive * one.worth_outside(row);
        }
    }
    let windows = report.windows as f64;
    let (silence, perfection) = (-windows * profile.false_negative, windows);
    report.score = rounded(100.0 * (sum - silence) / (perfection - silence));
    (report.windows > 0).then_some(report)
}

impl NabSeries {
    /// Rows before this are probation.
    pub fn probation(&self) -> usize {
        (0.15 * self.rows as f64).floor().min(750.0) as usize
    }

    /// The first alarm in a window that counts.
    pub fn first_alarm(&self, (first, last): (usize, usize)) -> Option<usize> {
        let first = first.max(self.probation());
        self.alarms.iter().copied().find(|row| (first..=last).contains(row))
    }

    /// The windows that reach beyond probation.
    pub fn counting_windows(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.windows.iter().copied().filter(|(_, last)| *last >= self.probation())
    }

    fn false_alarms(&self) -> impl Iterator<Item = usize> + '_ {
        let outside = |row: &usize| !self.windows.iter().any(|(first, last)| (*first..=*last).contains(row));
        self.alarms.iter().copied().filter(|row| *row >= self.probation()).filter(outside)
    }

    /// By the distance from the window before, counted in its length.
    fn worth_outside(&self, row: usize) -> f64 {
        let before = self.windows.iter().rev().find(|(_, last)| *last < row);
        before.map_or(-1.0, |(first, last)| worth((row - last) as f64 / ((last - first) as f64).max(1.0)))
    }
}

/// Where a row lies in a window: -1 at the first row, just under 0 at the last.
fn position(row: usize, (first, last): (usize, usize)) -> f64 {
    -((last + 1 - row) as f64) / ((last + 1 - first) as f64)
}

/// The benchmark's scaled sigmoid.
fn worth(position: f64) -> f64 {
    if position > 3.0 { -1.0 } else { 2.0 / (1.0 + math::exp(5.0 * position)) - 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(alarms: &[usize]) -> NabSeries {
        NabSeries { rows: 1_000, windows: vec![(400, 499), (700, 799)], alarms: alarms.to_vec() }
    }

    fn score(alarms: &[usize], profile: usize) -> f64 {
        nab_score(&[series(alarms)], NAB_PROFILES[profile]).unwrap().score
    }

    #[test]
    fn silence_is_worth_nothing_and_an_alarm_at_the_start_of_each_window_a_hundred() {
        for profile in 0..3 {
            assert_eq!(score(&[], profile), 0.0);
            assert_eq!(score(&[400, 700], profile), 100.0);
        }
    }

    #[test]
    fn a_late_alarm_is_worth_less_and_a_missed_window_by_its_profile() {
        // Half way into its window an alarm is worth tanh(1.25) of tanh(2.5).
        let half = 1.25_f64.tanh() / 2.5_f64.tanh();
        assert_eq!(score(&[450, 700], 0), rounded(100.0 * (half + 1.0 + 2.0) / 4.0));
        assert_eq!(score(&[700], 0), 50.0);
        assert_eq!(score(&[700], 2), 50.0);
    }

    #[test]
    fn false_alarms_cost_by_their_distance_and_probation_costs_nothing() {
        // Before any window: the full cost. 99 rows behind one of 100: the sigmoid at 1.
        assert_eq!(score(&[200, 400, 700], 0), rounded(100.0 * (4.0 - 0.11) / 4.0));
        assert_eq!(score(&[400, 598, 700], 1), rounded(100.0 * (4.0 - 0.22 * 2.5_f64.tanh()) / 4.0));
        assert_eq!(score(&[149, 400, 700], 0), 100.0);
        let found = nab_score(&[series(&[200, 400, 420])], NAB_PROFILES[0]).unwrap();
        assert_eq!((found.windows, found.found, found.false_alarms), (2, 1, 1));
    }

    #[test]
    fn a_window_within_probation_does_not_count() {
        let early = NabSeries { rows: 1_000, windows: vec![(10, 100)], alarms: vec![20] };
        assert_eq!(nab_score(&[early], NAB_PROFILES[0]), None);
    }
}
