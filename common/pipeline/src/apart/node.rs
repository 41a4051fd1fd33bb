//! What collect remembers of a node: each port's last counters, and the arrivals made of the last reading.
//!
//! A node's ports are reported together, so they are kept together: a table bills by the started kilobyte, and the
//! counters of several ports fit into one. The arrivals stand in the same item because they are made durable by the same
//! write: whoever is killed before writing them as items of their own has lost nothing.

use std::collections::BTreeMap;

use linkcast_domain::packing::{put, put_part, take, take_byte, take_part, unzigzag, zigzag};
use linkcast_domain::ports::ArrivalRecord;
use linkcast_domain::{Sample, StreamId, Timestamp};

const VERSION: u8 = 1;

/// A node's memory that cannot be taken up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what collect remembers of {node} is not of form {VERSION}, or is damaged")]
pub struct NodeMemoryError {
    /// Whose.
    pub node: String,
}

/// What is remembered of one stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PortMemory {
    /// The counters' part, as the steps write it.
    pub(crate) counting: Vec<u8>,
    /// The last arrival.
    pub(crate) last: Option<Timestamp>,
    /// A hash of what is known of the port, which tells whether a copy of it is still true.
    pub(crate) facts: u32,
}

/// What is remembered of a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NodeMemory {
    pub(crate) ports: BTreeMap<StreamId, PortMemory>,
    /// The arrivals of the last write.
    pub(crate) arrivals: Vec<ArrivalRecord>,
}

impl NodeMemory {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        put(&mut bytes, self.ports.len() as u64);
        for (stream, port) in &self.ports {
            put_part(&mut bytes, stream.as_bytes());
            put_part(&mut bytes, &port.counting);
            put_time(&mut bytes, port.last);
            bytes.extend_from_slice(&port.facts.to_le_bytes());
        }
        put(&mut bytes, self.arrivals.len() as u64);
        for arrival in &self.arrivals {
            put_part(&mut bytes, arrival.stream.as_bytes());
            put_time(&mut bytes, Some(arrival.time));
            put_time(&mut bytes, arrival.before);
            bytes.extend_from_slice(&arrival.source.to_le_bytes());
            bytes.push(u8::from(arrival.told_active) | u8::from(arrival.sample.is_some()) << 1);
            if let Some(sample) = &arrival.sample {
                put_part(&mut bytes, &sample.to_packed());
            }
        }
        bytes
    }

    pub(crate) fn from_bytes(node: &str, bytes: &[u8]) -> Result<Self, NodeMemoryError> {
        read(bytes).ok_or_else(|| NodeMemoryError { node: node.to_owned() })
    }
}

fn read(bytes: &[u8]) -> Option<NodeMemory> {
    let mut rest = bytes;
    let mut memory = NodeMemory::default();
    if take_byte(&mut rest)? != VERSION {
        return None;
    }
    for _ in 0..take(&mut rest)? {
        let stream = take_stream(&mut rest)?;
        let counting = take_part(&mut rest)?.to_vec();
        let last = take_time(&mut rest)?;
        let facts = take_u32(&mut rest)?;
        memory.ports.insert(stream, PortMemory { counting, last, facts });
    }
    for _ in 0..take(&mut rest)? {
        let stream = take_stream(&mut rest)?;
        let time = take_time(&mut rest)??;
        let before = take_time(&mut rest)?;
        let source = take_u32(&mut rest)?;
        let flags = take_byte(&mut rest)?;
        let sample = match flags & 2 {
            0 => None,
            _ => Some(Box::new(Sample::from_packed(&stream, time, take_part(&mut rest)?)?)),
        };
        let told_active = flags & 1 == 1;
        memory.arrivals.push(ArrivalRecord { stream, time, before, source, told_active, sample });
    }
    rest.is_empty().then_some(memory)
}

fn put_time(bytes: &mut Vec<u8>, time: Option<Timestamp>) {
    put(bytes, time.map_or(0, |time| zigzag(time.millis()).saturating_add(1)));
}

fn take_time(rest: &mut &[u8]) -> Option<Option<Timestamp>> {
    Some(take(rest)?.checked_sub(1).map(unzigzag).map(Timestamp::from_millis))
}

fn take_stream(rest: &mut &[u8]) -> Option<StreamId> {
    std::str::from_utf8(take_part(rest)?).ok()?.parse().ok()
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let (head, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    Some(u32::from_le_bytes(*head))
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_domain::{SampleField, SampleValues};

    #[test]
    fn a_nodes_memory_comes_back_and_a_cut_one_is_refused() {
        let stream: StreamId = "0000000000200000/2".parse().unwrap();
        let time = Timestamp::from_millis(1_700_000_000_000);
        let values = SampleValues::default().with(SampleField::SymbolErrors, 2.0);
        let sample = Sample { stream: stream.clone(), time, values, other: vec![("odd".into(), 1.5)] };
        let port = PortMemory { counting: vec![1, 2, 3], last: Some(time), facts: 7 };
        let heard = ArrivalRecord {
            stream: stream.clone(),
            time,
            before: None,
            source: 9,
            told_active: true,
            sample: None,
        };
        let sampled = ArrivalRecord { sample: Some(Box::new(sample)), before: Some(time), ..heard.clone() };
        let memory = NodeMemory { ports: [(stream, port)].into(), arrivals: vec![heard, sampled] };
        let bytes = memory.to_bytes();
        assert_eq!(NodeMemory::from_bytes("n", &bytes).as_ref(), Ok(&memory));
        for length in 0..bytes.len() {
            assert!(NodeMemory::from_bytes("n", &bytes[..length]).is_err(), "cut at {length}");
        }
    }
}
