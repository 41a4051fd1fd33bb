//! A run's life: from request to its end, as told by events that come late, twice, out of order or not at all.
//!
//! A run only moves forward. An event of a stage that is behind it, or of one after its end, changes nothing; what an event adds
//! to the lineage is taken once. So whoever is unsure whether something was told tells it again.

use std::time::Duration;

use linkcast_domain::{NanoDollars, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::request::{Override, Trigger};

/// Names of runs begin so.
pub(super) const RUN: &str = "run#";
/// Digits of a time in a name.
pub(super) const DIGITS: usize = 16;

/// The name of the run of a time, as stores and pipelines have it.
pub fn run_name(run: Timestamp) -> String {
    format!("{RUN}{:0DIGITS$}", run.millis().max(0))
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It was asked for and passed the guards.
    Requested,
    /// Somebody works on it.
    Training,
    /// A model is there and was held against the live one.
    Evaluated,
    /// An end: the model is registered and goes no further.
    Registered,
    /// An end: the model is registered, approved and handed to the rollout as candidate.
    Deployed,
    /// An end: nothing came of it.
    Failed,
    /// An end: a person stopped it.
    Stopped,
    /// An end: nobody ended it in time.
    TimedOut,
}

/// Who trains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trainer {
    /// A SageMaker pipeline.
    SagemakerPipeline {
        /// The execution's ARN.
        execution: String,
    },
    /// A process that keeps its work in a folder, and goes on there.
    Local {
        /// The machine's name.
        machine: String,
        /// The folder.
        folder: String,
    },
}

/// The data set of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFacts {
    /// Its version.
    pub version: String,
    /// Its digest.
    pub digest: String,
    /// The newest time it may hold.
    pub until: Timestamp,
    /// The digest of the frozen set that judges, if one is pinned.
    pub frozen: Option<String>,
}

/// The model of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its version.
    pub version: String,
    /// Its folder's digest.
    pub digest: String,
}

/// What the gate said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictFacts {
    /// Whether it may follow the live model.
    pub passed: bool,
    /// In one sentence.
    pub reason: String,
    /// The numbers.
    pub figures: Map<String, Value>,
}

/// When a stage was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageEntry {
    /// Which.
    pub stage: Stage,
    /// When.
    pub at: Timestamp,
}

/// A run with its lineage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The task.
    pub task: String,
    /// The fabric.
    pub fabric: String,
    /// When it was begun: its name within the task.
    pub run: Timestamp,
    /// Until when it holds the task.
    pub until: Timestamp,
    /// What made somebody ask.
    pub trigger: Trigger,
    /// Why, for people.
    pub reason: String,
    /// The request's name.
    pub requested_by: String,
    /// Whose word passed the guards, where it was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Override>,
    /// What it is modelled to cost, billionths of a dollar.
    pub estimate: NanoDollars,
    /// Labels newer than the live model's data when it began.
    pub new_labels: u64,
    /// The revision of the code that trains, if it is known.
    pub code_revision: Option<String>,
    /// Who trains.
    pub trainer: Option<Trainer>,
    /// The live version that the candidate is held against.
    pub live: Option<String>,
    /// What it learns from.
    pub data: Option<DataFacts>,
    /// What came of it.
    pub candidate: Option<Candidate>,
    /// What the gate said of that.
    pub verdict: Option<VerdictFacts>,
    /// What was heard of its steps elsewhere last.
    pub remark: Option<String>,
    /// Why it ended as it did.
    pub outcome: Option<String>,
    /// Its stages, in the order they were reached.
    pub stages: Vec<StageEntry>,
}

/// Something that happened to a run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEvent {
    /// Somebody began to work on it.
    Started(Trainer),
    /// Its data set is there.
    Prepared {
        /// Which.
        data: DataFacts,
        /// The live version it will be held against.
        live: Option<String>,
        /// The revision of the code that trains.
        code_revision: Option<String>,
    },
    /// Its model is there and was judged.
    Judged {
        /// Which.
        candidate: Candidate,
        /// How.
        verdict: VerdictFacts,
    },
    /// Its model is registered; if the gate passed it, it is the candidate.
    Registered,
    /// Something was heard of a step; it decides nothing.
    Heard(String),
    /// Whoever works elsewhere is done. A run that was registered ended long ago; one that was not came to nothing.
    TrainerDone,
    /// Nothing came of it.
    Failed(String),
    /// A person stopped it.
    Stopped(String),
    /// Its time is up.
    TimedOut,
}

/// What an event did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The run reached another stage.
    Stage,
    /// Its lineage knows more.
    Lineage,
    /// Nothing.
    No,
}

impl Stage {
    /// The name in output.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Requested => "requested",
            Stage::Training => "training",
            Stage::Evaluated => "evaluated",
            Stage::Registered => "registered",
            Stage::Deployed => "deployed",
            Stage::Failed => "failed",
            Stage::Stopped => "stopped",
            Stage::TimedOut => "timed_out",
        }
    }

    /// Whether nothing follows it.
    pub fn is_end(self) -> bool {
        self > Stage::Evaluated
    }

    /// Whether a model came of it.
    pub(super) fn taught(self) -> bool {
        matches!(self, Stage::Registered | Stage::Deployed)
    }
}

impl Run {
    /// How far it has come.
    pub fn stage(&self) -> Stage {
        self.stages.last().map_or(Stage::Requested, |entry| entry.stage)
    }

    /// When it reached the stage it is in.
    pub fn reached(&self) -> Timestamp {
        self.stages.last().map_or(self.run, |entry| entry.at)
    }

    /// How long it took, or has taken until `now`.
    pub fn taken(&self, now: Timestamp) -> Duration {
        let end = if self.stage().is_end() { self.reached() } else { now };
        end.since(self.run)
    }

    /// Takes an event.
    pub fn take(&mut self, event: &RunEvent, now: Timestamp) -> Moved {
        if self.stage().is_end() {
            return Moved::No;
        }
        match event {
            RunEvent::Started(trainer) => self.started(trainer, now),
            RunEvent::Prepared { data, live, code_revision } => {
                self.prepared(data, live.as_ref(), code_revision.as_ref())
            }
            RunEvent::Judged { candidate, verdict } => self.judged(candidate, verdict, now),
            RunEvent::Registered => self.registered(now),
            RunEvent::Heard(remark) => fill(&mut self.remark, Some(remark), |known, new| known != new),
            RunEvent::TrainerDone => {
                let reason = "its trainer ended and no model was registered";
                self.end(Stage::Failed, self.with_remark(reason), now)
            }
            RunEvent::Failed(reason) => self.end(Stage::Failed, self.with_remark(reason), now),
            RunEvent::Stopped(reason) => self.end(Stage::Stopped, reason.clone(), now),
            RunEvent::TimedOut => {
                self.end(Stage::TimedOut, format!("nobody ended it by {}", self.until), now)
            }
        }
    }

    fn started(&mut self, trainer: &Trainer, now: Timestamp) -> Moved {
        let moved = match self.trainer {
            Some(_) => Moved::No,
            None => fill(&mut self.trainer, Some(trainer), |known, new| known != new),
        };
        if self.stage() == Stage::Requested { self.enter(Stage::Training, now) } else { moved }
    }

    fn prepared(&mut self, data: &DataFacts, live: Option<&String>, code: Option<&String>) -> Moved {
        // A build that is resumed may meet newer verdicts: what the candidate was made of is what was last prepared before it was.
        if self.stage() >= Stage::Evaluated {
            return Moved::No;
        }
        let differs = |known: &DataFacts, new: &DataFacts| known != new;
        let moved = fill(&mut self.data, Some(data), differs);
        let others =
            [fill(&mut self.live, live, |a, b| a != b), fill(&mut self.code_revision, code, |a, b| a != b)];
        if others.contains(&Moved::Lineage) { Moved::Lineage } else { moved }
    }

    fn judged(&mut self, candidate: &Candidate, verdict: &VerdictFacts, now: Timestamp) -> Moved {
        if self.stage() >= Stage::Evaluated {
            return Moved::No;
        }
        self.candidate = Some(candidate.clone());
        self.verdict = Some(verdict.clone());
        self.enter(Stage::Evaluated, now)
    }

    fn registered(&mut self, now: Timestamp) -> Moved {
        let Some(verdict) = self.verdict.clone() else { return Moved::No };
        let stage = if verdict.passed { Stage::Deployed } else { Stage::Registered };
        self.end(stage, verdict.reason, now)
    }

    fn end(&mut self, stage: Stage, outcome: String, now: Timestamp) -> Moved {
        self.outcome = Some(outcome);
        self.enter(stage, now)
    }

    fn enter(&mut self, stage: Stage, at: Timestamp) -> Moved {
        self.stages.push(StageEntry { stage, at });
        Moved::Stage
    }

    fn with_remark(&self, reason: &str) -> String {
        match &self.remark {
            Some(remark) if !reason.contains(remark.as_str()) => format!("{reason} ({remark})"),
            _ => reason.to_owned(),
        }
    }
}

/// Puts `new` in the place of what is known, if it says something else.
fn fill<T: Clone>(known: &mut Option<T>, new: Option<&T>, differs: impl Fn(&T, &T) -> bool) -> Moved {
    match (&*known, new) {
        (Some(there), Some(new)) if !differs(there, new) => Moved::No,
        (_, Some(new)) => {
            *known = Some(new.clone());
            Moved::Lineage
        }
        (_, None) => Moved::No,
    }
}
