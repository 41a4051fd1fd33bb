//! What one exposition taught that the next one of the same source can be held against.
//!
//! An exporter prints the same ports with the same labels in the same order, scrape after scrape. Label texts and the
//! ports they name are remembered, so that the next scrape's are compared and not read. A remembered text is no more
//! than a guess to be checked: the results are those of a reader without a memory.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use linkcast_domain::{NodeGuid, PortFacts, TextHash};

use super::ports::{PortIndex, Ports};
use crate::{Origin, Topology};

/// The most label texts remembered, and the most bytes of them; beyond it lines are still read, only slower.
const MOST_TEXTS: usize = 4_000_000;
const MOST_TEXT_BYTES: usize = 512 << 20;

/// Memory of one source's expositions, kept by whoever reads one after another.
#[derive(Clone, Debug, Default)]
pub struct SourceMemory {
    pub(super) ports: Ports,
    /// Label texts of samples.
    pub(super) samples: LabelTexts,
    /// Label texts of series that tell of a link's far end.
    pub(super) links: LabelTexts,
    setting: Setting,
}

/// What beside the labels decides whose a series is.
#[derive(Clone, Debug, Default)]
struct Setting {
    guid: Option<NodeGuid>,
    host: Option<String>,
    topology: Option<Arc<Topology>>,
}

impl SourceMemory {
    /// Nothing remembered.
    pub fn new() -> Self {
        SourceMemory::default()
    }

    /// Gets ready for the next exposition: what was learned under another setting, or was mostly not met again, is
    /// forgotten.
    pub(super) fn start(&mut self, origin: &Origin) {
        let texts = [&self.samples, &self.links];
        let outdated = texts.iter().any(|texts| texts.is_outdated()) || self.ports.is_outdated();
        if outdated || !self.setting.is_of(origin) {
            *self = SourceMemory { setting: Setting::of(origin), ..SourceMemory::default() };
        }
        self.ports.start();
        self.samples.start();
        self.links.start();
    }
}

impl Setting {
    fn of(origin: &Origin) -> Self {
        Setting { guid: origin.guid, host: origin.host.clone(), topology: origin.topology.clone() }
    }

    fn is_of(&self, origin: &Origin) -> bool {
        let same_topology = match (&self.topology, &origin.topology) {
            (None, None) => true,
            (Some(known), Some(given)) => Arc::ptr_eq(known, given),
            _ => false,
        };
        same_topology && self.guid == origin.guid && self.host == origin.host
    }
}

/// Label texts that name a port, from after the opening brace up to the closing one, in order of appearance.
#[derive(Clone, Debug, Default)]
pub(super) struct LabelTexts {
    bytes: Vec<u8>,
    entries: Vec<LabelText>,
    /// Places by the texts' hash; of two texts of one hash, one is not remembered.
    by_hash: HashMap<u64, u32, TextHash>,
    hash: TextHash,
    scrape: u32,
    met: usize,
    /// Some text's port was told by more than the text.
    is_passing: bool,
}

#[derive(Clone, Debug)]
struct LabelText {
    start: u32,
    length: u32,
    port: PortIndex,
    /// The exposition it was last met in.
    scrape: u32,
    facts: Option<Box<PortFacts>>,
}

/// Whether a text alone says whose it is, whatever exposition it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Validity {
    Lasting,
    ThisExposition,
}

/// A text met in an exposition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met<'m> {
    pub(super) port: PortIndex,
    /// What the text says of the port.
    pub(super) facts: Option<&'m PortFacts>,
    pub(super) meeting: Meeting,
}

/// Whether a text was met before in this exposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meeting {
    First,
    Again,
}

impl LabelTexts {
    fn start(&mut self) {
        self.scrape = self.scrape.wrapping_add(1);
        self.met = 0;
    }

    fn is_outdated(&self) -> bool {
        self.is_passing || self.met * 2 < self.entries.len()
    }

    /// The text at a place, with its port, if it was met in this exposition.
    #[inline]
    pub(super) fn met(&self, place: usize) -> Option<(&[u8], PortIndex)> {
        let entry = self.entries.get(place).filter(|entry| entry.scrape == self.scrape)?;
        Some((self.text(entry)?, entry.port))
    }

    /// What follows the text at a place, if `bytes` begin with it.
    #[inline]
    pub(super) fn follows<'a>(&self, place: usize, bytes: &'a [u8]) -> Option<&'a [u8]> {
        bytes.strip_prefix(self.text(self.entries.get(place)?)?)
    }

    /// Notes that the text at a place stands in this exposition.
    pub(super) fn meet(&mut self, place: usize) -> Option<Met<'_>> {
        let entry = self.entries.get_mut(place)?;
        let meeting = if entry.scrape == self.scrape { Meeting::Again } else { Meeting::First };
        self.met += usize::from(meeting == Meeting::First);
        entry.scrape = self.scrape;
        Some(Met { port: entry.port, facts: entry.facts.as_deref(), meeting })
    }

    /// The place of a text.
    pub(super) fn place(&self, text: &[u8]) -> Option<usize> {
        self.by_hash.get(&self.hash.hash_one(text)).map(|place| *place as usize)
    }

    /// Remembers a text.
    pub(super) fn add(
        &mut self,
        text: &[u8],
        port: PortIndex,
        facts: Option<Box<PortFacts>>,
        validity: Validity,
    ) {
        let (Ok(start), Ok(length)) = (u32::try_from(self.bytes.len()), u32::try_from(text.len())) else {
            return;
        };
        if self.entries.len() >= MOST_TEXTS || self.bytes.len() + text.len() > MOST_TEXT_BYTES {
            return;
        }
        self.by_hash.insert(self.hash.hash_one(text), self.entries.len() as u32);
        self.bytes.extend_from_slice(text);
        self.entries.push(LabelText { start, length, port, scrape: self.scrape, facts });
        self.met += 1;
        self.is_passing |= validity == Validity::ThisExposition;
    }

    /// How many are remembered.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    #[inline]
    fn text(&self, entry: &LabelText) -> Option<&[u8]> {
        self.bytes.get(entry.start as usize..)?.get(..entry.length as usize)
    }
}
