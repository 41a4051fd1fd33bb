//! The fabric's nodes, ports and cables.
//!
//! Ports lie in one array in the nodes' order, adapters first, so that an adapter's number is its port's number and a
//! sweep reads memory from front to back. Names are made when asked for: 200,000 stored names would cost more than
//! the counters.

use linkcast_domain::{LinkRate, NodeGuid, NodeKind, PortFacts, PortId, PortState, StreamId};

use crate::plan::FabricPlan;
use crate::random::Draw;
use crate::shape::Shape;

/// A port's place in the fabric.
pub(crate) type PortIndex = u32;

/// What level of the tree a node is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    Adapter,
    Leaf,
    Spine,
    Core,
}

/// A node and where its ports lie.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) guid: NodeGuid,
    pub(crate) tier: Tier,
    pub(crate) first_port: PortIndex,
    pub(crate) ports: u16,
    /// The leaf this node belongs to or, of spines, the pod; what one exporter reads.
    pub(crate) group: u32,
    /// Number within its tier; of an adapter, its host's number.
    pub(crate) number: u32,
    /// Of an adapter, which of its host's it is.
    pub(crate) unit: u16,
}

/// One port: one end of a cable, or of none.
#[derive(Clone, Debug)]
pub(crate) struct Port {
    pub(crate) node: u32,
    pub(crate) number: u16,
    pub(crate) peer: Option<PortIndex>,
    /// Gb/s both ends could train to.
    pub(crate) capable_gbps: u16,
    /// Gb/s they trained to when installed.
    pub(crate) trained_gbps: u16,
}

/// The nodes, ports and cables of one fabric.
#[derive(Clone, Debug)]
pub struct Topology {
    pub(crate) nodes: Vec<Node>,
    pub(crate) ports: Vec<Port>,
    pub(crate) streams: Vec<StreamId>,
    /// Adapters under each leaf, in order: leaf by leaf they follow one another.
    pub(crate) adapters_of_leaf: Vec<usize>,
    /// Leaves of each pod, in order.
    pub(crate) leaves_of_pod: Vec<usize>,
    adapters_per_host: usize,
}

/// Without a cable a port reads as 4X SDR.
const UNCABLED_GBPS: u16 = 8;

/// Adapters, leaves, spines and cores have GUIDs of their own ranges, rising in the nodes' order.
const GUID_BASES: [u64; 4] =
    [0x946d_ae03_0000_0000, 0xfc6a_1c03_0100_0000, 0xfc6a_1c03_0200_0000, 0xfc6a_1c03_0300_0000];

impl Topology {
    /// The fat tree a plan asks for.
    pub(crate) fn of(plan: &FabricPlan) -> Self {
        let shape = Shape::of(plan.ports, plan.never_cabled_share);
        let mut topology = Topology {
            nodes: Vec::new(),
            ports: Vec::with_capacity(plan.ports),
            streams: Vec::with_capacity(plan.ports),
            adapters_of_leaf: shape.adapters.clone(),
            leaves_of_pod: shape.pods.clone(),
            adapters_per_host: plan.adapters_per_host,
        };
        topology.add_nodes(&shape);
        topology.connect(&shape, plan);
        topology
    }

    /// How many ports there are.
    pub fn len(&self) -> usize {
        self.ports.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ports.is_empty()
    }

    /// Every port's stream and what is known of it, in the order of sweeps.
    pub fn ports(&self) -> impl Iterator<Item = (StreamId, PortFacts)> + '_ {
        (0..).zip(&self.streams).map(|(port, stream)| (stream.clone(), self.facts(port)))
    }

    /// The stream of a port.
    pub(crate) fn stream(&self, port: PortIndex) -> Option<&StreamId> {
        self.streams.get(port as usize)
    }

    /// What is known of a port when all is well.
    pub(crate) fn facts(&self, index: PortIndex) -> PortFacts {
        let Some((port, node)) = self.port_and_node(index) else { return PortFacts::default() };
        let peer = port.peer.and_then(|peer| self.port_and_node(peer));
        let rate = |gbps: u16| LinkRate::from_gbps(f64::from(gbps));
        PortFacts {
            node_name: Some(self.name(node)),
            node_kind: Some(if node.tier == Tier::Adapter {
                NodeKind::ChannelAdapter
            } else {
                NodeKind::Switch
            }),
            port_guid: Some(node.guid),
            peer: peer.map(|(port, node)| PortId { node: node.guid, port: port.number }),
            peer_name: peer.map(|(_, node)| self.name(node)),
            rate: rate(port.trained_gbps),
            capable: rate(port.capable_gbps),
            lanes: Some(lanes_at(f64::from(port.trained_gbps), port.capable_gbps)),
            state: Some(if port.peer.is_some() { PortState::Active } else { PortState::Down }),
        }
    }

    /// A port and the node it is on.
    pub(crate) fn port_and_node(&self, index: PortIndex) -> Option<(&Port, &Node)> {
        let port = self.ports.get(index as usize)?;
        Some((port, self.nodes.get(port.node as usize)?))
    }

    /// A port by its identity.
    pub(crate) fn index_of(&self, port: PortId) -> Option<PortIndex> {
        let place = self.nodes.binary_search_by_key(&port.node, |node| node.guid).ok()?;
        let node = self.nodes.get(place)?;
        (1..=node.ports).contains(&port.port).then(|| node.first_port + PortIndex::from(port.port) - 1)
    }

    /// A node's local identifier; 0 is nobody's.
    pub(crate) fn lid(&self, port: PortIndex) -> u32 {
        self.ports.get(port as usize).map_or(0, |port| port.node + 1)
    }

    /// A node's ports.
    pub(crate) fn ports_of(&self, node: &Node) -> std::ops::Range<PortIndex> {
        node.first_port..node.first_port + PortIndex::from(node.ports)
    }

    /// The host a port is an adapter of.
    pub(crate) fn host(&self, index: PortIndex) -> Option<u32> {
        let (_, node) = self.port_and_node(index)?;
        (node.tier == Tier::Adapter).then_some(node.number)
    }

    /// A node's name, as a node-name map gives it.
    pub(crate) fn name(&self, node: &Node) -> String {
        match node.tier {
            Tier::Adapter => format!("gpu{:05} mlx5_{}", node.number, node.unit),
            Tier::Leaf => format!("leaf-{:04}", node.number),
            Tier::Spine => format!("spine-{:04}", node.number),
            Tier::Core => format!("core-{:04}", node.number),
        }
    }

    fn add_nodes(&mut self, shape: &Shape) {
        let mut host = 0;
        for (leaf, adapters) in (0u32..).zip(&shape.adapters) {
            for adapter in 0..*adapters {
                let unit = adapter % self.adapters_per_host;
                self.add_node(Tier::Adapter, 1, leaf, host, unit);
                if unit + 1 == self.adapters_per_host || adapter + 1 == *adapters {
                    host += 1;
                }
            }
        }
        for (leaf, (adapters, free)) in (0u32..).zip(shape.adapters.iter().zip(&shape.never_cabled)) {
            self.add_node(Tier::Leaf, adapters + shape.spines + free, leaf, leaf, 0);
        }
        let groups = shape.adapters.len() as u32;
        for (pod, leaves) in (0u32..).zip(&shape.pods) {
            for spine in 0..shape.spines as u32 {
                let ports = if shape.cores { 2 * leaves } else { *leaves };
                self.add_node(Tier::Spine, ports, groups + pod, pod * shape.spines as u32 + spine, 0);
            }
        }
        if shape.cores {
            let planes = shape.pods.iter().max().copied().unwrap_or(0);
            for core in 0..shape.spines * planes {
                let pods = shape.pods.iter().filter(|leaves| **leaves > core % planes).count();
                self.add_node(Tier::Core, pods, groups + shape.pods.len() as u32, core as u32, 0);
            }
        }
    }

    fn add_node(&mut self, tier: Tier, ports: usize, group: u32, number: u32, unit: usize) {
        let base = GUID_BASES.get(tier as usize).copied().unwrap_or(0);
        let serial = if tier == Tier::Adapter { self.nodes.len() as u64 } else { u64::from(number) };
        let guid = NodeGuid(base + serial * 0x10);
        let node = self.nodes.len() as u32;
        let first_port = self.ports.len() as u32;
        for number in 1..=ports as u16 {
            self.ports.push(Port {
                node,
                number,
                peer: None,
                capable_gbps: UNCABLED_GBPS,
                trained_gbps: UNCABLED_GBPS,
            });
            self.streams.push(StreamId::from(PortId { node: guid, port: number }));
        }
        self.nodes.push(Node {
            guid,
            tier,
            first_port,
            ports: ports as u16,
            group,
            number,
            unit: unit as u16,
        });
    }

    fn connect(&mut self, shape: &Shape, plan: &FabricPlan) {
        let draw = Draw::of(plan.seed).at(1);
        let rate_of = |key: u64| if draw.at(key).happens(plan.ndr_share) { 400 } else { 200 };
        let first_of = |topology: &Topology, node: usize| {
            topology.nodes.get(node).map_or(0, |node| node.first_port as usize)
        };
        let adapters: usize = shape.adapters.iter().sum();
        let leaves = shape.adapters.len();
        let spines = shape.pods.len() * shape.spines;
        let planes = shape.pods.iter().max().copied().unwrap_or(0);
        let (mut adapter, mut leaf) = (0, 0);
        for (pod, leaves_here) in shape.pods.iter().enumerate() {
            for place in 0..*leaves_here {
                // A tree with cores is bought pod by pod, a smaller one rack by rack.
                let gbps = rate_of(if shape.cores { pod } else { leaf } as u64);
                let base = first_of(self, adapters + leaf);
                let hosts = shape.adapters.get(leaf).copied().unwrap_or(0);
                for host in 0..hosts {
                    self.cable(adapter, base + host, gbps, plan);
                    adapter += 1;
                }
                for spine in 0..shape.spines {
                    let far = first_of(self, adapters + leaves + pod * shape.spines + spine);
                    self.cable(base + hosts + spine, far + place, gbps, plan);
                    if shape.cores {
                        let core = first_of(self, adapters + leaves + spines + spine * planes + place);
                        self.cable(far + leaves_here + place, core + pod, gbps, plan);
                    }
                }
                leaf += 1;
            }
        }
    }

    /// Joins two ports; a few links train to half their lanes and are left so.
    fn cable(&mut self, one: usize, other: usize, gbps: u16, plan: &FabricPlan) {
        let half = Draw::of(plan.seed).at(2).at(one as u64).happens(plan.below_capability_share);
        for (port, peer) in [(one, other), (other, one)] {
            if let Some(port) = self.ports.get_mut(port) {
                port.peer = Some(peer as u32);
                port.capable_gbps = gbps;
                port.trained_gbps = if half { gbps / 2 } else { gbps };
            }
        }
    }
}

/// Lanes in use at a rate, where four lanes give the rate both ends could train to.
pub(crate) fn lanes_at(gbps: f64, capable_gbps: u16) -> u8 {
    (4.0 * gbps / f64::from(capable_gbps.max(1))) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_every_cable_name_each_other() {
        for ports in [32, 500, 3_000, 20_000] {
            let topology = Topology::of(&FabricPlan { ports, ..FabricPlan::default() });
            assert_eq!(topology.len(), ports);
            for (index, port) in (0u32..).zip(&topology.ports) {
                if let Some(peer) = port.peer {
                    let back = &topology.ports[peer as usize];
                    assert_eq!(back.peer, Some(index), "{ports} {index}");
                    assert_eq!(back.trained_gbps, port.trained_gbps);
                }
            }
            let free = topology.ports.iter().filter(|port| port.peer.is_none()).count();
            assert!(free > 0 && free < ports / 3, "{ports} {free}");
        }
    }

    #[test]
    fn no_two_nodes_share_a_guid() {
        let topology = Topology::of(&FabricPlan { ports: 20_000, ..FabricPlan::default() });
        let guids: std::collections::BTreeSet<_> = topology.nodes.iter().map(|node| node.guid).collect();
        assert_eq!(guids.len(), topology.nodes.len());
    }
}
