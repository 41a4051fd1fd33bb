//! The verdict at a look: the next step, back, or wait, with every number it rests on.

use std::collections::BTreeMap;
use std::fmt;

use linkcast_domain::Timestamp;
use serde::{Deserialize, Serialize};

use super::seen::{Counted, pieces};
use super::{Held, Leaning, Rollout, RolloutPhase, Step};
use crate::{Evidence, Exposure, Guardrail, VariantName};

/// The verdict of one look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolloutVerdict {
    /// When it was looked.
    pub at: Timestamp,
    /// At which step.
    pub step: Step,
    /// Since when that holds.
    pub since: Timestamp,
    /// What follows.
    pub decision: Decision,
    /// Questions to the candidate in this step; samples in the shadow step.
    pub questions: u64,
    /// How many are needed.
    pub needed: u64,
    /// The numbers, by guardrail.
    pub guardrails: Vec<Held>,
}

/// What follows from a look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// The next step may be taken.
    Promote {
        /// Which.
        to: Step,
    },
    /// The candidate harms.
    Abort {
        /// By what.
        guardrail: Guardrail,
    },
    /// Neither, for all of these reasons.
    Hold {
        /// Why.
        because: Vec<Hold>,
    },
}

/// Why a step is not left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Hold {
    /// The rollout does not run.
    NotRunning {
        /// What it does instead.
        phase: String,
    },
    /// Too little was seen.
    TooFewQuestions {
        /// How much was.
        seen: u64,
        /// How much is needed.
        needed: u64,
    },
    /// The step has not lasted long enough.
    TooEarly {
        /// When it will have.
        until: Timestamp,
    },
    /// The unacceptable is not ruled out yet.
    Undecided {
        /// By which guardrail.
        guardrail: Guardrail,
    },
    /// What was seen is better explained by the unacceptable rate, and harm is not proven.
    Unacceptable {
        /// By which guardrail.
        guardrail: Guardrail,
    },
    /// Nobody agreed from when on an answer is slow, and the live variant has not answered enough to say it.
    NoLatencyLimit {
        /// How many of its answers were seen.
        answers: u64,
        /// How many are needed.
        needed: u64,
    },
    /// The step's longest time has passed: a person decides.
    Expired {
        /// When it passed.
        at: Timestamp,
    },
    /// The candidate cannot answer yet.
    NotReady {
        /// What is missing.
        what: String,
    },
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hold::NotRunning { phase } => write!(f, "the rollout is {phase}"),
            Hold::TooFewQuestions { seen, needed } => {
                write!(f, "insufficient data: {seen} of {needed} questions were seen")
            }
            Hold::TooEarly { until } => write!(f, "the step lasts until {until} at least"),
            Hold::Undecided { guardrail } => {
                write!(f, "{}: unacceptable is not ruled out yet", guardrail.name())
            }
            Hold::Unacceptable { guardrail } => {
                write!(f, "{}: looks unacceptable, harm is not proven", guardrail.name())
            }
            Hold::NoLatencyLimit { answers, needed } => write!(
                f,
                "latency: {answers} of {needed} answers of the live variant were seen, which say what is slow"
            ),
            Hold::Expired { at } => {
                write!(f, "the step's longest time passed at {at}: promote or abort by hand")
            }
            Hold::NotReady { what } => write!(f, "the candidate is not ready: {what}"),
        }
    }
}

/// Whether the candidate can answer: no stream is its own before it can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It can.
    Ready,
    /// It cannot, or nobody knows.
    NotReady {
        /// What is missing.
        what: String,
    },
}

impl RolloutVerdict {
    /// The same for a candidate that is so: a step that is to be taken waits for one that is ready.
    #[must_use]
    pub fn with(mut self, readiness: Readiness) -> Self {
        if let (Decision::Promote { .. }, Readiness::NotReady { what }) = (&self.decision, readiness) {
            self.decision = Decision::Hold { because: vec![Hold::NotReady { what }] };
        }
        self
    }
}

impl Rollout {
    /// Judges what was seen in `hours` (by the hour since 1970) and what was found wrong afterwards since the rollout began, `quality`.
    /// Nothing changes by it, and it may be asked as often as one likes.
    pub fn judge(
        &self,
        hours: &BTreeMap<i64, Evidence>,
        quality: &[Exposure],
        now: Timestamp,
    ) -> RolloutVerdict {
        let step = self.plan.step(self.standing.step).unwrap_or(Step::ALL);
        let pieces = pieces(&self.standing.cuts, hours, &self.sides());
        let guardrails = match step {
            Step::Shadow => self.shadowed(&pieces),
            Step::Weight(_) => self.held(&pieces, quality),
        };
        let own = pieces.iter().filter(|(place, _)| *place == self.standing.step);
        let questions = own
            .map(|(_, seen)| match step {
                Step::Shadow => seen.shadowing.candidate,
                Step::Weight(_) => seen.failures.candidate,
            })
            .sum();
        let mut verdict = RolloutVerdict {
            at: now,
            step,
            since: self.standing.since,
            decision: Decision::Hold { because: Vec::new() },
            questions,
            needed: self.plan.text().least_questions,
            guardrails,
        };
        verdict.decision = self.decided(&verdict, hours, now);
        verdict
    }

    fn decided(&self, verdict: &RolloutVerdict, hours: &BTreeMap<i64, Evidence>, now: Timestamp) -> Decision {
        if self.standing.phase != RolloutPhase::Running {
            let phase = self.standing.phase.name().to_owned();
            return Decision::Hold { because: vec![Hold::NotRunning { phase }] };
        }
        let surest = verdict.guardrails.iter().filter(|held| held.aborts());
        let surest = surest.max_by(|one, other| evidence(one).total_cmp(&evidence(other)));
        if let Some(held) = surest {
            return Decision::Abort { guardrail: held.guardrail };
        }
        let mut because = self.waits(verdict, hours, now);
        let Some(to) = self.plan.step(self.standing.step + 1) else {
            return Decision::Hold { because };
        };
        let ends = self.standing.since.plus(self.plan.longest());
        if self.standing.expired.is_some() || (now > ends && !because.is_empty()) {
            because.push(Hold::Expired { at: ends });
        }
        if because.is_empty() { Decision::Promote { to } } else { Decision::Hold { because } }
    }

    /// What the next step waits for.
    fn waits(&self, verdict: &RolloutVerdict, hours: &BTreeMap<i64, Evidence>, now: Timestamp) -> Vec<Hold> {
        let mut because = Vec::new();
        if verdict.questions < verdict.needed {
            because.push(Hold::TooFewQuestions { seen: verdict.questions, needed: verdict.needed });
        }
        let until = self.standing.since.plus(self.plan.shortest());
        if now < until {
            because.push(Hold::TooEarly { until });
        }
        for held in &verdict.guardrails {
            let agreed = self.plan.text().guardrails.get(&held.guardrail).and_then(|terms| terms.margin);
            let guardrail = held.guardrail;
            match held.leaning() {
                Leaning::Undecided if agreed.is_some() || verdict.step == Step::Shadow => {
                    because.push(Hold::Undecided { guardrail });
                }
                Leaning::Unacceptable => because.push(Hold::Unacceptable { guardrail }),
                Leaning::Undecided | Leaning::Acceptable => {}
            }
        }
        if let Err(answers) = self.slow_us(hours) {
            because.push(Hold::NoLatencyLimit { answers, needed: super::state::LEAST_ANSWERS });
        }
        because
    }

    /// The shadow's judgements beside the live variant's answers.
    fn shadowed(&self, pieces: &[(usize, Counted)]) -> Vec<Held> {
        let hours: Vec<Exposure> = pieces.iter().map(|(_, seen)| seen.shadowing).collect();
        let terms = (Some(self.plan.text().shadow_margin), self.risks());
        vec![Held::of((Guardrail::Disagreements, &self.live), &hours, &hours, terms)]
    }

    fn held(&self, pieces: &[(usize, Counted)], quality: &[Exposure]) -> Vec<Held> {
        let is_weighted = |place: usize| self.plan.step(place).is_some_and(|step| step != Step::Shadow);
        let shadow = self.plan.shadow();
        let beside: &VariantName = shadow.as_ref().unwrap_or(&self.live);
        let agreed = self.plan.text().guardrails.iter();
        agreed
            .map(|(guardrail, terms)| {
                let of = |seen: &Counted| match guardrail {
                    Guardrail::Failures => seen.failures,
                    Guardrail::Latency => seen.latency,
                    Guardrail::Disagreements | Guardrail::Quality => seen.disagreements,
                };
                let weighted = pieces.iter().filter(|(place, _)| is_weighted(*place));
                let (mut hours, mut own) = (Vec::new(), Vec::new());
                for (place, seen) in weighted {
                    hours.push(of(seen));
                    own.extend((*place == self.standing.step).then(|| of(seen)));
                }
                if *guardrail == Guardrail::Quality {
                    // Verdicts come days after the answers: those of earlier steps count in every later one.
                    (hours, own) = (quality.to_vec(), quality.to_vec());
                }
                let other = if *guardrail == Guardrail::Disagreements { beside } else { &self.live };
                Held::of((*guardrail, other), &hours, &own, (terms.margin, self.risks())).with_harm(
                    &hours,
                    self.plan.stop_at(),
                    terms.tolerated,
                )
            })
            .collect()
    }

    fn risks(&self) -> (f64, f64) {
        (self.plan.text().alpha, self.plan.text().beta)
    }
}

fn evidence(held: &Held) -> f64 {
    held.harm.map_or(0.0, |harm| harm.evidence)
}
