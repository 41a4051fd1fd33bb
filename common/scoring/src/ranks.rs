//! A row's features as small whole numbers: how many of a feature's thresholds lie at or below its value.
//!
//! A forest compares each feature with few distinct numbers, so a row is ranked among them once and every comparison
//! after that is of two bytes, with the same outcome as the comparison of the two f32 it stands for: `x < t` exactly
//! when fewer thresholds lie at or below `x` than at or below `t`. That makes a node two bytes, and keeps the forest
//! in the nearest caches. A feature with more than 255 thresholds takes several segments, each ranked by itself.
//!
//! A row's ranks are a table of 256 bytes. Each segment has two places in it, for nodes that send a missing feature
//! right (even) and left (odd); a missing feature reads as the highest rank in one and the lowest in the other, so
//! that the walk needs no case for it.

use linkcast_domain::FEATURE_COUNT;

use crate::Refusal;
use crate::trees::Missing;

/// One row's ranks, by slot.
pub(crate) type Slots = [u8; 256];

/// The slot no segment uses: it reads 0 in every row.
pub(crate) const EMPTY_SLOT: u8 = 254;

/// How many segments have slots.
const SEGMENT_LIMIT: usize = 127;

/// How many thresholds are told apart by one byte.
const SEGMENT_THRESHOLDS: usize = 255;

/// Up to 255 thresholds of one feature.
#[derive(Clone, Debug, PartialEq)]
struct Segment {
    feature: u8,
    /// Rising; filled up with NaN, which no value reaches, to one less than a power of two.
    thresholds: Vec<f32>,
}

/// All thresholds of a model's forests.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ranks {
    segments: Vec<Segment>,
}

impl Ranks {
    /// The table of all these splits' thresholds.
    pub(crate) fn of(splits: impl Iterator<Item = (u8, f32)>) -> Result<Self, Refusal> {
        let mut all: Vec<(u8, f32)> = splits.collect();
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        // Equal as numbers: -0 and 0 are one threshold.
        all.dedup_by(|a, b| a.0 == b.0 && a.1 == b.1);
        let mut segments = Vec::new();
        for of_feature in all.chunk_by(|a, b| a.0 == b.0) {
            for chunk in of_feature.chunks(SEGMENT_THRESHOLDS) {
                let Some(&(feature, _)) = chunk.first() else { continue };
                segments.push((feature, chunk.iter().map(|(_, threshold)| *threshold).collect()));
            }
        }
        Ranks::from_segments(segments)
    }

    /// The table of these segments' thresholds, which must rise within a segment and from one of a feature to its next.
    pub(crate) fn from_segments(segments: Vec<(u8, Vec<f32>)>) -> Result<Self, Refusal> {
        if segments.len() > SEGMENT_LIMIT {
            let found = format!("{} segments", segments.len());
            let expected =
                format!("at most {SEGMENT_LIMIT}, of {SEGMENT_THRESHOLDS} thresholds of a feature");
            return Err(Refusal::new("thresholds", found, expected));
        }
        let mut last = None;
        for (feature, thresholds) in &segments {
            let lengths = 1..=SEGMENT_THRESHOLDS;
            if usize::from(*feature) >= FEATURE_COUNT || !lengths.contains(&thresholds.len()) {
                let found = format!("{} of feature {feature}", thresholds.len());
                return Err(Refusal::new("thresholds", found, "1 to 255 of a feature of the schema"));
            }
            for threshold in thresholds {
                let place = (*feature, *threshold);
                let rises = last.is_none_or(|last: (u8, f32)| {
                    last.0 < place.0 || (last.0 == place.0 && last.1 < place.1)
                });
                if !threshold.is_finite() || !rises {
                    let found = format!("{threshold} of feature {feature}");
                    return Err(Refusal::new("thresholds", found, "finite numbers that rise"));
                }
                last = Some(place);
            }
        }
        let pad = |(feature, mut thresholds): (u8, Vec<f32>)| {
            thresholds.resize((thresholds.len() + 1).next_power_of_two() - 1, f32::NAN);
            Segment { feature, thresholds }
        };
        Ok(Ranks { segments: segments.into_iter().map(pad).collect() })
    }

    /// Each segment's feature and its thresholds, as [`Ranks::from_segments`] takes them.
    pub(crate) fn segments(&self) -> impl Iterator<Item = (u8, &[f32])> + '_ {
        self.segments.iter().map(|segment| {
            let length = segment.thresholds.partition_point(|threshold| !threshold.is_nan());
            (segment.feature, segment.thresholds.get(..length).unwrap_or_default())
        })
    }

    /// The slot and rank that say `feature < threshold`: true where the slot reads below the rank.
    pub(crate) fn locate(&self, feature: u8, threshold: f32, missing: Missing) -> Option<(u8, u8)> {
        let first = self.segments.partition_point(|segment| segment.feature < feature);
        let of_feature = self.segments.iter().enumerate().skip(first);
        of_feature.take_while(|(_, segment)| segment.feature == feature).find_map(|(number, segment)| {
            // The padding is NaN, which is below nothing.
            let position = segment.thresholds.partition_point(|held| *held < threshold);
            segment.thresholds.get(position).filter(|held| **held == threshold)?;
            let slot = 2 * number + usize::from(missing == Missing::Left);
            Some((u8::try_from(slot).ok()?, u8::try_from(position + 1).ok()?))
        })
    }

    /// The feature each slot ranks; 0 where it ranks none.
    pub(crate) fn slot_features(&self) -> [u8; 256] {
        let mut features = [0; 256];
        let (pairs, _) = features.as_chunks_mut::<2>();
        for (segment, pair) in self.segments.iter().zip(pairs) {
            *pair = [segment.feature; 2];
        }
        features
    }

    /// The row's ranks.
    #[inline]
    pub(crate) fn rank(&self, row: &[f32; FEATURE_COUNT]) -> Slots {
        let mut slots = [0u8; 256];
        let (pairs, _) = slots.as_chunks_mut::<2>();
        for (segment, pair) in self.segments.iter().zip(pairs) {
            let value = row.get(usize::from(segment.feature)).copied().unwrap_or(f32::NAN);
            *pair = if value.is_nan() { [255, 0] } else { [segment.below_or_at(value); 2] };
        }
        slots
    }
}

impl Segment {
    /// How many thresholds lie at or below the value: a search whose steps do not depend on what it finds.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "the steps sum to at most the length, which is one less than a power of two"
    )]
    fn below_or_at(&self, value: f32) -> u8 {
        let mut count = 0;
        let mut step = self.thresholds.len().div_ceil(2);
        while step > 0 {
            count += if self.thresholds[count + step - 1] <= value { step } else { 0 };
            step /= 2;
        }
        count as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f32) -> [f32; FEATURE_COUNT] {
        let mut row = [0.0; FEATURE_COUNT];
        row[3] = value;
        row
    }

    #[test]
    fn ranks_compare_as_the_numbers_do() {
        let thresholds: Vec<f32> = (0..700).map(|n| (n as f32 - 350.0) * 0.37).collect();
        let ranks = Ranks::of(thresholds.iter().rev().map(|t| (3, *t))).unwrap();
        let around = thresholds.iter().flat_map(|t| [t.next_down(), *t, t.next_up()]);
        for value in around.chain([f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0, 0.0]) {
            let slots = ranks.rank(&row(value));
            for threshold in &thresholds {
                for missing in [Missing::Left, Missing::Right] {
                    let (slot, rank) = ranks.locate(3, *threshold, missing).unwrap();
                    assert_eq!(slots[slot as usize] < rank, value < *threshold, "{value} < {threshold}");
                }
            }
        }
    }

    #[test]
    fn a_missing_feature_goes_where_its_node_says() {
        let ranks = Ranks::of((0..300).map(|n| (3, n as f32))).unwrap();
        let slots = ranks.rank(&row(f32::NAN));
        for threshold in [0.0, 254.0, 255.0, 299.0] {
            let (slot, rank) = ranks.locate(3, threshold, Missing::Left).unwrap();
            assert!(slots[slot as usize] < rank);
            let (slot, rank) = ranks.locate(3, threshold, Missing::Right).unwrap();
            assert!(slots[slot as usize] >= rank);
        }
    }

    #[test]
    fn thresholds_that_fall_or_are_too_many_are_refused() {
        assert!(Ranks::from_segments(vec![(3, vec![1.0, 0.5])]).is_err());
        assert!(Ranks::from_segments(vec![(3, vec![1.0]), (3, vec![1.0])]).is_err());
        assert!(Ranks::from_segments(vec![(40, vec![1.0])]).is_err());
        assert!(Ranks::of((0..127 * 255 + 1).map(|n| (3, n as f32))).is_err());
    }
}
