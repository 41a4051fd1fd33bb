//! A stream's usual value of a metric: the median of its earlier samples, half as heavy after a day.
//!
//! All that is kept is a histogram of thirteen bins over the logarithm of the value, whose borders move to where
//! they are needed. A value outside every bin makes one of its own; the two neighbours that matter least to the
//! median then become one, least being narrow together and far from the median in rank. The bin that holds
//! the median is split until it is narrow. A bin covers every value ever counted in it, so the only error is where in
//! a bin the median lies. Measured against the exact weighted median, that is within 2 % of the value for steady, daily and
//! on-and-off streams and ones that double in a week; within 4 % for one that grows tenfold in a week or leaps from
//! one level to another.
//!
//! Age is counted by making the newer heavier: a sample of a day later weighs twice as much, and when a weight
//! no longer fits its 16 bits all are halved, which is the same as making the older lighter.

use crate::bins::{LANES, Lanes, Shares, claim, claimed, closed, opened, reach_code, union_costs};
use crate::bits::{BitReader, BitWriter};

const BINS: usize = 13;
/// Until a metric has been seen this often, its stream has no usual value.
const EARLIEST: u8 = 30;
/// Positions in a doubling of the value; one is 0.5 to 0.8 % of the value.
const POSITION_BITS: u32 = 12;
const STEPS_IN_DOUBLING_BITS: u32 = 7;
pub(crate) const LAST_POSITION: u16 = (1 << POSITION_BITS) - 1;
const REACH_BITS: u32 = 4;
const WEIGHT_BITS: u32 = 16;
/// The median's bin is split while it reaches further than this.
const WIDEST_AT_MEDIAN: u16 = 3;
/// A sample's weight has at least this many units; lighter ones are counted in turns.
const LIGHTEST_SHIFT: i32 = 2;
const HEAVIEST_SHIFT: i32 = 5;
const DAY_MILLIS: i64 = 86_400_000;
const TURN_BITS: u32 = 12;
const USED_BITS: u32 = 4;
const SEEN_BITS: u32 = 5;
const UNIT_DAY_BITS: u32 = 24;
/// Brings every day of the years 0001 to 9999 above zero.
const UNIT_DAY_OFFSET: i64 = 1 << 22;
/// One in so many samples looks for a bin worth splitting.
const BALANCING_TURNS: u16 = 16;
/// How many times the cost of the union that makes room a bin must cost before it is split.
const BALANCING_GAIN: f32 = 2.0;
const MEDIAN_GAIN: f32 = 1.0;

/// 64 · 2^(n/32): how weight grows within a day.
const GROWTH: [u16; 32] = [
    64, 65, 67, 68, 70, 71, 73, 74, 76, 78, 79, 81, 83, 85, 87, 89, 91, 92, 95, 97, 99, 101, 103, 105, 108,
    110, 112, 115, 117, 120, 123, 125,
];
const GROWTH_UNIT_SHIFT: i32 = 6;

/// When a sample was taken, as the weights see it: whole days and 32nds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Age {
    day: i64,
    growth: u16,
}

impl Age {
    #[inline(always)]
    pub(crate) fn of(millis: i64) -> Self {
        let part = millis.rem_euclid(DAY_MILLIS) * 32 / DAY_MILLIS;
        Age { day: millis.div_euclid(DAY_MILLIS), growth: GROWTH.get(part as usize).copied().unwrap_or(64) }
    }
}

/// A run of positions and the weight of the values seen in it.
#[derive(Clone, Copy, Debug)]
struct Bin {
    first: u16,
    weight: u16,
    /// How far beyond its first position the bin claims to reach, one of a few; the next bin may cut it short.
    reach: u16,
}

/// A place without a bin; it sorts behind every bin.
const NO_BIN: Bin = Bin { first: u16::MAX, weight: 0, reach: 0 };

/// The weighted median of a metric's earlier values.
///
/// `LOWEST` is the exponent of the least value told from zero; 32 doublings from there are told apart.
/// The bins lie ascending, side by side a property, so that all of them are searched, summed and weighed at once.
#[derive(Clone, Debug)]
pub(crate) struct Baseline<const LOWEST: i32> {
    /// Behind the used ones, none.
    firsts: Lanes<u16>,
    /// Below the next bin's first.
    lasts: Lanes<u16>,
    weights: Lanes<u16>,
    reaches: Lanes<u16>,
    used: usize,
    total: u32,
    /// The bin that holds the median, and the weight of those below it.
    median_place: usize,
    below_median: u32,
    /// The day on which a sample weighs one unit.
    unit_day: i64,
    seen: u8,
    /// Counts the samples too light to be counted each.
    turn: u16,
    median: f64,
}

impl<const LOWEST: i32> Baseline<LOWEST> {
    pub(crate) fn new() -> Self {
        Baseline {
            firsts: [NO_BIN.first; LANES],
            lasts: [0; LANES],
            weights: [NO_BIN.weight; LANES],
            reaches: [NO_BIN.reach; LANES],
            used: 0,
            total: 0,
            median_place: 0,
            below_median: 0,
            unit_day: 0,
            seen: 0,
            turn: 0,
            median: f64::NAN,
        }
    }

    /// The usual value, or `fallback` while there have been too few.
    #[inline(always)]
    pub(crate) fn usual_or(&self, fallback: f64) -> f64 {
        if self.seen < EARLIEST { fallback } else { self.median }
    }

    /// Counts a value, unless it is absent or negative.
    #[inline(always)]
    pub(crate) fn observe(&mut self, value: f64, age: Age) {
        if value.is_nan() || value < 0.0 {
            return;
        }
        self.seen = (self.seen + 1).min(EARLIEST);
        self.turn = (self.turn + 1) & ((1 << TURN_BITS) - 1);
        let weight = self.weigh(age);
        if weight > 0 {
            self.count(Self::position(value), weight);
            if self.turn & (BALANCING_TURNS - 1) == 0 {
                self.balance();
                self.locate_median();
            }
            self.estimate();
        }
    }

    /// How many units a sample of this age weighs now; 0 when it is not its turn.
    #[inline(always)]
    fn weigh(&mut self, age: Age) -> u16 {
        if self.used == 0 {
            self.unit_day = age.day - i64::from(HEAVIEST_SHIFT);
        }
        let shift = age.day - self.unit_day;
        if shift > i64::from(HEAVIEST_SHIFT) {
            self.halve(shift - i64::from(HEAVIEST_SHIFT));
            return age.growth >> (GROWTH_UNIT_SHIFT - HEAVIEST_SHIFT);
        }
        if shift >= i64::from(LIGHTEST_SHIFT) {
            return age.growth >> (i64::from(GROWTH_UNIT_SHIFT) - shift);
        }
        let turns = (i64::from(LIGHTEST_SHIFT) - shift).min(i64::from(TURN_BITS));
        let its_turn = self.turn & ((1 << turns) - 1) == 0;
        if its_turn { age.growth >> (GROWTH_UNIT_SHIFT - LIGHTEST_SHIFT) } else { 0 }
    }

    #[inline(always)]
    fn count(&mut self, position: u16, weight: u16) {
        let place = self.place_of(position);
        if self.counted_at(place, position, weight) {
            self.total += u32::from(weight);
            self.below_median += if place <= self.median_place { u32::from(weight) } else { 0 };
            self.follow_median();
        } else {
            self.count_new(position, weight);
            self.locate_median();
        }
    }

    /// How many bins begin at or before a position.
    #[inline(always)]
    fn place_of(&self, position: u16) -> usize {
        usize::from(self.firsts.iter().map(|first| u16::from(*first <= position)).sum::<u16>())
    }

    /// Counts into the bin before `place`, if that reaches the position and has room for the weight.
    #[inline(always)]
    fn counted_at(&mut self, place: usize, position: u16, weight: u16) -> bool {
        let Some(place) = place.checked_sub(1) else { return false };
        let Some(held) = self.weights.get_mut(place) else { return false };
        if self.lasts.get(place).is_none_or(|last| position > *last) {
            return false;
        }
        match held.checked_add(weight) {
            Some(sum) => {
                *held = sum;
                true
            }
            None => false,
        }
    }

    #[cold]
    fn count_new(&mut self, position: u16, weight: u16) {
        let place = self.place_of(position);
        let reached = place.checked_sub(1).and_then(|place| self.lasts.get(place));
        let reached = reached.is_some_and(|last| position <= *last);
        if reached {
            // Reached and yet not counted: its weight was full.
            self.halve(1);
            let place = self.place_of(position);
            self.counted_at(place, position, weight.div_ceil(2));
            return;
        }
        if self.used == BINS {
            if let Some((pair, _)) = self.cheapest_pair(&self.shares(), None) {
                self.merge(pair);
            }
            let place = self.place_of(position);
            if self.counted_at(place, position, weight) {
                return;
            }
        }
        self.insert(Bin { first: position, weight, reach: 0 });
    }

    #[inline(always)]
    fn insert(&mut self, bin: Bin) {
        let place = self.place_of(bin.first);
        self.firsts = opened(&self.firsts, place, bin.first);
        self.weights = opened(&self.weights, place, bin.weight);
        self.reaches = opened(&self.reaches, place, bin.reach);
        self.used += 1;
        self.cut_short();
    }

    /// Each bin reaches as far as it claims, or to the next one.
    #[inline(always)]
    fn cut_short(&mut self) {
        let next_firsts = closed(&self.firsts, 0, NO_BIN.first);
        let bins = self.firsts.iter().zip(&self.reaches).zip(&next_firsts);
        for (last, ((first, reach), next_first)) in self.lasts.iter_mut().zip(bins) {
            let end = (*next_first - 1).min(LAST_POSITION);
            *last = if *first == NO_BIN.first { 0 } else { (first.wrapping_add(*reach)).min(end) };
        }
    }

    #[inline(always)]
    fn bin_at(&self, place: usize) -> Bin {
        let at = |lanes: &Lanes<u16>| lanes.get(place).copied();
        match (at(&self.firsts), at(&self.weights), at(&self.reaches)) {
            (Some(first), Some(weight), Some(reach)) => Bin { first, weight, reach },
            _ => NO_BIN,
        }
    }

    #[inline(always)]
    fn put_at(&mut self, place: usize, bin: Bin) {
        let lanes = [&mut self.firsts, &mut self.weights, &mut self.reaches];
        for (lanes, value) in lanes.into_iter().zip([bin.first, bin.weight, bin.reach]) {
            if let Some(lane) = lanes.get_mut(place) {
                *lane = value;
            }
        }
    }

    #[inline(always)]
    fn last_at(&self, place: usize) -> u16 {
        self.lasts.get(place).copied().unwrap_or(0)
    }

    /// Makes one bin of the pair that begins at `place`.
    #[inline(always)]
    fn merge(&mut self, place: usize) {
        let (one, other) = (self.bin_at(place), self.bin_at(place + 1));
        let reach = claim(self.last_at(place + 1) - one.first);
        let weight = one.weight.saturating_add(other.weight);
        self.remove(place);
        self.put_at(place, Bin { first: one.first, weight, reach });
        self.cut_short();
    }

    #[inline(always)]
    fn remove(&mut self, place: usize) {
        self.firsts = closed(&self.firsts, place, NO_BIN.first);
        self.weights = closed(&self.weights, place, NO_BIN.weight);
        self.reaches = closed(&self.reaches, place, NO_BIN.reach);
        self.used -= 1;
    }

    /// Makes every sample so far half as heavy, `times` over.
    #[cold]
    fn halve(&mut self, times: i64) {
        self.unit_day += times;
        let mut place = 0;
        while place < self.used {
            let Some(weight) = self.weights.get_mut(place) else { return };
            *weight = if times < i64::from(WEIGHT_BITS) { *weight >> times } else { 0 };
            if *weight == 0 {
                self.remove(place);
            } else {
                place += 1;
            }
        }
        self.cut_short();
        self.locate_median();
    }

    /// Where each bin stands in the whole weight.
    #[inline(always)]
    fn shares(&self) -> Shares {
        let mut through = [0.0; LANES];
        let mut sum = 0;
        for (share, weight) in through.iter_mut().zip(&self.weights) {
            sum += u32::from(*weight);
            *share = sum as f32;
        }
        let total = sum as f32;
        for share in &mut through {
            *share /= total;
        }
        Shares { below: opened(&through, 0, 0.0), through, through_next: closed(&through, 0, 1.0) }
    }

    /// The neighbours whose union would cost the median least, and that cost; neither may be the one spared.
    ///
    /// The cost is how far the union reaches, less the further it is from the median in rank, and less the less
    /// weight lies beyond it.
    #[inline(always)]
    fn cheapest_pair(&self, shares: &Shares, spared: Option<usize>) -> Option<(usize, f32)> {
        let lasts = closed(&self.lasts, 0, 0);
        let costs = union_costs(&self.firsts, &lasts, &shares.below, &shares.through_next);
        let mut cheapest = None;
        for (place, cost) in costs.into_iter().enumerate().take(self.used.saturating_sub(1)) {
            let touched = spared.is_some_and(|spared| place == spared || place + 1 == spared);
            if !touched && cheapest.is_none_or(|(_, least)| cost < least) {
                cheapest = Some((place, cost));
            }
        }
        cheapest
    }

    /// What each bin's own reach costs the median.
    #[inline(always)]
    fn costs(&self, shares: &Shares) -> [f32; LANES] {
        union_costs(&self.firsts, &self.lasts, &shares.below, &shares.through)
    }

    #[inline(always)]
    fn weight_of_all(&self) -> u32 {
        self.weights.iter().map(|weight| u32::from(*weight)).sum()
    }

    /// Finds the median's bin anew: the first with half the weight in it and below.
    #[inline(always)]
    fn locate_median(&mut self) {
        self.total = self.weight_of_all();
        self.median_place = 0;
        self.below_median = 0;
        self.follow_median();
    }

    /// Moves to the median's bin from a neighbour; wherever it starts, it ends where `locate_median` would.
    #[inline(always)]
    fn follow_median(&mut self) {
        let weight_at = |place: usize| self.weights.get(place).map_or(0, |weight| u32::from(*weight));
        while self.median_place > 0 && 2 * self.below_median >= self.total {
            self.median_place -= 1;
            self.below_median -= weight_at(self.median_place);
        }
        while self.median_place + 1 < self.used
            && 2 * (self.below_median + weight_at(self.median_place)) < self.total
        {
            self.below_median += weight_at(self.median_place);
            self.median_place += 1;
        }
    }

    /// Reads the median out of its bin, as if the values in that were spread evenly.
    #[inline(always)]
    fn estimate(&mut self) {
        let bin = self.bin_at(self.median_place);
        if bin.weight > 0 {
            let into = (f64::from(self.total) * 0.5 - f64::from(self.below_median)) / f64::from(bin.weight);
            let reach = f64::from(self.last_at(self.median_place) - bin.first + 1);
            self.median = Self::value_at(f64::from(bin.first) + into * reach);
        }
    }

    /// Splits the median's bin while it is wide, or else the bin whose reach costs most, if that is worth a union.
    #[inline(always)]
    fn balance(&mut self) {
        let shares = self.shares();
        let costs = self.costs(&shares);
        let median = self.bin_at(self.median_place);
        let is_wide = self.last_at(self.median_place).saturating_sub(median.first) > WIDEST_AT_MEDIAN;
        if is_wide && median.weight > 1 && self.split(self.median_place, MEDIAN_GAIN, &shares, &costs) {
            return;
        }
        let mut costliest = (0, 0.0);
        let bins = self.firsts.iter().zip(&self.lasts).zip(&self.weights).zip(&costs);
        for (place, (((first, last), weight), cost)) in bins.enumerate().take(self.used) {
            if last > first && *weight > 1 && *cost > costliest.1 {
                costliest = (place, *cost);
            }
        }
        if costliest.1 > 0.0 {
            self.split(costliest.0, BALANCING_GAIN, &shares, &costs);
        }
    }

    /// Splits a bin in two halves, making room by the least costly union that spares it; not if that gains too little.
    #[inline(always)]
    fn split(&mut self, place: usize, least_gain: f32, shares: &Shares, costs: &Lanes<f32>) -> bool {
        let (bin, last) = (self.bin_at(place), self.last_at(place));
        let mut place = place;
        if self.used == BINS {
            let Some((pair, cost)) = self.cheapest_pair(shares, Some(place)) else { return false };
            if costs.get(place).is_none_or(|own| cost * least_gain >= *own) {
                return false;
            }
            self.merge(pair);
            place -= usize::from(pair < place);
        }
        let middle = bin.first + (last - bin.first) / 2;
        self.put_at(place, Bin { weight: bin.weight / 2, reach: claim(middle - bin.first), ..bin });
        self.insert(Bin {
            first: middle + 1,
            weight: bin.weight - bin.weight / 2,
            reach: claim(last - middle - 1),
        });
        true
    }

    /// Where a value stands; 0 is zero.
    #[inline(always)]
    fn position(value: f64) -> u16 {
        let steps = (value.to_bits() >> (52 - STEPS_IN_DOUBLING_BITS)) as i64 - Self::steps_below();
        (steps + 1).clamp(0, i64::from(LAST_POSITION)) as u16
    }

    /// The value at a position or between two.
    #[inline(always)]
    fn value_at(position: f64) -> f64 {
        if position < 1.0 {
            return 0.0;
        }
        let step = (1_u64 << (52 - STEPS_IN_DOUBLING_BITS)) as f64;
        f64::from_bits(((position - 1.0 + Self::steps_below() as f64) * step) as u64)
    }

    const fn steps_below() -> i64 {
        ((1023 + LOWEST) as i64) << STEPS_IN_DOUBLING_BITS
    }

    pub(crate) fn write(&self, writer: &mut BitWriter) {
        writer.put(self.used as u64, USED_BITS);
        writer.put((self.unit_day + UNIT_DAY_OFFSET) as u64, UNIT_DAY_BITS);
        writer.put(u64::from(self.seen), SEEN_BITS);
        writer.put(u64::from(self.turn), TURN_BITS);
        for bin in (0..BINS).map(|place| self.bin_at(place)) {
            writer.put(u64::from(bin.first), POSITION_BITS);
            writer.put(reach_code(bin.reach) as u64, REACH_BITS);
            writer.put(u64::from(bin.weight), WEIGHT_BITS);
        }
    }

    pub(crate) fn read(reader: &mut BitReader<'_>) -> Self {
        let mut baseline = Self::new();
        baseline.used = (reader.take(USED_BITS) as usize).min(BINS);
        baseline.unit_day = reader.take(UNIT_DAY_BITS) as i64 - UNIT_DAY_OFFSET;
        baseline.seen = (reader.take(SEEN_BITS) as u8).min(EARLIEST);
        baseline.turn = reader.take(TURN_BITS) as u16;
        for place in 0..BINS {
            let first = reader.take(POSITION_BITS) as u16;
            let reach = claimed(reader.take(REACH_BITS) as usize);
            let weight = reader.take(WEIGHT_BITS) as u16;
            if place < baseline.used {
                baseline.put_at(place, Bin { first, weight, reach });
            }
        }
        baseline.cut_short();
        baseline.locate_median();
        baseline.estimate();
        baseline
    }
}
