//! `ibnetdiscover -p`: one line a port, both directions of each link.
//!
//! Unconnected ports read SDR, or `???`: they have no rate worth dividing by. Adapters are named by PORT GUID.

use linkcast_domain::{NodeGuid, NodeKind, PortFacts, PortId, PortState};

use crate::{Fate, LinkSpeed, Origin, Parsed, parse_link_width};

const A_PORT: &str = "CA|SW|RT lid port 0xGUID width speed [- peer ( 'name' - 'name' )]";

/// Reads the listing.
pub(crate) fn parse(bytes: &[u8], origin: &Origin) -> Parsed {
    super::each_line(bytes, origin, |parsed, line| read_line(parsed, line, origin))
}

fn read_line(parsed: &mut Parsed, line: &str, origin: &Origin) -> Result<Fate, &'static str> {
    if line.starts_with('#') {
        return Ok(Fate::Ignored);
    }
    let (near, rest) = End::read(line, origin).ok_or(A_PORT)?;
    let (width, rest) = word(rest);
    let (speed, rest) = word(rest);
    let mut facts = PortFacts {
        node_kind: Some(near.kind),
        port_guid: (near.kind == NodeKind::ChannelAdapter).then_some(near.printed),
        state: Some(PortState::Down),
        ..PortFacts::default()
    };
    match rest.trim_start().strip_prefix("- ") {
        None => facts.node_name = name(rest),
        Some(rest) => {
            let (far, rest) = End::read(rest, origin).ok_or(A_PORT)?;
            let lanes = parse_link_width(width).ok_or("a width of 1x, 2x, 4x, 8x or 12x")?;
            facts.lanes = Some(lanes);
            facts.rate = LinkSpeed::from_name(speed).and_then(|speed| speed.data_rate(lanes));
            facts.state = Some(PortState::Active);
            facts.peer = Some(far.port);
            let names = rest.trim().trim_start_matches('(').trim_end_matches(')').trim();
            let both = names.split_once("' - '").or_else(|| names.split_once(" - "));
            facts.node_name = both.and_then(|(near, _)| name(near));
            facts.peer_name = both.and_then(|(_, far)| name(far));
        }
    }
    parsed.lids.push((near.lid, near.port.node));
    parsed.ports.push((near.port.into(), facts));
    Ok(Fate::Used)
}

struct End {
    kind: NodeKind,
    lid: u16,
    printed: NodeGuid,
    port: PortId,
}

impl End {
    /// `CA   134  1 0x7cfe9003003b4bde`, and what follows.
    fn read<'a>(text: &'a str, origin: &Origin) -> Option<(End, &'a str)> {
        let (kind, rest) = word(text);
        let kind = match kind {
            "CA" => NodeKind::ChannelAdapter,
            "SW" => NodeKind::Switch,
            "RT" => NodeKind::Router,
            _ => return None,
        };
        let (lid, rest) = word(rest);
        let (number, rest) = word(rest);
        let (guid, rest) = word(rest);
        let (printed, number): (NodeGuid, u16) = (guid.parse().ok()?, number.parse().ok()?);
        let port = match &origin.topology {
            Some(topology) => topology.port_of(printed, number),
            None => PortId { node: printed, port: number },
        };
        Some((End { kind, lid: lid.parse().ok()?, printed, port }, rest))
    }
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

/// A node's name without the quotes and spaces around it.
fn name(text: &str) -> Option<String> {
    let name = text.trim().trim_matches('\'').trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(line: &str) -> (String, PortFacts) {
        let parsed = parse(line.as_bytes(), &Origin::named("ports"));
        assert!(parsed.rejects.is_empty(), "{:?}", parsed.rejects);
        let (stream, facts) = parsed.ports[0].clone();
        (stream.to_string(), facts)
    }

    #[test]
    fn a_link_names_both_ends_and_its_rate() {
        let (stream, facts) = facts(
            "CA   134  1 0x7cfe9003003b4bde 4x EDR - SW  1719 10 0x7cfe9003009ce5b0 ( 'o0001 HCA-1' - ' leaf 01 ' )",
        );
        assert_eq!(stream, "7cfe9003003b4bde/1");
        assert_eq!(facts.rate.unwrap().gbps(), 100.0);
        assert_eq!(facts.node_name.as_deref(), Some("o0001 HCA-1"));
        assert_eq!(facts.peer_name.as_deref(), Some("leaf 01"));
        assert_eq!(facts.peer.unwrap().port, 10);
    }

    #[test]
    fn an_unconnected_port_has_no_rate_whatever_it_reads() {
        for line in [
            "SW  2052 37 0x506b4b03005c2740 4x ???     'ib-i4l1s01'",
            "SW  1781 80 0x08c0eb0300add20e 4x SDR     'ib-i4l1s01'",
            "SW   479 22 0x0002c9020040f161 4x QDR     ib-i4l1s01",
        ] {
            let (_, facts) = facts(line);
            assert_eq!((facts.rate, facts.state), (None, Some(PortState::Down)));
            assert_eq!(facts.node_name.as_deref(), Some("ib-i4l1s01"));
        }
    }
}
