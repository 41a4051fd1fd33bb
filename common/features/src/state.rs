//! A stream's whole past, as far as any feature asks for it, and the fold that takes it one sample further.
//!
//! The order within one step matters and is fixed: windows turn to the sample's time, the features that compare
//! with the past are read before the sample joins it, then the sample joins, then the windows are read.

use linkcast_domain::{Feature, FeatureVector, SampleField, SampleValues, Timestamp};

use crate::baseline::{Age, Baseline};
use crate::bits::{BitReader, BitWriter};
use crate::calendar::Calendar;
use crate::error::{StaleSample, StateError};
use crate::latency::LatencyWindows;
use crate::packed;
use crate::trend::Trend;
use crate::windows::CounterWindows;

/// No state is larger when serialised.
pub const STATE_BYTES_LIMIT: usize = 1024;

/// The version of the serialised form, and of the fold that made it.
pub const STATE_VERSION: u16 = 1;

/// How long every state of this version is.
const STATE_BYTES: usize = 1019;

const MINUTE_MILLIS: i64 = 60_000;
const VERSION_BYTES: usize = 2;
const CHECKSUM_BYTES: usize = 4;
const TIME_BITS: u32 = 49;
/// One millisecond before the year 0001, the earliest a timestamp can be; it stands for no time.
const NO_TIME_MILLIS: i64 = -62_135_596_800_001;
const RESET_AGE_BITS: u32 = 27;
/// Resets are told apart for a day.
const LONGEST_RESET_AGE_MILLIS: i64 = 1440 * MINUTE_MILLIS;

const USUAL_LATENCY_US: f64 = 5.0;
const USUAL_UTILIZATION: f64 = 60.0;
const USUAL_LINK_RATE_GBPS: f64 = 100.0;

/// One stream's past.
#[derive(Clone, Debug)]
pub struct StreamState {
    /// `i64::MIN` before the first sample.
    last_millis: i64,
    minute_end_millis: i64,
    /// Of the minute: ages change on whole minutes only.
    age: Age,
    reset_millis: i64,
    link_rate_gbps: f32,
    latency_trend: Trend,
    utilization_trend: Trend,
    latency: LatencyWindows,
    counters: CounterWindows,
    usual_latency: Baseline<-10>,
    usual_utilization: Baseline<-24>,
    usual_bandwidth: Baseline<-20>,
}

impl Default for StreamState {
    fn default() -> Self {
        StreamState::new()
    }
}

impl StreamState {
    /// A stream without a past.
    pub fn new() -> Self {
        StreamState {
            last_millis: i64::MIN,
            minute_end_millis: i64::MIN,
            age: Age::of(0),
            reset_millis: i64::MIN,
            link_rate_gbps: f32::NAN,
            latency_trend: Trend::new(),
            utilization_trend: Trend::new(),
            latency: LatencyWindows::new(),
            counters: CounterWindows::new(),
            usual_latency: Baseline::new(),
            usual_utilization: Baseline::new(),
            usual_bandwidth: Baseline::new(),
        }
    }

    /// The time of the stream's last sample.
    pub fn last_time(&self) -> Option<Timestamp> {
        (self.last_millis != i64::MIN).then(|| Timestamp::from_millis(self.last_millis))
    }

    /// Takes one sample further: its features, from it and what came before.
    ///
    /// # Errors
    /// A sample that is not newer than the last is refused and changes nothing.
    pub fn advance(
        &mut self,
        time: Timestamp,
        values: &SampleValues,
        calendar: &Calendar,
    ) -> Result<FeatureVector, StaleSample> {
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2") {
            #[expect(unsafe_code, reason = "the processor was just asked whether it has AVX2")]
            // SAFETY: the function's one condition is a processor with AVX2.
            return unsafe { self.advance_avx2(time, values, calendar) };
        }
        self.advance_anywhere(time, values, calendar)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn advance_avx2(
        &mut self,
        time: Timestamp,
        values: &SampleValues,
        calendar: &Calendar,
    ) -> Result<FeatureVector, StaleSample> {
        self.advance_anywhere(time, values, calendar)
    }

    #[inline(always)]
    fn advance_anywhere(
        &mut self,
        time: Timestamp,
        values: &SampleValues,
        calendar: &Calendar,
    ) -> Result<FeatureVector, StaleSample> {
        let millis = time.millis();
        if millis <= self.last_millis {
            return Err(StaleSample { time, last: Timestamp::from_millis(self.last_millis) });
        }
        if millis >= self.minute_end_millis {
            self.turn(millis);
        }
        self.last_millis = millis;
        let mut vector = FeatureVector::default();
        fill_as_sampled(values, &mut vector);
        fill_calendar(time, calendar, &mut vector);
        self.compare(millis, values, &mut vector);
        self.join(millis, values);
        self.fill_windows(&mut vector);
        Ok(vector)
    }

    /// Turns every window to the buckets of a later minute.
    #[inline(always)]
    fn turn(&mut self, millis: i64) {
        let minute = millis.div_euclid(MINUTE_MILLIS);
        self.minute_end_millis = (minute + 1) * MINUTE_MILLIS;
        self.age = Age::of(millis);
        if self.last_millis == i64::MIN {
            return;
        }
        let last_minute = self.last_millis.div_euclid(MINUTE_MILLIS);
        let steps_of = |minutes: i64| (minute.div_euclid(minutes) - last_minute.div_euclid(minutes)) as u64;
        self.latency.turn(steps_of(1));
        self.counters.turn_minutes(steps_of(1));
        if steps_of(5) > 0 {
            self.counters.turn_five_minutes(steps_of(5));
            if steps_of(30) > 0 {
                self.counters.turn_half_hours(steps_of(30));
            }
        }
    }

    /// Fills in what compares the sample with the past it has not joined yet.
    #[inline(always)]
    fn compare(&mut self, millis: i64, values: &SampleValues, vector: &mut FeatureVector) {
        let latency = values.raw(SampleField::LatencyP99);
        let utilization = values.raw(SampleField::Utilization);
        let bandwidth = values.raw(SampleField::BandwidthGbps);
        let link_rate = values.raw(SampleField::LinkRateGbps);
        if link_rate > 0.0 {
            self.link_rate_gbps = link_rate as f32;
        }
        let fallback_gbps =
            if self.link_rate_gbps > 0.0 { f64::from(self.link_rate_gbps) } else { USUAL_LINK_RATE_GBPS };

        let usual_latency = self.usual_latency.usual_or(USUAL_LATENCY_US);
        let latency_delta = latency - usual_latency;
        let latency_delta_percent = percent(latency_delta, usual_latency);
        let usual_bandwidth = self.usual_bandwidth.usual_or(fallback_gbps);
        vector.set(Feature::LatencyP99Delta, latency_delta);
        vector.set(Feature::LatencyP99DeltaPercent, latency_delta_percent);
        vector
            .set(Feature::UtilizationDelta, utilization - self.usual_utilization.usual_or(USUAL_UTILIZATION));
        vector.set(Feature::BandwidthDeltaPercent, percent(bandwidth - usual_bandwidth, usual_bandwidth));

        let latency_change = self.latency_trend.advance(millis, latency);
        vector.set(Feature::LatencyP99Rate, latency_change.rate);
        vector.set(Feature::LatencyP99Acceleration, latency_change.acceleration);
        vector.set(Feature::UtilizationRate, self.utilization_trend.advance(millis, utilization).rate);
        vector.set(
            Feature::HealthScore,
            health_score(utilization, latency_delta_percent, values.raw(SampleField::ErrorRate)),
        );
    }

    /// Makes the sample part of the past.
    #[inline(always)]
    fn join(&mut self, millis: i64, values: &SampleValues) {
        let latency = values.raw(SampleField::LatencyP99);
        if latency >= 0.0 {
            self.latency.add(latency);
        }
        self.counters.add(values);
        if values.raw(SampleField::Reset) > 0.0 {
            self.reset_millis = millis;
        }
        let age = self.age;
        self.usual_latency.observe(latency, age);
        self.usual_utilization.observe(values.raw(SampleField::Utilization), age);
        self.usual_bandwidth.observe(values.raw(SampleField::BandwidthGbps), age);
    }

    #[inline(always)]
    fn fill_windows(&self, vector: &mut FeatureVector) {
        let latency = self.latency.now();
        vector.set(Feature::LatencyP99Mean5m, latency.mean_5m);
        vector.set(Feature::LatencyP99Deviation5m, latency.deviation_5m);
        vector.set(Feature::LatencyP99Mean15m, latency.mean_15m);
        vector.set(Feature::LatencyP99Mean1h, latency.mean_1h);
        self.counters.fill(vector);
        if self.reset_millis != i64::MIN {
            let age_millis = (self.last_millis - self.reset_millis).min(LONGEST_RESET_AGE_MILLIS);
            vector.set(Feature::MinutesSinceReset, age_millis as f64 / MINUTE_MILLIS as f64);
        }
    }

    /// The state in at most [`STATE_BYTES_LIMIT`] bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = BitWriter::with_capacity(STATE_BYTES_LIMIT);
        writer.put(u64::from(STATE_VERSION), 8 * VERSION_BYTES as u32);
        writer.put(self.last_millis.saturating_sub(NO_TIME_MILLIS).max(0) as u64, TIME_BITS);
        let reset_age = self.last_millis.saturating_sub(self.reset_millis).clamp(0, LONGEST_RESET_AGE_MILLIS);
        writer.put(u64::from(self.reset_millis != i64::MIN), 1);
        writer.put(reset_age as u64, RESET_AGE_BITS);
        writer.put_f32(self.link_rate_gbps);
        self.latency_trend.write(self.last_millis, &mut writer);
        self.latency_trend.write_rate(&mut writer);
        self.utilization_trend.write(self.last_millis, &mut writer);
        self.latency.write(&mut writer);
        self.counters.write(&mut writer);
        self.usual_latency.write(&mut writer);
        self.usual_utilization.write(&mut writer);
        self.usual_bandwidth.write(&mut writer);
        let mut bytes = writer.finish();
        let checksum = checksum_of(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The state `to_bytes` wrote.
    ///
    /// # Errors
    /// Bytes of another version, another length or with damage are refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = BitReader::new(checked(bytes)?);
        reader.take(8 * VERSION_BYTES as u32);
        let since_no_time = reader.take(TIME_BITS) as i64;
        let last_millis = if since_no_time == 0 { i64::MIN } else { NO_TIME_MILLIS + since_no_time };
        let was_reset = reader.take(1) == 1;
        let reset_age = reader.take(RESET_AGE_BITS) as i64;
        let link_rate_gbps = reader.take_f32();
        let latency_trend = Trend::read(last_millis, &mut reader);
        let latency_trend = latency_trend.with_rate(reader.take_f64());
        Ok(StreamState {
            last_millis,
            minute_end_millis: end_of_minute(last_millis),
            age: Age::of(last_millis),
            reset_millis: if was_reset { last_millis.saturating_sub(reset_age) } else { i64::MIN },
            link_rate_gbps,
            latency_trend,
            utilization_trend: Trend::read(last_millis, &mut reader),
            latency: LatencyWindows::read(&mut reader),
            counters: CounterWindows::read(&mut reader),
            usual_latency: Baseline::read(&mut reader),
            usual_utilization: Baseline::read(&mut reader),
            usual_bandwidth: Baseline::read(&mut reader),
        })
    }
}

/// Where one stream's past is packed for stores that bill by size.
impl StreamState {
    /// The state in as few bytes as what it holds needs: the same state as in [`StreamState::to_bytes`], to the bit.
    pub fn to_packed(&self) -> Vec<u8> {
        let plain = self.to_bytes();
        let Some((fields, checksum)) = plain.split_last_chunk::<CHECKSUM_BYTES>() else { return plain };
        let packed = packed::pack(fields);
        let checksum = told_checksum(*checksum, &packed);
        [&[STATE_VERSION as u8], checksum.as_slice(), &packed].concat()
    }

    /// The state `to_packed` wrote.
    ///
    /// # Errors
    /// Bytes of another version or with damage are refused.
    pub fn from_packed(bytes: &[u8]) -> Result<Self, StateError> {
        let too_short = StateError::Length { found: bytes.len(), expected: 1 + CHECKSUM_BYTES };
        let (version, rest) = bytes.split_first().ok_or(too_short.clone())?;
        if u16::from(*version) != STATE_VERSION {
            return Err(StateError::Version { found: u16::from(*version), expected: STATE_VERSION });
        }
        let (checksum, rest) = rest.split_first_chunk::<CHECKSUM_BYTES>().ok_or(too_short)?;
        let mut plain = packed::unpack(rest, STATE_BYTES - CHECKSUM_BYTES);
        plain.extend_from_slice(&told_checksum(*checksum, rest));
        StreamState::from_bytes(&plain)
    }
}

/// The plain form's checksum and the packed form's length in one, either way: a packed form that was cut where only zeros
/// are missing would else pass for whole.
fn told_checksum(checksum: [u8; CHECKSUM_BYTES], packed: &[u8]) -> [u8; CHECKSUM_BYTES] {
    (u32::from_le_bytes(checksum) ^ packed.len() as u32).to_le_bytes()
}

fn end_of_minute(millis: i64) -> i64 {
    if millis == i64::MIN {
        i64::MIN
    } else {
        (millis.div_euclid(MINUTE_MILLIS) + 1).saturating_mul(MINUTE_MILLIS)
    }
}

/// A state's bytes without their checksum, once version, length and checksum have been seen to be right.
fn checked(bytes: &[u8]) -> Result<&[u8], StateError> {
    let found_version = bytes.first_chunk::<VERSION_BYTES>().map(|version| u16::from_le_bytes(*version));
    if let Some(found) = found_version.filter(|found| *found != STATE_VERSION) {
        return Err(StateError::Version { found, expected: STATE_VERSION });
    }
    let wrong_length = StateError::Length { found: bytes.len(), expected: STATE_BYTES };
    if bytes.len() != STATE_BYTES {
        return Err(wrong_length);
    }
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(wrong_length)?;
    let (found, expected) = (checksum_of(content), u32::from_le_bytes(*checksum));
    if found == expected { Ok(content) } else { Err(StateError::Checksum { found, expected }) }
}

/// FNV-1a: enough to tell damage, which is all it is for.
fn checksum_of(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[inline(always)]
fn fill_as_sampled(values: &SampleValues, vector: &mut FeatureVector) {
    use SampleField as F;
    let raw = |field| values.raw(field);
    vector.set(Feature::LatencyP99, raw(F::LatencyP99));
    vector.set(Feature::Utilization, raw(F::Utilization));
    vector.set(Feature::ErrorRate, raw(F::ErrorRate));
    vector.set(Feature::BandwidthGbps, raw(F::BandwidthGbps));
    vector.set(Feature::QpErrors, raw(F::QpErrors));
    vector.set(Feature::LatencyTimesUtilization, raw(F::LatencyP99) * raw(F::Utilization) / 100.0);
    vector.set(Feature::ErrorTimesBandwidth, raw(F::ErrorRate) * raw(F::BandwidthGbps));
    let capable = raw(F::LinkCapableGbps);
    if capable != 0.0 {
        vector.set(Feature::BelowCapability, 1.0 - raw(F::LinkRateGbps) / capable);
    }
    vector.set(Feature::SaturatedCounters, raw(F::SaturatedCounters));
}

#[inline(always)]
fn fill_calendar(time: Timestamp, calendar: &Calendar, vector: &mut FeatureVector) {
    let local = calendar.local(time);
    let flag = |holds: bool| if holds { 1.0 } else { 0.0 };
    vector.set(Feature::Hour, local.hour as f64);
    vector.set(Feature::DayOfWeek, local.day_of_week as f64);
    vector.set(Feature::IsWeekend, flag(local.day_of_week >= 5));
    vector.set(Feature::IsBusinessHours, flag((8..=18).contains(&local.hour)));
}

/// A difference in per cent of what it is against; NaN against zero.
#[inline(always)]
fn percent(difference: f64, against: f64) -> f64 {
    if against == 0.0 { f64::NAN } else { difference / against * 100.0 }
}

#[inline(always)]
fn health_score(utilization: f64, latency_delta_percent: f64, error_rate: f64) -> f64 {
    let or_zero = |term: f64| if term.is_nan() { 0.0 } else { term };
    let load = or_zero(0.4 * utilization);
    let slowness = or_zero(0.3 * latency_delta_percent.clamp(0.0, 100.0));
    let errors = or_zero(0.3 * 1000.0 * error_rate);
    100.0 - (load + slowness + errors).clamp(0.0, 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_fits_its_budget() {
        assert_eq!(StreamState::new().to_bytes().len(), STATE_BYTES);
        const { assert!(STATE_BYTES <= STATE_BYTES_LIMIT) };
    }

    #[test]
    fn health_counts_absent_terms_as_nothing() {
        assert_eq!(health_score(f64::NAN, f64::NAN, f64::NAN), 100.0);
        assert_eq!(health_score(50.0, 50.0, 0.01), 100.0 - (20.0 + 15.0 + 3.0));
        assert_eq!(health_score(100.0, 1e9, 1.0), 0.0);
    }
}
