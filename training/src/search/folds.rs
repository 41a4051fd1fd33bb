//! Folds of whole stream groups, and the share of them that a rung sees.
//!
//! Groups are dealt as the split deals them, within the rarest class they show, so that every fold has rows of every
//! class that has as many groups as there are folds. A smaller share is a part of every larger one, and holds at least
//! one group of each fold and deck.

use std::collections::BTreeMap;

use crate::split::{check_apart, decks};
use crate::train::class_counts;
use crate::{TrainingError, TrainingSet};

/// Where a group of streams was dealt to.
#[derive(Clone, Copy, Debug)]
struct Seat {
    fold: usize,
    /// The group's place among those of its deck and fold, from 0 to 1: it takes part in shares above.
    place: f64,
}

/// Every group's fold.
#[derive(Clone, Debug)]
pub(super) struct Folds {
    count: usize,
    seats: BTreeMap<u32, Seat>,
}

/// What one fold has to fit on and is judged by, at some share.
#[derive(Debug)]
pub(super) struct RungRows {
    pub(super) fit: TrainingSet,
    pub(super) judge: TrainingSet,
    /// What a row must weigh so that the rows' weights sum to what they would with all groups.
    pub(super) scale: f32,
}

impl Folds {
    /// Deals the groups of `set` into `count` folds.
    ///
    /// # Errors
    ///
    /// A fold without a row of normal or without one of any fault.
    pub(super) fn of(set: &TrainingSet, count: usize, seed: u64) -> Result<Self, TrainingError> {
        let mut seats = BTreeMap::new();
        let mut dealt = 0;
        for deck in decks(set, seed) {
            for (position, root) in deck.iter().enumerate() {
                let of_fold = deck.len().saturating_sub(position % count).div_ceil(count).max(1);
                let place = (position / count) as f64 / of_fold as f64;
                seats.insert(*root, Seat { fold: (dealt + position) % count, place });
            }
            dealt += deck.len();
        }
        let folds = Folds { count, seats };
        folds.check(set)?;
        Ok(folds)
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Each fold's rows when fitting sees `share` of the groups. What a fold is judged by is always all of it.
    pub(super) fn rows(&self, set: &TrainingSet, share: f64) -> Vec<RungRows> {
        (0..self.count)
            .map(|fold| {
                let all = set.select(&self.places(set, |seat| seat.fold != fold));
                let fit = set.select(&self.places(set, |seat| seat.fold != fold && seat.place < share));
                let scale = (total(&all) / total(&fit).max(f64::MIN_POSITIVE)) as f32;
                RungRows { fit, judge: set.select(&self.places(set, |seat| seat.fold == fold)), scale }
            })
            .collect()
    }

    fn places(&self, set: &TrainingSet, takes: impl Fn(&Seat) -> bool) -> Vec<usize> {
        let seat = |stream: &u32| self.seats.get(&set.root(*stream));
        let rows = set.streams().iter().enumerate();
        rows.filter(|(_, stream)| seat(stream).is_some_and(&takes)).map(|(place, _)| place).collect()
    }

    fn check(&self, set: &TrainingSet) -> Result<(), TrainingError> {
        for fold in 0..self.count {
            let judge = self.places(set, |seat| seat.fold == fold);
            let fit = self.places(set, |seat| seat.fold != fold);
            check_apart(set, &[("fold's fitting", &fit), ("fold's judging", &judge)])?;
            let counts = class_counts(&set.select(&judge));
            let classes = counts.iter().filter(|count| **count > 0).count();
            if classes < 2 || counts.first() == Some(&0) {
                let part = "cross-validation fold's";
                return Err(TrainingError::PartTooSmall { part, rows: judge.len(), classes });
            }
        }
        Ok(())
    }
}

fn total(set: &TrainingSet) -> f64 {
    set.weights().iter().map(|weight| f64::from(*weight)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::made_up;
    use linkcast_domain::StreamId;
    use std::collections::BTreeSet;

    fn tied() -> TrainingSet {
        let mut set = made_up(120);
        let stream = |number: usize| format!("port{number}/1").parse::<StreamId>().unwrap();
        (0..120).step_by(2).for_each(|number| set.keep_together(&stream(number), &stream(number + 1)));
        set
    }

    fn groups(set: &TrainingSet) -> BTreeSet<u32> {
        set.streams().iter().map(|stream| set.root(*stream)).collect()
    }

    #[test]
    fn every_group_judges_once_and_never_fits_where_it_judges() {
        let set = tied();
        let rows = Folds::of(&set, 3, 7).unwrap().rows(&set, 1.0);
        assert_eq!(rows.iter().map(|rows| rows.judge.len()).sum::<usize>(), set.len());
        for rows in &rows {
            assert!(groups(&rows.fit).is_disjoint(&groups(&rows.judge)));
            assert_eq!(rows.fit.len() + rows.judge.len(), set.len());
            assert_eq!(rows.scale, 1.0);
        }
    }

    #[test]
    fn a_smaller_share_is_part_of_a_larger_one_and_weighs_as_much() {
        let set = tied();
        let folds = Folds::of(&set, 3, 7).unwrap();
        let (third, whole) = (folds.rows(&set, 1.0 / 3.0), folds.rows(&set, 1.0));
        for (third, whole) in third.iter().zip(&whole) {
            assert!(groups(&third.fit).is_subset(&groups(&whole.fit)));
            assert_eq!(third.judge.len(), whole.judge.len());
            assert!(third.fit.len() * 3 < whole.fit.len() * 2, "{} of {}", third.fit.len(), whole.fit.len());
            let weight = total(&third.fit) * f64::from(third.scale);
            assert!((weight / total(&whole.fit) - 1.0).abs() < 1e-6);
            let classes = |set: &TrainingSet| class_counts(set).iter().filter(|count| **count > 0).count();
            assert_eq!(classes(&third.fit), classes(&whole.fit), "a rare class is on every rung");
        }
    }

    #[test]
    fn too_few_groups_for_the_folds_are_refused() {
        let error = Folds::of(&made_up(2), 3, 7).unwrap_err();
        assert!(error.to_string().contains("cross-validation fold"), "{error}");
    }
}
