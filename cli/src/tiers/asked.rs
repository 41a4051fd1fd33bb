//! Every variant asked alone, as functions ask: one row a question, with the policy's deadline, its retry and its breaker.
//!
//! A variant alone is the same policy with that variant before the embedded model and nobody else. What the embedded model says in
//! its place is no answer of the variant's and is counted as unanswered, with the reason.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use linkcast_aws::{Backends, LocalServices, Shared, connect, connect_locally};
use linkcast_domain::{AttemptOutcome, Budget, NanoDollars, SystemClock, Target};
use linkcast_pipeline::{Judge, Judged, Judges, Router, RoutingDesk};
use linkcast_routing::{Policy, PolicyText, Variant, Weight};
use linkcast_scoring::{Model, Score, TASK};
use linkcast_store::MemoryStore;

use super::figures::Figures;
use super::sample::Row;
use crate::exit::{ExitKind, Failure, chain};
use crate::progress::Progress;

/// What became of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fate {
    /// It was answered so.
    Answered(Score),
    /// It was not, for this reason.
    Unanswered(&'static str),
}

/// What a variant answered to every row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AskedVariant {
    /// Its name.
    pub(crate) name: String,
    /// What it says its version is.
    pub(crate) version: Option<String>,
    fates: Vec<Fate>,
    /// Of the rows that were answered, µs, rising.
    latencies_us: Vec<u64>,
    /// What asking cost, failures included.
    spent: NanoDollars,
}

/// Asks variants.
pub(crate) struct Asker<'m> {
    shared: Shared,
    model: &'m Model,
    fabric: String,
    at_once: usize,
}

/// One row's answer.
struct Heard {
    fate: Fate,
    version: String,
    latency_us: u64,
    cost: NanoDollars,
}

impl AskedVariant {
    fn new(name: &str) -> Self {
        let (name, spent) = (name.to_owned(), NanoDollars::default());
        AskedVariant { name, version: None, fates: Vec::new(), latencies_us: Vec::new(), spent }
    }

    /// One whose answers are known.
    #[cfg(test)]
    pub(super) fn of_fates(name: &str, fates: Vec<Fate>) -> Self {
        AskedVariant { fates, ..AskedVariant::new(name) }
    }

    /// What it answered to row `number`.
    pub(crate) fn score(&self, number: usize) -> Option<&Score> {
        match self.fates.get(number)? {
            Fate::Answered(score) => Some(score),
            Fate::Unanswered(_) => None,
        }
    }

    /// Rows it was asked about.
    pub(crate) fn asked(&self) -> usize {
        self.fates.len()
    }

    /// Rows it did not answer, by reason.
    pub(crate) fn unanswered(&self) -> BTreeMap<&'static str, usize> {
        let mut reasons = BTreeMap::new();
        for fate in &self.fates {
            if let Fate::Unanswered(why) = fate {
                *reasons.entry(*why).or_default() += 1;
            }
        }
        reasons
    }

    /// How right its answers are; none where there are none.
    pub(crate) fn figures(&self, rows: &[Row]) -> Option<Figures> {
        let answered = rows.iter().enumerate().filter_map(|(number, row)| Some((row, self.score(number)?)));
        Figures::of(answered)
    }

    /// The time within which this share of the answers came, milliseconds.
    pub(crate) fn latency_ms(&self, share: f64) -> Option<f64> {
        let place = (self.latencies_us.len() as f64 * share) as usize;
        let found = self.latencies_us.get(place).or(self.latencies_us.last())?;
        Some(*found as f64 / 1e3)
    }

    /// What an answer cost, dollars: tokens and endpoints, those of failures included.
    pub(crate) fn price(&self) -> Option<f64> {
        let answered = self.latencies_us.len();
        (answered > 0).then(|| self.spent.dollars() / answered as f64)
    }

    fn hear(&mut self, heard: Heard) {
        if matches!(heard.fate, Fate::Answered(_)) {
            self.latencies_us.push(heard.latency_us);
            self.version.get_or_insert(heard.version);
        }
        self.spent += heard.cost;
        self.fates.push(heard.fate);
    }
}

impl<'m> Asker<'m> {
    /// Asks `policy`'s variants, `at_once` questions at a time; `model` is the embedded one. The account and region are those of the
    /// environment where a variant needs any.
    pub(crate) async fn of(policy: &Policy, fabric: &str, at_once: usize, model: &'m Model) -> Self {
        let is_aws =
            |variant: &Variant| matches!(variant.target, Target::Sagemaker { .. } | Target::Bedrock { .. });
        let shared = match policy.variants().iter().any(is_aws) {
            true => connect().await,
            false => connect_locally(LocalServices::default()).await,
        };
        Asker { shared, model, fabric: fabric.to_owned(), at_once }
    }

    /// Asks the variant at `place` about every row.
    ///
    /// # Errors
    /// A policy of that variant alone cannot be made.
    pub(crate) async fn ask(
        &self,
        policy: &Policy,
        place: usize,
        rows: &[Row],
        progress: &mut Progress,
    ) -> Result<AskedVariant, Failure> {
        let failed =
            |error: &(dyn std::error::Error + 'static)| Failure::new(ExitKind::UnusableInput, chain(error));
        let (alone, name) = alone(policy, place).map_err(|error| failed(&error))?;
        let (store, backends) = (MemoryStore::new(), Backends::new(&self.shared, &self.fabric, TASK));
        RoutingDesk::new(&store, TASK).put(&alone, 0).await.map_err(|error| failed(&error))?;
        let router = Router::new(TASK, "routing evaluate", backends, self.model);
        let questions = rows.iter().map(|row| question(&router, &store, &name, &alone, row));
        let mut answers = stream::iter(questions).buffered(self.at_once.max(1));
        let mut asked = AskedVariant::new(&name);
        while let Some(heard) = answers.next().await {
            progress.advance(1);
            asked.hear(heard);
        }
        asked.latencies_us.sort_unstable();
        Ok(asked)
    }
}

/// The policy with the variant at `place` before the embedded model and nobody else, and its name.
fn alone(policy: &Policy, place: usize) -> Result<(Policy, String), linkcast_routing::PolicyError> {
    let with = |place: usize, weight| {
        policy.variants().get(place).map(|variant| Variant { weight, ..variant.clone() })
    };
    let variants: Vec<Variant> = match place == policy.embedded() {
        true => with(place, Weight::ALL).into_iter().collect(),
        false => [with(place, Weight::ALL), with(policy.embedded(), Weight::default())]
            .into_iter()
            .flatten()
            .collect(),
    };
    let name = variants.first().map_or_else(String::new, |variant| variant.name.to_string());
    let fallback = variants.last().map(|variant| variant.name.clone()).into_iter().collect();
    let text = PolicyText { variants, fallback, hedge_after_ms: None, ..policy.text().clone() };
    Ok((Policy::of(text)?, name))
}

/// Asks about one row.
async fn question(
    router: &Router<Backends, &Model>,
    store: &MemoryStore,
    name: &str,
    alone: &Policy,
    row: &Row,
) -> Heard {
    let samples = [Judged { stream: &row.stream, time: row.time, features: &row.features }];
    let budget = Budget::of(alone.deadline() * 2, &SystemClock);
    let judges = router.within(store, budget, &SystemClock).judges(&samples).await;
    let unheard = |why| Heard {
        fate: Fate::Unanswered(why),
        version: String::new(),
        latency_us: 0,
        cost: NanoDollars::default(),
    };
    let Some((judge, route)) = judges.first().and_then(|judge| Some((judge, judge.route()?))) else {
        return unheard("nothing came");
    };
    let attempts = || route.attempts.iter().filter(|attempt| attempt.variant == name);
    let cost = attempts().map(|attempt| attempt.cost.total()).sum();
    if route.variant == name {
        let fate = Fate::Answered(judge.score(&row.features));
        let version = judge.identity().model_version.clone();
        return Heard { fate, version, latency_us: route.latency_us, cost };
    }
    let why = attempts().next().map_or("nothing came", |attempt| reason(attempt.outcome));
    Heard { cost, ..unheard(why) }
}

fn reason(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Answered => "answered by another",
        AttemptOutcome::Failed(kind) => kind.name(),
        AttemptOutcome::Skipped => "resting",
        AttemptOutcome::NoTime => "no time",
        AttemptOutcome::Overtaken => "overtaken",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_alone_has_the_embedded_model_behind_it_and_all_streams() {
        let policy = Policy::parse(
            r#"{"salt":"a","deadline_ms":700,"hedge_after_ms":5,"fallback":["b","embedded"],"variants":[
            {"name":"a","weight":60,"target":{"kind":"http","url":"http://a/","protocol":"linkcast"}},
            {"name":"b","weight":40,"target":{"kind":"http","url":"http://b/","protocol":"linkcast"}},
            {"name":"embedded","weight":0,"target":{"kind":"embedded"}}]}"#,
        )
        .unwrap();
        let names = |policy: &Policy| {
            let each = policy.variants().iter().map(|one| (one.name.to_string(), one.weight));
            each.collect::<Vec<_>>()
        };
        let (b, name) = alone(&policy, 1).unwrap();
        assert_eq!(name, "b");
        assert_eq!(names(&b), [("b".into(), Weight::ALL), ("embedded".into(), Weight::default())]);
        assert_eq!((b.text().deadline_ms, b.hedge_after()), (700, None));
        let (embedded, name) = alone(&policy, 2).unwrap();
        assert_eq!((name.as_str(), names(&embedded)), ("embedded", vec![("embedded".into(), Weight::ALL)]));
    }
}
