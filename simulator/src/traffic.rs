//! Who sends how much, and when: jobs that start and end abruptly, services that follow the day, and what both mean for
//! the links above them.
//!
//! Hosts are divided into allocations, from a single adapter to several leaves, and each runs one job after another. A
//! sweep works out every allocation once and every leaf and pod from those; a port then only looks its source up, so
//! traffic costs a port a few multiplications and both ends of a link see the same bytes.

use crate::random::{Draw, wave};
use crate::topology::{Tier, Topology};

/// Milliseconds in an hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// The most of a link's rate a source whose load was raised can use: headers take the rest.
const FULL: f64 = 0.97;

/// The stretch of time one sweep covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) step: u64,
}

impl Interval {
    pub(crate) fn seconds(&self) -> f64 {
        (self.to - self.from) as f64 / 1000.0
    }

    /// The share of the interval that lies within `from` to `to`.
    pub(crate) fn share_within(&self, from: i64, to: i64) -> f64 {
        let length = (self.to - self.from).max(1) as f64;
        ((self.to.min(to) - self.from.max(from)).max(0) as f64 / length).min(1.0)
    }

    /// Whether this instant lies in the interval, its end included.
    pub(crate) fn holds(&self, instant: i64) -> bool {
        self.from < instant && instant <= self.to
    }
}

/// What a source sends in one interval.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    /// Share of the link's rate, 0 to 1.
    pub(crate) utilization: f64,
    /// Bytes in a packet.
    pub(crate) packet_bytes: f64,
    /// How strongly full links make each other wait.
    pub(crate) incast: f64,
    /// Whether a job ended within the interval: 0 or 1.
    pub(crate) ended: f64,
}

/// One allocation of adapters and the job it runs.
#[derive(Clone, Debug)]
struct Allocation {
    draw: Draw,
    service: bool,
    /// Share of its traffic that leaves the leaf.
    outbound: f64,
    job: u64,
    begins: i64,
    ends: i64,
    profile: Load,
    swing: f64,
}

/// All sources of traffic: allocations, then leaves, then pods.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    allocations: Vec<Allocation>,
    /// For each leaf, the allocations of its adapters and their shares.
    parts: Vec<Vec<(u32, f64)>>,
    leaves_of_pod: Vec<usize>,
    loads: Vec<Load>,
}

impl Traffic {
    /// The allocations of a fabric, and each port's source.
    pub(crate) fn of(topology: &Topology, seed: Draw, start: i64) -> (Self, Vec<u32>) {
        let mut traffic = Traffic {
            allocations: Vec::new(),
            parts: Vec::new(),
            leaves_of_pod: topology.leaves_of_pod.clone(),
            loads: Vec::new(),
        };
        let mut sources = traffic.allocate(topology, seed, start);
        let allocations = traffic.allocations.len() as u32;
        let leaves = topology.adapters_of_leaf.len() as u32;
        for port in (sources.len() as u32)..topology.len() as u32 {
            let peer = topology.ports.get(port as usize).and_then(|port| port.peer);
            let source =
                match (topology.port_and_node(port), peer.and_then(|peer| topology.port_and_node(peer))) {
                    (_, Some((_, far))) if far.tier == Tier::Adapter => {
                        sources.get(far.first_port as usize).copied()
                    }
                    (Some((_, near)), _) if near.tier == Tier::Leaf => Some(allocations + near.group),
                    (_, Some((_, far))) if far.tier == Tier::Leaf => Some(allocations + far.group),
                    (Some((_, near)), _) if near.tier == Tier::Spine => Some(allocations + near.group),
                    (_, Some((_, far))) if far.tier == Tier::Spine => Some(allocations + far.group),
                    _ => None,
                };
            sources.push(source.unwrap_or(0));
        }
        traffic.loads = vec![Load::default(); (allocations + leaves) as usize + topology.leaves_of_pod.len()];
        (traffic, sources)
    }

    /// Divides each leaf's adapters into allocations, some of which cover several leaves; gives each adapter's.
    fn allocate(&mut self, topology: &Topology, seed: Draw, start: i64) -> Vec<u32> {
        let mut sources = Vec::with_capacity(topology.len());
        let mut leaves_left = 0;
        for (leaf, adapters) in topology.adapters_of_leaf.iter().enumerate() {
            let draw = seed.at(leaf as u64);
            let mut parts = Vec::new();
            if leaves_left == 0 && draw.at(0).happens(0.35) {
                leaves_left = 1 << draw.at(1).choice(4);
                self.allocations.push(Allocation::of(draw.at(2), 0.9, start));
            }
            if leaves_left > 0 {
                leaves_left -= 1;
                parts.push((self.allocations.len() as u32 - 1, 1.0));
                sources.resize(sources.len() + adapters, self.allocations.len() as u32 - 1);
            } else {
                let mut left = *adapters;
                while left > 0 {
                    let size = (1 << draw.at(3).at(left as u64).choice(4)).min(left);
                    self.allocations.push(Allocation::of(draw.at(4).at(left as u64), 0.35, start));
                    parts.push((self.allocations.len() as u32 - 1, size as f64 / *adapters as f64));
                    sources.resize(sources.len() + size, self.allocations.len() as u32 - 1);
                    left -= size;
                }
            }
            self.parts.push(parts);
        }
        sources
    }

    /// Works out every source for one interval, its load multiplied by `factor`.
    pub(crate) fn advance(&mut self, interval: &Interval, factor: f64) {
        let Traffic { allocations, parts, leaves_of_pod, loads } = self;
        let (own, above) = loads.split_at_mut(allocations.len());
        for (allocation, load) in allocations.iter_mut().zip(own.iter_mut()) {
            *load = allocation.advance(interval);
            if factor != 1.0 {
                load.utilization = (load.utilization * factor).min(FULL);
            }
        }
        let (leaves, pods) = above.split_at_mut(parts.len());
        for (parts, load) in parts.iter().zip(leaves.iter_mut()) {
            *load = mean(parts.iter().filter_map(|(source, share)| {
                let outbound = allocations.get(*source as usize)?.outbound;
                Some((own.get(*source as usize)?, *share, *share * outbound))
            }));
        }
        let mut first = 0;
        for (count, load) in leaves_of_pod.iter().zip(pods) {
            let share = 1.0 / (*count).max(1) as f64;
            *load = mean(leaves.iter().skip(first).take(*count).map(|leaf| (leaf, share, share * 0.6)));
            first += count;
        }
    }

    /// What a source sends in the interval advanced to.
    #[inline]
    pub(crate) fn load(&self, source: u32) -> Load {
        self.loads.get(source as usize).copied().unwrap_or_default()
    }
}

/// The mean of sources, weighted; utilization has a weight of its own.
fn mean<'a>(parts: impl Iterator<Item = (&'a Load, f64, f64)>) -> Load {
    parts.fold(Load::default(), |sum, (load, share, outbound)| Load {
        utilization: sum.utilization + load.utilization * outbound,
        packet_bytes: sum.packet_bytes + load.packet_bytes * share,
        incast: sum.incast + load.incast * share,
        ended: 0.0,
    })
}

impl Allocation {
    fn of(draw: Draw, outbound: f64, start: i64) -> Self {
        let before = (draw.at(0).unit() * 6.0 * HOUR_MS as f64) as i64;
        let mut allocation = Allocation {
            draw,
            service: draw.at(1).happens(0.2),
            outbound,
            job: 0,
            begins: start - before,
            ends: start - before,
            profile: Load::default(),
            swing: 0.0,
        };
        allocation.next_job();
        allocation
    }

    /// A pause, longer at night and at weekends, and then another job.
    fn next_job(&mut self) {
        self.job += 1;
        let draw = self.draw.at(2).at(self.job);
        let pause_ms = draw.at(0).wait(0.4 * HOUR_MS as f64) * (3.0 - 2.0 * working_hours(self.ends));
        self.begins = self.ends + pause_ms as i64;
        self.ends = self.begins + (draw.at(1).spread(0.15, 36.0) * HOUR_MS as f64) as i64;
        self.profile = Load {
            utilization: draw.at(2).spread(0.06, 0.78),
            packet_bytes: draw.at(3).between(900.0, 4150.0),
            incast: draw.at(4).spread(0.05, 0.6),
            ended: 0.0,
        };
        self.swing = draw.at(5).between(0.05, 0.45);
    }

    fn advance(&mut self, interval: &Interval) -> Load {
        let mut ended = 0.0;
        let mut active = interval.share_within(self.begins, self.ends);
        while self.ends <= interval.to {
            ended = 1.0;
            self.next_job();
            active += interval.share_within(self.begins, self.ends);
        }
        let noise = self.draw.at(3).at(interval.step).unit();
        let idle = 0.0004 + 0.003 * noise * working_hours(interval.to);
        let utilization = if self.service {
            self.profile.utilization * (0.15 + 0.85 * working_hours(interval.to)) * (0.95 + 0.1 * noise)
        } else {
            active.min(1.0) * self.profile.utilization * (1.0 + self.swing * (2.0 * noise - 1.0))
        };
        Load {
            utilization: idle + utilization,
            packet_bytes: if active > 0.0 || self.service { self.profile.packet_bytes } else { 288.0 },
            incast: self.profile.incast,
            ended: if self.service { 0.0 } else { ended },
        }
    }
}

/// How busy people are, 0 to 1: highest at two in the afternoon, less at weekends.
fn working_hours(time: i64) -> f64 {
    let phase = time.rem_euclid(DAY_MS) as f64 / DAY_MS as f64;
    let weekday = (time.div_euclid(DAY_MS) + 3).rem_euclid(7);
    (0.5 + 0.5 * wave(phase - 8.0 / 24.0)) * if weekday >= 5 { 0.55 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_work_by_day_and_less_at_weekends() {
        let monday = 1_767_571_200_000;
        assert!(working_hours(monday + 14 * HOUR_MS) > 0.95);
        assert!(working_hours(monday + 2 * HOUR_MS) < 0.05);
        assert!(working_hours(monday + 5 * DAY_MS + 14 * HOUR_MS) < 0.6);
    }

    #[test]
    fn jobs_come_and_go() {
        let mut allocation = Allocation::of(Draw::of(4), 1.0, 0);
        allocation.service = false;
        let loads: Vec<f64> = (0..20_000)
            .map(|step| {
                let from = step as i64 * 30_000;
                allocation.advance(&Interval { from, to: from + 30_000, step }).utilization
            })
            .collect();
        let busy = loads.iter().filter(|load| **load > 0.03).count();
        assert!((2_000..19_500).contains(&busy), "{busy}");
        assert!(allocation.job > 5);
    }
}
