//! One call after another, as the plan says, until there is something to wait for.
//!
//! Nothing waits here: where time must pass, whoever called is told when to look again, be it a function that ends meanwhile or
//! a command that shows a bar. After each change everything is looked at anew, so an answer that was lost changes nothing.

use std::time::Duration;

use linkcast_domain::ports::{Change, EndpointPlane, PlaneError, PlaneFault};
use linkcast_domain::{Budget, Clock};

use crate::observed::observe;
use crate::plan::{Aim, Step, Waiting, plan};
use crate::stuck::Stuck;

/// The longest one call may take.
const LONGEST_CALL: Duration = Duration::from_secs(20);
/// The wait after the first call that was not heard; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest such wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often the same change may be made in one run: an endpoint is deleted and made again once.
const MOST_OFTEN: usize = 2;
/// How often in a row the world may turn out to be another than was seen.
const MOST_SURPRISES: u32 = 5;

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it should be.
    Done,
    /// Time must pass.
    LookAgain(Waiting),
    /// Somebody has to do something.
    Stuck(Stuck),
}

/// Who makes the calls.
#[derive(Debug)]
pub struct Provisioner<'a, P, C> {
    plane: &'a P,
    clock: &'a C,
    aim: &'a Aim,
    patience: Duration,
    made: Vec<Change>,
    unheard: u32,
    surprises: u32,
}

/// Goes as far towards `aim` as can be gone without waiting.
pub async fn provision<P: EndpointPlane, C: Clock>(
    plane: &P,
    aim: &Aim,
    clock: &C,
    (patience, budget): (Duration, &Budget),
) -> Outcome {
    Provisioner::new(plane, aim, clock, patience).advance(budget).await
}

impl<'a, P: EndpointPlane, C: Clock> Provisioner<'a, P, C> {
    /// Towards `aim`; an endpoint may be on its way for `patience`.
    pub fn new(plane: &'a P, aim: &'a Aim, clock: &'a C, patience: Duration) -> Self {
        Provisioner { plane, clock, aim, patience, made: Vec::new(), unheard: 0, surprises: 0 }
    }

    /// What was changed so far, in order.
    pub fn made(&self) -> &[Change] {
        &self.made
    }

    /// Goes on until there is something to wait for, or `budget` is spent.
    pub async fn advance(&mut self, budget: &Budget) -> Outcome {
        loop {
            let limit = || budget.share(LONGEST_CALL, self.clock);
            if limit().is_zero() {
                let what = "the time of this call is up".to_owned();
                return Outcome::LookAgain(Waiting { what, look_again: Duration::ZERO });
            }
            let observed = match observe(self.plane, self.aim, &limit).await {
                Ok(observed) => observed,
                Err(error) => match self.failed(error) {
                    Some(outcome) => return outcome,
                    None => continue,
                },
            };
            let change = match plan(self.aim, &observed, self.clock.now(), self.patience) {
                Step::Done => return Outcome::Done,
                Step::Wait(waiting) => {
                    (self.unheard, self.surprises) = (0, 0);
                    return Outcome::LookAgain(waiting);
                }
                Step::Stuck(stuck) => return Outcome::Stuck(stuck),
                Step::Make(change) => change,
            };
            if self.made.iter().filter(|made| **made == change).count() >= MOST_OFTEN {
                return Outcome::Stuck(Stuck::Restless { attempt: change.attempt() });
            }
            match self.plane.change(&change, limit()).await {
                Ok(()) => {
                    (self.unheard, self.surprises) = (0, 0);
                    self.made.push(change);
                }
                Err(error) => {
                    if let Some(outcome) = self.failed(error) {
                        return outcome;
                    }
                }
            }
        }
    }

    /// What a failure means; none if everything is to be looked at anew.
    fn failed(&mut self, error: PlaneError) -> Option<Outcome> {
        let said = error.source.to_string();
        let attempt = error.attempt;
        match error.fault {
            PlaneFault::Throttled | PlaneFault::Unanswered | PlaneFault::InProgress => {
                let doublings = self.unheard.min(16);
                self.unheard = self.unheard.saturating_add(1);
                let look_again = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
                let what = format!("could not {attempt}: {said}");
                Some(Outcome::LookAgain(Waiting { what, look_again }))
            }
            // Somebody else was there meanwhile, or an earlier call of ours whose answer was lost.
            PlaneFault::Exists | PlaneFault::NotFound => {
                self.surprises += 1;
                let stuck =
                    || Outcome::Stuck(Stuck::Restless { attempt: format!("could not {attempt}: {said}") });
                (self.surprises >= MOST_SURPRISES).then(stuck)
            }
            PlaneFault::Quota => Some(Outcome::Stuck(Stuck::Quota { attempt, said })),
            PlaneFault::Refused => Some(Outcome::Stuck(Stuck::Refused { attempt, said })),
        }
    }
}
