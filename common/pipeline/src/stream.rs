//! One stream through collect, prepare and insight: the three steps that need nothing but the stream itself.
//!
//! Each step is a function of its own, because behind a queue each runs in a process of its own; here they follow
//! one another without a copy. Streams share nothing, so any number of threads gives the same results.

use std::collections::HashSet;

use linkcast_domain::{
    Clock, FeatureVector, Insight, InsightId, NodeGuid, PortFacts, PortState, Sample, StreamId, Timestamp,
};
use linkcast_features::{Calendar, StreamState};
use linkcast_scoring::Score;
use linkcast_telemetry::{Differ, NoSample, Reading};

use crate::facts::Fact;
use crate::gate::{self, Evidence, LastInsight};
use crate::judge::{EMBEDDED, Judge, Reasons, Route};
use crate::settings::Settings;
use crate::sweep::Tally;
use crate::watch::{LinkEnds, SeenUp, Watch};

/// What every stream's steps share and none changes.
pub(crate) struct Surroundings<'a, J> {
    pub(crate) settings: &'a Settings,
    pub(crate) calendar: &'a Calendar,
    pub(crate) judge: &'a J,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) switches: &'a HashSet<NodeGuid>,
    pub(crate) source: u32,
    pub(crate) counting: Counting,
}

/// Whether what is seen is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counting {
    No,
    Yes,
}

/// What a sample is prepared on: the surroundings without the judge.
pub(crate) struct Grounds<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) calendar: &'a Calendar,
    pub(crate) switches: &'a HashSet<NodeGuid>,
    pub(crate) source: u32,
    pub(crate) counting: Counting,
}

impl<'a, J> Surroundings<'a, J> {
    fn grounds(&self) -> Grounds<'a> {
        let Surroundings { settings, calendar, switches, source, counting, .. } = *self;
        Grounds { settings, calendar, switches, source, counting }
    }
}

/// What came of a sample.
pub(crate) enum Folded {
    /// It was not newer than its stream's last.
    Stale,
    /// It is not worth the model's time.
    Quiet,
    /// It asks for a judgement.
    Asks(Box<Question>),
}

/// One stream's state.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    pub(crate) facts: PortFacts,
    pub(crate) differ: Differ,
    pub(crate) fold: Box<StreamState>,
    pub(crate) watch: Watch,
    /// A condition of this stream is not resolved, so every sample counts.
    pub(crate) following: Following,
    pub(crate) missing: Missing,
    pub(crate) saved: Saved,
}

/// Whether every sample of a stream is to be scored, for a condition's sake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Following {
    /// No.
    No,
    /// Yes.
    Yes,
}

/// Whether a stream counts as missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    No,
    Yes,
}

/// Whether the store has the stream's state as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saved {
    No,
    Yes,
}

/// What a stream's steps found that others must know, in the order of the sweep.
#[derive(Debug)]
pub(crate) enum Finding {
    /// A missing stream was heard.
    Returned { stream: StreamId, time: Timestamp },
    /// What is known of the port has changed.
    Facts { stream: StreamId, facts: Box<PortFacts> },
    /// A sample was scored.
    Scored(Box<Scored>),
}

/// A scored sample.
#[derive(Debug)]
pub(crate) struct Scored {
    pub(crate) stream: StreamId,
    pub(crate) time: Timestamp,
    pub(crate) vector: FeatureVector,
    pub(crate) score: Score,
    /// What may open a condition.
    pub(crate) firm: Evidence,
    /// What holds whatever the model says.
    pub(crate) fact: Option<Fact>,
    pub(crate) latency_us: u64,
    /// The insight, if it was news.
    pub(crate) insight: Option<Insight>,
}

/// A sample that asks for a judgement, with all a judge needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Whose sample.
    pub stream: StreamId,
    /// When it was taken.
    pub time: Timestamp,
    /// Its features.
    pub vector: FeatureVector,
    /// What may open a condition.
    pub firm: Evidence,
    /// What holds whatever a model says.
    pub fact: Option<Fact>,
    /// Why it is asked.
    pub ground: Ground,
}

/// Why a sample is to be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// For itself: it shows signs, or was chosen from the quiet ones.
    Itself,
    /// Only because a condition of its stream is not resolved.
    Followed,
}

/// Where a stream's steps put their results.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) tally: Tally,
    pub(crate) samples: Vec<Sample>,
    /// The samples' places in the sweep.
    pub(crate) orders: Vec<u32>,
    pub(crate) findings: Vec<(u32, Finding)>,
    /// What a model would see of each sample, and when it was taken.
    pub(crate) vectors: Vec<(Timestamp, FeatureVector)>,
}

impl Stream {
    pub(crate) fn new(id: StreamId) -> Self {
        Stream {
            id,
            facts: PortFacts::default(),
            differ: Differ::new(),
            fold: Box::new(StreamState::new()),
            watch: Watch::default(),
            following: Following::No,
            missing: Missing::No,
            saved: Saved::No,
        }
    }

    /// Collect: a reading becomes a sample.
    pub(crate) fn collect(&mut self, reading: &Reading, order: u32, results: &mut Results) -> Option<Sample> {
        results.tally.readings += 1;
        if let Some(newer) = &reading.facts {
            self.learn(newer, order, results);
        }
        let difference = self.differ.difference(reading, &self.facts);
        results.tally.doubts += difference.doubts.len() as u64;
        self.saved = Saved::No;
        match difference.outcome {
            Ok(sample) => return Some(sample),
            Err(NoSample::First) => results.tally.firsts += 1,
            Err(NoSample::PeerChanged | NoSample::PortReplaced) => results.tally.replaced += 1,
            Err(NoSample::NoTime | NoSample::NotNewer | NoSample::WithinLifespan) => {
                results.tally.stale += 1;
                return None;
            }
        }
        self.heard(reading.time?, order, results);
        None
    }

    /// Takes over what is newly known of the port.
    pub(crate) fn learn(&mut self, newer: &PortFacts, order: u32, results: &mut Results) {
        if newer.state == Some(PortState::Active) {
            self.watch.seen_up = SeenUp::Once;
            self.saved = Saved::No;
        }
        if !self.facts.holds(newer) {
            self.facts.update(newer.clone());
            let facts = Box::new(self.facts.clone());
            results.findings.push((order, Finding::Facts { stream: self.id.clone(), facts }));
        }
    }

    pub(crate) fn heard(&mut self, time: Timestamp, order: u32, results: &mut Results) {
        self.saved = Saved::No;
        self.watch.hear(time);
        if self.missing == Missing::Yes {
            self.missing = Missing::No;
            results.findings.push((order, Finding::Returned { stream: self.id.clone(), time }));
        }
    }

    /// Prepare and insight, one after the other.
    pub(crate) fn prepare<J: Judge>(
        &mut self,
        around: &Surroundings<'_, J>,
        sample: Sample,
        order: u32,
        results: &mut Results,
    ) {
        match self.fold_in(&around.grounds(), &sample, order, results) {
            Folded::Stale => return,
            Folded::Quiet => {}
            Folded::Asks(question) => {
                let last = &mut self.watch.insight;
                let scored = answer(around.settings, (around.judge, around.clock), last, *question);
                results.tally.scored += 1;
                results.findings.push((order, Finding::Scored(Box::new(scored))));
            }
        }
        results.samples.push(sample);
        results.orders.push(order);
    }

    /// Prepare: a sample becomes a feature vector; the gate says whether it is worth an insight.
    pub(crate) fn fold_in(
        &mut self,
        grounds: &Grounds<'_>,
        sample: &Sample,
        order: u32,
        results: &mut Results,
    ) -> Folded {
        let Ok(vector) = self.fold.advance(sample.time, &sample.values, grounds.calendar) else {
            results.tally.stale += 1;
            return Folded::Stale;
        };
        results.tally.samples += 1;
        if grounds.counting == Counting::Yes {
            results.vectors.push((sample.time, vector));
        }
        let gate = &grounds.settings.gate;
        let evidence = gate::evidence(gate, &sample.values, &vector);
        let node = self.watch.last_drop.and_then(|_| self.id.port()).map(|port| port.node);
        let link = LinkEnds { facts: &self.facts, switches: grounds.switches, node };
        let seen = (sample.time, &sample.values);
        let weighed = self.watch.weigh(&grounds.settings.conditions, link, seen, evidence);
        results.tally.reboots += u64::from(weighed.came_back);
        let for_itself = !weighed.worth_scoring.is_empty()
            || gate::is_quiet_choice(gate, &self.id, self.watch.last_time, sample.time);
        self.watch.source = grounds.source;
        self.heard(sample.time, order, results);
        let ground = match (for_itself, self.following) {
            (true, _) => Ground::Itself,
            (false, Following::Yes) => Ground::Followed,
            (false, Following::No) => return Folded::Quiet,
        };
        let fact = Fact::of(gate, &sample.values, &vector, &weighed);
        let (stream, time, firm) = (self.id.clone(), sample.time, weighed.firm);
        Folded::Asks(Box::new(Question { stream, time, vector, firm, fact, ground }))
    }
}

/// Insight: a feature vector becomes a score, and an insight if it is news.
pub(crate) fn answer<J: Judge>(
    settings: &Settings,
    (judge, clock): (&J, &dyn Clock),
    last: &mut Option<LastInsight>,
    question: Question,
) -> Scored {
    let Question { stream, time, vector, firm, fact, .. } = question;
    let started = clock.micros();
    let judged = judge.score(&vector);
    let score = fact.map_or(judged, |fact| fact.settle(&settings.conditions, &judged));
    let latency_us = clock.micros().saturating_sub(started);
    let gate = &settings.gate;
    let insight = gate::is_news(gate, *last, time, &score).then(|| {
        let step = gate::risk_step(gate, score.risk);
        *last = Some(LastInsight { time, class: score.class, step });
        let reasons = reasons(judge, &vector, &score, fact);
        insight(settings, judge, (&stream, time, latency_us), &score, reasons)
    });
    Scored { stream, time, vector, score, firm, fact, latency_us, insight }
}

/// The judge's reasons, in the words of the fact if there is one that decided.
pub(crate) fn reasons<J: Judge>(
    judge: &J,
    vector: &FeatureVector,
    score: &Score,
    fact: Option<Fact>,
) -> Reasons {
    let reasons = judge.explain(vector, score);
    match fact {
        Some(fact) if score.class == fact.class() => Reasons { sentence: fact.sentence(), ..reasons },
        _ => reasons,
    }
}

/// An insight of a score and its reasons. Its id is a function of stream, time and task.
pub(crate) fn insight<J: Judge>(
    settings: &Settings,
    judge: &J,
    (stream, time, latency_us): (&StreamId, Timestamp, u64),
    score: &Score,
    reasons: Reasons,
) -> Insight {
    let route = judge.route();
    Insight {
        entity_id: InsightId::of(stream, time, &settings.task),
        timestamp: time,
        entity_type: "insight".to_owned(),
        related_entity: stream.clone(),
        fabric: settings.fabric.clone(),
        prediction_type: score.class,
        risk_score: score.risk,
        confidence: score.confidence,
        explanation: reasons.sentence,
        influencers: reasons.influencers,
        recommendations: reasons.recommendations,
        model: judge.identity().clone(),
        variant: route.map_or_else(|| EMBEDDED.to_owned(), |route| route.variant.clone()),
        fallback_from: route.and_then(|route| route.fallback_from.clone()),
        latency_us: route.map_or(latency_us, |route| route.latency_us),
        cost_usd: route.map_or(0.0, Route::dollars),
        cost: route.map(Route::cost).unwrap_or_default(),
        attempts: route.map(|route| route.attempts.clone()).unwrap_or_default(),
        ttl: time.plus(settings.retention).seconds(),
    }
}
