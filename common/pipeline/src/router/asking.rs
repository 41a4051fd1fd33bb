//! One round of asking: each variant's samples go down its chain until somebody has answered all of them.
//!
//! A tier gets its share of the one deadline and not a moment more; what it did not answer goes on to the next. A tier that
//! rests is passed over; one that is probed is asked about one sample while the others go on. The embedded model has answered
//! before anyone is asked, so that whatever happens to time, there is an answer.

use std::pin::Pin;
use std::time::Duration;

use futures_util::future::{Either, join, join_all, select};
use linkcast_domain::ports::{Backend, Inquiry, TaskItems};
use linkcast_domain::{
    Answer, AskError, Attempt, AttemptOutcome, Clock, Cost, FailureKind, Retry, Timestamp, apportion,
};
use linkcast_routing::{Permit, Policy, Variant, Verdict, share};
use linkcast_scoring::Score;

use super::given::{self, Given};
use super::{Router, identity};
use crate::judge::{Judge, Judged};

/// A tier with less time than this is not asked: no network answers faster.
const LEAST_SHARE: Duration = Duration::from_millis(4);

/// What timers count in: one ends up to so much late. A backend is told to end two before its share does and is dropped one
/// before, so that what it has by then still comes, and the share is kept.
const TICK: Duration = Duration::from_millis(1);

/// The longest wait before what failed for a moment's reason is asked once more.
const LONGEST_WAIT_US: u64 = 40_000;

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
struct Open {
    place: usize,
    attempts: Vec<Attempt>,
}

/// Samples with what was answered of them.
type Answered = Vec<(usize, Given)>;
type Later<'b> = Pin<Box<dyn Future<Output = Answered> + Send + 'b>>;
type Said = Result<Answer, AskError>;

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
        let name = &step.variant.name;
        let claim = self.router.known().claim(name, probe);
        let may = match claim {
            Some(claim) => {
                let written = self.items.put_task_item(&self.router.task, &claim).await;
                self.router.known().claimed(name, probe, written)
            }
            None => false,
        };
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
        let beside = open.clone();
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
                    Either::Right((answered, _)) => answered,
                }
            }
        }
    }

    /// Asks one tier within its share; gives what it answered, and what it did not.
    async fn ask_tier(&self, step: &Step<'_>, open: Vec<Open>) -> (Answered, Vec<Open>) {
        let started = self.clock.micros();
        let said = self.ask_within(step, &open).await;
        let latency_us = self.clock.micros().saturating_sub(started);
        let failed = if said.iter().any(Result::is_ok) {
            None
        } else {
            said.iter().find_map(|said| said.as_ref().err()).map(|error| error.kind)
        };
        self.router.known().count(&step.variant.name, self.clock.now(), failed);
        let endpoint = apportion(step.variant.prices.endpoint(latency_us), open.len());
        let (mut answered, mut left) = (Vec::new(), Vec::new());
        for ((mut open, said), endpoint) in open.into_iter().zip(said).zip(endpoint) {
            let (outcome, usage) = match &said {
                Ok(answer) => (AttemptOutcome::Answered, answer.usage),
                Err(error) => (AttemptOutcome::Failed(error.kind), error.usage),
            };
            let cost = Cost { tokens: step.variant.prices.tokens(usage), endpoint, ..Cost::default() };
            let variant = step.variant.name.to_string();
            open.attempts.push(Attempt { variant, outcome, latency_us, cost });
            match said {
                Ok(answer) => answered.push((open.place, self.given(step, answer, open.attempts))),
                Err(_) => left.push(open),
            }
        }
        (answered, left)
    }

    /// Asks a backend, once more about what failed for a moment's reason if there is time.
    async fn ask_within(&self, step: &Step<'_>, open: &[Open]) -> Vec<Said> {
        let begun = self.clock.now();
        let mut said = self.ask_once(step, step.limit, open).await;
        let again: Vec<usize> =
            (0..said.len()).filter(|place| said.get(*place).is_some_and(may_pass)).collect();
        let wait = Duration::from_micros(LONGEST_WAIT_US / 2 + self.clock.micros() % (LONGEST_WAIT_US / 2));
        let left = step.limit.saturating_sub(self.clock.now().since(begun));
        if again.is_empty() || left < wait * 2 {
            return said;
        }
        tokio::time::sleep(wait).await;
        let once_more: Vec<Open> = again.iter().filter_map(|place| open.get(*place).cloned()).collect();
        let left = step.limit.saturating_sub(self.clock.now().since(begun));
        for (place, second) in again.into_iter().zip(self.ask_once(step, left, &once_more).await) {
            if let Some(said) = said.get_mut(place) {
                follow(said, second);
            }
        }
        said
    }

    async fn ask_once(&self, step: &Step<'_>, limit: Duration, open: &[Open]) -> Vec<Said> {
        let samples: Vec<(&Judged<'_>, &Score)> = open
            .iter()
            .filter_map(|open| Some((self.samples.get(open.place)?, self.scores.get(open.place)?)))
            .collect();
        let wants_reasons = step.variant.target.kind() == "bedrock";
        let influencers: Vec<_> = samples
            .iter()
            .map(|(sample, score)| match wants_reasons {
                true => self.router.embedded.explain(sample.features, score).influencers,
                false => Vec::new(),
            })
            .collect();
        let inquiries: Vec<Inquiry<'_>> = samples
            .iter()
            .zip(&influencers)
            .map(|((sample, _), influencers)| Inquiry {
                stream: sample.stream,
                time: sample.time,
                features: sample.features,
                influencers,
            })
            .collect();
        let asked = self.router.backend.ask(&step.variant.target, &inquiries, limit.saturating_sub(TICK * 2));
        let mut said = match tokio::time::timeout(limit.saturating_sub(TICK), asked).await {
            Ok(said) => said,
            Err(late) => vec![Err(step.failure(FailureKind::Timeout, late))],
        };
        said.truncate(open.len());
        while said.len() < open.len() {
            let timed_out = matches!(said.last(), Some(Err(error)) if error.kind == FailureKind::Timeout);
            let kind = if timed_out { FailureKind::Timeout } else { FailureKind::BadOutput };
            said.push(Err(step.failure(kind, "no answer to this sample")));
        }
        said
    }

    fn given(&self, step: &Step<'_>, answer: Answer, attempts: Vec<Attempt>) -> Given {
        let version = match (&step.variant.target, answer.model_version.as_str()) {
            (linkcast_domain::Target::Bedrock { model, .. }, "") => model,
            (_, version) => version,
        };
        Given {
            assigned: step.assigned,
            variant: step.tier,
            score: given::score(&answer, &step.variant.calibration),
            identity: identity(step.variant.target.kind(), version),
            latency_us: self.clock.micros().saturating_sub(self.started),
            sentence: answer.sentence,
            attempts,
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

/// One tier of a chain, about to be asked.
struct Step<'a> {
    assigned: usize,
    tier: usize,
    variant: &'a Variant,
    limit: Duration,
    rest: &'a [usize],
}

impl Step<'_> {
    fn failure(
        &self,
        kind: FailureKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> AskError {
        AskError::new(format!("variant {}", self.variant.name), kind, source)
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

fn may_pass(said: &Said) -> bool {
    matches!(said, Err(error) if error.kind.retry() != Retry::Never)
}

/// A second try in the place of the first, which is paid for as well.
fn follow(said: &mut Said, second: Said) {
    let first = said.as_ref().err().map(|error| error.usage).unwrap_or_default();
    match second {
        Ok(mut answer) => {
            answer.usage += first;
            *said = Ok(answer);
        }
        Err(mut error) => {
            error.usage += first;
            *said = Err(error);
        }
    }
}
