//! `iblinkinfo`, grouped by node or one link a line (`-l`).
//!
//! Grouped output prints no GUID for the far end, only its LID, which the same file explains elsewhere.

use std::collections::BTreeMap;

use linkcast_domain::{NodeGuid, NodeKind, PortFacts, PortId};

use crate::link_line::LinkLine;
use crate::{Fate, Origin, Parsed};

/// Reads the listing.
pub(crate) fn parse(bytes: &[u8], origin: &Origin) -> Parsed {
    let mut reader = Reader { origin, kind: None, guid: None, name: None, far_ends: Vec::new() };
    let mut parsed = super::each_line(bytes, origin, |parsed, line| reader.read_line(parsed, line));
    let guids: BTreeMap<(u16, u16), PortId> =
        reader.far_ends.iter().map(|end| ((end.lid, end.number), end.port)).collect();
    for ((_, facts), end) in parsed.ports.iter_mut().zip(&reader.far_ends) {
        if facts.peer.is_none() {
            facts.peer = end.far.and_then(|far| guids.get(&far).copied());
        }
    }
    parsed
}

struct Reader<'o> {
    origin: &'o Origin,
    kind: Option<NodeKind>,
    guid: Option<NodeGuid>,
    name: Option<String>,
    far_ends: Vec<Ends>,
}

/// Who is at a LID and port, and at which LID and port its peer is.
struct Ends {
    lid: u16,
    number: u16,
    port: PortId,
    far: Option<(u16, u16)>,
}

impl Reader<'_> {
    fn read_line(&mut self, parsed: &mut Parsed, line: &str) -> Result<Fate, &'static str> {
        if !line.contains("==(") {
            return self.read_header(line).ok_or("a node's header or a link");
        }
        let link = LinkLine::read(line).ok_or("[guid] lid port[ ] ==( width speed state)==> …")?;
        let printed = link.local_guid.or(self.guid).ok_or("a link whose node is known")?;
        let port = match &self.origin.topology {
            Some(topology) => topology.port_of(printed, link.local_port),
            None => PortId { node: printed, port: link.local_port },
        };
        let is_adapter = self.kind == Some(NodeKind::ChannelAdapter);
        let facts = PortFacts {
            node_name: link.local_name.clone().or_else(|| self.name.clone()),
            node_kind: self.kind,
            port_guid: is_adapter.then_some(printed),
            ..link.facts(self.origin)
        };
        self.far_ends.push(Ends {
            lid: link.local_lid,
            number: link.local_port,
            port,
            far: link.remote_lid.zip(link.remote_port),
        });
        parsed.lids.push((link.local_lid, port.node));
        parsed.ports.push((port.into(), facts));
        Ok(Fate::Used)
    }

    /// `CA: gpu06 mlx5_0:` or `Switch: 0x0000000000200001 leaf-r02:`.
    fn read_header(&mut self, line: &str) -> Option<Fate> {
        let (kind, rest) = line.split_once(": ")?;
        self.kind = Some(match kind {
            "CA" => NodeKind::ChannelAdapter,
            "Switch" => NodeKind::Switch,
            "Router" => NodeKind::Router,
            _ => return None,
        });
        let rest = rest.trim().trim_end_matches(':');
        let (guid, name) = match rest.split_once(' ') {
            Some((guid, name)) if guid.starts_with("0x") => (guid.parse().ok(), name),
            _ => (None, rest),
        };
        self.guid = guid;
        self.name = Some(name.trim().to_owned());
        Some(Fate::Used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_printed_by_lid_gets_its_guid_from_its_own_line() {
        let text = r#"CA: gpu06 mlx5_0:
      0x000000000010000b     10    1[  ] ==( 4X           2.5 Gbps Active/  LinkUp)==>       3    3[  ] "leaf-r02" (Could be 12X Could be 10.0 Gbps)
Switch: 0x0000000000200001 leaf-r02:
           3    3[  ] ==( 4X           2.5 Gbps Active/  LinkUp)==>      10    1[  ] "gpu06 mlx5_0" (Could be 12X Could be 10.0 Gbps)
           3    4[  ] ==(                Down/ Polling)==>             [  ] "" ( )
"#;
        let parsed = parse(text.as_bytes(), &Origin::named("links"));
        assert!(parsed.rejects.is_empty(), "{:?}", parsed.rejects);
        assert_eq!(parsed.ports[0].1.peer, Some(PortId { node: NodeGuid(0x20_0001), port: 3 }));
        assert_eq!(parsed.ports[1].1.peer, Some(PortId { node: NodeGuid(0x10_000b), port: 1 }));
        assert_eq!(parsed.ports[1].1.node_name.as_deref(), Some("leaf-r02"));
        assert_eq!(parsed.ports[0].1.port_guid, Some(NodeGuid(0x10_000b)));
        assert_eq!(parsed.ports[2].1.peer, None);
    }
}
