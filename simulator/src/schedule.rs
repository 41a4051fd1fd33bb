//! When what happens, drawn once before the first sweep: the truth the telemetry is then made from.

use std::collections::BTreeSet;

use linkcast_domain::{
    BenignKind, Channel, Episode, EpisodeKind, PredictionType, Showing, StreamId, Timestamp,
};

use crate::benign::Cause;
use crate::effect::End;
use crate::fault::Fault;
use crate::incidents;
use crate::plan::FabricPlan;
use crate::port::{is_probed, port_seed};
use crate::random::Draw;
use crate::recipes::{Pace, RECIPES, Recipe, Site};
use crate::showing::{Instruments, Shown, shown_at};
use crate::topology::{PortIndex, Tier, Topology};
use crate::traffic::HOUR_MS;
use crate::truth::MaintenanceWindow;

/// One event's effect on one link.
#[derive(Clone, Debug)]
pub(crate) struct Scheduled {
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// The port with the lower index of the link's two.
    pub(crate) link: PortIndex,
    pub(crate) cause: Cause,
}

/// All events of a plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    /// In the order they begin.
    pub(crate) effects: Vec<Scheduled>,
    pub(crate) episodes: Vec<Episode>,
    pub(crate) windows: Vec<MaintenanceWindow>,
}

/// A schedule being drawn.
pub(crate) struct Drawing<'a> {
    pub(crate) topology: &'a Topology,
    pub(crate) plan: &'a FabricPlan,
    pub(crate) start: i64,
    pub(crate) length: i64,
    pub(crate) schedule: Schedule,
}

impl Schedule {
    /// Draws everything that happens.
    pub(crate) fn of(topology: &Topology, plan: &FabricPlan) -> Self {
        let length = (plan.hours * HOUR_MS as f64) as i64;
        let start = plan.start.millis();
        let mut drawing = Drawing { topology, plan, start, length, schedule: Schedule::default() };
        let seed = Draw::of(plan.seed).at(10);
        drawing.faults(seed.at(0));
        drawing.standing_faults();
        incidents::draw(&mut drawing, seed.at(1));
        let mut schedule = drawing.schedule;
        schedule.effects.sort_by_key(|effect| (effect.from, effect.link));
        schedule.episodes.sort_by_key(|episode| episode.onset);
        for (id, episode) in (0..).zip(&mut schedule.episodes) {
            episode.id = id;
        }
        schedule
    }
}

impl Drawing<'_> {
    /// Adds an episode; its number is given when all are known.
    pub(crate) fn record(
        &mut self,
        kind: EpisodeKind,
        ports: &[PortIndex],
        [onset, impact, end]: [i64; 3],
        cause: &str,
    ) {
        self.record_shown(kind, ports, [onset, impact, end], cause, None);
    }

    fn record_shown(
        &mut self,
        kind: EpisodeKind,
        ports: &[PortIndex],
        [onset, impact, end]: [i64; 3],
        cause: &str,
        shown: Option<Vec<Showing>>,
    ) {
        let streams: Vec<StreamId> =
            ports.iter().filter_map(|port| self.topology.stream(*port).cloned()).collect();
        self.schedule.episodes.push(Episode {
            id: 0,
            kind,
            streams,
            onset: Timestamp::from_millis(onset),
            impact: Timestamp::from_millis(impact),
            end: Timestamp::from_millis(end),
            cause: cause.to_owned(),
            shown,
        });
    }

    /// The link a port is an end of, and which.
    pub(crate) fn link_of(&self, port: PortIndex) -> Option<(PortIndex, End)> {
        let peer = self.topology.ports.get(port as usize)?.peer?;
        Some(if port < peer { (port, End::Low) } else { (peer, End::High) })
    }

    /// Adds one event's effect on the link of a port, made from the end that port is.
    pub(crate) fn affect(&mut self, port: PortIndex, from: i64, to: i64, cause: impl FnOnce(End) -> Cause) {
        if let Some((link, end)) = self.link_of(port) {
            self.schedule.effects.push(Scheduled { from, to, link, cause: cause(end) });
        }
    }

    fn faults(&mut self, seed: Draw) {
        let cabled = self.topology.ports.iter().filter(|port| port.peer.is_some()).count();
        let expected = self.plan.faults.per_port_hour() * cabled as f64 * self.plan.hours;
        let mut taken = BTreeSet::new();
        for number in 0..seed.at(0).count(expected) {
            let draw = seed.at(1).at(number);
            if let Some(recipe) = self.recipe(draw.at(0)) {
                // A link has one fault at most, so that its truth is one; after some tries a full fabric stays as it is.
                let port = (0..20)
                    .filter_map(|attempt| self.site(recipe.site, draw.at(1).at(attempt)))
                    .find(|port| self.link_of(*port).is_some_and(|(link, _)| taken.insert(link)));
                if let Some(port) = port {
                    self.fault(recipe, port, draw.at(2));
                }
            }
        }
    }

    /// A type by the plan's mix, and one of its causes.
    fn recipe(&self, draw: Draw) -> Option<&'static Recipe> {
        let weights = || self.plan.fault_mix.into_iter().map(|weight| weight.max(0.0)).enumerate().skip(1);
        let mut left = draw.at(0).unit() * weights().map(|(_, weight)| weight).sum::<f64>();
        let class = weights().find_map(|(class, weight)| {
            left -= weight;
            (left < 0.0).then_some(class)
        });
        let class = PredictionType::from_index(class?)?;
        let causes: Vec<&'static Recipe> = RECIPES.iter().filter(|recipe| recipe.class == class).collect();
        causes.get(draw.at(1).choice(causes.len())).copied()
    }

    /// A port of the kind a fault needs, or `None` if this draw met another.
    fn site(&self, site: Site, draw: Draw) -> Option<PortIndex> {
        let adapters: usize = self.topology.adapters_of_leaf.iter().sum();
        let port = match site {
            Site::Adapter | Site::Probed => draw.choice(adapters),
            Site::Anywhere => draw.choice(self.topology.len()),
            Site::Trunk => adapters + draw.choice(self.topology.len() - adapters),
        } as PortIndex;
        let peer = self.topology.ports.get(port as usize)?.peer?;
        let (_, far) = self.topology.port_and_node(peer)?;
        let fits = match site {
            Site::Adapter | Site::Anywhere => true,
            Site::Probed => is_probed(port, port_seed(self.plan.seed), self.plan.probed_share),
            Site::Trunk => far.tier != Tier::Adapter,
        };
        fits.then_some(port)
    }

    fn fault(&mut self, recipe: &'static Recipe, port: PortIndex, draw: Draw) {
        let hours = self.plan.hours;
        let pace = recipe.paces.get(draw.at(0).choice(recipe.paces.len())).copied().unwrap_or(Pace::Linear);
        let lead = match pace {
            Pace::Sudden => draw.at(1).between(0.01, 0.08),
            _ => draw.at(1).spread(0.5, 12.0).min(0.4 * hours),
        };
        let held = draw.at(2).spread(0.4, 6.0).min(0.25 * hours);
        let onset_h = draw.at(3).unit() * (hours - lead - held).max(0.0);
        let at = |hours: f64| self.start + (hours * HOUR_MS as f64) as i64;
        let (onset, impact, end) = (at(onset_h), at(onset_h + lead), at(onset_h + lead + held));
        let fault = Fault {
            recipe,
            near: End::Low,
            pace,
            onset,
            impact,
            end,
            magnitude: draw.at(4).spread(0.08, 5.0),
            depth: draw.at(5).between(0.35, 1.0),
            draw: draw.at(6),
        };
        let Some((_, near)) = self.link_of(port) else { return };
        let fault = Fault { near, ..fault };
        let peer = self.topology.ports.get(port as usize).and_then(|port| port.peer);
        let ends = [(Some(port), near), (peer, near.other())];
        let ends: Vec<(PortIndex, End)> =
            ends.into_iter().filter_map(|(port, end)| Some((port?, end))).collect();
        let shown = ends.iter().flat_map(|(port, end)| self.showings(&fault, *port, *end)).collect();
        let ports: Vec<PortIndex> = ends.iter().map(|(port, _)| *port).collect();
        let kind = EpisodeKind::Fault(recipe.class);
        self.record_shown(kind, &ports, [onset, impact, end], recipe.cause, Some(shown));
        self.affect(port, onset, end, |_| Cause::Fault(Box::new(fault)));
    }

    /// What a port that is `end` of the link shows of a fault.
    fn showings(&self, fault: &Fault, port: PortIndex, end: End) -> Vec<Showing> {
        let driver = (port as usize) < self.topology.adapters_of_leaf.iter().sum::<usize>();
        let probe = driver && is_probed(port, port_seed(self.plan.seed), self.plan.probed_share);
        let Some(stream) = self.topology.stream(port) else { return Vec::new() };
        let spans = shown_at(fault, end, Instruments { driver, probe });
        let showing = |Shown { through, from, until }| Showing {
            stream: stream.clone(),
            through,
            from: Timestamp::from_millis(from),
            until: Timestamp::from_millis(until),
        };
        spans.into_iter().map(showing).collect()
    }

    fn narrow_throughout(&self, ports: &[PortIndex], [from, _, until]: [i64; 3]) -> Vec<Showing> {
        let (from, until) = (Timestamp::from_millis(from), Timestamp::from_millis(until));
        let streams = ports.iter().filter_map(|port| self.topology.stream(*port).cloned());
        streams.map(|stream| Showing { stream, through: Channel::LinkRate, from, until }).collect()
    }

    /// Links that trained narrow when they were installed, and ports that never had a cable.
    fn standing_faults(&mut self) {
        let span = [self.start, self.start, self.start + self.length];
        for (index, port) in (0u32..).zip(&self.topology.ports) {
            match port.peer {
                None => {
                    self.record(EpisodeKind::Benign(BenignKind::NeverCabled), &[index], span, "never cabled")
                }
                Some(peer) if index < peer && port.trained_gbps < port.capable_gbps => {
                    let kind = EpisodeKind::Fault(PredictionType::PerformanceDegradation);
                    self.record_shown(
                        kind,
                        &[index, peer],
                        span,
                        "trained to half its width since it was installed",
                        Some(self.narrow_throughout(&[index, peer], span)),
                    );
                }
                Some(_) => {}
            }
        }
    }
}
