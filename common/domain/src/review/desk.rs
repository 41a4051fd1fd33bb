//! Asking for verdicts and taking them, over whatever reviews are kept in.
//!
//! Several reviewers work at once, and a data set's build asks while they do: each change is written on the condition that
//! the item is as it was read, and made again of what is there where it is not.

use std::collections::BTreeMap;

use super::{Review, ReviewId, ReviewItem, Reviewed};
use crate::ports::{ReviewItems, Revised, StoreError, Written};

/// Items read and written at a time.
const TOGETHER: usize = 500;

/// How often a change is tried again because others wrote meanwhile.
const TRIES: usize = 16;

/// How many items were asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// That nobody had asked about.
    pub new: usize,
    /// That were there; what was said of them is renewed, their verdicts stay.
    pub known: usize,
}

/// What came of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was taken.
    New,
    /// It was there.
    Known,
    /// Nobody asked about that item.
    NotAsked,
}

/// A reader lost to other writers too often.
#[derive(Debug, thiserror::Error)]
#[error("the item {id} was changed by others {TRIES} times in a row")]
struct ContendedError {
    id: ReviewId,
}

/// Where verdicts are asked for and given.
#[derive(Debug)]
pub struct ReviewDesk<'a, S> {
    items: &'a S,
}

impl<'a, S: ReviewItems> ReviewDesk<'a, S> {
    /// A desk over `items`.
    pub fn new(items: &'a S) -> Self {
        ReviewDesk { items }
    }

    /// Asks for verdicts on these. Keyed by id: of several the last stands, and verdicts that were given stay.
    pub async fn ask(&self, items: &[ReviewItem]) -> Result<Asked, StoreError> {
        let last: BTreeMap<&ReviewId, &ReviewItem> = items.iter().map(|item| (&item.id, item)).collect();
        let mut is_new: BTreeMap<&ReviewId, bool> = BTreeMap::new();
        let all: Vec<_> = last.into_iter().collect();
        for portion in all.chunks(TOGETHER) {
            let wanted: BTreeMap<&ReviewId, &ReviewItem> = portion.iter().copied().collect();
            self.change_each(&wanted, |item, there| {
                is_new.insert(&item.id, there.is_none());
                let reviews = there.map_or_else(Vec::new, |there| there.reviews.clone());
                let renewed = Reviewed { item: (*item).clone(), reviews };
                (there != Some(&renewed)).then_some(renewed)
            })
            .await?;
        }
        let new = is_new.values().filter(|is_new| **is_new).count();
        Ok(Asked { new, known: is_new.len() - new })
    }

    /// Takes verdicts; what came of each, in the order given. Keyed by item, reviewer and time.
    pub async fn record(&self, reviews: &[(ReviewId, Review)]) -> Result<Vec<Recorded>, StoreError> {
        let mut by_item: BTreeMap<&ReviewId, Vec<(usize, &Review)>> = BTreeMap::new();
        for (place, (id, review)) in reviews.iter().enumerate() {
            by_item.entry(id).or_default().push((place, review));
        }
        let mut outcomes = vec![Recorded::NotAsked; reviews.len()];
        let all: Vec<_> = by_item.into_iter().collect();
        for portion in all.chunks(TOGETHER) {
            let wanted: BTreeMap<&ReviewId, &Vec<(usize, &Review)>> =
                portion.iter().map(|(id, reviews)| (*id, reviews)).collect();
            self.change_each(&wanted, |reviews, there| {
                let mut changed = there?.clone();
                let mut is_changed = false;
                for (place, review) in reviews.iter() {
                    let is_new = changed.take(review);
                    is_changed |= is_new;
                    if let Some(outcome) = outcomes.get_mut(*place) {
                        *outcome = if is_new { Recorded::New } else { Recorded::Known };
                    }
                }
                is_changed.then_some(changed)
            })
            .await?;
        }
        Ok(outcomes)
    }

    /// Reads each item, lets `change` say what replaces it, and writes that; those somebody else wrote meanwhile once more.
    async fn change_each<T>(
        &self,
        wanted: &BTreeMap<&ReviewId, T>,
        mut change: impl FnMut(&T, Option<&Reviewed>) -> Option<Reviewed>,
    ) -> Result<(), StoreError> {
        let mut left: Vec<ReviewId> = wanted.keys().map(|id| (*id).clone()).collect();
        let mut tries = 0;
        while let Some(first) = left.first() {
            if tries == TRIES {
                let source = ContendedError { id: first.clone() }.into();
                return Err(StoreError::Busy { store: "the reviews".into(), attempt: "change them", source });
            }
            tries += 1;
            let found = self.items.reviewed(&left).await?;
            let mut changes = Vec::new();
            for (id, there) in left.iter().zip(&found) {
                let Some(wish) = wanted.get(id) else { continue };
                if let Some(value) = change(wish, there.as_ref().map(|there| &there.value)) {
                    let revision = there.as_ref().map_or(0, |there| there.revision);
                    changes.push(Revised { revision, value });
                }
            }
            left.clear();
            for (change, written) in changes.iter().zip(self.items.put_reviewed(&changes).await?) {
                if written == Written::Moved {
                    left.push(change.value.item.id.clone());
                }
            }
        }
        Ok(())
    }
}
