//! Latency over five minutes, a quarter of an hour and an hour, in one-minute buckets.
//!
//! The five newest minutes keep what a standard deviation needs. The 55 older ones only serve means and take
//! three bytes each: a mean of 13 significant bits and a count. What rounding a mean loses is handed on to the
//! next minute's, so that the error of an hour's mean is that of its ends, not of each of its minutes.
//! Sums of older minutes are whole numbers of units, so they slide exactly.

use crate::bits::{BitReader, BitWriter};
use crate::minifloat::MiniFloat;

const RECENT: usize = 4;
const OLDER: usize = 55;
const OLDER_WITHIN_15M: usize = 10;
const MEAN_UNIT: f64 = 1.0 / 16_384.0;
/// No latency counts for more than a quarter of an hour, whatever a probe claims.
const LARGEST_US: f64 = 1e9;
/// 2^41 units: an hour of them, weighted by 2^16 samples a minute, still fits 64 bits.
const LARGEST_OLDER_MEAN_US: f64 = 134_217_728.0;
const MEAN: MiniFloat = MiniFloat::new(17, 12, -14);
const COUNT: MiniFloat = MiniFloat::new(7, 3, 0);
/// The share of its mean by which a minute may make up for the one before: half a step of rounding.
const LARGEST_CARRY: f64 = 1.0 / 8192.0;
/// A minute holds no more samples than milliseconds.
const COUNT_BITS: u32 = 16;

/// A number of values, their mean and the sum of squared distances from it.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

/// An older minute in 24 bits: the mean's code and the count's.
#[derive(Clone, Copy, Debug, Default)]
struct OlderMinute(u32);

/// Whole units of latency and how many samples they belong to.
#[derive(Clone, Copy, Debug, Default)]
struct Total {
    units: u64,
    count: u64,
}

/// The last hour of one stream's latency.
#[derive(Clone, Debug)]
pub(crate) struct LatencyWindows {
    open: Moments,
    /// Newest first.
    recent: [Moments; RECENT],
    recent_total: Moments,
    older: [OlderMinute; OLDER],
    /// The place of the oldest of the older minutes.
    oldest: usize,
    older_15m: Total,
    older_1h: Total,
    /// What rounding has kept back from the older means, as mean times count.
    carry: f32,
}

/// Means and spread now; NaN where there is too little.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LatencyNow {
    pub(crate) mean_5m: f64,
    pub(crate) deviation_5m: f64,
    pub(crate) mean_15m: f64,
    pub(crate) mean_1h: f64,
}

impl LatencyWindows {
    pub(crate) fn new() -> Self {
        LatencyWindows {
            open: Moments::default(),
            recent: [Moments::default(); RECENT],
            recent_total: Moments::default(),
            older: [OlderMinute::default(); OLDER],
            oldest: 0,
            older_15m: Total::default(),
            older_1h: Total::default(),
            carry: 0.0,
        }
    }

    /// Adds a present latency to the open minute.
    #[inline(always)]
    pub(crate) fn add(&mut self, latency_us: f64) {
        self.open.add(latency_us.min(LARGEST_US));
    }

    #[inline(always)]
    pub(crate) fn now(&self) -> LatencyNow {
        let last_5m = self.recent_total.joined(self.open);
        let sum_5m = last_5m.mean * last_5m.count;
        let mean_with =
            |older: Total| (sum_5m + older.units as f64 * MEAN_UNIT) / (last_5m.count + older.count as f64);
        let variance = last_5m.squares / (last_5m.count - 1.0);
        LatencyNow {
            mean_5m: if last_5m.count > 0.0 { last_5m.mean } else { f64::NAN },
            deviation_5m: if last_5m.count > 1.0 { variance.sqrt() } else { f64::NAN },
            mean_15m: mean_with(self.older_15m),
            mean_1h: mean_with(self.older_1h),
        }
    }

    /// Closes the open minute and opens the one `steps` later.
    #[inline(always)]
    pub(crate) fn turn(&mut self, steps: u64) {
        if steps > (RECENT + OLDER) as u64 {
            *self = LatencyWindows::new();
            return;
        }
        let mut closing = std::mem::take(&mut self.open).rounded();
        for _ in 0..steps {
            let [first, second, third, demoted] = self.recent;
            self.recent = [std::mem::take(&mut closing), first, second, third];
            self.demote(demoted);
        }
        self.total_recent();
    }

    fn total_recent(&mut self) {
        let [first, second, third, fourth] = self.recent;
        self.recent_total = fourth.joined(third).joined(second).joined(first);
    }

    fn demote(&mut self, minute: Moments) {
        let entering = self.round_older(minute);
        self.push_older(entering);
    }

    fn push_older(&mut self, entering: OlderMinute) {
        let leaving_15m = self.older.get(place_before(self.oldest, OLDER_WITHIN_15M)).copied();
        self.older_15m.take(leaving_15m.unwrap_or_default());
        self.older_15m.add(entering);
        if let Some(place) = self.older.get_mut(self.oldest) {
            self.older_1h.take(*place);
            self.older_1h.add(entering);
            *place = entering;
        }
        self.oldest = if self.oldest + 1 == OLDER { 0 } else { self.oldest + 1 };
    }

    fn round_older(&mut self, minute: Moments) -> OlderMinute {
        if minute.count == 0.0 {
            return OlderMinute::default();
        }
        let count = COUNT.round(minute.count);
        // What a far larger or longer minute left over would distort this one; it is dropped instead.
        let kept_back = f64::from(self.carry) / count;
        let bearable = kept_back.abs() <= minute.mean * LARGEST_CARRY;
        let wanted = minute.mean + if bearable { kept_back } else { 0.0 };
        let mean = MEAN.round(wanted.min(LARGEST_OLDER_MEAN_US));
        self.carry = ((wanted - mean) * count) as f32;
        OlderMinute(MEAN.encode(mean) << COUNT.bits() | COUNT.encode(count))
    }

    pub(crate) fn write(&self, writer: &mut BitWriter) {
        writer.put(self.open.count as u64, COUNT_BITS);
        writer.put_f64(self.open.mean);
        writer.put_f64(self.open.squares);
        for minute in self.recent {
            writer.put(minute.count as u64, COUNT_BITS);
            writer.put_f32(minute.mean as f32);
            writer.put_f32(minute.squares as f32);
        }
        writer.put_f32(self.carry);
        let (newer, older) = self.older.split_at(self.oldest);
        for minute in older.iter().chain(newer) {
            writer.put(u64::from(minute.0), MEAN.bits() + COUNT.bits());
        }
    }

    pub(crate) fn read(reader: &mut BitReader<'_>) -> Self {
        let mut windows = LatencyWindows::new();
        let count = reader.take(COUNT_BITS) as f64;
        windows.open = Moments { count, mean: reader.take_f64(), squares: reader.take_f64() };
        for minute in &mut windows.recent {
            minute.count = reader.take(COUNT_BITS) as f64;
            minute.mean = f64::from(reader.take_f32());
            minute.squares = f64::from(reader.take_f32());
        }
        windows.carry = reader.take_f32();
        for _ in 0..OLDER {
            windows.push_older(OlderMinute(reader.take(MEAN.bits() + COUNT.bits()) as u32));
        }
        windows.total_recent();
        windows
    }
}

/// The place `steps` before `place` on the ring of older minutes.
#[inline(always)]
fn place_before(place: usize, steps: usize) -> usize {
    if place >= steps { place - steps } else { place + OLDER - steps }
}

impl Moments {
    #[inline(always)]
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let distance = value - self.mean;
        self.mean += distance / self.count;
        self.squares += distance * (value - self.mean);
    }

    /// These and the other's values together (Chan, Golub and LeVeque).
    #[inline(always)]
    fn joined(self, other: Moments) -> Moments {
        let count = self.count + other.count;
        if count == 0.0 {
            return Moments::default();
        }
        let share = other.count / count;
        let distance = other.mean - self.mean;
        Moments {
            count,
            mean: self.mean + distance * share,
            squares: self.squares + other.squares + distance * distance * self.count * share,
        }
    }

    /// As a closed minute keeps them.
    #[inline(always)]
    fn rounded(self) -> Moments {
        Moments {
            count: self.count,
            mean: f64::from(self.mean as f32),
            squares: f64::from(self.squares as f32),
        }
    }
}

impl Total {
    #[inline(always)]
    fn add(&mut self, minute: OlderMinute) {
        let count = COUNT.units(minute.0 & ((1 << COUNT.bits()) - 1));
        self.count += count;
        self.units = self.units.wrapping_add(count * MEAN.units(minute.0 >> COUNT.bits()));
    }

    #[inline(always)]
    fn take(&mut self, minute: OlderMinute) {
        let count = COUNT.units(minute.0 & ((1 << COUNT.bits()) - 1));
        self.count -= count;
        self.units = self.units.wrapping_sub(count * MEAN.units(minute.0 >> COUNT.bits()));
    }
}
