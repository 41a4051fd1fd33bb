//! The ports of an exposition, in the order in which they are first named.
//!
//! Rows outlive their exposition, so that a port keeps its place from one scrape to the next; the order does not, for
//! results must not depend on what was read before.

use std::collections::HashMap;

use linkcast_domain::{PortFacts, StreamId, TextHash};

use crate::LinkSpeed;

/// The most ports held of one exposition; five times the largest fabric planned for.
pub(super) const MOST_PORTS: usize = 1_000_000;

/// A port's place in a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PortIndex(pub(super) u32);

/// Ports by place and by stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ports {
    rows: Vec<PortRow>,
    by_stream: HashMap<StreamId, PortIndex, TextHash>,
    /// The ports of this exposition, as they were named.
    named: Vec<PortIndex>,
    /// How many readings the last exposition gave.
    pub(super) readings: usize,
}

/// One port.
#[derive(Clone, Debug)]
pub(super) struct PortRow {
    pub(super) stream: StreamId,
    /// The port's newest reading's place.
    pub(super) latest: Option<u32>,
    pub(super) notes: Option<Box<PortNotes>>,
    is_named: bool,
}

/// What an exposition says of a port beside counters.
#[derive(Clone, Debug, Default)]
pub(super) struct PortNotes {
    pub(super) facts: PortFacts,
    pub(super) lane_speed: Option<LinkSpeed>,
}

impl Ports {
    /// Begins an exposition: no port was named yet.
    pub(super) fn start(&mut self) {
        for index in self.named.drain(..) {
            if let Some(row) = self.rows.get_mut(index.0 as usize) {
                row.is_named = false;
                row.latest = None;
                row.notes = None;
            }
        }
    }

    /// How many ports this exposition has named.
    pub(super) fn count(&self) -> usize {
        self.named.len()
    }

    /// Whether most of what is held was not named in the last exposition.
    pub(super) fn is_outdated(&self) -> bool {
        self.named.len() * 2 < self.rows.len()
    }

    /// The place of a port that this exposition has named.
    pub(super) fn named(&self, stream: &StreamId) -> Option<PortIndex> {
        let index = *self.by_stream.get(stream)?;
        self.rows.get(index.0 as usize)?.is_named.then_some(index)
    }

    /// The place of a port named now; `None` beyond the bound.
    pub(super) fn name(&mut self, stream: StreamId) -> Option<PortIndex> {
        if let Some(index) = self.by_stream.get(&stream) {
            let index = *index;
            return self.name_again(index).then_some(index);
        }
        if self.named.len() >= MOST_PORTS {
            return None;
        }
        let index = PortIndex(u32::try_from(self.rows.len()).ok()?);
        self.rows.push(PortRow { stream: stream.clone(), latest: None, notes: None, is_named: true });
        self.by_stream.insert(stream, index);
        self.named.push(index);
        Some(index)
    }

    /// Notes that a port known by its place is named now: whether there is room for it.
    pub(super) fn name_again(&mut self, index: PortIndex) -> bool {
        let Some(row) = self.rows.get_mut(index.0 as usize) else { return false };
        if row.is_named {
            return true;
        }
        if self.named.len() >= MOST_PORTS {
            return false;
        }
        row.is_named = true;
        self.named.push(index);
        true
    }

    /// A port's row.
    #[inline]
    pub(super) fn row(&mut self, index: PortIndex) -> Option<&mut PortRow> {
        self.rows.get_mut(index.0 as usize)
    }

    /// Takes each port's notes, in the order of their naming.
    pub(super) fn take_notes(&mut self) -> impl Iterator<Item = (StreamId, PortNotes)> + '_ {
        let rows = &mut self.rows;
        self.named.iter().filter_map(|index| {
            let row = rows.get_mut(index.0 as usize)?;
            row.notes.take().map(|notes| (row.stream.clone(), *notes))
        })
    }
}
