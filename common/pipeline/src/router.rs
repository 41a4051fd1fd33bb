//! Who answers each sample, asked for many samples at once: the variant its stream belongs to, then those that stand in.
//!
//! One deadline holds for all. The embedded model judges every sample first, in microseconds: it is the last tier of every
//! chain, and what every other answer is compared with. Streams of one variant are asked about together; the variants side by
//! side. What the policy is, who rests and what was seen lies in the store and is read anew every few seconds, so that
//! processes agree; what cannot be read leaves in force what was read before.

mod asking;
mod desk;
mod given;
mod known;
mod records;
mod tier;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use linkcast_domain::ports::{Backend, StoreError, TaskItems};
use linkcast_domain::{AttemptOutcome, Budget, Clock, ModelIdentity, PredictionType, Timestamp, apportion};
use linkcast_routing::{Observed, Policy, QuestionOutcome, VariantName};
use linkcast_scoring::Score;

use crate::judge::{Judge, Judged, Judges};
use asking::Asking;
pub use desk::{RoutingDesk, RoutingError};
use given::Given;
pub use given::RoutedJudge;
use known::Known;
pub use records::{Disagreement, Opinion};

/// What is known of policy and breakers is read anew after so long: changes are to be in force everywhere within 30 s.
const READ_ANEW: Duration = Duration::from_secs(10);

/// What was seen is written down at most so often.
const WRITE_DOWN: Duration = Duration::from_secs(10);

/// The longest the store is waited for at once: it knows what helps to answer, and the answer does not depend on it.
const STORE_LIMIT: Duration = Duration::from_millis(300);

/// What of an invocation's time is left for writing what was answered.
const WRITING: Duration = Duration::from_millis(500);

/// Routes a task's samples. One for the process: it remembers between invocations.
pub struct Router<B, E> {
    task: String,
    /// Names this process among those that write down what they saw.
    process: String,
    backend: B,
    embedded: E,
    /// Models that judge beside the embedded one and are never answered with: candidates before they have an endpoint.
    shadows: Vec<E>,
    /// One more of them, which comes and goes with its rollout.
    candidate: Mutex<Option<Arc<E>>>,
    known: Mutex<Known>,
}

/// A router for one invocation: its store, its time.
pub struct Routing<'r, 'i, B, E, I> {
    router: &'r Router<B, E>,
    items: &'i I,
    budget: Budget,
    clock: &'i dyn Clock,
}

/// What the models inside say of an invocation's samples.
struct Here {
    /// The embedded model.
    scores: Vec<Score>,
    /// How long it took, µs.
    latencies: Vec<u64>,
    /// The classes that each shadow gives.
    shadows: Vec<(VariantName, Vec<PredictionType>)>,
}

/// What a router met with and has not told yet.
#[derive(Debug, Default)]
pub struct RouterNews {
    /// The policy in the store is none, and the last good one is followed: why.
    pub bad_policy: Option<String>,
    /// The store could not be asked for policy and breakers, or not be told of them.
    pub store: Option<StoreError>,
    /// Failed attempts, by variant and kind.
    pub failures: BTreeMap<(String, &'static str), u64>,
    /// Answers in the place of another variant.
    pub stood_in: u64,
    /// Answers, by variant.
    pub answered: BTreeMap<String, u64>,
}

impl<B: Backend, E: Judge> Router<B, E> {
    /// A router of `task`; `process` is a name no other process has.
    pub fn new(task: &str, process: &str, backend: B, embedded: E) -> Self {
        let known = Mutex::new(Known::new(Policy::standing(task, None)));
        let (task, process) = (task.to_owned(), process.to_owned());
        let (shadows, candidate) = (Vec::new(), Mutex::default());
        Router { task, process, backend, embedded, shadows, candidate, known }
    }

    /// The same, with a model that judges all and answers none.
    #[must_use]
    pub fn with_shadow(mut self, shadow: E) -> Self {
        self.shadows.push(shadow);
        self
    }

    /// From now on this model judges beside the others and answers none, in place of the one given before; nobody, if it is none.
    pub fn set_candidate(&self, candidate: Option<Arc<E>>) {
        *self.candidate.lock().unwrap_or_else(PoisonError::into_inner) = candidate;
    }

    /// The router for one invocation.
    pub fn within<'r, 'i, I: TaskItems>(
        &'r self,
        items: &'i I,
        budget: Budget,
        clock: &'i dyn Clock,
    ) -> Routing<'r, 'i, B, E, I> {
        Routing { router: self, items, budget, clock }
    }

    /// What was met with since the last time.
    pub fn take_news(&self) -> RouterNews {
        std::mem::take(&mut self.known().news)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Backend, E: Judge, I: TaskItems> Routing<'_, '_, B, E, I> {
    /// Reads policy and breakers, if that was long ago.
    async fn refresh(&self) {
        let now = self.clock.now();
        if !self.router.known().is_due(now, READ_ANEW) {
            return;
        }
        let Router { task, backend, .. } = self.router;
        let read = in_time("read policy and breakers", known::read(self.items, task)).await;
        let nobody_wrote_one = matches!(&read, Ok(read) if read.policy.is_none());
        let standing = if nobody_wrote_one {
            let limit = self.budget.share(Duration::from_millis(500), self.clock);
            Some(Policy::standing(task, backend.standing(limit).await))
        } else {
            None
        };
        self.router.known().take_up(read, standing, now);
    }

    /// Writes down what others should know: breakers that moved, and now and then what was seen.
    async fn write_down(&self) {
        let now = self.clock.now();
        let Router { task, process, known: _, .. } = self.router;
        let items = self.router.known().due(process, now, WRITE_DOWN);
        for item in items {
            let put = self.items.put_task_item(task, &item);
            let written = in_time("write down what routing saw", put).await;
            let is_lost = written.is_err();
            self.router.known().written(&item, written);
            if is_lost {
                // What was not written is due again with the next question.
                return;
            }
        }
    }

    /// Judges with the embedded model and its shadows, and takes the time of it.
    fn judge_here(&self, samples: &[Judged<'_>]) -> Here {
        let mut latencies = Vec::with_capacity(samples.len());
        let judged = samples.iter().map(|sample| {
            let started = self.clock.micros();
            let score = self.router.embedded.score(sample.features);
            latencies.push(self.clock.micros().saturating_sub(started));
            score
        });
        let scores: Vec<Score> = judged.collect();
        let candidate = self.router.candidate.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut shadows = Vec::with_capacity(self.router.shadows.len() + 1);
        for shadow in self.router.shadows.iter().chain(candidate.as_deref()) {
            let variant = VariantName::of_shadow(&shadow.identity().model_version);
            let seen: Vec<(Score, u64)> = samples
                .iter()
                .map(|sample| {
                    let started = self.clock.micros();
                    (shadow.score(sample.features), self.clock.micros().saturating_sub(started))
                })
                .collect();
            let mut known = self.router.known();
            for ((score, latency_us), embedded) in seen.iter().zip(&scores) {
                let classes = (embedded.class, score.class);
                known.observe(&Observed::answer(variant.as_str(), *latency_us, classes));
            }
            shadows.push((variant, seen.iter().map(|(score, _)| score.class).collect()));
        }
        Here { scores, latencies, shadows }
    }

    /// Counts what came of each sample.
    fn observe(&self, policy: &Policy, samples: &[Judged<'_>], given: &[Given], here: &Here) {
        let (most, now) = (policy.text().records_an_hour, self.clock.now());
        let mut known = self.router.known();
        for ((sample, given), embedded) in samples.iter().zip(given).zip(&here.scores) {
            let answered = policy.variants().get(given.variant).map_or("", |variant| variant.name.as_str());
            known.records.keep(most, now, sample, (answered, &given.score, embedded));
            let assigned = policy.variants().get(given.assigned).map_or("", |variant| variant.name.as_str());
            let classes = (embedded.class, given.score.class);
            if given.attempts.is_empty() {
                known.observe(&Observed::answer(assigned, given.latency_us, classes));
            }
            for attempt in &given.attempts {
                known.observe(&Observed::of(attempt, assigned, classes));
            }
        }
        for (shadow, classes) in &here.shadows {
            for ((given, embedded), class) in given.iter().zip(&here.scores).zip(classes) {
                if let Some(answered) = policy.variants().get(given.variant) {
                    let names = (answered.name.as_str(), shadow.as_str());
                    known.observe_shadow(names, (embedded.class, *class));
                }
            }
        }
        for (variant, outcome) in questions(given) {
            known.observe_question(variant, outcome);
        }
    }

    fn deadline(&self, policy: &Policy) -> Timestamp {
        let left = self.budget.remaining(self.clock).saturating_sub(WRITING);
        self.clock.now().plus(policy.deadline().min(left))
    }
}

impl<'r, B: Backend, E: Judge, I: TaskItems> Judges for Routing<'r, '_, B, E, I> {
    type Judge = RoutedJudge<'r, E>;

    async fn judges(&self, samples: &[Judged<'_>]) -> Vec<RoutedJudge<'r, E>> {
        self.refresh().await;
        let started = self.clock.micros();
        let policy = self.router.known().policy();
        let here = self.judge_here(samples);
        let asking = Asking {
            router: self.router,
            items: self.items,
            clock: self.clock,
            policy: &policy,
            deadline: self.deadline(&policy),
            started,
            samples,
            scores: &here.scores,
            latencies: &here.latencies,
        };
        let given = asking.all().await;
        self.observe(&policy, samples, &given, &here);
        self.write_down().await;
        let prices = &policy.text().prices;
        let spent = prices.function(self.clock.micros().saturating_sub(started));
        let (functions, table) = (apportion(spent, given.len()), prices.table());
        let embedded = &self.router.embedded;
        given
            .into_iter()
            .zip(functions)
            .map(|(given, function)| given.into_judge(embedded, &policy, function, table))
            .collect()
    }
}

/// What became of each variant's samples in this invocation, taken as one question: they are asked together, and a call that fails
/// fails for all of them.
fn questions(given: &[Given]) -> BTreeMap<&str, QuestionOutcome> {
    let mut found = BTreeMap::new();
    for attempt in given.iter().flat_map(|given| &given.attempts) {
        let outcome = match attempt.outcome {
            AttemptOutcome::Answered => QuestionOutcome::Answered(attempt.latency_us),
            AttemptOutcome::Failed(_) => QuestionOutcome::Failed,
            AttemptOutcome::Skipped | AttemptOutcome::NoTime | AttemptOutcome::Overtaken => continue,
        };
        let known = found.entry(attempt.variant.as_str()).or_insert(outcome);
        *known = match (*known, outcome) {
            (QuestionOutcome::Answered(one), QuestionOutcome::Answered(other)) => {
                QuestionOutcome::Answered(one.max(other))
            }
            _ => QuestionOutcome::Failed,
        };
    }
    found
}

/// What the store says within its limit; a store that is late is busy.
async fn in_time<T>(
    attempt: &'static str,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let late = |source| StoreError::Busy { store: "the task's items".to_owned(), attempt, source };
    tokio::time::timeout(STORE_LIMIT, call).await.unwrap_or_else(|elapsed| Err(late(elapsed.into())))
}

/// Who a variant's answer is by.
fn identity(kind: &str, version: &str) -> ModelIdentity {
    ModelIdentity {
        model_used: kind.to_owned(),
        model_version: version.to_owned(),
        feature_schema: linkcast_domain::FEATURE_SCHEMA_VERSION,
    }
}
