//! The counters' windows: every sum over five minutes to twelve hours that is no latency.
//!
//! Each ratio has its own denominator, summed over the samples in which its own numerator was present: a counter
//! that one exporter reports every other minute is not diluted by the minutes of another. A negative amount or
//! interval cannot be and counts as absent.

use linkcast_domain::{Feature, FeatureVector, SampleField, SampleValues};

use crate::bits::{BitReader, BitWriter};
use crate::minifloat::MiniFloat;
use crate::ring::{Presence, Ring};

/// Pairs of numerator and denominator over five minutes.
const FIVE_MINUTES: [MiniFloat; 16] = {
    let errors = MiniFloat::new(20, 15, -8);
    let seconds = MiniFloat::new(20, 15, -16);
    let whole = MiniFloat::new(20, 15, 0);
    [
        // Utilization and its samples.
        MiniFloat::new(20, 15, -20),
        whole,
        // Packets received in error, and all.
        errors,
        whole,
        // Discards.
        errors,
        seconds,
        // Seconds of waiting.
        MiniFloat::new(20, 15, -28),
        seconds,
        // Acknowledgement timeouts, receiver not ready, congestion notifications.
        errors,
        seconds,
        errors,
        seconds,
        errors,
        seconds,
        // Memory registrations that failed, and samples that told.
        errors,
        whole,
    ]
};
/// Symbol errors and gigabits.
const TWELVE_MINUTES: [MiniFloat; 2] = [MiniFloat::new(20, 15, -8), MiniFloat::new(20, 15, -10)];
const TWO_HOURS: [MiniFloat; 2] = [MiniFloat::new(18, 13, -8), MiniFloat::new(18, 13, -10)];
/// Seconds of waiting and all seconds, recoveries, integrity errors.
const HOUR: [MiniFloat; 4] = [
    MiniFloat::new(18, 13, -26),
    MiniFloat::new(18, 13, -14),
    MiniFloat::new(16, 12, 0),
    MiniFloat::new(16, 12, 0),
];
const HOUR_BUCKETS: u32 = 12;
/// Times down.
const HALF_DAY: [MiniFloat; 1] = [MiniFloat::new(8, 5, 0)];
const HALF_DAY_BUCKETS: u32 = 24;

const BITS_IN_GIGABIT: f64 = 1e9;

/// Everything a stream's counters did in the last twelve hours that a feature asks for.
#[derive(Clone, Debug)]
pub(crate) struct CounterWindows {
    five_minutes: Ring<16, 4>,
    twelve_minutes: Ring<2, 11>,
    two_hours: Ring<2, 24>,
    hour: Ring<4, 11>,
    half_day: Ring<1, 23>,
    recoveries_present: Presence,
    integrity_present: Presence,
    downed_present: Presence,
}

/// An amount, and what it is measured against; both zero unless both are present.
#[derive(Clone, Copy)]
struct Pair(f64, f64);

#[inline(always)]
fn pair(amount: f64, against: f64) -> Pair {
    let usable = amount >= 0.0 && against >= 0.0;
    Pair(if usable { amount } else { 0.0 }, if usable { against } else { 0.0 })
}

/// The sum of two counters of which either may be absent; NaN if both are.
#[inline(always)]
fn either(one: f64, other: f64) -> f64 {
    if one >= 0.0 && other >= 0.0 {
        one + other
    } else if one >= 0.0 {
        one
    } else {
        other
    }
}

impl CounterWindows {
    pub(crate) fn new() -> Self {
        CounterWindows {
            five_minutes: Ring::new(),
            twelve_minutes: Ring::new(),
            two_hours: Ring::new(),
            hour: Ring::new(),
            half_day: Ring::new(),
            recoveries_present: Presence::default(),
            integrity_present: Presence::default(),
            downed_present: Presence::default(),
        }
    }

    /// Turns the one-minute rings.
    #[inline(always)]
    pub(crate) fn turn_minutes(&mut self, steps: u64) {
        self.five_minutes.turn(steps, &FIVE_MINUTES);
        self.twelve_minutes.turn(steps, &TWELVE_MINUTES);
    }

    /// Turns the five-minute rings.
    #[inline(always)]
    pub(crate) fn turn_five_minutes(&mut self, steps: u64) {
        self.two_hours.turn(steps, &TWO_HOURS);
        self.hour.turn(steps, &HOUR);
        self.recoveries_present.turn(steps, HOUR_BUCKETS);
        self.integrity_present.turn(steps, HOUR_BUCKETS);
    }

    /// Turns the half-hour ring.
    #[inline(always)]
    pub(crate) fn turn_half_hours(&mut self, steps: u64) {
        self.half_day.turn(steps, &HALF_DAY);
        self.downed_present.turn(steps, HALF_DAY_BUCKETS);
    }

    /// Adds a sample to the open buckets.
    #[inline(always)]
    pub(crate) fn add(&mut self, values: &SampleValues) {
        use SampleField as F;
        let raw = |field| values.raw(field);
        let seconds = raw(F::IntervalS);
        let rcv_errors = either(raw(F::RcvErrors), raw(F::RcvRemotePhysicalErrors));
        let not_ready = either(raw(F::RnrNaks), raw(F::OutOfBuffer));
        let integrity = either(raw(F::LocalLinkIntegrityErrors), raw(F::BufferOverruns));
        let recoveries = raw(F::LinkErrorRecoveries);
        let downed = raw(F::LinkDowned);

        let utilization = pair(raw(F::Utilization), 1.0);
        let receiving = pair(rcv_errors, raw(F::RcvPackets));
        let discards = pair(raw(F::XmitDiscards), seconds);
        let waiting = pair(raw(F::XmitWaitRatio) * seconds, seconds);
        let timeouts = pair(raw(F::AckTimeouts), seconds);
        let refusals = pair(not_ready, seconds);
        let congestion = pair(raw(F::CongestionNotifications), seconds);
        let registrations = pair(raw(F::MemoryRegistrationFailures), 1.0);
        let symbols = pair(raw(F::SymbolErrors), raw(F::LinkRateGbps) * seconds);

        self.five_minutes.add(&[
            utilization.0,
            utilization.1,
            receiving.0,
            receiving.1,
            discards.0,
            discards.1,
            waiting.0,
            waiting.1,
            timeouts.0,
            timeouts.1,
            refusals.0,
            refusals.1,
            congestion.0,
            congestion.1,
            registrations.0,
            registrations.1,
        ]);
        self.twelve_minutes.add(&[symbols.0, symbols.1]);
        self.two_hours.add(&[symbols.0, symbols.1]);
        self.hour.add(&[waiting.0, waiting.1, recoveries.max(0.0), integrity.max(0.0)]);
        self.half_day.add(&[downed.max(0.0)]);
        self.recoveries_present.mark(recoveries);
        self.integrity_present.mark(integrity);
        self.downed_present.mark(downed);
    }

    /// Fills in the features these windows serve.
    #[inline(always)]
    pub(crate) fn fill(&self, vector: &mut FeatureVector) {
        let [
            utilization,
            utilization_samples,
            errors,
            packets,
            discards,
            discard_s,
            waiting,
            waiting_s,
            timeouts,
            timeout_s,
            refusals,
            refusal_s,
            congestion,
            congestion_s,
            registrations,
            registration_samples,
        ] = self.five_minutes.sums();
        vector.set(Feature::UtilizationMean5m, ratio(utilization, utilization_samples));
        vector.set(Feature::RcvErrorRatio5m, ratio(errors, packets));
        vector.set(Feature::XmitDiscardsPerSecond5m, ratio(discards, discard_s));
        vector.set(Feature::WaitRatio5m, ratio(waiting, waiting_s));
        vector.set(Feature::AckTimeoutsPerSecond5m, ratio(timeouts, timeout_s));
        vector.set(Feature::ReceiverNotReadyPerSecond5m, ratio(refusals, refusal_s));
        vector.set(Feature::CongestionNotificationsPerSecond5m, ratio(congestion, congestion_s));
        let registrations = if registration_samples > 0.0 { registrations } else { f64::NAN };
        vector.set(Feature::MemoryRegistrationFailures5m, registrations);

        let [symbols, gigabits] = self.twelve_minutes.sums();
        vector.set(Feature::SymbolBer12m, ratio(symbols, gigabits * BITS_IN_GIGABIT));
        let [symbols, gigabits] = self.two_hours.sums();
        vector.set(Feature::SymbolBer125m, ratio(symbols, gigabits * BITS_IN_GIGABIT));

        let [waiting, seconds, recoveries, integrity] = self.hour.sums();
        vector.set(Feature::WaitRatio1h, ratio(waiting, seconds));
        vector.set(Feature::LinkErrorRecoveries1h, self.recoveries_present.or_absent(recoveries));
        vector.set(Feature::IntegrityErrors1h, self.integrity_present.or_absent(integrity));
        let [downed] = self.half_day.sums();
        vector.set(Feature::LinkDowned12h, self.downed_present.or_absent(downed));
    }

    pub(crate) fn write(&self, writer: &mut BitWriter) {
        self.five_minutes.write(&FIVE_MINUTES, writer);
        self.twelve_minutes.write(&TWELVE_MINUTES, writer);
        self.two_hours.write(&TWO_HOURS, writer);
        self.hour.write(&HOUR, writer);
        self.half_day.write(&HALF_DAY, writer);
        self.recoveries_present.write(HOUR_BUCKETS, writer);
        self.integrity_present.write(HOUR_BUCKETS, writer);
        self.downed_present.write(HALF_DAY_BUCKETS, writer);
    }

    pub(crate) fn read(reader: &mut BitReader<'_>) -> Self {
        CounterWindows {
            five_minutes: Ring::read(&FIVE_MINUTES, reader),
            twelve_minutes: Ring::read(&TWELVE_MINUTES, reader),
            two_hours: Ring::read(&TWO_HOURS, reader),
            hour: Ring::read(&HOUR, reader),
            half_day: Ring::read(&HALF_DAY, reader),
            recoveries_present: Presence::read(HOUR_BUCKETS, reader),
            integrity_present: Presence::read(HOUR_BUCKETS, reader),
            downed_present: Presence::read(HALF_DAY_BUCKETS, reader),
        }
    }
}

/// NaN where there is nothing to divide by.
#[inline(always)]
fn ratio(amount: f64, against: f64) -> f64 {
    if against > 0.0 { amount / against } else { f64::NAN }
}
