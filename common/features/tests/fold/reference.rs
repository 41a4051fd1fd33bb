//! The features by their definitions, from the whole history: slow, obvious, and written without the fold.
//!
//! Baselines are not here: they are an estimate with a bound, which `baselines` tests.

use linkcast_domain::{Feature, FeatureVector, SampleField as F, SampleValues, Timestamp};

const MINUTE: i64 = 60_000;

/// Every sample of a stream so far, the newest last.
pub(crate) struct History<'a>(pub(crate) &'a [(Timestamp, SampleValues)]);

impl History<'_> {
    /// The samples in the last `buckets` buckets of `step` minutes, the current one included.
    fn window(&self, step: i64, buckets: i64) -> impl Iterator<Item = &SampleValues> {
        let bucket = |time: Timestamp| time.millis().div_euclid(step * MINUTE);
        let now = self.0.last().map_or(0, |(time, _)| bucket(*time));
        let start = self.0.partition_point(|(time, _)| bucket(*time) <= now - buckets);
        self.0[start..].iter().map(|(_, values)| values)
    }

    fn present(&self, step: i64, buckets: i64, value: impl Fn(&SampleValues) -> f64) -> Vec<f64> {
        self.window(step, buckets).map(value).filter(|value| !value.is_nan()).collect()
    }

    /// Σ amount / Σ against over the samples in which both are present.
    fn ratio(
        &self,
        (step, buckets): (i64, i64),
        amount: impl Fn(&SampleValues) -> f64,
        against: impl Fn(&SampleValues) -> f64,
    ) -> f64 {
        let both: Vec<(f64, f64)> = self
            .window(step, buckets)
            .map(|values| (amount(values), against(values)))
            .filter(|(amount, against)| !amount.is_nan() && !against.is_nan())
            .collect();
        let below: f64 = both.iter().map(|(_, against)| against).sum();
        if below == 0.0 { f64::NAN } else { both.iter().map(|(amount, _)| amount).sum::<f64>() / below }
    }

    /// The rate of change at the newest of `values`, and at every one before.
    fn rates(&self, field: F) -> Vec<(i64, f64)> {
        let present: Vec<(i64, f64)> =
            self.0.iter().filter_map(|(time, values)| Some((time.millis(), values.get(field)?))).collect();
        changes(&present)
    }

    fn newest(&self, changes: &[(i64, f64)]) -> f64 {
        let now = self.0.last().map(|(time, _)| time.millis());
        changes.last().filter(|(millis, _)| Some(*millis) == now).map_or(f64::NAN, |(_, rate)| *rate)
    }
}

fn changes(series: &[(i64, f64)]) -> Vec<(i64, f64)> {
    series
        .windows(2)
        .filter(|pair| pair[1].0 - pair[0].0 <= 15 * MINUTE)
        .map(|pair| (pair[1].0, (pair[1].1 - pair[0].1) / ((pair[1].0 - pair[0].0) as f64 / 60_000.0)))
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { f64::NAN } else { values.iter().sum::<f64>() / values.len() as f64 }
}

fn deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    if values.len() < 2 { f64::NAN } else { (squares / (values.len() - 1) as f64).sqrt() }
}

fn total(values: &[f64]) -> f64 {
    if values.is_empty() { f64::NAN } else { values.iter().sum() }
}

fn either(values: &SampleValues, one: F, other: F) -> f64 {
    match (values.get(one), values.get(other)) {
        (None, None) => f64::NAN,
        (one, other) => one.unwrap_or(0.0) + other.unwrap_or(0.0),
    }
}

/// The newest sample's features in universal time, those against a baseline left absent.
pub(crate) fn by_definition(history: &History<'_>) -> FeatureVector {
    let mut vector = FeatureVector::default();
    let Some((time, now)) = history.0.last() else { return vector };
    as_sampled(*time, now, &mut vector);
    metrics(history, &mut vector);
    counters(history, &mut vector);
    let reset =
        history.0.iter().rev().find(|(_, values)| values.get(F::Reset).is_some_and(|reset| reset > 0.0));
    if let Some((at, _)) = reset {
        let minutes = (time.millis() - at.millis()) as f64 / 60_000.0;
        vector.set(Feature::MinutesSinceReset, minutes.min(1440.0));
    }
    vector
}

fn as_sampled(time: Timestamp, now: &SampleValues, vector: &mut FeatureVector) {
    let mut set = |feature, value| vector.set(feature, value);
    for (feature, field) in [
        (Feature::LatencyP99, F::LatencyP99),
        (Feature::Utilization, F::Utilization),
        (Feature::ErrorRate, F::ErrorRate),
        (Feature::BandwidthGbps, F::BandwidthGbps),
        (Feature::QpErrors, F::QpErrors),
        (Feature::SaturatedCounters, F::SaturatedCounters),
    ] {
        set(feature, now.raw(field));
    }
    let hours = time.millis().div_euclid(3_600_000);
    let (hour, day) = (hours.rem_euclid(24), (hours.div_euclid(24) + 3).rem_euclid(7));
    set(Feature::Hour, hour as f64);
    set(Feature::DayOfWeek, day as f64);
    set(Feature::IsWeekend, f64::from(u8::from(day >= 5)));
    set(Feature::IsBusinessHours, f64::from(u8::from((8..=18).contains(&hour))));
    set(Feature::LatencyTimesUtilization, now.raw(F::LatencyP99) * now.raw(F::Utilization) / 100.0);
    set(Feature::ErrorTimesBandwidth, now.raw(F::ErrorRate) * now.raw(F::BandwidthGbps));
    set(Feature::BelowCapability, 1.0 - now.raw(F::LinkRateGbps) / now.raw(F::LinkCapableGbps));
}

fn metrics(history: &History<'_>, vector: &mut FeatureVector) {
    let latency = |minutes| history.present(1, minutes, |values| values.raw(F::LatencyP99));
    vector.set(Feature::LatencyP99Mean5m, mean(&latency(5)));
    vector.set(Feature::LatencyP99Deviation5m, deviation(&latency(5)));
    vector.set(Feature::LatencyP99Mean15m, mean(&latency(15)));
    vector.set(Feature::LatencyP99Mean1h, mean(&latency(60)));
    let utilization = history.present(1, 5, |values| values.raw(F::Utilization));
    vector.set(Feature::UtilizationMean5m, mean(&utilization));
    let rates = history.rates(F::LatencyP99);
    vector.set(Feature::LatencyP99Rate, history.newest(&rates));
    vector.set(Feature::LatencyP99Acceleration, history.newest(&changes(&rates)));
    vector.set(Feature::UtilizationRate, history.newest(&history.rates(F::Utilization)));
}

fn counters(history: &History<'_>, vector: &mut FeatureVector) {
    let seconds = |values: &SampleValues| values.raw(F::IntervalS);
    let bits = |values: &SampleValues| values.raw(F::LinkRateGbps) * 1e9 * values.raw(F::IntervalS);
    let symbols = |values: &SampleValues| values.raw(F::SymbolErrors);
    let waiting = |values: &SampleValues| values.raw(F::XmitWaitRatio) * values.raw(F::IntervalS);
    let errors = |values: &SampleValues| either(values, F::RcvErrors, F::RcvRemotePhysicalErrors);
    let refusals = |values: &SampleValues| either(values, F::RnrNaks, F::OutOfBuffer);
    let integrity = |values: &SampleValues| either(values, F::LocalLinkIntegrityErrors, F::BufferOverruns);
    let five = (1, 5);
    let mut set = |feature, value| vector.set(feature, value);
    set(Feature::SymbolBer12m, history.ratio((1, 12), symbols, bits));
    set(Feature::SymbolBer125m, history.ratio((5, 25), symbols, bits));
    set(Feature::RcvErrorRatio5m, history.ratio(five, errors, |values| values.raw(F::RcvPackets)));
    let per_second = |field: F| history.ratio(five, move |values| values.raw(field), seconds);
    set(Feature::XmitDiscardsPerSecond5m, per_second(F::XmitDiscards));
    set(Feature::AckTimeoutsPerSecond5m, per_second(F::AckTimeouts));
    set(Feature::CongestionNotificationsPerSecond5m, per_second(F::CongestionNotifications));
    set(Feature::ReceiverNotReadyPerSecond5m, history.ratio(five, refusals, seconds));
    let waited_s = |values: &SampleValues| waiting(values) * 0.0 + values.raw(F::IntervalS);
    set(Feature::WaitRatio5m, history.ratio(five, waiting, waited_s));
    set(Feature::WaitRatio1h, history.ratio((5, 12), waiting, waited_s));
    let count = |step, buckets, field: F| total(&history.present(step, buckets, |values| values.raw(field)));
    set(Feature::LinkErrorRecoveries1h, count(5, 12, F::LinkErrorRecoveries));
    set(Feature::LinkDowned12h, count(30, 24, F::LinkDowned));
    set(Feature::IntegrityErrors1h, total(&history.present(5, 12, integrity)));
    set(Feature::MemoryRegistrationFailures5m, count(1, 5, F::MemoryRegistrationFailures));
}
