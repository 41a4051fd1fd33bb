//! What is known of a fabric beside counters: names, both ends of links, rates, LIDs, port GUIDs.
//!
//! Filled from whatever topology sources were read; other parsers use it to give a LID its GUID and an adapter's
//! port GUID its node. Nothing here is guessed: a GUID that is not known stays what was printed.

use std::collections::BTreeMap;

use linkcast_domain::{NodeGuid, NodeKind, PortFacts, PortId, StreamId};

use crate::Parsed;

/// The most ports, LIDs or names kept: above any fabric there is, and small enough to hold.
const MOST_ENTRIES: usize = 4_000_000;

/// What is known of a fabric's ports, by port, LID and GUID.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topology {
    ports: BTreeMap<StreamId, PortFacts>,
    by_port_guid: BTreeMap<NodeGuid, PortId>,
    by_lid: BTreeMap<u16, NodeGuid>,
    names: BTreeMap<NodeGuid, String>,
}

impl Topology {
    /// Takes over what a parsed source says of ports, LIDs and names.
    pub fn absorb(&mut self, parsed: &Parsed) {
        for (stream, facts) in &parsed.ports {
            self.absorb_port(stream, facts);
        }
        for (lid, guid) in &parsed.lids {
            self.by_lid.insert(*lid, *guid);
        }
        for (guid, name) in parsed.names.iter().take(MOST_ENTRIES.saturating_sub(self.names.len())) {
            self.names.insert(*guid, name.clone());
        }
    }

    fn absorb_port(&mut self, stream: &StreamId, facts: &PortFacts) {
        if self.ports.len() >= MOST_ENTRIES && !self.ports.contains_key(stream) {
            return;
        }
        if let (Some(port), Some(port_guid)) = (stream.port(), facts.port_guid)
            && facts.node_kind != Some(NodeKind::Switch)
        {
            self.by_port_guid.insert(port_guid, port);
        }
        self.ports.entry(stream.clone()).or_default().update(facts.clone());
    }

    /// What is known of a port.
    pub fn facts(&self, stream: &StreamId) -> Option<&PortFacts> {
        self.ports.get(stream)
    }

    /// Every port known, in order.
    pub fn ports(&self) -> impl Iterator<Item = (&StreamId, &PortFacts)> {
        self.ports.iter()
    }

    /// The node that answers to a LID.
    pub fn node_of_lid(&self, lid: u16) -> Option<NodeGuid> {
        self.by_lid.get(&lid).copied()
    }

    /// The name given to a node, a node-name map's before any other.
    pub fn node_name(&self, node: NodeGuid) -> Option<&str> {
        self.names.get(&node).map(String::as_str)
    }

    /// The port a tool means by a GUID and a port number: for adapters most print the PORT's GUID.
    pub fn port_of(&self, printed: NodeGuid, port: u16) -> PortId {
        match self.by_port_guid.get(&printed) {
            Some(known) if known.port == port => *known,
            _ => PortId { node: printed, port },
        }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.ports.is_empty() && self.by_lid.is_empty() && self.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapters_port_guid_leads_to_its_node() {
        let port = PortId { node: NodeGuid(0x10_0006), port: 1 };
        let facts = PortFacts { port_guid: Some(NodeGuid(0x10_0007)), ..PortFacts::default() };
        let parsed =
            Parsed { ports: vec![(port.into(), facts)], lids: vec![(8, port.node)], ..Parsed::default() };
        let mut topology = Topology::default();
        topology.absorb(&parsed);
        assert_eq!(topology.port_of(NodeGuid(0x10_0007), 1), port);
        assert_eq!(topology.port_of(NodeGuid(0x10_0006), 1), port);
        assert_eq!(topology.node_of_lid(8), Some(port.node));
    }
}
