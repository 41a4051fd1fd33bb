//! One tier asked within its share: once, and once more about what failed for a moment's reason.

use std::time::Duration;

use linkcast_domain::ports::{Backend, Inquiry, TaskItems};
use linkcast_domain::{Answer, AskError, Attempt, AttemptOutcome, Cost, FailureKind, Retry, apportion};
use linkcast_routing::Variant;
use linkcast_scoring::Score;

use super::asking::{Answered, Asking, Open};
use super::given::{self, Given};
use super::identity;
use crate::judge::{Judge, Judged};

/// A tier is dropped so much before its share ends: timers end up to a millisecond late, and what follows takes a moment too.
const HANDING_OVER: Duration = Duration::from_millis(2);

/// A backend is told to end so much sooner still, so that what it has by then comes.
const LAST_WORDS: Duration = Duration::from_millis(1);

/// The longest wait before what failed for a moment's reason is asked once more.
const LONGEST_WAIT_US: u64 = 40_000;

type Said = Result<Answer, AskError>;

/// One tier of a chain, about to be asked.
pub(super) struct Step<'a> {
    pub(super) assigned: usize,
    pub(super) tier: usize,
    pub(super) variant: &'a Variant,
    pub(super) limit: Duration,
    pub(super) rest: &'a [usize],
}

impl Step<'_> {
    /// The same with so much of its time gone.
    pub(super) fn less(&self, gone: Duration) -> Self {
        Step { limit: self.limit.saturating_sub(gone), ..*self }
    }

    fn failure(
        &self,
        kind: FailureKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> AskError {
        AskError::new(format!("variant {}", self.variant.name), kind, source)
    }
}

impl<B: Backend, E: Judge, I: TaskItems> Asking<'_, B, E, I> {
    /// Asks one tier within its share; gives what it answered, and what it did not.
    pub(super) async fn ask_tier(&self, step: &Step<'_>, open: Vec<Open>) -> (Answered, Vec<Open>) {
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
        let asked = self.router.backend.ask(
            &step.variant.target,
            &inquiries,
            limit.saturating_sub(HANDING_OVER + LAST_WORDS),
        );
        let mut said = match tokio::time::timeout(limit.saturating_sub(HANDING_OVER), asked).await {
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
        // Who does not say its version is known by its variant.
        let version = match answer.model_version.as_str() {
            "" => step.variant.name.as_str(),
            version => version,
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
