//! Dealing groups of streams so that every class reaches every part.
//!
//! Faults are rare and of ten types. Groups are dealt within the rarest class they show; the order within a class is a hash, so it
//! depends on the names and the seed and not on the order of the rows.

use std::collections::BTreeMap;

use linkcast_domain::PredictionType;
use sha2::{Digest, Sha256};

/// Which classes a group shows.
pub(crate) type Shown = [bool; PredictionType::COUNT];

/// The groups, by the rarest class they show and within it in an order that only names and seed decide.
pub(crate) fn decks<K: Ord + Copy>(
    groups: &BTreeMap<K, Shown>,
    name: impl Fn(K) -> String,
    seed: u64,
) -> Vec<Vec<K>> {
    let mut decks: BTreeMap<PredictionType, Vec<([u8; 32], K)>> = BTreeMap::new();
    for (group, class) in rarest_classes(groups) {
        decks.entry(class).or_default().push((shuffle_key(&name(group), seed), group));
    }
    decks.values_mut().for_each(|deck| deck.sort_unstable());
    decks.into_values().map(|deck| deck.into_iter().map(|(_, group)| group).collect()).collect()
}

/// Each group's place among those dealt with it, strictly between 0 and 1.
pub(crate) fn places<K: Ord + Copy>(
    groups: &BTreeMap<K, Shown>,
    name: impl Fn(K) -> String,
    seed: u64,
) -> BTreeMap<K, f64> {
    let mut places = BTreeMap::new();
    for deck in decks(groups, name, seed) {
        let size = deck.len() as f64;
        places.extend(
            deck.into_iter().enumerate().map(|(position, group)| (group, (position as f64 + 0.5) / size)),
        );
    }
    places
}

/// For each group the class it shows that the fewest groups show.
fn rarest_classes<K: Ord + Copy>(groups: &BTreeMap<K, Shown>) -> BTreeMap<K, PredictionType> {
    let showing = |class: PredictionType| {
        groups.values().filter(|classes| classes.get(class.index()).copied().unwrap_or(false)).count()
    };
    let counts = PredictionType::ALL.map(|class| (showing(class), class));
    let rarest = |classes: &Shown| {
        let present = counts.iter().zip(classes).filter(|(_, seen)| **seen);
        present.map(|(count, _)| *count).min().map_or(PredictionType::Normal, |(_, class)| class)
    };
    groups.iter().map(|(group, classes)| (*group, rarest(classes))).collect()
}

fn shuffle_key(name: &str, seed: u64) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_le_bytes());
    hasher.update(name);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rare_class_is_spread_as_evenly_as_a_common_one() {
        let groups: BTreeMap<u32, Shown> = (0..100)
            .map(|group| {
                let mut shown = Shown::default();
                shown[PredictionType::Normal.index()] = true;
                shown[PredictionType::RdmaTimeout.index()] = group % 10 == 0;
                (group, shown)
            })
            .collect();
        let places = places(&groups, |group| group.to_string(), 7);
        let rare: Vec<f64> = (0..100).step_by(10).map(|group| places[&group]).collect();
        assert_eq!(rare.iter().filter(|place| **place < 0.7).count(), 7);
        assert_eq!(rare.iter().filter(|place| **place >= 0.85).count(), 2, "{rare:?}");
    }
}
