//! Unlike anything before: how far a sample lies beyond the furthest its stream ever went.
//!
//! Limits on named counters say nothing of a series nobody named limits for. What such a series can be asked is whether it ever did the like:
//! each way of straying has its own furthest so far, and a sample is as novel as the most it goes beyond one of them. The ways are
//! two: from what is usual at this hour of the day, at once and over an hour. A daily rhythm, however steep, is then no straying at
//! all, and an ordinary value at an unusual hour is. Until the hour was seen on an earlier day, what is usual at any hour stands in for it (at once,
//! over 15 min, over an hour; and from one sample to the next). Records are rare by nature: of values that come in no order the n-th is
//! one with chance 1/n. They fade with the half-life of the history that is kept, so that a stream is not blind for ever after one great fault.
//!
//! The state is a hundred numbers a metric beside [`crate::StreamState`], of fixed size, read from the features alone: no look-ahead, no labels.

use linkcast_domain::{Feature, FeatureVector, Timestamp};

use crate::hourly::Hourly;

/// A sample at least so many times beyond the furthest so far is unlike anything before: a tenth further.
pub const NOVEL: f64 = 1.1;

/// What never strayed before has no furthest to be measured by; its first straying counts as this.
const MOST: f64 = 10.0;

/// Until a metric was seen so often its usual value is a guess, and straying from it means nothing.
const EARLIEST: u32 = 30;

/// A way of straying was looked at so often before it may be called novel.
const LOOKS: u32 = 10;

/// As long as samples are kept.
const HALF_LIFE_DAYS: f64 = 30.0;

/// "Over an hour" is a mean in which an hour ago counts half.
const MEAN_HALF_LIFE_S: f64 = 3_600.0;

/// What is usual is right to so much of the value.
const EXACT_TO: f64 = 0.02;

const METRICS: [Feature; 3] = [Feature::LatencyP99, Feature::Utilization, Feature::BandwidthGbps];
const WAYS_AT_ANY_HOUR: usize = 7;
const WAYS: usize = WAYS_AT_ANY_HOUR + 2 * METRICS.len();

/// The furthest one stream went so far, by way of straying.
#[derive(Clone, Debug)]
pub struct Novelty {
    furthest: [f64; WAYS],
    looks: [u32; WAYS],
    metrics: [MetricPast; METRICS.len()],
    last: Option<Timestamp>,
}

/// What one metric was like.
#[derive(Clone, Debug, Default)]
struct MetricPast {
    seen: u32,
    hourly: Hourly,
    /// The mean distance from what is usual at the hour, and the weight of the time it was seen for.
    drift: f64,
    weight: f64,
}

/// What is asked of a metric at one sample.
#[derive(Clone, Copy, Debug, Default)]
struct Strayed {
    /// Its usual value at any hour has to do, and is known.
    at_any_hour: bool,
    /// From what is usual at the hour: at once, and over an hour.
    by_hour: [Option<f64>; 2],
}

impl Default for Novelty {
    fn default() -> Self {
        Novelty { furthest: [0.0; WAYS], looks: [0; WAYS], metrics: Default::default(), last: None }
    }
}

impl Novelty {
    /// How many times beyond its furthest the stream went with this sample, at most ten; below 1 it has gone further before. The sample then is part of the
    /// past.
    pub fn judge(&mut self, time: Timestamp, features: &FeatureVector) -> f64 {
        let elapsed_s = self.last.map_or(0.0, |last| time.seconds_since(last).max(0.0));
        self.last = Some(time);
        let fading = (-elapsed_s / 86_400.0 / HALF_LIFE_DAYS).exp2();
        let ways = self.ways(time, elapsed_s, features);
        let mut novelty = 0.0_f64;
        for ((furthest, looks), strayed) in self.furthest.iter_mut().zip(&mut self.looks).zip(ways) {
            *furthest *= fading;
            let Some(strayed) = strayed else { continue };
            if *looks >= LOOKS && strayed > 0.0 {
                novelty = novelty.max((strayed / *furthest).min(MOST));
            }
            *looks = looks.saturating_add(1);
            *furthest = furthest.max(strayed);
        }
        novelty
    }

    /// How far the sample strays each way; absent where that cannot be said.
    fn ways(
        &mut self,
        time: Timestamp,
        elapsed_s: f64,
        features: &FeatureVector,
    ) -> impl Iterator<Item = Option<f64>> + use<> {
        let mut strayed = [Strayed::default(); METRICS.len()];
        for ((strayed, metric), past) in strayed.iter_mut().zip(METRICS).zip(&mut self.metrics) {
            *strayed = past.take(time, elapsed_s, features.get(Feature::Hour), features.get(metric));
        }
        at_any_hour(features, strayed.map(|strayed| strayed.at_any_hour))
            .into_iter()
            .chain(strayed.into_iter().flat_map(|strayed| strayed.by_hour))
    }
}

impl MetricPast {
    fn take(&mut self, time: Timestamp, elapsed_s: f64, hour: Option<f64>, value: Option<f64>) -> Strayed {
        let (Some(value), Some(hour)) = (value, hour.map(|hour| hour as usize)) else {
            return Strayed::default();
        };
        let usual = self.hourly.usual(hour, time);
        let by_hour = usual.map_or([None; 2], |usual| {
            let over_an_hour = self.drift(elapsed_s, value - usual);
            [strayed(value - usual, usual), strayed(over_an_hour, usual)]
        });
        let at_any_hour = usual.is_none() && self.seen >= EARLIEST;
        self.seen = self.seen.saturating_add(1);
        self.hourly.join(hour, time, value);
        Strayed { at_any_hour, by_hour }
    }

    /// The mean distance, this one included; each counts for the time since the sample before.
    fn drift(&mut self, elapsed_s: f64, distance: f64) -> f64 {
        let kept = self.weight * (-elapsed_s / MEAN_HALF_LIFE_S).exp2();
        let added = elapsed_s.max(1.0);
        self.weight = kept + added;
        self.drift += (distance - self.drift) * added / self.weight;
        self.drift
    }
}

/// How far the sample strays from what is usual at any hour, for the metrics where that has to do.
fn at_any_hour(
    features: &FeatureVector,
    has_to_do: [bool; METRICS.len()],
) -> [Option<f64>; WAYS_AT_ANY_HOUR] {
    let [latency, utilization, bandwidth] = has_to_do;
    let raw = |feature| features.raw(feature);
    let usual_latency = raw(Feature::LatencyP99) - raw(Feature::LatencyP99Delta);
    let usual_utilization = raw(Feature::Utilization) - raw(Feature::UtilizationDelta);
    let latency_away = |feature| strayed(raw(feature) - usual_latency, usual_latency);
    let utilization_away = strayed(raw(Feature::UtilizationDelta), usual_utilization);
    [
        latency_away(Feature::LatencyP99).filter(|_| latency),
        latency_away(Feature::LatencyP99Mean15m).filter(|_| latency),
        latency_away(Feature::LatencyP99Mean1h).filter(|_| latency),
        features.get(Feature::LatencyP99Rate).map(f64::abs).filter(|_| latency),
        utilization_away.filter(|_| utilization),
        features.get(Feature::UtilizationRate).map(f64::abs).filter(|_| utilization),
        strayed(raw(Feature::BandwidthDeltaPercent), 100.0).filter(|_| bandwidth),
    ]
}

/// The size of a distance from what is usual; nothing within what that is exact to.
fn strayed(distance: f64, usual: f64) -> Option<f64> {
    let size = distance.abs();
    let exact_to = EXACT_TO * usual.abs();
    (!size.is_nan() && !exact_to.is_nan()).then_some(if size > exact_to { size } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Calendar, StreamState};
    use linkcast_domain::{SampleField, SampleValues};

    /// The novelty of each of a day's worth and more of five-minute values.
    fn novelties(values: impl Iterator<Item = f64>) -> Vec<f64> {
        let (mut state, mut novelty) = (StreamState::new(), Novelty::default());
        let calendar = Calendar::utc();
        let judged = values.enumerate().map(|(place, value)| {
            let time = Timestamp::from_millis(place as i64 * 300_000);
            let values = SampleValues::default().with(SampleField::LatencyP99, value);
            novelty.judge(time, &state.advance(time, &values, &calendar).unwrap())
        });
        judged.collect()
    }

    #[test]
    fn a_steep_rhythm_is_no_news_after_its_first_round() {
        let square = (0..3_000).map(|place| if place % 288 < 144 { 20.0 } else { 80.0 });
        let novelties = novelties(square);
        assert!(novelties[..400].iter().any(|novelty| *novelty >= NOVEL));
        let late = novelties[1_000..].iter().copied().fold(0.0, f64::max);
        assert!(late < NOVEL, "{late}");
    }

    #[test]
    fn a_value_further_out_than_any_before_is_novel_and_the_same_again_is_not() {
        let noise = |place: usize| 50.0 + ((place * 7_919) % 101) as f64 / 20.0;
        let spiked =
            (0..2_000).map(|place| if place == 1_500 || place == 1_700 { 90.0 } else { noise(place) });
        let novelties = novelties(spiked);
        assert!(novelties[1_500] > 2.0, "{}", novelties[1_500]);
        assert!(novelties[1_700] < NOVEL, "{}", novelties[1_700]);
        assert!(novelties[1_000..1_500].iter().all(|novelty| *novelty < NOVEL));
    }

    #[test]
    fn an_ordinary_value_at_an_unusual_hour_is_novel() {
        let by_day = |place: usize| if (96..192).contains(&(place % 288)) { 80.0 } else { 20.0 };
        let noise = |place: usize| ((place * 7_919) % 101) as f64 / 50.0;
        let busy_at_night = 10 * 288 + 30;
        let value = |place: usize| if place == busy_at_night { 80.0 } else { by_day(place) + noise(place) };
        let novelties = novelties((0..12 * 288).map(value));
        assert!(novelties[busy_at_night] > 2.0, "{}", novelties[busy_at_night]);
        let others = novelties[4 * 288..].iter().filter(|novelty| **novelty >= NOVEL).count();
        assert!(others <= 3, "{others}");
    }

    #[test]
    fn a_flat_line_never_strays_and_its_first_step_is_as_novel_as_can_be() {
        let stepped = (0..500).map(|place| if place < 400 { 5.0 } else { 6.0 });
        let novelties = novelties(stepped);
        assert!(novelties[..400].iter().all(|novelty| *novelty == 0.0));
        assert_eq!(novelties[400], MOST);
    }

    #[test]
    fn nothing_measured_is_nothing_novel() {
        let mut novelty = Novelty::default();
        let judged = (0..100)
            .map(|second| novelty.judge(Timestamp::from_millis(second * 1_000), &FeatureVector::default()));
        assert!(judged.into_iter().all(|novelty| novelty == 0.0));
    }
}
