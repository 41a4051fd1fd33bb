//! The rows that are asked about: fewer than there are where each costs money, and of every class as many as can be.

use std::collections::BTreeMap;

use linkcast_domain::{FeatureVector, PredictionType, StreamId, Timestamp};
use linkcast_training::TrainingSet;

/// A row whose truth is known.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) stream: StreamId,
    pub(crate) time: Timestamp,
    pub(crate) features: FeatureVector,
    pub(crate) truth: PredictionType,
    /// How many rows it stands for.
    pub(crate) weight: f64,
}

/// At most `most` rows of `set`, in its order. Each class gets the same share of them, or all it has if that is less; of a class
/// the rows are drawn by `seed`, and stand for those that were not, so that a class weighs what it weighed.
pub(crate) fn stratified(set: &TrainingSet, most: usize, seed: u64) -> Vec<Row> {
    let mut by_class: BTreeMap<PredictionType, Vec<usize>> = BTreeMap::new();
    for (place, class) in set.classes().iter().enumerate() {
        by_class.entry(*class).or_default().push(place);
    }
    let mut classes: Vec<Vec<usize>> = by_class.into_values().collect();
    classes.sort_by_key(Vec::len);
    let (mut left, mut open) = (most, classes.len());
    let mut drawn: Vec<(usize, f64)> = Vec::new();
    for mut places in classes {
        let share = (left / open.max(1)).min(places.len());
        (left, open) = (left - share, open - 1);
        let whole = weight(set, &places);
        places.sort_by_key(|place| mixed(seed, *place as u64));
        places.truncate(share);
        let stands_for = whole / weight(set, &places).max(f64::MIN_POSITIVE);
        drawn.extend(places.into_iter().map(|place| (place, stands_for)));
    }
    drawn.sort_unstable_by_key(|(place, _)| *place);
    drawn.into_iter().filter_map(|(place, stands_for)| row(set, place, stands_for)).collect()
}

fn weight(set: &TrainingSet, places: &[usize]) -> f64 {
    places.iter().filter_map(|place| set.weights().get(*place)).copied().map(f64::from).sum()
}

fn row(set: &TrainingSet, place: usize, stands_for: f64) -> Option<Row> {
    let row = set.row(place)?;
    Some(Row {
        stream: row.stream,
        time: row.time,
        features: row.features,
        truth: row.class,
        weight: f64::from(row.weight) * stands_for,
    })
}

/// SplitMix64's output function (Steele, Lea and Flood 2014): a draw by number.
fn mixed(seed: u64, number: u64) -> u64 {
    let mut z = seed ^ number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use PredictionType::{LatencySpike, Normal, RdmaTimeout};
    use linkcast_training::LabelledRow;

    fn set(counts: &[(PredictionType, usize)]) -> TrainingSet {
        let rows = counts.iter().flat_map(|(class, count)| (0..*count).map(move |row| (*class, row)));
        let rows = rows.enumerate().map(|(place, (class, _))| LabelledRow {
            stream: "a/1".parse().unwrap(),
            time: Timestamp::from_millis(place as i64 * 1_000),
            features: FeatureVector::default(),
            class,
            risk: 0.0,
            weight: if class == Normal { 10.0 } else { 1.0 },
        });
        TrainingSet::of(&rows.collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_rare_class_keeps_all_its_rows_and_every_class_its_weight() {
        let set = set(&[(Normal, 900), (LatencySpike, 80), (RdmaTimeout, 5)]);
        let rows = stratified(&set, 65, 7);
        let of = |class| rows.iter().filter(move |row| row.truth == class);
        assert_eq!([RdmaTimeout, LatencySpike, Normal].map(|class| of(class).count()), [5, 30, 30]);
        for (class, weight) in [(Normal, 9_000.0), (LatencySpike, 80.0), (RdmaTimeout, 5.0)] {
            assert!((of(class).map(|row| row.weight).sum::<f64>() - weight).abs() < 1e-6, "{class}");
        }
        assert!(rows.is_sorted_by_key(|row| row.time));
    }

    #[test]
    fn the_seed_decides_which_and_all_are_taken_where_there_is_room() {
        let set = set(&[(Normal, 200), (LatencySpike, 20)]);
        let times = |seed| stratified(&set, 50, seed).iter().map(|row| row.time).collect::<Vec<_>>();
        assert_eq!(times(1), times(1));
        assert_ne!(times(1), times(2));
        assert_eq!(stratified(&set, 10_000, 1).len(), 220);
        assert!(stratified(&TrainingSet::default(), 10, 1).is_empty());
    }
}
