//! A property of every bin of a histogram side by side, and what is asked of all of them at once.
//!
//! Arrays as long as whole registers, so that the compiler makes one step of what would be sixteen; places beyond the
//! used bins are computed too and never looked at.

use crate::baseline::LAST_POSITION;

/// A histogram's bins and what fills the registers that hold them.
pub(crate) const LANES: usize = 16;
/// One property of every bin.
pub(crate) type Lanes<T> = [T; LANES];

/// How far a bin can reach beyond its first position.
const REACHES: [u16; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128, 512, LAST_POSITION];
/// How much less a bin's reach matters the further it is from the median in rank.
const RANK_STEEPNESS: f32 = 2.0;
/// How much of a bin's cost is there whatever weight lies beyond it.
const LEAST_BEYOND: f32 = 0.5;

/// Shares of the whole weight.
pub(crate) struct Shares {
    /// Of what lies below each bin.
    pub(crate) below: Lanes<f32>,
    /// Of that and the bin.
    pub(crate) through: Lanes<f32>,
    /// Of that and the next bin.
    pub(crate) through_next: Lanes<f32>,
}

/// What it costs to have one bin from each first to each last.
#[inline(always)]
pub(crate) fn union_costs(
    firsts: &Lanes<u16>,
    lasts: &Lanes<u16>,
    below: &Lanes<f32>,
    above: &Lanes<f32>,
) -> Lanes<f32> {
    let mut costs = [0.0; LANES];
    let reaches = lasts.iter().zip(firsts).map(|(last, first)| last.wrapping_sub(*first));
    for (cost, (reach, (below, above))) in costs.iter_mut().zip(reaches.zip(below.iter().zip(above))) {
        *cost = union_cost(reach, *below, *above);
    }
    costs
}

/// The cost of a bin of this reach between two shares of the whole weight.
#[inline(always)]
fn union_cost(reach: u16, below: f32, above: f32) -> f32 {
    let rank_distance = (0.5 - above).max(below - 0.5).max(0.0);
    let nearness = 1.0 / (1.0 + RANK_STEEPNESS * rank_distance);
    let beyond = above.min(1.0 - below).min(0.5);
    f32::from(reach.wrapping_add(1)) * nearness * nearness * (beyond + LEAST_BEYOND)
}

/// The place in [`REACHES`] of the least that is enough.
pub(crate) fn reach_code(reach: u16) -> usize {
    let too_short: u16 = REACHES.iter().map(|claimed| u16::from(*claimed < reach)).sum();
    usize::from(too_short).min(REACHES.len() - 1)
}

/// The least reach a bin can claim that is enough.
pub(crate) fn claim(reach: u16) -> u16 {
    REACHES.get(reach_code(reach)).copied().unwrap_or(LAST_POSITION)
}

/// With `value` put in at `place`; the last one falls out.
#[inline(always)]
pub(crate) fn opened<T: Copy>(lanes: &Lanes<T>, place: usize, value: T) -> Lanes<T> {
    let mut made = *lanes;
    if let Some(tail) = made.get_mut(place..) {
        tail.rotate_right(1);
        if let Some(first) = tail.first_mut() {
            *first = value;
        }
    }
    made
}

/// Without the one at `place`; `filling` comes in at the end.
#[inline(always)]
pub(crate) fn closed<T: Copy>(lanes: &Lanes<T>, place: usize, filling: T) -> Lanes<T> {
    let mut made = *lanes;
    if let Some(tail) = made.get_mut(place..) {
        tail.rotate_left(1);
        if let Some(last) = tail.last_mut() {
            *last = filling;
        }
    }
    made
}

/// The reach of a code; none for one that cannot be.
pub(crate) fn claimed(code: usize) -> u16 {
    REACHES.get(code).copied().unwrap_or(0)
}
