//! A sketch of one number: how often it was absent, zero, and in each of many buckets that grow with the value.
//!
//! The idea is DDSketch's (Masson, Rim, Lee: VLDB 2019): buckets of equal relative width, whole counts, merged by adding. The
//! bucket here is what remains of a number when its low bits are cut off: sign, exponent and five bits of the fraction, so
//! that it takes no logarithm, and every machine puts a number into the same one. A bucket's middle is within 1/64 (1.6 %) of
//! every number in it. A sketch that would have more than [`MOST_BUCKETS`] cuts one bit more, of all, as often as it must;
//! how often follows from what is in it and not from the order it came in.

use linkcast_domain::packing::{put, take, take_byte, unzigzag, zigzag};

/// The most buckets a sketch has; at full width they span 32 octaves.
pub const MOST_BUCKETS: usize = 1024;

/// What is nearer to zero counts as zero: below the smallest bit error ratio worth a name by a factor of a thousand.
const SMALLEST: f64 = 1.0 / (1_u64 << 60) as f64;

/// What is further from zero is put there.
const LARGEST: f64 = (1_u64 << 60) as f64;

/// Bits cut off at full width: five of the fraction's 52 stay.
const CUT: u32 = 47;

/// More bits cut than this would leave one bucket a sign.
const MOST_LEVELS: u8 = 15;

/// One number's distribution. Merging is exact: in any order, of any parts, the same sketch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    absent: u64,
    zero: u64,
    /// How many bits more are cut off than at full width.
    level: u8,
    /// Number and count of each bucket that is not empty; numbers below zero are those of negative values.
    buckets: Vec<(i32, u64)>,
}

/// Some of a sketch's numbers, which it does not tell apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Atom {
    /// The lowest number it may stand for.
    pub low: f64,
    /// The highest.
    pub high: f64,
    /// The number it is taken for.
    pub middle: f64,
    /// How many there are.
    pub count: u64,
}

impl Sketch {
    /// A one for each of `ones`, a zero for the others of `all`.
    pub(crate) fn of_share(ones: u64, all: u64) -> Self {
        let buckets = if ones > 0 { vec![(key(1.0, 0), ones)] } else { Vec::new() };
        Sketch { zero: all.saturating_sub(ones), buckets, ..Sketch::default() }
    }

    /// Counts a number; NaN is absent.
    #[inline]
    pub fn add(&mut self, value: f64) {
        if value.is_nan() {
            self.absent += 1;
        } else if value.abs() < SMALLEST {
            self.zero += 1;
        } else {
            self.count(key(value, self.level));
        }
    }

    fn count(&mut self, key: i32) {
        match self.buckets.binary_search_by_key(&key, |bucket| bucket.0) {
            Ok(place) => {
                if let Some((_, count)) = self.buckets.get_mut(place) {
                    *count += 1;
                }
            }
            Err(place) => {
                self.buckets.insert(place, (key, 1));
                self.coarsen();
            }
        }
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Sketch) {
        self.absent += other.absent;
        self.zero += other.zero;
        while self.level < other.level {
            self.cut();
        }
        let by = other.level.abs_diff(self.level);
        let shifted = other.buckets.iter().map(|(key, count)| (cut_key(*key, by), *count));
        self.buckets.extend(shifted);
        self.buckets.sort_unstable_by_key(|bucket| bucket.0);
        self.join();
        self.coarsen();
    }

    /// Cuts bits until there are few enough buckets.
    fn coarsen(&mut self) {
        while self.buckets.len() > MOST_BUCKETS && self.level < MOST_LEVELS {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.level += 1;
        for (key, _) in &mut self.buckets {
            *key = cut_key(*key, 1);
        }
        self.join();
    }

    /// Joins neighbours of one number.
    fn join(&mut self) {
        self.buckets.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                kept.1 += next.1;
            }
            is_same
        });
    }

    /// How often it was not absent.
    pub fn present(&self) -> u64 {
        self.zero + self.buckets.iter().map(|bucket| bucket.1).sum::<u64>()
    }

    /// How often it was absent.
    pub fn absent(&self) -> u64 {
        self.absent
    }

    /// How often it was counted at all.
    pub fn total(&self) -> u64 {
        self.absent + self.present()
    }

    /// How often it was zero.
    pub fn zero(&self) -> u64 {
        self.zero
    }

    /// How often it was below zero.
    pub fn negative(&self) -> u64 {
        self.buckets.iter().take_while(|bucket| bucket.0 < 0).map(|bucket| bucket.1).sum()
    }

    /// What was present, from the lowest number to the highest.
    pub fn atoms(&self) -> impl Iterator<Item = Atom> {
        let split = self.buckets.partition_point(|bucket| bucket.0 < 0);
        let (below, above) = self.buckets.split_at_checked(split).unwrap_or_default();
        let zero = Atom { low: 0.0, high: 0.0, middle: 0.0, count: self.zero };
        let of = |bucket: &(i32, u64)| atom(*bucket, self.level);
        below.iter().map(of).chain((self.zero > 0).then_some(zero)).chain(above.iter().map(of))
    }

    /// The number that `share` (0 to 1) of what was present does not exceed, to within the bucket's width; none if nothing was.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let rank = (share.clamp(0.0, 1.0) * self.present() as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        let reached = self.atoms().find(|atom| {
            below += atom.count;
            below >= rank
        });
        reached.map(|atom| atom.middle)
    }

    /// Mean and standard deviation of what was present, as its buckets' middles have them.
    pub fn mean_and_deviation(&self) -> Option<(f64, f64)> {
        let present = self.present() as f64;
        if present == 0.0 {
            return None;
        }
        let mean = self.atoms().map(|atom| atom.middle * atom.count as f64).sum::<f64>() / present;
        let square = |atom: Atom| (atom.middle - mean) * (atom.middle - mean) * atom.count as f64;
        Some((mean, (self.atoms().map(square).sum::<f64>() / present).sqrt()))
    }

    /// Appends the sketch: level, absent, zero, and the buckets as steps from one to the next.
    pub(crate) fn pack(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.level);
        put(bytes, self.absent);
        put(bytes, self.zero);
        put(bytes, self.buckets.len() as u64);
        let mut before = 0;
        for (key, count) in &self.buckets {
            put(bytes, zigzag(i64::from(*key) - before));
            put(bytes, *count);
            before = i64::from(*key);
        }
    }

    /// What [`Sketch::pack`] wrote, and nothing that no sketch could be.
    pub(crate) fn unpack(rest: &mut &[u8]) -> Option<Sketch> {
        let level = take_byte(rest).filter(|level| *level <= MOST_LEVELS)?;
        let (absent, zero) = (take(rest)?, take(rest)?);
        let length = usize::try_from(take(rest)?).ok().filter(|length| *length <= MOST_BUCKETS)?;
        let mut buckets: Vec<(i32, u64)> = Vec::with_capacity(length);
        for _ in 0..length {
            let before = buckets.last().map_or(0, |bucket| i64::from(bucket.0));
            let key = before.checked_add(unzigzag(take(rest)?))?;
            let key = i32::try_from(key).ok().filter(|key| *key != 0 && key.unsigned_abs() <= 1 << 16)?;
            let count = take(rest).filter(|count| *count > 0 && *count < 1 << 48)?;
            if buckets.last().is_some_and(|bucket| bucket.0 >= key) {
                return None;
            }
            buckets.push((key, count));
        }
        (absent < 1 << 48 && zero < 1 << 48).then_some(Sketch { absent, zero, level, buckets })
    }
}

/// The bucket's number of a value that is neither NaN nor zero.
#[inline]
fn key(value: f64, level: u8) -> i32 {
    let magnitude = (value.abs().min(LARGEST).to_bits() >> CUT >> level) as i32;
    if value < 0.0 { -magnitude } else { magnitude }
}

fn cut_key(key: i32, by: u8) -> i32 {
    (key.abs() >> by) * key.signum()
}

fn atom((key, count): (i32, u64), level: u8) -> Atom {
    let edge = |magnitude: u64| f64::from_bits(magnitude << level << CUT);
    let magnitude = u64::from(key.unsigned_abs());
    let (near, far) = (edge(magnitude), edge(magnitude + 1).min(f64::MAX));
    // The harmonic middle has the same relative distance from both ends.
    let middle = 2.0 * near * (far / (near + far));
    if key < 0 {
        Atom { low: -far, high: -near, middle: -middle, count }
    } else {
        Atom { low: near, high: far, middle, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::Dice;

    fn of(values: &[f64]) -> Sketch {
        let mut sketch = Sketch::default();
        values.iter().for_each(|value| sketch.add(*value));
        sketch
    }

    fn wide(dice: &mut Dice, octaves: f64) -> f64 {
        let magnitude = ((dice.uniform() - 0.5) * octaves).exp2();
        if dice.uniform() < 0.3 { -magnitude } else { magnitude }
    }

    #[test]
    fn every_quantile_is_within_two_percent() {
        let mut dice = Dice::new(1);
        let mut values: Vec<f64> = (0..20_000).map(|_| (2.0 * dice.normal()).exp()).collect();
        let sketch = of(&values);
        values.sort_by(f64::total_cmp);
        for share in [0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let exact = values[((share * 20_000.0_f64).ceil() as usize).max(1) - 1];
            let told = sketch.quantile(share).unwrap();
            assert!((told - exact).abs() <= 0.02 * exact, "{share}: {told} for {exact}");
        }
    }

    #[test]
    fn parts_merged_in_any_order_are_the_whole_to_the_bit() {
        for octaves in [4.0, 30.0, 110.0] {
            let mut dice = Dice::new(2);
            let values: Vec<f64> = (0..6_000).map(|_| wide(&mut dice, octaves)).collect();
            let whole = of(&values);
            assert!(whole.buckets.len() <= MOST_BUCKETS);
            let mut parts: Vec<Sketch> = values.chunks(370).map(of).collect();
            for _ in 0..5 {
                let mut merged = Sketch::default();
                parts.iter().for_each(|part| merged.merge(part));
                assert_eq!(merged, whole);
                parts.sort_by_key(|_| dice.bits());
            }
            let mut reversed = values.clone();
            reversed.reverse();
            assert_eq!(of(&reversed), whole);
        }
    }

    #[test]
    fn absent_zero_and_negative_are_told_apart_and_the_endless_are_held() {
        let values =
            [f64::NAN, 0.0, -0.0, 1e-30, -2.5, -2.6, 7.0, f64::INFINITY, f64::NEG_INFINITY, f64::MAX];
        let sketch = of(&values);
        assert_eq!((sketch.absent(), sketch.zero(), sketch.negative()), (1, 3, 3));
        assert_eq!((sketch.present(), sketch.total()), (9, 10));
        assert!(sketch.atoms().all(|atom| atom.low <= atom.middle && atom.middle <= atom.high));
        assert!(sketch.quantile(0.0).unwrap() < -1e17 && sketch.quantile(1.0).unwrap() > 1e17);
        assert_eq!(Sketch::default().quantile(0.5), None);
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_numbers() {
        let mut dice = Dice::new(3);
        let sketch = of(&(0..50_000).map(|_| 100.0 + 10.0 * dice.normal()).collect::<Vec<_>>());
        let (mean, deviation) = sketch.mean_and_deviation().unwrap();
        assert!((mean - 100.0).abs() < 0.5 && (deviation - 10.0).abs() < 0.2, "{mean} {deviation}");
    }

    #[test]
    fn what_is_packed_comes_back_and_what_is_damaged_is_refused() {
        let mut dice = Dice::new(4);
        let sketch = of(&(0..900).map(|_| wide(&mut dice, 60.0)).chain([f64::NAN, 0.0]).collect::<Vec<_>>());
        let mut bytes = Vec::new();
        sketch.pack(&mut bytes);
        assert_eq!(Sketch::unpack(&mut bytes.as_slice()), Some(sketch));
        for length in 0..bytes.len() {
            assert_eq!(Sketch::unpack(&mut bytes.get(..length).unwrap()), None);
        }
    }
}
