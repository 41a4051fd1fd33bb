//! The grammar of the report's charts: scales, axes, lines.
//!
//! Coordinates are written with one decimal: finer than a pixel, and a third of the bytes.

use std::fmt::Write as _;

use linkcast_domain::Timestamp;

/// From time to pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeScale {
    begin: Timestamp,
    end: Timestamp,
    left: f64,
    right: f64,
}

impl TimeScale {
    /// `begin` at `left`, `end` at `right`.
    pub(super) fn new(begin: Timestamp, end: Timestamp, left: f64, right: f64) -> Self {
        TimeScale { begin, end, left, right }
    }

    /// The pixel of an instant, held within the chart.
    pub(super) fn x(&self, time: Timestamp) -> f64 {
        let whole = self.end.seconds_since(self.begin).max(1.0);
        let share = (time.seconds_since(self.begin) / whole).clamp(0.0, 1.0);
        self.left + share * (self.right - self.left)
    }

    /// Whether the instant lies in the chart.
    pub(super) fn holds(&self, time: Timestamp) -> bool {
        self.begin <= time && time <= self.end
    }

    /// Round instants to label, at most `most` of them, each with its text, counted from `origin`.
    pub(super) fn ticks(&self, origin: Timestamp, most: usize) -> Vec<(f64, String)> {
        const STEPS: [i64; 11] = [60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
        let span = self.end.seconds_since(self.begin).max(1.0);
        let step = STEPS.into_iter().find(|step| span / *step as f64 <= most as f64).unwrap_or(7 * 86_400);
        let first = (self.begin.seconds_since(origin) / step as f64).ceil() as i64;
        let last = (self.end.seconds_since(origin) / step as f64).floor() as i64;
        (first..=last)
            .map(|number| {
                let seconds = number * step;
                let instant = Timestamp::from_millis(origin.millis() + seconds * 1000);
                (self.x(instant), clock_text(seconds))
            })
            .collect()
    }
}

/// Hours and minutes since the start: `6 h`, `6 h 30`, or minutes alone below an hour.
fn clock_text(seconds: i64) -> String {
    let (hours, minutes) = (seconds.div_euclid(3600), seconds.rem_euclid(3600) / 60);
    match (hours, minutes) {
        (0, minutes) if minutes != 0 => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours}:{minutes:02} h"),
    }
}

/// From values to pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct ValueScale {
    low: f64,
    high: f64,
    top: f64,
    bottom: f64,
    is_logarithmic: bool,
}

impl ValueScale {
    /// `low` at `bottom`, `high` at `top`, evenly.
    pub(super) fn linear(low: f64, high: f64, top: f64, bottom: f64) -> Self {
        ValueScale { low, high: high.max(low + f64::MIN_POSITIVE), top, bottom, is_logarithmic: false }
    }

    /// The powers of ten from `low` to `high`, evenly.
    pub(super) fn powers_of_ten(low: f64, high: f64, top: f64, bottom: f64) -> Self {
        ValueScale { low: low.log10(), high: high.log10(), top, bottom, is_logarithmic: true }
    }

    /// The pixel of a value, held within the chart.
    pub(super) fn y(&self, value: f64) -> f64 {
        let value = if self.is_logarithmic { value.max(f64::MIN_POSITIVE).log10() } else { value };
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.bottom - share * (self.bottom - self.top)
    }
}

/// The points of a line through `values`, thinned to `most`: of each run the highest stays, for a peak is what the
/// reader looks for.
pub(super) fn thinned(values: &[(Timestamp, f64)], most: usize) -> Vec<(Timestamp, f64)> {
    let run = values.len().div_ceil(most.max(1)).max(1);
    let highest = |run: &[(Timestamp, f64)]| run.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
    values.chunks(run).filter_map(highest).collect()
}

/// An SVG path through points.
pub(super) fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut text = String::new();
    for (number, (x, y)) in points.enumerate() {
        let _ = write!(text, "{}{x:.1} {y:.1}", if number == 0 { 'M' } else { 'L' });
    }
    text
}

/// Vertical grid lines with their labels below.
pub(super) fn time_axis(ticks: &[(f64, String)], top: f64, bottom: f64) -> String {
    let mut svg = String::new();
    for (x, label) in ticks {
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{top:.1}" y2="{bottom:.1}"/><text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{label}</text>"#,
            bottom + 14.0
        );
    }
    svg
}

/// Horizontal grid lines with their labels to the left.
pub(super) fn value_axis(marks: &[(f64, String)], left: f64, right: f64) -> String {
    let mut svg = String::new();
    for (y, label) in marks {
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{left:.1}" x2="{right:.1}" y1="{y:.1}" y2="{y:.1}"/><text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{label}</text>"#,
            left - 6.0,
            y + 3.5
        );
    }
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn a_thinned_line_keeps_its_peak() {
        let values: Vec<_> =
            (0..1000).map(|second| (at(second), if second == 501 { 9.0 } else { 1.0 })).collect();
        let thin = thinned(&values, 100);
        assert_eq!(thin.len(), 100);
        assert!(thin.contains(&(at(501), 9.0)));
    }

    #[test]
    fn ticks_fall_on_round_times_since_the_start() {
        let scale = TimeScale::new(at(100), at(100 + 86_400), 0.0, 864.0);
        let labels: Vec<_> = scale.ticks(at(100), 8).into_iter().map(|(_, label)| label).collect();
        assert_eq!(
            labels,
            ["0 h", "3 h", "6 h", "9 h", "12 h", "15 h", "18 h", "21 h", "24 h"].as_slice()[..labels.len()]
        );
    }

    #[test]
    fn a_value_beyond_the_chart_stays_on_its_edge() {
        let scale = ValueScale::powers_of_ten(1e-16, 1e-8, 0.0, 80.0);
        assert!((scale.y(1e-12) - 40.0).abs() < 1e-9);
        assert!((scale.y(0.0) - 80.0).abs() < 1e-9);
        assert!((scale.y(1.0) - 0.0).abs() < 1e-9);
    }
}
