//! Which ports are read, and how many each stands for.

use std::collections::{BTreeMap, BTreeSet};

use linkcast_domain::StreamId;

use crate::benign::Cause;
use crate::plan::{FabricPlan, Selection};
use crate::random::Draw;
use crate::schedule::Schedule;
use crate::topology::{PortIndex, Topology};

/// The ports a sweep reads, in order.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) ports: Vec<PortIndex>,
    /// Weights of the ports in a stratum; nothing where every port is read.
    weights: Option<BTreeMap<StreamId, f64>>,
}

impl Wanted {
    /// The ports a plan selects.
    pub(crate) fn of(plan: &FabricPlan, topology: &Topology, schedule: &Schedule) -> Self {
        let every = 0..topology.len() as PortIndex;
        match plan.selection {
            Selection::Every => Wanted { ports: every.collect(), weights: None },
            Selection::Stratum { benign_share, quiet_share } => {
                let strata = Strata::of(topology, schedule);
                let draw = Draw::of(plan.seed).at(40);
                let mut ports = Vec::new();
                let mut weights = BTreeMap::new();
                for port in every {
                    let share = strata.share(topology, port, benign_share, quiet_share);
                    if draw.at(unit(topology, port)).happens(share) {
                        ports.push(port);
                        if let Some(stream) = topology.stream(port) {
                            weights.insert(stream.clone(), 1.0 / share);
                        }
                    }
                }
                Wanted { ports, weights: Some(weights) }
            }
        }
    }

    /// How many ports a stream stands for.
    pub(crate) fn weight(&self, stream: &StreamId) -> Option<f64> {
        match &self.weights {
            Some(weights) => weights.get(stream).copied(),
            None => Some(1.0),
        }
    }
}

/// What is drawn together: all links of a host, or one link between switches.
fn unit(topology: &Topology, port: PortIndex) -> u64 {
    let peer = topology.ports.get(port as usize).and_then(|port| port.peer);
    let host = topology.host(port).or_else(|| topology.host(peer?));
    match host {
        Some(host) => 1 << 32 | u64::from(host),
        None => u64::from(port.min(peer.unwrap_or(port))),
    }
}

/// The units with a fault, and those with something benign.
struct Strata {
    faulty: BTreeSet<u64>,
    benign: BTreeSet<u64>,
}

impl Strata {
    fn of(topology: &Topology, schedule: &Schedule) -> Self {
        let mut strata = Strata { faulty: BTreeSet::new(), benign: BTreeSet::new() };
        for effect in &schedule.effects {
            let unit = unit(topology, effect.link);
            match effect.cause {
                Cause::Fault(_) => strata.faulty.insert(unit),
                _ => strata.benign.insert(unit),
            };
        }
        let narrow = (0..).zip(&topology.ports).filter(|(_, port)| port.trained_gbps < port.capable_gbps);
        strata.faulty.extend(narrow.map(|(port, _)| unit(topology, port)));
        strata
    }

    fn share(&self, topology: &Topology, port: PortIndex, benign_share: f64, quiet_share: f64) -> f64 {
        let unit = unit(topology, port);
        if self.faulty.contains(&unit) {
            1.0
        } else if self.benign.contains(&unit) {
            benign_share
        } else {
            quiet_share
        }
    }
}
