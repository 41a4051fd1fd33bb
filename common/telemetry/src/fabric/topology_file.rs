//! `ibnetdiscover`'s topology file: the one source that gives an adapter's node GUID beside its port GUID.

use linkcast_domain::{NodeGuid, NodeKind, PortFacts, PortId, PortState};

use crate::link_line::quoted;
use crate::{Fate, LinkSpeed, Origin, Parsed, parse_link_width};

/// Reads the file.
pub(crate) fn parse(bytes: &[u8], origin: &Origin) -> Parsed {
    let mut node = None;
    super::each_line(bytes, origin, |parsed, line| read_line(parsed, line, &mut node))
}

struct Node {
    guid: NodeGuid,
    kind: NodeKind,
    name: Option<String>,
}

fn read_line(parsed: &mut Parsed, line: &str, node: &mut Option<Node>) -> Result<Fate, &'static str> {
    if line.starts_with('#') || is_attribute(line) {
        return Ok(Fate::Ignored);
    }
    if line.starts_with('[') {
        let node = node.as_ref().ok_or("a node before its ports")?;
        return read_port(parsed, line, node).ok_or("[port] \"X-guid\"[port] # … 4xSPEED");
    }
    let entered = read_node(parsed, line).ok_or("Switch, Ca or Rt with \"X-guid\" and a name")?;
    *node = Some(entered);
    Ok(Fate::Used)
}

fn is_attribute(line: &str) -> bool {
    line.split_once('=').is_some_and(|(name, _)| name.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// `Switch 36 "S-0000000000200001" # "leaf-r02" base port 0 lid 3 lmc 0`.
fn read_node(parsed: &mut Parsed, line: &str) -> Option<Node> {
    let kind = match line.split_ascii_whitespace().next()? {
        "Switch" => NodeKind::Switch,
        "Ca" | "Hca" => NodeKind::ChannelAdapter,
        "Rt" => NodeKind::Router,
        _ => return None,
    };
    let (declared, comment) = line.split_once('#').unwrap_or((line, ""));
    let guid = guid_of(&quoted(declared)?)?;
    let name = quoted(comment);
    parsed.names.extend(name.clone().map(|name| (guid, name)));
    let lid = after_word(comment.rsplit_once('"').map_or(comment, |(_, rest)| rest), "lid");
    parsed.lids.extend(lid.map(|lid| (lid, guid)));
    Some(Node { guid, kind, name })
}

/// `[1](10000b)  "S-0000000000200001"[3] # lid 10 lmc 0 "leaf-r02" lid 3 4xSDR`.
fn read_port(parsed: &mut Parsed, line: &str, node: &Node) -> Option<Fate> {
    let (declared, comment) = line.split_once('#').unwrap_or((line, ""));
    let (near, rest) = declared.split_once('"')?;
    let (peer_id, far) = rest.split_once('"')?;
    let number = bracketed(near, '[', ']')?.parse().ok()?;
    let peer_port = bracketed(far, '[', ']')?.parse().ok()?;
    let (lanes, speed) = comment.split_ascii_whitespace().next_back().and_then(read_speed).unzip();
    if node.kind != NodeKind::Switch {
        let own = comment.split('"').next().unwrap_or_default();
        parsed.lids.extend(after_word(own, "lid").map(|lid| (lid, node.guid)));
    }
    let facts = PortFacts {
        node_name: node.name.clone(),
        node_kind: Some(node.kind),
        port_guid: bracketed(near, '(', ')').and_then(|guid| guid.parse().ok()),
        peer: Some(PortId { node: guid_of(peer_id)?, port: peer_port }),
        peer_name: quoted(comment),
        rate: speed.zip(lanes).and_then(|(speed, lanes): (LinkSpeed, u8)| speed.data_rate(lanes)),
        lanes,
        state: Some(PortState::Active),
        capable: None,
    };
    parsed.ports.push((PortId { node: node.guid, port: number }.into(), facts));
    Some(Fate::Used)
}

/// `4xSDR`.
fn read_speed(text: &str) -> Option<(u8, LinkSpeed)> {
    let (width, name) = text.split_at_checked(text.find('x')? + 1)?;
    Some((parse_link_width(width)?, LinkSpeed::from_name(name)?))
}

/// `S-0000000000200001`.
fn guid_of(id: &str) -> Option<NodeGuid> {
    id.split_once('-')?.1.parse().ok()
}

fn bracketed(text: &str, open: char, close: char) -> Option<&str> {
    let (_, rest) = text.split_once(open)?;
    Some(rest.split_once(close)?.0)
}

fn after_word(text: &str, word: &str) -> Option<u16> {
    let mut words = text.split_ascii_whitespace();
    words.find(|found| *found == word)?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Topology;

    #[test]
    fn an_adapters_node_is_found_by_its_port_guid_and_its_lid() {
        let text = "caguid=0x10000a\nCa\t1 \"H-000000000010000a\"\t\t# \"gpu06 mlx5_0\"\n\
            [1](10000b) \t\"S-0000000000200001\"[3]\t\t# lid 10 lmc 0 \"leaf-r02\" lid 3 4xSDR\n\
            switchguid=0x200001(200001)\n\
            Switch\t36 \"S-0000000000200001\"\t\t# \"leaf-r02\" base port 0 lid 3 lmc 0\n\
            [3]\t\"H-000000000010000a\"[1](10000b) \t\t# \"gpu06 mlx5_0\" lid 10 4xSDR\n";
        let parsed = parse(text.as_bytes(), &Origin::named("topology"));
        assert!(parsed.rejects.is_empty(), "{:?}", parsed.rejects);
        assert_eq!((parsed.account.used, parsed.account.ignored), (4, 2));
        let mut topology = Topology::default();
        topology.absorb(&parsed);
        let port = PortId { node: NodeGuid(0x10_000a), port: 1 };
        assert_eq!(topology.port_of(NodeGuid(0x10_000b), 1), port);
        assert_eq!(topology.node_of_lid(10), Some(port.node));
        assert_eq!(topology.node_of_lid(3), Some(NodeGuid(0x20_0001)));
        let facts = topology.facts(&"0000000000200001/3".parse().unwrap()).unwrap();
        assert_eq!((facts.peer, facts.rate.unwrap().gbps()), (Some(port), 8.0));
    }
}
