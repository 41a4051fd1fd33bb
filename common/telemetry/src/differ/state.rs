//! A differ's state as bytes: versioned, compact, and refused when damaged.
//!
//! Layout: version, flags, then variable-length integers in the order of [`Differ::to_bytes`], then a 32-bit check of
//! all before it. A port's counters take about 120 bytes, a host port with forty driver counters some 400.

use linkcast_domain::packing::{put, take, take_byte};
use linkcast_domain::{NodeGuid, PortId, Timestamp};

use super::{Differ, Last};
use crate::{Counter, Counters, Range};

const VERSION: u8 = 1;
/// More unknown counters than this are not compared; a whole mlx5 port has about forty.
pub(super) const OTHER_LIMIT: usize = 128;

const SEEN_UP: u8 = 1;
const HAS_LAST: u8 = 2;
const HAS_PEER: u8 = 4;
const HAS_PORT_GUID: u8 = 8;

/// Bytes that are no differ's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DamagedDifferError {
    /// Written by another version.
    #[error("the counter state has version {found}: expected {VERSION}")]
    Version {
        /// The version found.
        found: u8,
    },
    /// Cut short, lengthened or altered.
    #[error("the counter state is damaged: its bytes do not add up")]
    Damaged,
}

impl Differ {
    /// The state as bytes; [`Differ::from_bytes`] gives an equal differ back.
    pub fn to_bytes(&self) -> Vec<u8> {
        let flag = |bit: u8, is_set: bool| if is_set { bit } else { 0 };
        let flags = flag(SEEN_UP, self.seen_up)
            | flag(HAS_LAST, self.last.is_some())
            | flag(HAS_PEER, self.peer.is_some())
            | flag(HAS_PORT_GUID, self.port_guid.is_some());
        let mut bytes = vec![VERSION, flags, self.odd_packet_sizes];
        put(&mut bytes, u64::from(self.usual_interval_millis));
        put(&mut bytes, u64::from(self.dropped));
        put(&mut bytes, self.beyond_classic);
        if let Some(peer) = self.peer {
            bytes.extend_from_slice(&peer.node.0.to_le_bytes());
            put(&mut bytes, u64::from(peer.port));
        }
        if let Some(guid) = self.port_guid {
            bytes.extend_from_slice(&guid.0.to_le_bytes());
        }
        if let Some(last) = &self.last {
            put_last(&mut bytes, last);
        }
        let check = hash(&bytes);
        bytes.extend_from_slice(&check.to_le_bytes());
        bytes
    }

    /// The differ whose [`Differ::to_bytes`] these are.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DamagedDifferError> {
        let (&version, _) = bytes.split_first().ok_or(DamagedDifferError::Damaged)?;
        if version != VERSION {
            return Err(DamagedDifferError::Version { found: version });
        }
        decode(bytes).ok_or(DamagedDifferError::Damaged)
    }
}

fn decode(bytes: &[u8]) -> Option<Differ> {
    let (content, check) = bytes.split_last_chunk::<4>()?;
    if hash(content) != u32::from_le_bytes(*check) {
        return None;
    }
    let mut rest = content.get(1..)?;
    let flags = take_byte(&mut rest)?;
    let mut differ = Differ {
        odd_packet_sizes: take_byte(&mut rest)?,
        usual_interval_millis: u32::try_from(take(&mut rest)?).ok()?,
        dropped: u32::try_from(take(&mut rest)?).ok()?,
        beyond_classic: take(&mut rest)?,
        seen_up: flags & SEEN_UP != 0,
        ..Differ::default()
    };
    if flags & HAS_PEER != 0 {
        let node = NodeGuid(u64::from_le_bytes(take_chunk(&mut rest)?));
        differ.peer = Some(PortId { node, port: u16::try_from(take(&mut rest)?).ok()? });
    }
    if flags & HAS_PORT_GUID != 0 {
        differ.port_guid = Some(NodeGuid(u64::from_le_bytes(take_chunk(&mut rest)?)));
    }
    if flags & HAS_LAST != 0 {
        differ.last = Some(take_last(&mut rest)?);
    }
    rest.is_empty().then_some(differ)
}

fn put_last(bytes: &mut Vec<u8>, last: &Last) {
    bytes.extend_from_slice(&last.time.millis().to_le_bytes());
    put(bytes, last.counters.present_mask());
    last.counters.visit(u64::MAX, |_, value, range| {
        bytes.push(range_code(range));
        put(bytes, value);
    });
    put(bytes, last.other.len() as u64);
    for (name, value) in &last.other {
        bytes.extend_from_slice(&name.to_le_bytes());
        put(bytes, *value);
    }
}

fn take_last(rest: &mut &[u8]) -> Option<Last> {
    let time = Timestamp::from_millis(i64::from_le_bytes(take_chunk(rest)?));
    let present = take(rest)?;
    if present.checked_shr(Counter::COUNT as u32).unwrap_or(0) != 0 {
        return None;
    }
    let mut counters = Counters::default();
    for counter in Counter::ALL.iter().filter(|counter| present >> **counter as u8 & 1 == 1) {
        let range = range_of(take_byte(rest)?)?;
        counters.set(*counter, take(rest)?, range);
    }
    let count = usize::try_from(take(rest)?).ok().filter(|count| *count <= OTHER_LIMIT)?;
    let mut other = Vec::with_capacity(count);
    for _ in 0..count {
        other.push((u32::from_le_bytes(take_chunk(rest)?), take(rest)?));
    }
    Some(Last { time, counters, other })
}

fn range_code(range: Range) -> u8 {
    match range {
        Range::Unstated => 0,
        Range::Clamps(bits) => bits.clamp(1, 64),
        Range::Wraps(bits) => 64 + bits.clamp(1, 64),
    }
}

fn range_of(code: u8) -> Option<Range> {
    match code {
        0 => Some(Range::Unstated),
        1..=64 => Some(Range::Clamps(code)),
        65..=128 => Some(Range::Wraps(code - 64)),
        _ => None,
    }
}

fn take_chunk<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (chunk, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*chunk)
}

/// Tells an unknown counter's name from another's on the same port.
pub(super) fn name_hash(name: &str) -> u32 {
    hash(name.as_bytes())
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
