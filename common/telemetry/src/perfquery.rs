//! `perfquery`: one block of counters a port, extended, basic or details, one after another.
//!
//! Extended and basic blocks share names (`PortXmitData` is 64 bits in one and stands at 4294967295 in the other), so a
//! name means what its block's header says. A block prints no GUID: identity comes from the command line, the file's
//! name, a topology or, failing all, the LID.

mod target;

use std::collections::HashSet;

use linkcast_domain::{NodeGuid, PortId, StreamId};

use self::target::{Block, Target, target};
use crate::octets::words_to_bytes;
use crate::{Counters, Fate, NoticeKind, Origin, Parsed, Range, Reading, merge_readings};

/// The port number that stands for all ports of a node.
const ALL_PORTS: u16 = 255;
/// The most blocks held, far above the ports of any fabric, and field names remembered.
const MOST_BLOCKS: usize = 2_000_000;
const MOST_FIELDS: usize = 256;

/// Reads the standard output of one or many runs.
pub(crate) fn parse(bytes: &[u8], origin: &Origin) -> Parsed {
    let mut reader = Reader::new(origin);
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let (line, after) = rest.split_at_checked(end).unwrap_or((rest, b""));
        reader.read_line(line);
        rest = after.get(1..).unwrap_or_default();
    }
    reader.finish()
}

struct Reader<'a, 'o> {
    origin: &'o Origin,
    parsed: Parsed,
    block: Block,
    /// Field texts met, dots and all, with what they mean in the block they were met in.
    fields: Vec<(&'a [u8], Block, Target)>,
    /// The field expected on the next line: blocks repeat each other.
    expected: usize,
    /// The GUID told from outside, and the LID it was first used for: another LID is another node.
    named: Option<NodeGuid>,
    named_lid: Option<u16>,
    /// The ports met, and whether one was met twice.
    met: HashSet<(u16, u16)>,
    has_repeats: bool,
}

impl<'a, 'o> Reader<'a, 'o> {
    fn new(origin: &'o Origin) -> Self {
        Reader {
            origin,
            parsed: Parsed::default(),
            block: Block::Dropped,
            fields: Vec::new(),
            expected: 0,
            named: origin.guid.or_else(|| guid_in_name(&origin.name)),
            named_lid: None,
            met: HashSet::new(),
            has_repeats: false,
        }
    }

    fn read_line(&mut self, line: &'a [u8]) {
        let outcome = match self.read_predicted(line) {
            Some(fate) => Ok(fate),
            None => self.read_any(line.trim_ascii()),
        };
        match outcome {
            Ok(fate) => self.parsed.account.add(fate),
            Err(expected) => {
                self.parsed.account.add(Fate::Rejected);
                let (field, _) = split_field(line).unwrap_or((b"", b""));
                let field = (!field.is_empty()).then_some(field);
                self.parsed.rejects.add(self.origin, self.parsed.account.lines, field, line, expected);
            }
        }
    }

    /// Reads a line whose field is the one that followed the last one before.
    fn read_predicted(&mut self, line: &[u8]) -> Option<Fate> {
        let (text, block, target) = self.fields.get(self.expected)?;
        let value = read_value(line.strip_prefix(*text)?).filter(|_| *block == self.block)?;
        let target = target.clone();
        self.expected += 1;
        Some(self.record(&target, value))
    }

    fn read_any(&mut self, line: &'a [u8]) -> Result<Fate, &'static str> {
        if line.is_empty() {
            return Ok(Fate::Ignored);
        }
        if line.starts_with(b"#") {
            return self.read_header(line);
        }
        if let Some(kind) = crate::diagnostics::kind(line) {
            let number = self.parsed.account.lines + 1;
            self.parsed.notice(kind, number, || String::from_utf8_lossy(line).into_owned());
            return Ok(Fate::Used);
        }
        let (name, value_text) = split_field(line).ok_or("a header, or Name:....value")?;
        let value = read_value(value_text).ok_or("a whole number, decimal or 0x hexadecimal")?;
        let target = self.target_of(line, name, value_text);
        Ok(self.record(&target, value))
    }

    /// What a field means here; remembered with its dots, so that the next block need not ask.
    fn target_of(&mut self, line: &'a [u8], name: &[u8], value_text: &[u8]) -> Target {
        let text = line.get(..line.len() - value_text.len()).unwrap_or_default();
        let known = self.fields.iter().position(|(known, block, _)| *known == text && *block == self.block);
        if let Some((index, (_, _, target))) = known.and_then(|index| Some((index, self.fields.get(index)?)))
        {
            self.expected = index + 1;
            return target.clone();
        }
        let target = target(&String::from_utf8_lossy(name), self.block);
        if self.fields.len() < MOST_FIELDS {
            self.fields.push((text, self.block, target.clone()));
            self.expected = self.fields.len();
        }
        target
    }

    fn record(&mut self, target: &Target, value: u64) -> Fate {
        if self.block == Block::Dropped {
            return Fate::Ignored;
        }
        let Some(reading) = self.parsed.readings.last_mut() else { return Fate::Ignored };
        match target {
            Target::Ignored => return Fate::Ignored,
            Target::Data(counter, bits) => {
                let (bytes, range) = words_to_bytes(value, *bits);
                reading.counters.set(*counter, bytes, range);
            }
            Target::Counter(counter, bits) => {
                let fits = *bits == 64 || value >> *bits == 0;
                let range = if fits { Range::Clamps(*bits) } else { Range::Unstated };
                reading.counters.set(*counter, value, range);
            }
            Target::Other(name) => reading.other.push((name.clone(), value)),
        }
        Fate::Used
    }

    /// `# Port extended counters: Lid 2052 port 1 (CapMask: 0x5300 …)`.
    fn read_header(&mut self, line: &[u8]) -> Result<Fate, &'static str> {
        const A_HEADER: &str = "# <what> counters: Lid <number> port <number>";
        self.block = Block::Dropped;
        let text = std::str::from_utf8(line).map_err(|_| A_HEADER)?;
        let Some((title, rest)) = text.trim_start_matches('#').trim().split_once(": Lid ") else {
            return Ok(Fate::Ignored);
        };
        let mut words = rest.split_ascii_whitespace();
        let lid: u16 = words.next().and_then(|word| word.parse().ok()).ok_or("a LID from 0 to 65535")?;
        let port = words.nth(1).filter(|word| !word.is_empty()).ok_or(A_HEADER)?;
        let number =
            if port.eq_ignore_ascii_case("all") { ALL_PORTS } else { port.parse().unwrap_or(u16::MAX) };
        if number > ALL_PORTS {
            return Err("a port number from 0 to 255, or all");
        }
        if number == ALL_PORTS {
            let line_number = self.parsed.account.lines + 1;
            self.parsed.notice(NoticeKind::AggregateDropped, line_number, || {
                format!("the sum over all ports of Lid {lid} was dropped: it counts each port again")
            });
            return Ok(Fate::Ignored);
        }
        if self.parsed.readings.len() >= MOST_BLOCKS {
            return Err("no more blocks than the bound");
        }
        self.block = Block::of_title(title);
        self.has_repeats |= !self.met.insert((lid, number));
        let stream = self.stream(lid, number);
        self.parsed.readings.push(Reading {
            stream,
            time: self.origin.time,
            counters: Counters::default(),
            other: Vec::new(),
            gauges: Vec::new(),
            facts: None,
        });
        Ok(Fate::Used)
    }

    fn stream(&mut self, lid: u16, port: u16) -> StreamId {
        let topology = self.origin.topology.as_deref();
        let named = self.named.filter(|_| *self.named_lid.get_or_insert(lid) == lid);
        if let Some(guid) = named {
            let id = topology.map_or(PortId { node: guid, port }, |topology| topology.port_of(guid, port));
            return id.into();
        }
        if let Some(node) = topology.and_then(|topology| topology.node_of_lid(lid)) {
            return PortId { node, port }.into();
        }
        let line = self.parsed.account.lines + 1;
        self.parsed.notice(NoticeKind::IdentityByLid, line, || {
            format!("no GUID is known for Lid {lid}: its ports are named by LID, which may change")
        });
        // Digits and letters only: always a stream id.
        format!("lid{lid}/{port}").parse().unwrap_or_else(|_| PortId { node: NodeGuid(0), port }.into())
    }

    fn finish(mut self) -> Parsed {
        for reading in &mut self.parsed.readings {
            reading.other.sort_by(|(left, _), (right, _)| left.cmp(right));
            reading.other.dedup_by(|later, kept| later.0 == kept.0);
        }
        self.parsed.readings.retain(|reading| !reading.counters.is_empty() || !reading.other.is_empty());
        if self.has_repeats {
            self.parsed.readings = merge_readings(std::mem::take(&mut self.parsed.readings));
        }
        if self.parsed.readings.is_empty() && self.parsed.notices.is_empty() {
            self.parsed.notice(NoticeKind::FailedScrape, 0, || "perfquery printed no counters".into());
        }
        self.parsed
    }
}

/// `Name:.....value` as the name and the value's text.
fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let (name, rest) = line.split_at_checked(colon)?;
    let rest = rest.get(1..)?;
    let value_at = rest.iter().position(|byte| !matches!(byte, b'.' | b' '))?;
    (!name.is_empty()).then_some((name, rest.get(value_at..)?))
}

/// A whole number, decimal or hexadecimal.
fn read_value(text: &[u8]) -> Option<u64> {
    match text {
        [b'0', b'x' | b'X', hexadecimal @ ..] => {
            u64::from_str_radix(std::str::from_utf8(hexadecimal).ok()?.trim_end(), 16).ok()
        }
        _ => {
            let mut value: u64 = 0;
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            for byte in text {
                let digit = u64::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
                value = value.checked_mul(10)?.checked_add(digit)?;
            }
            (!text.is_empty()).then_some(value)
        }
    }
}

/// The GUID in a file's name, as exporters' captures carry it: `0x7cfe9003009ce5b0.out`, `0x…-2.out`.
fn guid_in_name(name: &str) -> Option<NodeGuid> {
    let base = name.rsplit(['/', '\\']).next()?;
    let (_, digits) = base.split_once("0x")?;
    let end = digits.find(|character: char| !character.is_ascii_hexdigit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests;
