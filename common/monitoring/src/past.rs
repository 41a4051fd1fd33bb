//! A series hour by hour: three numbers of each hour, as small as a test can do with.
//!
//! Where its samples lie, how far out, how many were absent: each is between 0 and 1 and kept in 16 bits, finer by a hundred times
//! than the least scatter a test believes. An hour with too few samples has none.

use linkcast_domain::packing::{put, take, take_byte};

use crate::bins::Bins;
use crate::sketch::Sketch;
use crate::watched::Series;

/// One of an hour's three numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aspect {
    /// The mean place among the reference's samples.
    Rank,
    /// The mean distance from the reference's middle.
    Outlying,
    /// The share of absent samples; of a class, the share of other classes.
    Absent,
}

impl Aspect {
    pub(crate) const ALL: [Aspect; 3] = [Aspect::Rank, Aspect::Outlying, Aspect::Absent];
}

/// What stands for no number.
const NONE: u16 = u16::MAX;
/// What one is kept as.
const ONE: f64 = 65_534.0;

/// The numbers of each hour of a reference, in the hours' order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    aspects: [Vec<u16>; 3],
}

/// An hour's number of one aspect, if the hour has samples enough.
pub(crate) fn aspect(
    series: Series,
    bins: Option<&Bins>,
    sketch: &Sketch,
    aspect: Aspect,
    least: u64,
) -> Option<f64> {
    let is_class = matches!(series, Series::Class(_));
    match aspect {
        Aspect::Absent => {
            let absent = if is_class { sketch.zero() } else { sketch.absent() };
            (sketch.total() >= least).then(|| absent as f64 / sketch.total() as f64)
        }
        Aspect::Rank | Aspect::Outlying if is_class || sketch.present() < least => None,
        Aspect::Rank => bins?.place(sketch).map(|placed| placed.rank),
        Aspect::Outlying => bins?.place(sketch).map(|placed| placed.outlying),
    }
}

impl Past {
    /// Notes the next hour.
    pub(crate) fn note(&mut self, series: Series, bins: Option<&Bins>, sketch: &Sketch, least: u64) {
        for (row, which) in self.aspects.iter_mut().zip(Aspect::ALL) {
            let number = aspect(series, bins, sketch, which, least);
            row.push(number.map_or(NONE, |number| (number.clamp(0.0, 1.0) * ONE).round() as u16));
        }
    }

    /// The hours that have a number of this aspect, and it.
    pub(crate) fn of<'a>(
        &'a self,
        aspect: Aspect,
        hours: &'a [i64],
    ) -> impl Iterator<Item = (i64, f64)> + 'a {
        let row = self.aspects.get(aspect as usize).map(Vec::as_slice).unwrap_or_default();
        let known = hours.iter().zip(row).filter(|(_, kept)| **kept != NONE);
        known.map(|(hour, kept)| (*hour, f64::from(*kept) / ONE))
    }

    /// Appends each row: whether it is one number throughout, and its numbers.
    pub(crate) fn pack(&self, bytes: &mut Vec<u8>) {
        for row in &self.aspects {
            let first = row.first().copied().unwrap_or(NONE);
            let is_same = row.iter().all(|number| *number == first);
            bytes.push(u8::from(is_same));
            let numbers = if is_same { std::slice::from_ref(&first) } else { row.as_slice() };
            numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        }
    }

    /// What [`Past::pack`] wrote of so many hours.
    pub(crate) fn unpack(rest: &mut &[u8], hours: usize) -> Option<Self> {
        let mut past = Past::default();
        for row in &mut past.aspects {
            let is_same = take_byte(rest)? == 1;
            let count = if is_same { 1 } else { hours };
            let (numbers, tail) = rest.split_at_checked(count.checked_mul(2)?)?;
            *rest = tail;
            let number = |pair: &[u8]| pair.try_into().ok().map(u16::from_le_bytes);
            *row = numbers.chunks_exact(2).map(number).collect::<Option<_>>()?;
            if is_same {
                let first = row.first().copied()?;
                row.resize(hours, first);
            }
        }
        Some(past)
    }
}

/// Appends hours as steps from one to the next.
pub(crate) fn pack_hours(hours: &[i64], bytes: &mut Vec<u8>) {
    put(bytes, hours.len() as u64);
    let mut before = 0;
    for hour in hours {
        put(bytes, u64::try_from(hour - before).unwrap_or(0));
        before = *hour;
    }
}

/// What [`pack_hours`] wrote; at most so many as a year has.
pub(crate) fn unpack_hours(rest: &mut &[u8]) -> Option<Vec<i64>> {
    let count = take(rest).filter(|count| *count <= 366 * 24)?;
    let mut hours = Vec::new();
    for _ in 0..count {
        let before = hours.last().copied().unwrap_or(0);
        hours.push(i64::try_from(take(rest)?).ok()?.checked_add(before)?);
    }
    Some(hours)
}
