//! Beside the pipeline: every sample once more, with the truth and with everyone's verdict.
//!
//! The pipeline tells of a fabric what it would tell people and no more. What its model says row by row, what rules and published
//! thresholds would have told, and what is known of each port has to be seen here, from the same readings by the same fold.

use std::collections::{BTreeMap, HashMap};

use linkcast_domain::{EpisodeKind, FeatureVector, PredictionType, Sample, SampleField, StreamId, Timestamp};
use linkcast_features::{Calendar, StreamState};
use linkcast_scoring::Model;
use linkcast_simulator::Fabric;
use linkcast_telemetry::{Reading, Topology};
use linkcast_training::dataset::lot;
use linkcast_training::evaluation::{Peers, ScoredAlert};
use linkcast_training::rules::{RuleReport, judge};
use linkcast_training::{EpisodeIndex, Label, Phase, label};

use super::kin::Kin;
use super::pack::AlertPack;
use super::rows::{Attributions, JudgedRow, ONE_IN, Saying};
use super::told::{Announced, Told};
use crate::capture::SampleMaker;

/// What is known of a port when it is asked what kind of port was missed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PortTraits {
    /// Its rate when last seen, Gb/s.
    pub(crate) rate_gbps: Option<f64>,
    /// Whether anything measured its latency.
    pub(crate) has_latency: bool,
}

/// What a bystander saw.
pub(crate) struct Seen {
    pub(crate) rows: Vec<JudgedRow>,
    pub(crate) ports: BTreeMap<StreamId, PortTraits>,
    pub(crate) attributions: Attributions,
    pub(crate) rule_report: RuleReport,
    pub(crate) told_by_rules: Vec<ScoredAlert>,
    pub(crate) told_by_pack: Vec<ScoredAlert>,
}

/// Sees every sample.
pub(crate) struct Bystander<'m> {
    seed: u64,
    model: &'m Model,
    live: Option<&'m Model>,
    truth: EpisodeIndex,
    benign: BTreeMap<StreamId, Vec<(Timestamp, Timestamp)>>,
    announced: Announced,
    kin: Kin,
    maker: SampleMaker,
    states: HashMap<StreamId, StreamState>,
    calendar: Calendar,
    pack: AlertPack,
    by_rules: Told,
    by_pack: Told,
    seen: Seen,
}

impl<'m> Bystander<'m> {
    /// A bystander of `fabric` before its first sweep, with the model that is judged and the live one if that is another.
    pub(crate) fn of(
        fabric: &Fabric,
        peers: &Peers,
        model: &'m Model,
        live: Option<&'m Model>,
        calendar: Calendar,
    ) -> Self {
        let streams = fabric.topology().ports().map(|(stream, _)| stream.clone());
        let mut benign: BTreeMap<StreamId, Vec<(Timestamp, Timestamp)>> = BTreeMap::new();
        let look_alikes =
            fabric.episodes().iter().filter(|episode| matches!(episode.kind, EpisodeKind::Benign(_)));
        for episode in look_alikes {
            for stream in &episode.streams {
                benign.entry(stream.clone()).or_default().push((episode.onset, episode.end));
            }
        }
        Bystander {
            seed: fabric.plan().seed,
            model,
            live,
            truth: EpisodeIndex::new(fabric.episodes()),
            benign,
            announced: Announced::of(fabric.maintenance_windows()),
            kin: Kin::of(streams, peers, fabric.episodes()),
            maker: SampleMaker::new(&Topology::default()),
            states: HashMap::new(),
            calendar,
            pack: AlertPack::default(),
            by_rules: Told::default(),
            by_pack: Told::default(),
            seen: Seen {
                rows: Vec::new(),
                ports: BTreeMap::new(),
                attributions: Attributions::default(),
                rule_report: RuleReport::default(),
                told_by_rules: Vec::new(),
                told_by_pack: Vec::new(),
            },
        }
    }

    /// Sees a sweep.
    pub(crate) fn look(&mut self, readings: &[Reading], time: Timestamp) {
        for reading in readings {
            if let Some(facts) = &reading.facts {
                self.pack.learn(&reading.stream, facts, reading.time.unwrap_or(time));
            }
            if let Some(sample) = self.maker.sample(reading) {
                self.take(&sample);
            }
        }
    }

    /// What was seen.
    pub(crate) fn finish(self) -> Seen {
        Seen {
            told_by_rules: self.by_rules.into_alerts(),
            told_by_pack: self.by_pack.into_alerts(),
            ..self.seen
        }
    }

    fn take(&mut self, sample: &Sample) {
        if !self.states.contains_key(&sample.stream) {
            self.states.insert(sample.stream.clone(), StreamState::new());
        }
        let Some(state) = self.states.get_mut(&sample.stream) else { return };
        let Ok(features) = state.advance(sample.time, &sample.values, &self.calendar) else { return };
        let truth = label(&sample.stream, sample.time, &self.truth);
        self.note_port(sample, &truth);
        self.tell_by_pack(sample);
        let verdict = judge(&features);
        self.seen.rule_report.add(&verdict, truth.is_trained_on().then_some(truth.class));
        if verdict.class != PredictionType::Normal && !self.announced.covers(&sample.stream, sample.time) {
            self.by_rules.see(&sample.stream, sample.time, (verdict.class, verdict.risk), &self.kin);
        }
        let one_in = match truth.phase {
            Phase::Well if self.is_benign(sample) => ONE_IN.benign,
            Phase::Well => ONE_IN.quiet,
            _ => ONE_IN.faulty,
        };
        if lot(&sample.stream, sample.time).is_multiple_of(one_in) {
            let rules = (verdict.class, verdict.confidence);
            self.keep(sample, &features, &truth, one_in as f64, rules);
        }
    }

    fn tell_by_pack(&mut self, sample: &Sample) {
        let told = self.pack.judge(sample);
        if let Some(told) = told.filter(|_| !self.announced.covers(&sample.stream, sample.time)) {
            self.by_pack.see(&sample.stream, sample.time, told, &self.kin);
        }
    }

    fn keep(
        &mut self,
        sample: &Sample,
        features: &FeatureVector,
        truth: &Label,
        weight: f64,
        (rules, rules_confidence): (PredictionType, f64),
    ) {
        let score = self.model.score(features);
        self.seen.attributions.note(self.model, features, &score);
        self.seen.rows.push(JudgedRow {
            group: (self.seed, self.kin.group(&sample.stream)),
            truth: truth.class,
            phase: truth.phase,
            weight,
            model: Saying::of(&score),
            live: self.live.map(|live| Saying::of(&live.score(features))),
            rules,
            rules_confidence,
            port: PortTraits {
                rate_gbps: sample.values.get(SampleField::LinkRateGbps),
                has_latency: sample.values.get(SampleField::LatencyP99).is_some(),
            },
            hour: sample.time.seconds().rem_euclid(86_400) / 3_600,
        });
    }

    /// What is known of ports that are ever at fault; the others are not asked about.
    fn note_port(&mut self, sample: &Sample, truth: &Label) {
        if truth.phase == Phase::Well {
            return;
        }
        let port = self.seen.ports.entry(sample.stream.clone()).or_default();
        port.rate_gbps = sample.values.get(SampleField::LinkRateGbps).or(port.rate_gbps);
        port.has_latency |= sample.values.get(SampleField::LatencyP99).is_some();
    }

    fn is_benign(&self, sample: &Sample) -> bool {
        let spans = self.benign.get(&sample.stream);
        spans.is_some_and(|spans| spans.iter().any(|(from, to)| *from <= sample.time && sample.time <= *to))
    }
}
