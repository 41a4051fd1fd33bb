//! One simulated fabric from its first sweep to its last, and everything the figures need of it.

use linkcast_domain::ports::Coverage;
use linkcast_domain::{Alert, Episode, StreamId};
use linkcast_pipeline::{CheckpointPolicy, Echo, Sweep};
use linkcast_scoring::Model;
use linkcast_simulator::{BenignRates, Fabric, FabricPlan, FaultRate};
use linkcast_training::evaluation::{Answer, Peers, ScoredAlert};

use super::bystander::{Bystander, Seen};
use super::forgetful::ForgetfulStore;
use super::heard::Heard;
use crate::arguments::PipelineArguments;
use crate::commands::Session;
use crate::engine::{Engine, Parts};
use crate::exit::{ExitKind, Failure};
use crate::learning::{Missed, ReliabilityReport};
use crate::maintenance;
use crate::progress::Progress;

/// What fabrics are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CoursePlan {
    pub(crate) ports: usize,
    pub(crate) hours: f64,
    pub(crate) interval_s: u32,
    pub(crate) fault_rate: f64,
    pub(crate) benign_factor: f64,
}

/// Who is judged.
#[derive(Clone, Copy)]
pub(crate) struct Judges<'m> {
    /// The model, loaded a second time beside the pipeline's own.
    pub(crate) model: &'m Model,
    /// The live one, if that is another.
    pub(crate) live: Option<Live<'m>>,
}

/// The live model.
#[derive(Clone, Copy)]
pub(crate) struct Live<'m> {
    /// Loaded beside its pipeline's own.
    pub(crate) model: &'m Model,
    /// A pipeline that is the judged one's but for the model.
    pub(crate) pipeline: &'m PipelineArguments,
}

/// What became of one fabric.
pub(crate) struct Course {
    pub(crate) seed: u64,
    pub(crate) episodes: Vec<Episode>,
    pub(crate) peers: Peers,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) told: Vec<ScoredAlert>,
    /// What the pipeline would have told with the live model, where that is another.
    pub(crate) told_by_live: Option<Vec<ScoredAlert>>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) reliability: ReliabilityReport,
    pub(crate) missed: Vec<Missed>,
    pub(crate) seen: Seen,
}

impl CoursePlan {
    fn plan(&self, seed: u64) -> FabricPlan {
        FabricPlan {
            seed,
            ports: self.ports,
            hours: self.hours,
            interval_s: self.interval_s,
            faults: FaultRate::PerPortHour(self.fault_rate),
            benign: BenignRates::REALISTIC.times(self.benign_factor),
            ..FabricPlan::default()
        }
    }

    /// Runs the fabric of `seed` through the pipeline as it ships.
    pub(crate) fn run(
        &self,
        seed: u64,
        pipeline: &PipelineArguments,
        judges: Judges<'_>,
        session: &Session<'_>,
    ) -> Result<Course, Failure> {
        let mut fabric =
            Fabric::new(self.plan(seed)).map_err(|error| Failure::new(ExitKind::WrongUse, error))?;
        let peers: Peers = fabric
            .topology()
            .ports()
            .filter_map(|(stream, facts)| Some((stream.clone(), StreamId::from(facts.peer?))))
            .collect();
        let parts = parts(pipeline, &fabric, session)?;
        let live = judges.live.map(|live| live.model);
        let mut bystander = Bystander::of(&fabric, &peers, judges.model, live, parts.calendar.clone());
        let mut tellers = Tellers {
            judged: Teller::open(parts, &fabric)?,
            live: match judges.live {
                Some(live) => Some(Teller::open(self::parts(live.pipeline, &fabric, session)?, &fabric)?),
                None => None,
            },
        };
        simulate(&mut fabric, &mut tellers, &mut bystander, session)?;
        let Tellers { judged: Teller { heard, .. }, live } = tellers;
        let told = heard.scored();
        let raised: Vec<_> = told.iter().map(|scored| scored.alert.clone()).collect();
        Ok(Course {
            seed,
            missed: heard.hindsight.missed(fabric.episodes(), &raised, &peers),
            episodes: fabric.episodes().to_vec(),
            peers,
            alerts: heard.raised.into_values().collect(),
            told,
            told_by_live: live.map(|live| live.heard.scored()),
            answers: heard.answers,
            reliability: heard.reliability.report(),
            seen: bystander.finish(),
        })
    }
}

/// A pipeline as it ships, and what it said.
struct Teller {
    engine: Engine<ForgetfulStore>,
    heard: Heard,
}

impl Teller {
    fn open(parts: Parts, fabric: &Fabric) -> Result<Self, Failure> {
        let engine = Engine::open(ForgetfulStore::default(), parts)?;
        Ok(Teller { engine, heard: Heard::of(fabric.episodes()) })
    }

    fn take(&mut self, sweep: Sweep) -> Result<(), Failure> {
        let (report, _) = self.engine.take(sweep)?;
        self.heard.note(&report.insights);
        self.heard.keep(report.alerts);
        Ok(())
    }
}

/// Who tells of one fabric.
struct Tellers {
    judged: Teller,
    live: Option<Teller>,
}

impl Tellers {
    fn take(&mut self, sweep: Sweep) -> Result<(), Failure> {
        if let Some(live) = &mut self.live {
            live.take(sweep.clone())?;
        }
        self.judged.take(sweep)
    }

    fn finish(&mut self) -> Result<(), Failure> {
        for teller in [&mut self.judged].into_iter().chain(&mut self.live) {
            let alerts = teller.engine.finish()?.alerts;
            teller.heard.keep(alerts);
        }
        Ok(())
    }
}

fn parts(pipeline: &PipelineArguments, fabric: &Fabric, session: &Session<'_>) -> Result<Parts, Failure> {
    let mut parts = pipeline.parts(None, session)?;
    parts.settings.checkpoint = CheckpointPolicy::replay();
    parts.settings.echo = Echo::Results;
    parts.windows = fabric.maintenance_windows().iter().flat_map(maintenance::by_stream).collect();
    Ok(parts)
}

fn simulate(
    fabric: &mut Fabric,
    tellers: &mut Tellers,
    bystander: &mut Bystander<'_>,
    session: &Session<'_>,
) -> Result<(), Failure> {
    let mut progress = Progress::new(session.notes, "evaluating", Some(fabric.plan().sweeps()));
    let mut readings = Vec::new();
    let mut position = 0;
    while let Some(time) = fabric.next_sweep(&mut readings) {
        position += 1;
        bystander.look(&readings, time);
        let sweep = Sweep {
            source: "simulated exporter".into(),
            position,
            time,
            coverage: Coverage::Whole,
            readings: std::mem::take(&mut readings),
            ..Sweep::default()
        };
        tellers.take(sweep)?;
        progress.advance(1);
    }
    tellers.finish()
}

impl Course {
    /// Makes the streams' names those of this fabric alone, so that several fabrics can be judged as one.
    pub(crate) fn set_apart(&mut self) {
        let seed = self.seed;
        let apart = |stream: &mut StreamId| {
            if let Ok(name) = format!("{seed}:{stream}").parse() {
                *stream = name;
            }
        };
        self.episodes.iter_mut().flat_map(|episode| &mut episode.streams).for_each(apart);
        self.alerts.iter_mut().flat_map(|alert| &mut alert.streams).for_each(apart);
        let told = [&mut self.told, &mut self.seen.told_by_rules, &mut self.seen.told_by_pack];
        told.into_iter()
            .chain(&mut self.told_by_live)
            .flatten()
            .flat_map(|scored| &mut scored.alert.streams)
            .for_each(apart);
        let renamed = |mut stream: StreamId| {
            apart(&mut stream);
            stream
        };
        let peers = std::mem::take(&mut self.peers);
        self.peers = peers.into_iter().map(|(one, other)| (renamed(one), renamed(other))).collect();
        let ports = std::mem::take(&mut self.seen.ports);
        self.seen.ports = ports.into_iter().map(|(stream, traits)| (renamed(stream), traits)).collect();
    }
}
