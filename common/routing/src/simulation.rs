//! Who would go where: a policy tried on streams, and on the step from one policy to the next.

use linkcast_domain::StreamId;
use serde::Serialize;

use crate::{Policy, VariantName};

/// What a policy does to streams.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Simulation {
    /// How many there were.
    pub streams: u64,
    /// The share of each variant, percent, and what it was to be.
    pub shares: Vec<Share>,
    /// Streams whose variant another policy would change.
    pub moves: Vec<Move>,
    /// Of these, streams that a variant would lose though its weight does not fall.
    pub moved_back: u64,
}

/// One variant's share.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Which.
    pub variant: VariantName,
    /// Its weight, percent.
    pub weight: f64,
    /// Its streams.
    pub streams: u64,
    /// Their share, percent.
    pub percent: f64,
}

/// Streams that move from one variant to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Move {
    /// Whose they were.
    pub from: VariantName,
    /// Whose they become.
    pub to: VariantName,
    /// How many.
    pub streams: u64,
}

/// Tries `policy` on `streams`, and the step to it from `earlier`, if there is one.
pub fn simulate<'a>(
    policy: &Policy,
    earlier: Option<&Policy>,
    streams: impl IntoIterator<Item = &'a StreamId>,
) -> Simulation {
    let mut counts = vec![0_u64; policy.variants().len()];
    let (mut all, mut moved_back) = (0_u64, 0);
    let mut moves: Vec<Move> = Vec::new();
    for stream in streams {
        all += 1;
        let place = policy.assigned(stream);
        counts.get_mut(place).into_iter().for_each(|count| *count += 1);
        let Some(earlier) = earlier else { continue };
        let (Some(was), Some(is)) =
            (earlier.variants().get(earlier.assigned(stream)), policy.variants().get(place))
        else {
            continue;
        };
        if was.name == is.name {
            continue;
        }
        let kept = policy.variants().iter().find(|variant| variant.name == was.name);
        moved_back += u64::from(kept.is_some_and(|kept| kept.weight >= was.weight));
        match moves.iter_mut().find(|one| one.from == was.name && one.to == is.name) {
            Some(one) => one.streams += 1,
            None => moves.push(Move { from: was.name.clone(), to: is.name.clone(), streams: 1 }),
        }
    }
    let share = |(variant, streams): (&crate::Variant, u64)| Share {
        variant: variant.name.clone(),
        weight: variant.weight.percent(),
        streams,
        percent: if all == 0 { 0.0 } else { streams as f64 * 100.0 / all as f64 },
    };
    let shares = policy.variants().iter().zip(counts).map(share).collect();
    Simulation { streams: all, shares, moves, moved_back }
}
