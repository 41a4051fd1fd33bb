//! Samples of many shapes from a seed: regular and ragged cadences, gaps, bursts, absent and changing counters.
//!
//! Values are drawn, not recorded, so that every branch of the fold is met often and a failure names its seed.

use linkcast_domain::{SampleField, SampleValues, Timestamp};

/// A small generator (SplitMix64): the tests must not depend on a crate's choice of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def0)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// In [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal, by Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

pub(crate) const START_MILLIS: i64 = 1_700_000_000_000;

/// How a stream is sampled.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cadence {
    /// Every so many milliseconds, exactly.
    Regular(i64),
    /// About every so many milliseconds, now and then a gap of up to a day.
    Ragged(i64),
}

/// `count` samples of one stream.
pub(crate) fn series(seed: u64, cadence: Cadence, count: usize) -> Vec<(Timestamp, SampleValues)> {
    let mut random = Random::new(seed);
    let mut millis = START_MILLIS + random.below(86_400_000) as i64 / 1000 * 1000;
    let absent = [0.0, 0.02, 0.3, 0.9][random.below(4) as usize];
    let mut samples = Vec::with_capacity(count);
    for _ in 0..count {
        let interval_millis = interval(&mut random, cadence);
        millis += interval_millis;
        samples.push((Timestamp::from_millis(millis), values(&mut random, interval_millis, absent)));
    }
    samples
}

fn interval(random: &mut Random, cadence: Cadence) -> i64 {
    match cadence {
        Cadence::Regular(millis) => millis,
        Cadence::Ragged(millis) if random.chance(0.002) => millis + random.below(86_400_000) as i64,
        Cadence::Ragged(millis) if random.chance(0.02) => millis + random.below(3_600_000) as i64,
        Cadence::Ragged(millis) => 1 + random.below(2 * millis as u64) as i64,
    }
}

fn values(random: &mut Random, interval_millis: i64, absent: f64) -> SampleValues {
    let mut values = SampleValues::default();
    for field in SampleField::ALL {
        let value = value(random, field, interval_millis);
        if !random.chance(absent) {
            values.set(field, value);
        }
    }
    values
}

fn value(random: &mut Random, field: SampleField, interval_millis: i64) -> f64 {
    use SampleField as F;
    let interval_s = interval_millis as f64 / 1000.0;
    let mut rare_count = |probability: f64, most: u64| {
        if random.chance(probability) { random.below(most) as f64 } else { 0.0 }
    };
    match field {
        F::LatencyP99 => 3.0 * (0.3 * random.normal()).exp(),
        F::Utilization => 100.0 * random.unit() * random.unit(),
        F::ErrorRate => rare_count(0.1, 1000) * 1e-7,
        F::BandwidthGbps => 90.0 * random.unit(),
        F::QpErrors => rare_count(0.01, 20),
        F::SymbolErrors => rare_count(0.05, 5000),
        F::LinkErrorRecoveries => rare_count(0.02, 4),
        F::LinkDowned => rare_count(0.01, 2),
        F::RcvPackets => (random.unit() * 5e6 * interval_s).floor(),
        F::XmitWaitRatio => random.unit() * random.unit(),
        F::LinkRateGbps => [100.0, 85.33, 56.0, 200.0][random.below(4) as usize],
        F::LinkCapableGbps => 100.0,
        F::IntervalS => interval_s,
        F::SaturatedCounters => rare_count(0.01, 3),
        F::Reset | F::Gap => rare_count(0.001, 2),
        _ => rare_count(0.1, 500),
    }
}
