//! Which rows fit, which choose and which judge: by whole streams and by time, never by row.
//!
//! Rows of one stream resemble each other, and rows of one hour do too. So a stream, with all that are tied to it (both ends of
//! a link, the ports of one fault), is on one side only, AND everything held out is later than everything fitted. Streams are dealt
//! 70, 15 and 15 in a hundred within the rarest class they show. What is on neither side (fitting streams' late rows,
//! held-out streams' early ones) is left out and counted. What followed a fitting row counts only as far as it was known when
//! the held-out time began.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use linkcast_domain::{PredictionType, StreamId, Timestamp};
use serde::{Deserialize, Serialize};

use super::DatasetRow;
use crate::outcomes::{ALERT_HORIZON, FAR_HORIZON, NEAR_HORIZON};
use crate::stratify::{self, Shown};

/// A side of the split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Models are fitted on it.
    Train,
    /// Chooses between models, stops their growth and calibrates them.
    Validation,
    /// Judges the model that was chosen, and nothing else.
    Test,
}

impl Side {
    /// Every side.
    pub const ALL: [Side; 3] = [Side::Train, Side::Validation, Side::Test];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Side::Train => "train",
            Side::Validation => "validation",
            Side::Test => "test",
        }
    }
}

/// How the sides are dealt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DealSettings {
    /// The share of stream groups that fit.
    pub train_streams: f64,
    /// The share of stream groups that choose; those that remain judge.
    pub validation_streams: f64,
    /// The share of the time, from its start, in which rows fit.
    pub train_time: f64,
    /// Decides who is dealt where.
    pub seed: u64,
}

impl Default for DealSettings {
    fn default() -> Self {
        DealSettings { train_streams: 0.70, validation_streams: 0.15, train_time: 0.70, seed: 20_260_101 }
    }
}

/// What a stream has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamTally {
    /// Which.
    pub stream: StreamId,
    /// Rows of each class.
    pub rows: [u64; PredictionType::COUNT],
    /// Its oldest row.
    pub first: Timestamp,
    /// Its newest row.
    pub last: Timestamp,
}

/// Why streams cannot be dealt.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DealError {
    /// A stream is named twice, and might be on two sides.
    #[error("stream {stream} is named twice: expected each stream on one side")]
    Twice {
        /// Which.
        stream: StreamId,
    },
    /// Tied streams are on two sides.
    #[error("stream {stream} is on the {found} side and belongs to {group}, which is on the {expected} side")]
    Parted {
        /// Which.
        stream: StreamId,
        /// Where it is.
        found: &'static str,
        /// The group it belongs to.
        group: StreamId,
        /// Where others of the group are.
        expected: &'static str,
    },
    /// A share that leaves a side empty.
    #[error(
        "{name} is {found}: expected a share between 0 and 1, both excluded, that leaves something for the others"
    )]
    Share {
        /// Which.
        name: &'static str,
        /// What was given.
        found: f64,
    },
}

/// Where a stream is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The first of the streams that belong together with it.
    pub group: StreamId,
    /// The side they are all on.
    pub side: Side,
}

/// Who is where.
#[derive(Clone, Debug, PartialEq)]
pub struct Deal {
    seats: BTreeMap<StreamId, Seat>,
    cutoff: Timestamp,
}

impl Deal {
    /// Deals the streams of `tallies`, those of a pair in `ties` to one side.
    ///
    /// # Errors
    ///
    /// A stream that is there twice, a share that is none.
    pub fn of(
        tallies: &[StreamTally],
        ties: &[(StreamId, StreamId)],
        settings: &DealSettings,
    ) -> Result<Self, DealError> {
        check(settings)?;
        let roots = roots(tallies, ties)?;
        let mut shown: BTreeMap<usize, Shown> = BTreeMap::new();
        let mut names: BTreeMap<usize, &StreamId> = BTreeMap::new();
        for (tally, root) in tallies.iter().zip(&roots) {
            let name = names.entry(*root).or_insert(&tally.stream);
            *name = (*name).min(&tally.stream);
            let classes = shown.entry(*root).or_default();
            for (seen, rows) in classes.iter_mut().zip(tally.rows) {
                *seen |= rows > 0;
            }
        }
        let name = |root: usize| names.get(&root).map(|name| name.to_string()).unwrap_or_default();
        let places = stratify::places(&shown, name, settings.seed);
        let seat = |(tally, root): (&StreamTally, &usize)| {
            let side = places.get(root).map_or(Side::Train, |place| side_at(*place, settings));
            let group = names.get(root).copied().unwrap_or(&tally.stream).clone();
            (tally.stream.clone(), Seat { group, side })
        };
        Ok(Deal {
            seats: tallies.iter().zip(&roots).map(seat).collect(),
            cutoff: cutoff(tallies, settings.train_time),
        })
    }

    /// A deal as it was written down.
    ///
    /// # Errors
    ///
    /// A stream on two sides, or a group that is not together.
    pub fn resumed(
        streams: impl IntoIterator<Item = (StreamId, Seat)>,
        cutoff: Timestamp,
    ) -> Result<Self, DealError> {
        let mut seats: BTreeMap<StreamId, Seat> = BTreeMap::new();
        let mut sides: BTreeMap<StreamId, Side> = BTreeMap::new();
        for (stream, seat) in streams {
            let side = *sides.entry(seat.group.clone()).or_insert(seat.side);
            if side != seat.side {
                let (found, expected) = (seat.side.name(), side.name());
                return Err(DealError::Parted { stream, found, group: seat.group, expected });
            }
            if seats.insert(stream.clone(), seat).is_some() {
                return Err(DealError::Twice { stream });
            }
        }
        Ok(Deal { seats, cutoff })
    }

    /// The same deal with every group that holds one of `judges` on the test side: what once judged models never teaches one.
    #[must_use]
    pub fn judged_by(mut self, judges: &BTreeSet<StreamId>) -> Self {
        let judging = self.seats.iter().filter(|(stream, _)| judges.contains(stream));
        let groups: BTreeSet<StreamId> = judging.map(|(_, seat)| seat.group.clone()).collect();
        let seats = self.seats.values_mut().filter(|seat| groups.contains(&seat.group));
        seats.for_each(|seat| seat.side = Side::Test);
        self
    }

    /// The streams and where they are, by name.
    pub fn seats(&self) -> &BTreeMap<StreamId, Seat> {
        &self.seats
    }

    /// The first instant that is held out.
    pub fn cutoff(&self) -> Timestamp {
        self.cutoff
    }

    /// The side of a stream's row of this time; none where it would let one side see the other.
    pub fn side(&self, stream: &StreamId, time: Timestamp) -> Option<Side> {
        let side = self.seats.get(stream)?.side;
        ((side == Side::Train) == (time < self.cutoff)).then_some(side)
    }

    /// The row's side, and the row as that side may know it.
    pub fn admit(&self, mut row: DatasetRow) -> Option<(Side, DatasetRow)> {
        let side = self.side(&row.stream, row.time)?;
        if side == Side::Train {
            let known = |horizon: Duration| row.time.plus(horizon) < self.cutoff;
            let (alert, near, far) = (known(ALERT_HORIZON), known(NEAR_HORIZON), known(FAR_HORIZON));
            row.alert = row.alert.filter(|_| alert);
            row.fails_near = row.fails_near.filter(|_| near);
            row.fails_far = row.fails_far.filter(|_| far);
            row.severity = row.severity.filter(|_| far);
            row.action = row.action.filter(|_| far);
        }
        Some((side, row))
    }
}

fn check(settings: &DealSettings) -> Result<(), DealError> {
    let shares = [
        ("train_streams", settings.train_streams),
        ("validation_streams", settings.validation_streams),
        ("train_streams + validation_streams", settings.train_streams + settings.validation_streams),
        ("train_time", settings.train_time),
    ];
    match shares.into_iter().find(|(_, share)| !(*share > 0.0 && *share < 1.0)) {
        None => Ok(()),
        Some((name, found)) => Err(DealError::Share { name, found }),
    }
}

/// For each stream the first of those it is tied to, however many steps lie between.
fn roots(tallies: &[StreamTally], ties: &[(StreamId, StreamId)]) -> Result<Vec<usize>, DealError> {
    let mut numbers: HashMap<&StreamId, usize> = HashMap::with_capacity(tallies.len());
    for (number, tally) in tallies.iter().enumerate() {
        if numbers.insert(&tally.stream, number).is_some() {
            return Err(DealError::Twice { stream: tally.stream.clone() });
        }
    }
    // Ties may run over streams that have no row.
    let mut beyond = tallies.len();
    let mut number_of = |stream| {
        *numbers.entry(stream).or_insert_with(|| {
            beyond += 1;
            beyond - 1
        })
    };
    let pairs: Vec<(usize, usize)> =
        ties.iter().map(|(one, other)| (number_of(one), number_of(other))).collect();
    let mut parents: Vec<usize> = (0..beyond).collect();
    for (one, other) in pairs {
        let (one, other) = (root(&parents, one), root(&parents, other));
        if let Some(parent) = parents.get_mut(one.max(other)) {
            *parent = one.min(other);
        }
    }
    Ok((0..tallies.len()).map(|number| root(&parents, number)).collect())
}

fn root(parents: &[usize], mut place: usize) -> usize {
    while let Some(next) = parents.get(place).copied().filter(|next| *next != place) {
        place = next;
    }
    place
}

fn side_at(place: f64, settings: &DealSettings) -> Side {
    if place < settings.train_streams {
        Side::Train
    } else if place < settings.train_streams + settings.validation_streams {
        Side::Validation
    } else {
        Side::Test
    }
}

fn cutoff(tallies: &[StreamTally], share: f64) -> Timestamp {
    let first = tallies.iter().map(|tally| tally.first).min();
    let last = tallies.iter().map(|tally| tally.last).max();
    let (Some(first), Some(last)) = (first, last) else { return Timestamp::EPOCH };
    let span = last.millis().saturating_sub(first.millis()) as f64;
    Timestamp::from_millis(first.millis().saturating_add((span * share) as i64))
}

#[cfg(test)]
#[path = "tests/deal.rs"]
mod tests;
