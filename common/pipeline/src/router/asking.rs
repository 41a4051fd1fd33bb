//! One round of asking: each variant's samples go down its chain until somebody has answered all of them.
//!
//! A tier gets its share of the one deadline and not a moment more; what it did not answer goes on to the next. A tier that
//! rests is passed over; one that is probed is asked about one sample while the others go on. The embedded model has answered
//! before anyone is asked, so that whatever happens to time, there is an answer.

use std::pin::Pin;
use std::time::Duration;

use futures_util::future::{Either, join, join_all, select};
use linkcast_domain::ports::{Backend, TaskItems, Written};
use linkcast_domain::{Attempt, AttemptOutcome, Clock, Cost, Timestamp, apportion};
use linkcast_routing::{Permit, Policy, Variant, Verdict, share};
use linkcast_scoring::Score;

use super::Router;
use super::given::Given;
use super::tier::Step;
use crate::judge::{Judge, Judged};

/// A tier with less time than this is not asked: no network answers faster.
const LEAST_SHARE: Duration = Duration::from_millis(6);

/// One round.
pub(super) struct Asking<'a, B, E, I> {
    pub(super) router: &'a Router<B, E>,
    pub(super) items: &'a I,
    pub(super) clock: &'a dyn Clock,
    pub(super) policy: &'a Policy,
    pub(super) deadline: Timestamp,
    pub(super) started: u64,
    pub(super) samples: &'a [Judged<'a>],
    /// What the embedded model says of each.
    pub(super) scores: &'a [Score],
    /// How long it took to say so, µs.
    pub(super) latencies: &'a [u64],
}

/// A sample nobody has answered yet.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) place: usize,
    pub(super) attempts: Vec<Attempt>,
}

/// Samples with what was answered of them.
pub(super) type Answered = Vec<(usize, Given)>;
type Later<'b> = Pin<Box<dyn Future<Output = Answered> + Send + 'b>>;

impl<B: Backend, E: Judge, I: TaskItems> Asking<'_, B, E, I> {
    /// What is answered of each sample, in the order given.
    pub(super) async fn all(&self) -> Vec<Given> {
        let mut by_variant: Vec<Vec<Open>> = vec![Vec::new(); self.policy.variants().len()];
        for (place, sample) in self.samples.iter().enumerate() {
            let assigned = self.policy.assigned(sample.stream);
            let open = Open { place, attempts: Vec::new() };
            by_variant.get_mut(assigned).into_iter().for_each(|variant| variant.push(open.clone()));
        }
        let variants = by_variant.into_iter().enumerate().filter(|(_, open)| !open.is_empty());
        let chains = variants.map(|(variant, open)| self.go_down(variant, self.policy.chain(variant), open));
        let mut answered: Answered = join_all(chains).await.into_iter().flatten().collect();
        answered.sort_unstable_by_key(|(place, _)| *place);
        answered.into_iter().map(|(_, given)| given).collect()
    }

    /// Asks the rest of a chain about what is open.
    fn go_down<'b>(&'b self, assigned: usize, chain: &'b [usize], open: Vec<Open>) -> Later<'b> {
        Box::pin(async move {
            let (Some((tier, rest)), false) = (chain.split_first(), open.is_empty()) else {
                return Vec::new();
            };
            let variant = self.policy.variants().get(*tier).filter(|_| !rest.is_empty());
            let Some(variant) = variant else { return self.answer_here(assigned, *tier, open) };
            let left = self.deadline.since(self.clock.now());
            let tiers = u32::try_from(rest.len()).unwrap_or(u32::MAX);
            let limit = share(left, self.policy.reserve(), tiers, variant.longest());
            if limit < LEAST_SHARE {
                return self.go_down(assigned, rest, pass(variant, AttemptOutcome::NoTime, open)).await;
            }
            let step = Step { assigned, tier: *tier, variant, limit, rest };
            let permit = self.router.known().permit(&variant.name, self.clock.now(), limit);
            match permit {
                Permit::Ask => self.ask(&step, open).await,
                Permit::Rest(_) => {
                    self.go_down(assigned, rest, pass(variant, AttemptOutcome::Skipped, open)).await
                }
                Permit::Probe(probe) => self.probe(&step, probe, open).await,
            }
        })
    }

    /// Asks about one sample to see whether the variant is well again; the others do not wait for that.
    async fn probe(&self, step: &Step<'_>, probe: Verdict, mut open: Vec<Open>) -> Answered {
        let (name, begun) = (&step.variant.name, self.clock.now());
        let claim = self.router.known().claim(name, probe);
        let may = match claim {
            Some(claim) => {
                let put = self.items.put_task_item(&self.router.task, &claim);
                let late = tokio::time::timeout(step.limit / 2, put).await;
                // A claim that may or may not be written is nobody's: whoever comes next finds out.
                let written = late.unwrap_or(Ok(Written::Moved));
                self.router.known().claimed(name, probe, written)
            }
            None => false,
        };
        let step = &step.less(self.clock.now().since(begun));
        let others = if may { open.split_off(1.min(open.len())) } else { std::mem::take(&mut open) };
        let others = pass(step.variant, AttemptOutcome::Skipped, others);
        let probed = async { if open.is_empty() { Vec::new() } else { self.ask(step, open).await } };
        let (mut answered, others) = join(probed, self.go_down(step.assigned, step.rest, others)).await;
        answered.extend(others);
        answered
    }

    /// Asks one tier, and those after it about what it did not answer.
    async fn ask(&self, step: &Step<'_>, open: Vec<Open>) -> Answered {
        let Some(hedge) = self.policy.hedge_after().filter(|hedge| *hedge < step.limit) else {
            let (mut answered, open) = self.ask_tier(step, open).await;
            answered.extend(self.go_down(step.assigned, step.rest, open).await);
            return answered;
        };
        let (beside, started) = (open.clone(), self.clock.micros());
        let earlier = open.first().map_or(0, |open| open.attempts.len());
        let asked = std::pin::pin!(self.ask_tier(step, open));
        match select(asked, std::pin::pin!(tokio::time::sleep(hedge))).await {
            Either::Left(((mut answered, open), _)) => {
                answered.extend(self.go_down(step.assigned, step.rest, open).await);
                answered
            }
            Either::Right(((), asked)) => {
                let next = self.go_down(step.assigned, step.rest, beside);
                match select(asked, next).await {
                    // Whom the first tier failed, the next has been asked about already.
                    Either::Left(((mut answered, open), next)) => {
                        if !open.is_empty() {
                            let next = next.await;
                            let is_open = |place: usize| open.iter().any(|one| one.place == place);
                            answered.extend(next.into_iter().filter(|(place, _)| is_open(*place)));
                        }
                        answered
                    }
                    Either::Right((mut answered, _)) => {
                        self.overtake(step, (started, earlier), &mut answered);
                        answered
                    }
                }
            }
        }
    }

    /// Tells in answers of a later tier that the one before was asked and not waited for: its time is paid all the same.
    fn overtake(&self, step: &Step<'_>, (started, earlier): (u64, usize), answered: &mut Answered) {
        let latency_us = self.clock.micros().saturating_sub(started);
        let endpoint = apportion(step.variant.prices.endpoint(latency_us), answered.len());
        for ((_, given), endpoint) in answered.iter_mut().zip(endpoint) {
            let (variant, cost) = (step.variant.name.to_string(), Cost { endpoint, ..Cost::default() });
            let outcome = AttemptOutcome::Overtaken;
            let place = earlier.min(given.attempts.len());
            given.attempts.insert(place, Attempt { variant, outcome, latency_us, cost });
        }
    }

    /// The embedded model has answered already.
    fn answer_here(&self, assigned: usize, tier: usize, open: Vec<Open>) -> Answered {
        let name = self.policy.variants().get(tier).map_or_else(String::new, |one| one.name.to_string());
        let answer = |mut open: Open| {
            let score = *self.scores.get(open.place)?;
            let latency_us = self.latencies.get(open.place).copied().unwrap_or(0);
            // Who asks nobody else has no attempts to tell of.
            let alone = assigned == tier;
            if !alone {
                let (variant, cost) = (name.clone(), Cost::default());
                open.attempts.push(Attempt { variant, outcome: AttemptOutcome::Answered, latency_us, cost });
            }
            let taken = self.clock.micros().saturating_sub(self.started);
            let given = Given {
                assigned,
                variant: tier,
                score,
                identity: self.router.embedded.identity().clone(),
                sentence: None,
                latency_us: if alone { latency_us } else { taken },
                attempts: open.attempts,
            };
            Some((open.place, given))
        };
        open.into_iter().filter_map(answer).collect()
    }
}

/// Samples that go on to the next tier without this one having been asked.
fn pass(variant: &Variant, outcome: AttemptOutcome, mut open: Vec<Open>) -> Vec<Open> {
    for open in &mut open {
        let (variant, cost) = (variant.name.to_string(), Cost::default());
        open.attempts.push(Attempt { variant, outcome, latency_us: 0, cost });
    }
    open
}
