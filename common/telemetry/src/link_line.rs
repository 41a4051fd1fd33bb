//! One link as `iblinkinfo` and `ibqueryerrors --report-port` draw it: `lid port[ ] ==( width speed state)==> peer`.
//!
//! "(Could be 4X Could be 25.78125 Gbps)" is the earliest warning there is, a link trained below what it can do, and
//! nobody exports it.

use linkcast_domain::{LinkRate, NodeGuid, PortFacts, PortId, PortState};

use crate::{LinkSpeed, Origin, parse_link_width};

/// What a link line says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LinkLine {
    pub(crate) local_guid: Option<NodeGuid>,
    pub(crate) local_name: Option<String>,
    pub(crate) local_lid: u16,
    pub(crate) local_port: u16,
    pub(crate) lanes: Option<u8>,
    pub(crate) rate: Option<LinkRate>,
    pub(crate) capable: Option<LinkRate>,
    pub(crate) state: Option<PortState>,
    pub(crate) remote_guid: Option<NodeGuid>,
    pub(crate) remote_lid: Option<u16>,
    pub(crate) remote_port: Option<u16>,
    pub(crate) remote_name: Option<String>,
}

impl LinkLine {
    /// Reads a link line, or `None` if this is none.
    pub(crate) fn read(line: &str) -> Option<LinkLine> {
        let (local, rest) = line.split_once("==(")?;
        let (link, remote) = rest.split_once(")==>")?;
        let near = End::read(local)?;
        let far = End::read(remote).unwrap_or_default();
        let (lanes, speed) = width_and_speed(link);
        let (capable_lanes, capable_speed) = could_be(remote);
        let is_up = lanes.is_some();
        let capable = is_up && (capable_lanes.is_some() || capable_speed.is_some());
        let rate_of = |lanes: Option<u8>, speed: Option<LinkSpeed>| speed?.data_rate(lanes?);
        let rate = rate_of(lanes, speed);
        Some(LinkLine {
            local_guid: near.guid,
            local_name: near.name,
            local_lid: near.lid?,
            local_port: near.port?,
            lanes,
            rate,
            capable: if capable { rate_of(capable_lanes.or(lanes), capable_speed.or(speed)) } else { rate },
            state: state(link),
            remote_guid: far.guid,
            remote_lid: far.lid,
            remote_port: far.port,
            remote_name: far.name,
        })
    }

    /// What it says of the near port; the peer only where its GUID was printed.
    pub(crate) fn facts(&self, origin: &Origin) -> PortFacts {
        let peer = self.remote_guid.zip(self.remote_port).map(|(node, port)| match &origin.topology {
            Some(topology) => topology.port_of(node, port),
            None => PortId { node, port },
        });
        PortFacts {
            peer,
            peer_name: self.remote_name.clone(),
            rate: self.rate,
            capable: self.capable,
            lanes: self.lanes,
            state: self.state,
            ..PortFacts::default()
        }
    }
}

/// One end: `[guid] ["name"] lid port[ ] ["name"]`.
#[derive(Default)]
struct End {
    guid: Option<NodeGuid>,
    name: Option<String>,
    lid: Option<u16>,
    port: Option<u16>,
}

impl End {
    fn read(text: &str) -> Option<End> {
        let (before, after) = text.split_once('[').unwrap_or((text, ""));
        let mut words =
            before.rsplit(|character: char| character.is_whitespace()).filter(|word| !word.is_empty());
        let port = words.next()?.parse().ok()?;
        let lid = words.next()?.parse().ok()?;
        let guid = before.split_ascii_whitespace().find(|word| word.starts_with("0x"));
        let name = quoted(before).or_else(|| quoted(after)).filter(|name| !name.is_empty());
        Some(End { guid: guid.and_then(|guid| guid.parse().ok()), name, lid: Some(lid), port: Some(port) })
    }
}

/// What stands between the first and the last quote, trimmed: names may hold quotes themselves.
pub(crate) fn quoted(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('"')?;
    let (name, _) = rest.rsplit_once('"')?;
    Some(name.trim().to_owned())
}

fn width_and_speed(text: &str) -> (Option<u8>, Option<LinkSpeed>) {
    let lanes = text.split_ascii_whitespace().find_map(parse_link_width);
    if text.contains("FDR10") {
        return (lanes, Some(LinkSpeed::Fdr10));
    }
    let speed = text.split_ascii_whitespace().find_map(|word| word.parse().ok());
    (lanes, speed.and_then(LinkSpeed::from_lane_signalling_gbps))
}

fn could_be(remote: &str) -> (Option<u8>, Option<LinkSpeed>) {
    match remote.rsplit_once("(Could be") {
        Some((_, text)) => width_and_speed(text.trim_end_matches(')')),
        None => (None, None),
    }
}

fn state(link: &str) -> Option<PortState> {
    let (logical, _) = link.rsplit_once('/')?;
    match logical.split_ascii_whitespace().next_back()? {
        "Active" => Some(PortState::Active),
        "Down" => Some(PortState::Down),
        "Initialize" | "Init" | "Armed" => Some(PortState::Training),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_below_its_capability_says_so() {
        let line = LinkLine::read(
            r#"   2   2[  ] ==( 4X           2.5 Gbps Active/  LinkUp)==>  0x0000000000100003      5    1[  ] "gpu02 mlx5_0" (Could be 12X Could be 10.0 Gbps)"#,
        )
        .unwrap();
        assert_eq!((line.local_lid, line.local_port), (2, 2));
        assert_eq!(line.rate.unwrap().gbps(), 8.0);
        assert_eq!(line.capable.unwrap().gbps(), 96.0);
        assert_eq!(line.state, Some(PortState::Active));
        assert_eq!(line.remote_guid, Some(NodeGuid(0x10_0003)));
        assert_eq!(line.remote_name.as_deref(), Some("gpu02 mlx5_0"));
    }

    #[test]
    fn a_port_that_is_polling_has_no_rate_and_no_peer() {
        let line =
            LinkLine::read(r#"  3    4[  ] ==(                Down/ Polling)==>             [  ] "" ( )"#)
                .unwrap();
        assert_eq!(line.state, Some(PortState::Down));
        assert_eq!((line.rate, line.remote_guid, line.remote_name), (None, None, None));
    }
}
