//! `ibqueryerrors`, errors or data counters, with or without details and link info.
//!
//! It prints only ports with a counter over its threshold: a port that is missing is neither gone nor at zero. On an
//! adapter the line carries the PORT's GUID where `--counters` prints the node's, so the two are kept apart.

mod details;

use linkcast_domain::{NodeGuid, NodeKind, PortFacts, PortId};

use self::details::Neighbours;
use crate::counter_names::{counter_by_name, is_data};
use crate::lines::lines;
use crate::link_line::{LinkLine, quoted};
use crate::octets::words_to_bytes;
use crate::{Counters, Fate, NoticeKind, Origin, Parsed, Range, Reading, merge_readings};

/// The most port lines held.
const MOST_PORTS: usize = 2_000_000;

/// Reads the standard output of a run.
pub(crate) fn parse(bytes: &[u8], origin: &Origin) -> Parsed {
    let mut reader =
        Reader { origin, parsed: Parsed::default(), node: Node::default(), port: None, is_complete: false };
    for line in lines(bytes) {
        let text = String::from_utf8_lossy(line);
        match reader.read_line(&text) {
            Ok(fate) => reader.parsed.account.add(fate),
            Err(expected) => {
                reader.parsed.account.add(Fate::Rejected);
                let number = reader.parsed.account.lines;
                reader.parsed.rejects.add(origin, number, None, line, expected);
            }
        }
    }
    reader.finish()
}

/// The node whose ports are being listed.
#[derive(Default)]
struct Node {
    guid: Option<NodeGuid>,
    name: Option<String>,
    lists_errors: bool,
}

struct Reader<'o> {
    origin: &'o Origin,
    parsed: Parsed,
    node: Node,
    /// The port of the last counter line, to which link info belongs.
    port: Option<PortId>,
    is_complete: bool,
}

impl Reader<'_> {
    fn read_line(&mut self, line: &str) -> Result<Fate, &'static str> {
        if line.is_empty() {
            return Ok(Fate::Ignored);
        }
        if let Some(rest) = line.strip_prefix("Errors for ") {
            return Ok(self.enter_node(rest, true));
        }
        if let Some(rest) = line.strip_prefix("Data Counters for ") {
            return Ok(self.enter_node(rest, false));
        }
        if let Some(rest) = line.strip_prefix("GUID ") {
            return self.read_port(rest);
        }
        if let Some(rest) = line.strip_prefix("Link info:") {
            return self.read_link(rest);
        }
        if let Some(rest) = line.strip_prefix("##") {
            return Ok(self.read_summary(rest.trim()));
        }
        let kind =
            crate::diagnostics::kind(line.as_bytes()).ok_or("a node, a port's counters, or a summary")?;
        let number = self.parsed.account.lines + 1;
        self.parsed.notice(kind, number, || line.to_owned());
        Ok(Fate::Used)
    }

    /// `0x200000 "leaf-r01"`, or the name alone for an adapter.
    fn enter_node(&mut self, rest: &str, lists_errors: bool) -> Fate {
        let guid = rest.split_ascii_whitespace().next().filter(|word| word.starts_with("0x"));
        self.node = Node { guid: guid.and_then(|guid| guid.parse().ok()), name: quoted(rest), lists_errors };
        self.port = None;
        Fate::Used
    }

    fn read_port(&mut self, rest: &str) -> Result<Fate, &'static str> {
        const A_PORT: &str = "GUID 0x<digits> port <number or ALL>: [Name == value] …";
        self.port = None;
        let (guid, rest) = rest.split_once(" port ").ok_or(A_PORT)?;
        let (port, counters) = rest.split_once(':').ok_or(A_PORT)?;
        let printed: NodeGuid = guid.trim().parse().map_err(|_| A_PORT)?;
        let line = self.parsed.account.lines + 1;
        if port.trim() == "ALL" {
            self.parsed.notice(NoticeKind::AggregateDropped, line, || {
                format!("the sum over all ports of {printed} was dropped: it counts each port again")
            });
            return Ok(Fate::Ignored);
        }
        let number: u16 = port.trim().parse().map_err(|_| A_PORT)?;
        if self.parsed.readings.len() >= MOST_PORTS {
            return Err("no more ports than the bound");
        }
        let port = self.identify(printed, number);
        let (reading, is_sound) = self.read_counters(port, counters);
        self.parsed.readings.push(reading);
        if is_sound { Ok(Fate::Used) } else { Err("[Name == whole number (…)] …") }
    }

    /// The port meant, and what the node's header says of it.
    fn identify(&mut self, printed: NodeGuid, number: u16) -> PortId {
        let port = match &self.origin.topology {
            Some(topology) => topology.port_of(printed, number),
            None => PortId { node: printed, port: number },
        };
        let (node_kind, port_guid) = match (self.node.lists_errors, self.node.guid) {
            (true, Some(_)) => (Some(NodeKind::Switch), None),
            (true, None) => (Some(NodeKind::ChannelAdapter), Some(printed)),
            (false, _) => (None, None),
        };
        let facts =
            PortFacts { node_name: self.node.name.clone(), node_kind, port_guid, ..PortFacts::default() };
        self.parsed.ports.push((port.into(), facts));
        self.port = Some(port);
        port
    }

    /// The counters of one line, and whether all of them could be read.
    fn read_counters(&mut self, port: PortId, text: &str) -> (Reading, bool) {
        let mut reading = Reading {
            stream: port.into(),
            time: self.origin.time,
            counters: Counters::default(),
            other: Vec::new(),
            gauges: Vec::new(),
            facts: None,
        };
        let mut is_sound = true;
        let mut neighbours = Neighbours::default();
        for item in text.split('[').skip(1) {
            let Some((name, value)) = read_counter(item) else {
                is_sound = false;
                continue;
            };
            if let Some(right) = neighbours.rename(name) {
                let line = self.parsed.account.lines + 1;
                self.parsed.notice(NoticeKind::SwappedDetails, line, || {
                    format!("{name} is printed where {right} belongs: taken as {right}")
                });
                reading.other.push((right.into(), value));
                continue;
            }
            match counter_by_name(name) {
                Some(counter) if is_data(counter) => {
                    let bits = if value == u64::from(u32::MAX) { 32 } else { 64 };
                    let (bytes, range) = words_to_bytes(value, bits);
                    reading.counters.set(counter, bytes, range);
                }
                Some(counter) => reading.counters.set(counter, value, Range::Unstated),
                None => reading.other.push((name.into(), value)),
            }
        }
        reading.other.sort_by(|(left, _), (right, _)| left.cmp(right));
        reading.other.dedup_by(|later, kept| later.0 == kept.0);
        (reading, is_sound)
    }

    fn read_link(&mut self, rest: &str) -> Result<Fate, &'static str> {
        let link = LinkLine::read(rest).ok_or("lid port[ ] ==( width speed state)==> …")?;
        match self.port.filter(|port| port.port == link.local_port) {
            Some(port) => {
                self.parsed.ports.push((port.into(), link.facts(self.origin)));
                Ok(Fate::Used)
            }
            // Link info of a port that was not listed, or of the sum over ports.
            None => Ok(Fate::Ignored),
        }
    }

    fn read_summary(&mut self, text: &str) -> Fate {
        let line = self.parsed.account.lines + 1;
        if text.contains("PMA query failures") && !text.starts_with("0 ") {
            self.parsed.notice(NoticeKind::PartialScrape, line, || text.to_owned());
            return Fate::Used;
        }
        let Some(summary) = text.strip_prefix("Summary:") else { return Fate::Ignored };
        self.is_complete = true;
        self.parsed.notice(NoticeKind::Summary, line, || summary.trim().to_owned());
        Fate::Used
    }

    fn finish(mut self) -> Parsed {
        self.parsed.readings.retain(|reading| !reading.counters.is_empty() || !reading.other.is_empty());
        self.parsed.readings = merge_readings(std::mem::take(&mut self.parsed.readings));
        if !self.is_complete && self.parsed.readings.is_empty() {
            self.parsed.notice(NoticeKind::FailedScrape, 0, || {
                "no ports and no summary: the fabric was not asked, whatever the exit code".into()
            });
        } else if !self.is_complete {
            self.parsed
                .notice(NoticeKind::PartialScrape, 0, || "no summary: the output was cut short".into());
        }
        self.parsed
    }
}

/// `Name == 19817 (19.353K)]`: the suffix is rounded, and of bytes where the number is of words.
fn read_counter(item: &str) -> Option<(&str, u64)> {
    let (item, _) = item.split_once(']')?;
    let (name, value) = item.split_once(" == ")?;
    let value = value.split_ascii_whitespace().next()?.parse().ok()?;
    Some((name.trim(), value)).filter(|(name, _)| !name.is_empty())
}

#[cfg(test)]
mod tests;
