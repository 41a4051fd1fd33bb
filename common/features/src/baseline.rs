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

use crate::bits::{BitReader, BitWriter};

const BINS: usize = 13;
/// [`BINS`] and what fills the search's registers.
const SEARCHED: usize = 16;
/// Until a metric has been seen this often, its stream has no usual value.
const EARLIEST: u8 = 30;
/// Positions in a doubling of the value; one is 0.5 to 0.8 % of the value.
const POSITION_BITS: u32 = 12;
const STEPS_IN_DOUBLING_BITS: u32 = 7;
const LAST_POSITION: u16 = (1 << POSITION_BITS) - 1;
/// How far a bin can reach beyond its first position.
const REACHES: [u16; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128, 512, LAST_POSITION];
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
/// How much less a bin's reach matters the further it is from the median in rank.
const RANK_STEEPNESS: f32 = 2.0;
/// How much of a bin's cost is there whatever weight lies beyond it.
const LEAST_BEYOND: f32 = 0.5;

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
    #[inline]
    pub(crate) fn of(millis: i64) -> Self {
        let part = millis.rem_euclid(DAY_MILLIS) * 32 / DAY_MILLIS;
        Age { day: millis.div_euclid(DAY_MILLIS), growth: GROWTH.get(part as usize).copied().unwrap_or(64) }
    }
}

/// A run of positions and the weight of the values seen in it.
#[derive(Clone, Copy, Debug)]
struct Bin {
    first: u16,
    /// Below the next bin's first.
    last: u16,
    weight: u16,
    /// Which of [`REACHES`] the bin claims; the next bin may cut it short.
    reach: u8,
}

/// A place without a bin; it sorts behind every bin.
const NO_BIN: Bin = Bin { first: u16::MAX, last: 0, weight: 0, reach: 0 };

/// The weighted median of a metric's earlier values.
///
/// `LOWEST` is the exponent of the least value told from zero; 32 doublings from there are told apart.
#[derive(Clone, Debug)]
pub(crate) struct Baseline<const LOWEST: i32> {
    /// Ascending, the used ones first.
    bins: [Bin; BINS],
    used: usize,
    /// Each bin's first position again, side by side for the search; behind the used ones, none.
    firsts: [u16; SEARCHED],
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
            bins: [NO_BIN; BINS],
            used: 0,
            firsts: [NO_BIN.first; SEARCHED],
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
    #[inline]
    pub(crate) fn usual_or(&self, fallback: f64) -> f64 {
        if self.seen < EARLIEST { fallback } else { self.median }
    }

    /// Counts a value, unless it is absent or negative.
    #[inline]
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
    #[inline]
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

    #[inline]
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
    #[inline]
    fn place_of(&self, position: u16) -> usize {
        usize::from(self.firsts.iter().map(|first| u16::from(*first <= position)).sum::<u16>())
    }

    /// Counts into the bin before `place`, if that reaches the position and has room for the weight.
    #[inline]
    fn counted_at(&mut self, place: usize, position: u16, weight: u16) -> bool {
        let Some(bin) = place.checked_sub(1).and_then(|place| self.bins.get_mut(place)) else { return false };
        if position > bin.last {
            return false;
        }
        match bin.weight.checked_add(weight) {
            Some(sum) => {
                bin.weight = sum;
                true
            }
            None => false,
        }
    }

    #[cold]
    fn count_new(&mut self, position: u16, weight: u16) {
        let place = self.place_of(position);
        let reached = place
            .checked_sub(1)
            .and_then(|place| self.bins.get(place))
            .is_some_and(|bin| position <= bin.last);
        if reached {
            // Reached and yet not counted: its weight was full.
            self.halve(1);
            let place = self.place_of(position);
            self.counted_at(place, position, weight.div_ceil(2));
            return;
        }
        if self.used == BINS {
            if let Some((pair, _)) = self.cheapest_pair(None) {
                self.merge(pair);
            }
            let place = self.place_of(position);
            if self.counted_at(place, position, weight) {
                return;
            }
        }
        self.insert(Bin { first: position, last: position, weight, reach: 0 });
    }

    fn insert(&mut self, bin: Bin) {
        let place = self.place_of(bin.first);
        if let Some(tail) = self.bins.get_mut(place..) {
            tail.rotate_right(1);
            if let Some(free) = tail.first_mut() {
                *free = bin;
                self.used += 1;
            }
        }
        self.cut_short();
    }

    /// Each bin reaches as far as it claims, or to the next one.
    fn cut_short(&mut self) {
        let mut next_first = LAST_POSITION + 1;
        for bin in self.bins.iter_mut().take(self.used).rev() {
            let reach = REACHES.get(usize::from(bin.reach)).copied().unwrap_or(0);
            bin.last = (bin.first + reach).min(next_first - 1);
            next_first = bin.first;
        }
        for (first, bin) in self.firsts.iter_mut().zip(&self.bins) {
            *first = bin.first;
        }
    }

    /// Makes one bin of the pair that begins at `place`.
    fn merge(&mut self, place: usize) {
        let Some([one, other]) = self.bins.get(place..place + 2) else { return };
        let (first, last) = (one.first, other.last);
        let sum = u32::from(one.weight) + u32::from(other.weight);
        let weight = sum.min(u32::from(u16::MAX)) as u16;
        let union = Bin { first, last, weight, reach: reach_code(last - first) };
        self.remove(place);
        if let Some(bin) = self.bins.get_mut(place) {
            *bin = union;
        }
        self.cut_short();
    }

    fn remove(&mut self, place: usize) {
        if let Some(tail) = self.bins.get_mut(place..) {
            tail.rotate_left(1);
            if let Some(freed) = tail.last_mut() {
                *freed = NO_BIN;
                self.used -= 1;
            }
        }
    }

    /// Makes every sample so far half as heavy, `times` over.
    #[cold]
    fn halve(&mut self, times: i64) {
        self.unit_day += times;
        let mut place = 0;
        while place < self.used {
            let Some(bin) = self.bins.get_mut(place) else { return };
            bin.weight = if times < i64::from(WEIGHT_BITS) { bin.weight >> times } else { 0 };
            if bin.weight == 0 {
                self.remove(place);
            } else {
                place += 1;
            }
        }
        self.cut_short();
        self.locate_median();
    }

    /// The neighbours whose union would cost the median least, and that cost.
    ///
    /// The cost is how far the union reaches, less the further it is from the median in rank, and less the less
    /// weight lies beyond it.
    fn cheapest_pair(&self, spared: Option<usize>) -> Option<(usize, f32)> {
        let total = self.weight_of_all() as f32;
        let mut below = 0.0_f32;
        let mut cheapest = None;
        for (place, pair) in self.bins.windows(2).take(self.used.saturating_sub(1)).enumerate() {
            let [one, other] = pair else { continue };
            let above = below + f32::from(one.weight) + f32::from(other.weight);
            let cost = union_cost(other.last - one.first, below / total, above / total);
            let touched = spared.is_some_and(|spared| place == spared || place + 1 == spared);
            if !touched && cheapest.is_none_or(|(_, least)| cost < least) {
                cheapest = Some((place, cost));
            }
            below += f32::from(one.weight);
        }
        cheapest
    }

    fn cost_of(&self, place: usize) -> f32 {
        let total = self.weight_of_all() as f32;
        let below: f32 = self.bins.iter().take(place).map(|bin| f32::from(bin.weight)).sum();
        self.bins.get(place).map_or(0.0, |bin| {
            union_cost(bin.last - bin.first, below / total, (below + f32::from(bin.weight)) / total)
        })
    }

    fn weight_of_all(&self) -> u32 {
        self.bins.iter().map(|bin| u32::from(bin.weight)).sum()
    }

    /// Finds the median's bin anew: the first with half the weight in it and below.
    fn locate_median(&mut self) {
        self.total = self.weight_of_all();
        self.median_place = 0;
        self.below_median = 0;
        self.follow_median();
    }

    /// Moves to the median's bin from a neighbour; wherever it starts, it ends where `locate_median` would.
    #[inline]
    fn follow_median(&mut self) {
        let weight_at = |place: usize| self.bins.get(place).map_or(0, |bin| u32::from(bin.weight));
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
    #[inline]
    fn estimate(&mut self) {
        let Some(bin) = self.bins.get(self.median_place) else { return };
        if bin.weight > 0 {
            let into = (f64::from(self.total) * 0.5 - f64::from(self.below_median)) / f64::from(bin.weight);
            let reach = f64::from(bin.last - bin.first + 1);
            self.median = Self::value_at(f64::from(bin.first) + into * reach);
        }
    }

    /// Splits the median's bin while it is wide, or else the bin whose reach costs most, if that is worth a union.
    #[cold]
    fn balance(&mut self) {
        let median = self.median_place;
        let wide = |bin: &Bin| bin.last - bin.first > WIDEST_AT_MEDIAN && bin.weight > 1;
        if self.bins.get(median).is_some_and(wide) && self.split(median, MEDIAN_GAIN) {
            return;
        }
        let total = self.weight_of_all() as f32;
        let mut below = 0.0_f32;
        let mut costliest = (0, 0.0);
        for (place, bin) in self.bins.iter().take(self.used).enumerate() {
            let above = below + f32::from(bin.weight);
            let cost = union_cost(bin.last - bin.first, below / total, above / total);
            if bin.last > bin.first && bin.weight > 1 && cost > costliest.1 {
                costliest = (place, cost);
            }
            below = above;
        }
        if costliest.1 > 0.0 {
            self.split(costliest.0, BALANCING_GAIN);
        }
    }

    /// Splits a bin in two halves, making room by the least costly union that spares it; not if that gains too little.
    #[cold]
    fn split(&mut self, place: usize, least_gain: f32) -> bool {
        let Some(bin) = self.bins.get(place).copied() else { return false };
        let mut place = place;
        if self.used == BINS {
            let Some((pair, cost)) = self.cheapest_pair(Some(place)) else { return false };
            if cost * least_gain >= self.cost_of(place) {
                return false;
            }
            self.merge(pair);
            place -= usize::from(pair < place);
        }
        let middle = bin.first + (bin.last - bin.first) / 2;
        let lower = Bin { weight: bin.weight / 2, reach: reach_code(middle - bin.first), ..bin };
        let upper = Bin {
            first: middle + 1,
            weight: bin.weight - bin.weight / 2,
            reach: reach_code(bin.last - middle - 1),
            ..bin
        };
        if let Some(halved) = self.bins.get_mut(place) {
            *halved = lower;
        }
        self.insert(upper);
        true
    }

    /// Where a value stands; 0 is zero.
    #[inline]
    fn position(value: f64) -> u16 {
        let steps = (value.to_bits() >> (52 - STEPS_IN_DOUBLING_BITS)) as i64 - Self::steps_below();
        (steps + 1).clamp(0, i64::from(LAST_POSITION)) as u16
    }

    /// The value at a position or between two.
    #[inline]
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
        for bin in self.bins {
            writer.put(u64::from(bin.first), POSITION_BITS);
            writer.put(u64::from(bin.reach), REACH_BITS);
            writer.put(u64::from(bin.weight), WEIGHT_BITS);
        }
    }

    pub(crate) fn read(reader: &mut BitReader<'_>) -> Self {
        let mut baseline = Self::new();
        baseline.used = (reader.take(USED_BITS) as usize).min(BINS);
        baseline.unit_day = reader.take(UNIT_DAY_BITS) as i64 - UNIT_DAY_OFFSET;
        baseline.seen = (reader.take(SEEN_BITS) as u8).min(EARLIEST);
        baseline.turn = reader.take(TURN_BITS) as u16;
        for (place, bin) in baseline.bins.iter_mut().enumerate() {
            let first = reader.take(POSITION_BITS) as u16;
            let reach = reader.take(REACH_BITS) as u8;
            let weight = reader.take(WEIGHT_BITS) as u16;
            if place < baseline.used {
                *bin = Bin { first, last: first, weight, reach };
            }
        }
        baseline.cut_short();
        baseline.locate_median();
        baseline.estimate();
        baseline
    }
}

/// The cost of a bin of this reach between two shares of the whole weight.
#[inline]
fn union_cost(reach: u16, below: f32, above: f32) -> f32 {
    let rank_distance = (0.5 - above).max(below - 0.5).max(0.0);
    let nearness = 1.0 / (1.0 + RANK_STEEPNESS * rank_distance);
    let beyond = above.min(1.0 - below).min(0.5);
    f32::from(reach + 1) * nearness * nearness * (beyond + LEAST_BEYOND)
}

fn reach_code(reach: u16) -> u8 {
    REACHES.iter().position(|claimed| *claimed >= reach).unwrap_or(REACHES.len() - 1) as u8
}
