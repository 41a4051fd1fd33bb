//! How many leaves, spines and cores a fat tree of a given number of ports has.
//!
//! People ask for ports, the thing that is paid for and collected from; the tree's own measures follow from that. What
//! the tree's regular steps leave over becomes further hosts and then ports without a cable, so that the number asked
//! for is met exactly.

/// A switch model's ports, and how many hosts a leaf made of it carries.
struct Model {
    radix: usize,
    hosts: usize,
}

/// From a desk-top switch to the 64-port switch of an NDR fabric; a few ports of each stay free.
const MODELS: [Model; 4] = [
    Model { radix: 8, hosts: 3 },
    Model { radix: 16, hosts: 7 },
    Model { radix: 40, hosts: 18 },
    Model { radix: 64, hosts: 30 },
];

/// The measures of one fat tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Leaves in each pod; a two-level tree is one pod.
    pub(crate) pods: Vec<usize>,
    /// Spines in a pod, which is also the uplinks of a leaf.
    pub(crate) spines: usize,
    /// Adapters under each leaf, over all pods.
    pub(crate) adapters: Vec<usize>,
    /// Ports without a cable on each leaf, over all pods.
    pub(crate) never_cabled: Vec<usize>,
    /// Whether spines have uplinks to cores.
    pub(crate) cores: bool,
}

impl Shape {
    /// The tree of `ports` ports of which about `never_cabled_share` have no cable.
    pub(crate) fn of(ports: usize, never_cabled_share: f64) -> Self {
        let cabled = (ports as f64 * (1.0 - never_cabled_share)) as usize;
        let fits = |model: &&Model| model.radix * 4 * model.hosts >= cabled;
        match MODELS.iter().find(fits) {
            Some(model) => Shape::of_leaves(ports, cabled, model, (cabled / (4 * model.hosts)).max(2), false),
            None => {
                let [.., model] = &MODELS;
                Shape::of_leaves(ports, cabled, model, cabled / (6 * model.hosts), true)
            }
        }
    }

    fn of_leaves(ports: usize, cabled: usize, model: &Model, leaves: usize, cores: bool) -> Self {
        let per_leaf = model.hosts * if cores { 6 } else { 4 };
        let mut spare = cabled.saturating_sub(leaves * per_leaf);
        let mut adapters = vec![model.hosts; leaves];
        let room = model.radix - 2 * model.hosts;
        for _ in 0..room {
            for hosts in &mut adapters {
                if spare >= 2 {
                    *hosts += 1;
                    spare -= 2;
                }
            }
        }
        let used = leaves * (per_leaf - 2 * model.hosts) + 2 * adapters.iter().sum::<usize>();
        let free = ports.saturating_sub(used);
        let never_cabled = (0..leaves).map(|leaf| (free + leaves - 1 - leaf) / leaves).collect();
        let pod = if cores { model.hosts } else { leaves };
        let pods = (0..leaves.div_ceil(pod)).map(|index| pod.min(leaves - index * pod)).collect();
        Shape { pods, spines: model.hosts, adapters, never_cabled, cores }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports_of(shape: &Shape) -> usize {
        let leaves: usize = shape.pods.iter().sum();
        let links =
            shape.adapters.iter().sum::<usize>() + leaves * shape.spines * if shape.cores { 2 } else { 1 };
        2 * links + shape.never_cabled.iter().sum::<usize>()
    }

    #[test]
    fn every_size_is_met_exactly() {
        for ports in [32, 33, 100, 150, 999, 1_000, 2_880, 5_000, 8_191, 10_000, 50_001, 200_000, 300_000] {
            let shape = Shape::of(ports, 0.04);
            assert_eq!(ports_of(&shape), ports);
            let free: usize = shape.never_cabled.iter().sum();
            assert!(ports < 500 || (0.02..0.12).contains(&(free as f64 / ports as f64)), "{ports} {free}");
        }
    }
}
