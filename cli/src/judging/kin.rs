//! Which streams speak of the same thing: the two ends of a link, and all that one fault shows on.
//!
//! Rows and alerts of kin are no separate evidence. A draw that tore them apart would call luck a difference.

use std::collections::BTreeMap;

use linkcast_domain::{Episode, StreamId};
use linkcast_training::evaluation::Peers;

/// Streams by the one that stands for all their kin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kin {
    links: BTreeMap<StreamId, StreamId>,
    groups: BTreeMap<StreamId, u32>,
}

impl Kin {
    /// Ties the ends of every link, and whatever one of `episodes` shows on.
    pub(crate) fn of(streams: impl Iterator<Item = StreamId>, peers: &Peers, episodes: &[Episode]) -> Self {
        let streams: Vec<StreamId> = streams.collect();
        let links = streams.iter().map(|stream| (stream.clone(), link(stream, peers))).collect();
        let mut numbers: BTreeMap<StreamId, u32> = BTreeMap::new();
        let mut ties: Vec<u32> = Vec::new();
        for stream in streams.iter().map(|stream| link(stream, peers)) {
            numbers.entry(stream).or_insert_with(|| {
                let number = ties.len() as u32;
                ties.push(number);
                number
            });
        }
        for episode in episodes.iter().filter(|episode| episode.fault().is_some()) {
            let mut shown = episode.streams.iter().filter_map(|stream| numbers.get(&link(stream, peers)));
            let Some(first) = shown.next() else { continue };
            for other in shown {
                let (one, other) = (root(&ties, *first), root(&ties, *other));
                ties.get_mut(one.max(other) as usize).into_iter().for_each(|tie| *tie = one.min(other));
            }
        }
        let groups = numbers.into_iter().map(|(stream, number)| (stream, root(&ties, number))).collect();
        Kin { links, groups }
    }

    /// The end that stands for a stream's link.
    pub(crate) fn link<'a>(&'a self, stream: &'a StreamId) -> &'a StreamId {
        self.links.get(stream).unwrap_or(stream)
    }

    /// The number of a stream's kin.
    pub(crate) fn group(&self, stream: &StreamId) -> u32 {
        self.groups.get(self.link(stream)).copied().unwrap_or(u32::MAX)
    }
}

fn link(stream: &StreamId, peers: &Peers) -> StreamId {
    peers.get(stream).map_or(stream, |peer| peer.min(stream)).clone()
}

fn root(ties: &[u32], number: u32) -> u32 {
    let mut place = number;
    while let Some(next) = ties.get(place as usize).copied().filter(|next| *next != place) {
        place = next;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_domain::{EpisodeKind, PredictionType, Timestamp};

    #[test]
    fn ends_of_a_link_and_all_that_a_fault_shows_on_are_kin() {
        let stream = |name: &str| name.parse::<StreamId>().unwrap();
        let names = ["a", "b", "c", "d", "e"];
        let peers: Peers = [("a", "b"), ("b", "a")].map(|(one, other)| (stream(one), stream(other))).into();
        let fault = Episode {
            id: 1,
            kind: EpisodeKind::Fault(PredictionType::LatencySpike),
            streams: vec![stream("d"), stream("b")],
            onset: Timestamp::EPOCH,
            impact: Timestamp::EPOCH,
            end: Timestamp::EPOCH,
            cause: "made by hand".into(),
            shown: None,
        };
        let kin = Kin::of(names.iter().map(|name| stream(name)), &peers, &[fault]);
        let group = |name: &str| kin.group(&stream(name));
        assert_eq!((group("a"), group("a"), group("c")), (group("b"), group("d"), group("c")));
        assert!(group("a") != group("c") && group("c") != group("e"));
        assert_eq!((kin.link(&stream("b")), kin.link(&stream("d"))), (&stream("a"), &stream("d")));
    }
}
