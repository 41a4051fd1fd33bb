//! The use cases one at a time, for functions that each run one of them.
//!
//! Embedded, one process holds a stream's whole state; behind queues no two functions may write the same item, so the
//! state is cut where the work is: collect owns the counters ([`Counting`]), prepare the folds and circumstances
//! ([`Folding`]), insight the conditions ([`Judging`]). Each step is the embedded pipeline's own code on its part, and gives
//! the same bits. Every step may be delivered again: a reading, sample or question that is not newer than its part's
//! last changes nothing.

mod codec;
mod question;

use std::collections::HashSet;

use linkcast_domain::ports::MaintenanceWindow;
use linkcast_domain::{
    Cause, Clock, Condition, FeatureVector, Insight, NodeGuid, PortFacts, PortState, Sample, SampleField,
    StreamId, Timestamp,
};
use linkcast_features::{Calendar, StreamState};
use linkcast_scoring::Score;
use linkcast_telemetry::{Differ, Reading};

pub use codec::{STEP_STATE_VERSION, StepStateError};

use crate::conditions::Conditions;
use crate::gate::LastInsight;
use crate::judge::Judge;
use crate::settings::Settings;
use crate::silence;
pub use crate::stream::Following;
use crate::stream::{self, Finding, Folded, Ground, Grounds, Missing, Question, Results, Stream};
use crate::sweep::Tally;
use crate::verdicts::{self, Place};
use crate::watch::{SeenUp, Watch};

/// What collect remembers of a stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counting {
    pub(crate) differ: Differ,
    /// What is known of the port.
    pub facts: PortFacts,
    /// Whether a source ever said that the link is up.
    pub told_active: bool,
}

/// What prepare remembers of a stream.
#[derive(Clone, Debug)]
pub struct Folding {
    pub(crate) fold: Box<StreamState>,
    /// Its last insight is none of prepare's business, and always empty.
    pub(crate) watch: Watch,
    pub(crate) missing: Missing,
}

impl Default for Folding {
    fn default() -> Self {
        Folding { fold: Box::new(StreamState::new()), watch: Watch::default(), missing: Missing::No }
    }
}

/// What insight remembers of a stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judging {
    /// The last question answered.
    pub last_time: Option<Timestamp>,
    /// The last insight kept as news.
    pub last: Option<LastInsight>,
    /// The stream's conditions that are not resolved.
    pub conditions: Vec<Condition>,
}

impl Judging {
    /// Whether every sample of the stream is to be judged, because a condition that judgements move is not resolved.
    pub fn follows(&self) -> bool {
        self.conditions.iter().any(|condition| matches!(condition.cause, Cause::Predicted(_)))
    }
}

/// What collect hands on to prepare.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// Whose.
    pub stream: StreamId,
    /// The number of the source that reported it.
    pub source: u32,
    /// What the source says of the link itself.
    pub seen_up: SeenUp,
    /// What came of the reading.
    pub outcome: Outcome,
}

/// What came of a reading.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A sample.
    Sample(Box<Sample>),
    /// A sign of life, and no sample.
    Heard(Timestamp),
    /// Nothing: it was not newer than the last.
    Stale,
}

/// What collect made of a reading.
#[derive(Clone, Debug)]
pub struct Collected {
    /// For prepare.
    pub arrival: Arrival,
    /// What is known of the port, if that has changed.
    pub facts: Option<PortFacts>,
    /// How many there were of everything.
    pub tally: Tally,
}

impl Folding {
    /// Whether it matters for the next sample what is known of the link's ends: only drops are weighed by it.
    pub fn weighs_ends(&self, sample: &Sample) -> bool {
        self.watch.last_drop.is_some() || sample.values.raw(SampleField::LinkDowned) > 0.0
    }
}

/// What is known around a stream when its sample is prepared.
#[derive(Clone, Copy, Debug)]
pub struct Neighbourhood<'a> {
    /// Of the stream's own port.
    pub facts: &'a PortFacts,
    /// Every node known to be a switch.
    pub switches: &'a HashSet<NodeGuid>,
    /// Whether a condition of the stream is not resolved, or may not be.
    pub following: Following,
}

/// What prepare made of an arrival.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// For insight, if the sample asks for a judgement.
    pub question: Option<Box<Question>>,
    /// The stream was missing and was heard again then.
    pub returned: Option<Timestamp>,
    /// What a model would see of the sample, if it was one and news.
    pub vector: Option<FeatureVector>,
    /// How many there were of everything.
    pub tally: Tally,
}

/// What insight made of a question.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    /// The insight to keep, if it is news or a condition opened on it.
    pub insight: Option<Insight>,
    /// Conditions that moved.
    pub conditions: Vec<Condition>,
    /// What was said of the sample, if it was judged.
    pub score: Option<Score>,
    /// How many there were of everything.
    pub tally: Tally,
}

/// The steps, under one set of settings.
#[derive(Clone, Copy, Debug)]
pub struct Steps<'a> {
    /// What the operator chose.
    pub settings: &'a Settings,
    /// The fabric's time zone.
    pub calendar: &'a Calendar,
}

impl Steps<'_> {
    /// Collect: a reading of `source` becomes a sample. The reading must have a time. Written state: `counting`, by stream.
    pub fn collect(&self, counting: &mut Counting, source: &str, reading: &Reading) -> Collected {
        let mut stream = Stream::new(reading.stream.clone());
        std::mem::swap(&mut stream.differ, &mut counting.differ);
        std::mem::swap(&mut stream.facts, &mut counting.facts);
        let mut results = Results::default();
        let sample = stream.collect(reading, 0, &mut results);
        let facts = results.findings.into_iter().rev().find_map(|(_, finding)| match finding {
            Finding::Facts { facts, .. } => Some(*facts),
            _ => None,
        });
        let outcome = match (sample, stream.watch.last_time) {
            (Some(sample), _) => Outcome::Sample(Box::new(sample)),
            (None, Some(time)) => Outcome::Heard(time),
            (None, None) => Outcome::Stale,
        };
        counting.told_active |= stream.watch.seen_up == SeenUp::Once;
        let seen_up = if counting.told_active { SeenUp::Once } else { SeenUp::Unknown };
        let source = silence::source_number(source);
        let arrival = Arrival { stream: stream.id, source, seen_up, outcome };
        counting.differ = stream.differ;
        counting.facts = stream.facts;
        Collected { arrival, facts, tally: results.tally }
    }

    /// Collect, of what a source tells of a port beside readings; gives what is known then, if that has changed.
    /// Written state: `counting`, by stream.
    pub fn learn(&self, counting: &mut Counting, newer: &PortFacts) -> Option<PortFacts> {
        counting.told_active |= newer.state == Some(PortState::Active);
        if counting.facts.holds(newer) {
            return None;
        }
        counting.facts.update(newer.clone());
        Some(counting.facts.clone())
    }

    /// Prepare: an arrival becomes a feature vector, and a question if the gate finds it worth one. Written state:
    /// `folding`, by stream, on condition that nobody wrote it since it was read.
    pub fn prepare(&self, folding: &mut Folding, around: Neighbourhood<'_>, arrival: &Arrival) -> Prepared {
        let mut stream = Stream::new(arrival.stream.clone());
        std::mem::swap(&mut stream.fold, &mut folding.fold);
        stream.watch = folding.watch.clone();
        stream.missing = folding.missing;
        stream.facts = around.facts.clone();
        stream.following = around.following;
        if arrival.seen_up == SeenUp::Once {
            stream.watch.seen_up = SeenUp::Once;
        }
        stream.watch.source = arrival.source;
        let mut results = Results::default();
        let question = self.take(&mut stream, around.switches, arrival, &mut results);
        folding.fold = stream.fold;
        folding.watch = stream.watch;
        folding.missing = stream.missing;
        let returned = results.findings.iter().find_map(|(_, finding)| match finding {
            Finding::Returned { time, .. } => Some(*time),
            _ => None,
        });
        let vector = results.vectors.pop().map(|(_, vector)| vector);
        Prepared { question, returned, vector, tally: results.tally }
    }

    fn take(
        &self,
        stream: &mut Stream,
        switches: &HashSet<NodeGuid>,
        arrival: &Arrival,
        results: &mut Results,
    ) -> Option<Box<Question>> {
        let Steps { settings, calendar } = *self;
        let (source, counting) = (arrival.source, stream::Counting::Yes);
        let grounds = Grounds { settings, calendar, switches, source, counting };
        match &arrival.outcome {
            Outcome::Sample(sample) => match stream.fold_in(&grounds, sample, 0, results) {
                Folded::Asks(question) => Some(question),
                Folded::Stale | Folded::Quiet => None,
            },
            Outcome::Heard(time) => {
                if stream.watch.last_time.is_none_or(|last| last < *time) {
                    stream.heard(*time, 0, results);
                }
                None
            }
            Outcome::Stale => None,
        }
    }

    /// Insight: a question becomes a score, an insight if it is news, and moves the stream's conditions. Written state:
    /// `judging`, by stream; the insight by its id; conditions by stream and cause. A question not newer than the last one
    /// answered was answered before, and changes nothing; one asked for a condition's sake is answered if there still is one.
    pub fn insight<J: Judge>(
        &self,
        judging: &mut Judging,
        (judge, clock): (&J, &dyn Clock),
        (facts, windows): (&PortFacts, &[MaintenanceWindow]),
        question: Question,
    ) -> Answered {
        if judging.last_time.is_some_and(|last| question.time <= last) {
            return Answered::default();
        }
        judging.last_time = Some(question.time);
        if question.ground == Ground::Followed && !judging.follows() {
            return Answered::default();
        }
        let scored = stream::answer(self.settings, (judge, clock), &mut judging.last, question);
        let score = Some(scored.score);
        let mut conditions = Conditions::resume(std::mem::take(&mut judging.conditions));
        let place = Place { settings: self.settings, windows, facts };
        let moved = verdicts::deliver(&place, judge, &mut conditions, scored);
        judging.conditions = conditions.iter().cloned().collect();
        let tally = Tally { scored: 1, ..moved.tally };
        Answered { insight: moved.insight, conditions: moved.conditions, score, tally }
    }

    /// Insight, of a question that asks for nothing any more: the condition it was to follow is over.
    pub fn pass_over(&self, judging: &mut Judging, time: Timestamp) {
        judging.last_time = judging.last_time.max(Some(time));
    }

    /// Insight's part when a missing stream was heard again: its silence is over. Written: the condition, by stream and cause.
    pub fn returned(&self, judging: &mut Judging, stream: &StreamId, time: Timestamp) -> Option<Condition> {
        let mut conditions = Conditions::resume(std::mem::take(&mut judging.conditions));
        let resolved = conditions.be_heard(stream, Cause::SeriesMissing, time);
        judging.conditions = conditions.iter().cloned().collect();
        resolved
    }
}
