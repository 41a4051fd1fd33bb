//! The client that functions ask with, set on one server: its router, pool, retry and breaker, as they ship.

use std::time::{Duration, Instant};

use linkcast_aws::{Backends, LocalServices, connect_locally};
use linkcast_domain::{Attempt, Budget, FeatureVector, StreamId, SystemClock, Timestamp};
use linkcast_pipeline::{Judge, Judged, Judges, Router, RoutingDesk};
use linkcast_routing::{BreakerState, Policy};
use linkcast_scoring::{Model, Score, TASK};
use linkcast_store::MemoryStore;
use serde_json::json;

use crate::exit::{ExitKind, Failure, chain};

/// The variant that is the server.
pub(super) const SERVER: &str = "server";
/// The variant that is the model inside this process.
pub(super) const EMBEDDED: &str = "embedded";
/// The longest a question may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// A row that is asked about.
pub(super) struct Question {
    pub(super) stream: StreamId,
    pub(super) time: Timestamp,
    pub(super) features: FeatureVector,
}

/// What was answered to one row, and how that came about.
pub(super) struct Said {
    pub(super) score: Score,
    pub(super) version: String,
    pub(super) variant: String,
    pub(super) fallback_from: Option<String>,
    pub(super) attempts: Vec<Attempt>,
}

/// A router with one tier before the embedded model, and a store that is its own.
pub(super) struct Client<'m> {
    router: Router<Backends, &'m Model>,
    store: MemoryStore,
    /// The model inside this process.
    pub(super) model: &'m Model,
}

impl<'m> Client<'m> {
    /// A client of the server at `url`.
    ///
    /// # Errors
    /// An address that no policy can hold.
    pub(super) async fn of(url: &str, model: &'m Model) -> Result<Self, Failure> {
        let failed = |error: &dyn std::error::Error| {
            Failure::new(ExitKind::Machine, format!("writing the client's policy: {error}"))
        };
        let policy = Policy::parse(&policy(url)).map_err(|error| failed(&error))?;
        let store = MemoryStore::new();
        RoutingDesk::new(&store, TASK).put(&policy, 0).await.map_err(|error| failed(&error))?;
        // No service of AWS is asked: the one tier is an address.
        let shared = connect_locally(LocalServices::default()).await;
        let router = Router::new(TASK, "verify", Backends::new(&shared, "verify", TASK), model);
        Ok(Client { router, store, model })
    }

    /// Asks about all of them in one question; gives how long that took as well.
    pub(super) async fn ask(&self, questions: &[Question]) -> (Vec<Said>, Duration) {
        let samples: Vec<Judged<'_>> = questions
            .iter()
            .map(|question| Judged {
                stream: &question.stream,
                time: question.time,
                features: &question.features,
            })
            .collect();
        let begun = Instant::now();
        let budget = Budget::of(DEADLINE * 2, &SystemClock);
        let judges = self.router.within(&self.store, budget, &SystemClock).judges(&samples).await;
        let taken = begun.elapsed();
        let said = judges.iter().zip(questions).map(|(judge, question)| {
            let route = judge.route();
            Said {
                score: judge.score(&question.features),
                version: judge.identity().model_version.clone(),
                variant: route.map_or_else(String::new, |route| route.variant.clone()),
                fallback_from: route.and_then(|route| route.fallback_from.clone()),
                attempts: route.map_or_else(Vec::new, |route| route.attempts.clone()),
            }
        });
        (said.collect(), taken)
    }

    /// Whether the server's breaker is open, as the store has it.
    ///
    /// # Errors
    /// What is written down of it cannot be read.
    pub(super) async fn rests(&self) -> Result<bool, Failure> {
        let breakers = RoutingDesk::new(&self.store, TASK).breakers().await;
        let breakers = breakers.map_err(|error| Failure::new(ExitKind::Machine, chain(&error)))?;
        Ok(breakers.iter().any(|(name, verdict)| name == SERVER && verdict.state == BreakerState::Open))
    }
}

/// Three failures in a row open the breaker, and it rests for a second or two: the steps need not wait as long as functions do.
fn policy(url: &str) -> String {
    json!({
        "salt": "verify",
        "deadline_ms": DEADLINE.as_millis() as u64,
        "fallback": [EMBEDDED],
        "breaker": { "failures": 3, "rest_s": 1, "longest_rest_s": 2 },
        "variants": [
            { "name": SERVER, "weight": 100, "target": { "kind": "http", "url": url, "protocol": "linkcast" } },
            { "name": EMBEDDED, "weight": 0, "target": { "kind": "embedded" } },
        ],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_one_and_its_only_tier_is_the_server() {
        let policy = Policy::parse(&policy("http://127.0.0.1:1/invocations")).unwrap();
        let names = policy.chain(0).iter().map(|place| policy.variants()[*place].name.to_string());
        assert_eq!(names.collect::<Vec<_>>(), [SERVER, EMBEDDED]);
    }
}
