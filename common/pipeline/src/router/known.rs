//! What a router remembers between invocations: the policy in force, the breakers, what was seen and not yet written down.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use linkcast_domain::ports::{Revised, StoreError, TaskItem, TaskItems, Written};
use linkcast_domain::{AttemptOutcome, FailureKind, PredictionType, Timestamp};
use linkcast_routing::{
    Breaker, Evidence, Observed, Permit, Policy, QuestionOutcome, StandsIn, VariantName, Verdict,
};

use super::RouterNews;
use super::records::Records;

/// The policy's name among the task's items.
pub(super) const POLICY: &str = "routing";
/// Breakers' names begin so.
pub(super) const BREAKER: &str = "breaker#";
/// The names of what was seen begin so.
pub(super) const EVIDENCE: &str = "evidence#";
/// What was seen is kept by the hour.
pub(super) const HOUR_MS: i64 = 3_600_000;
/// How long it is kept: a rollout looks back weeks.
pub(super) const KEPT: Duration = Duration::from_secs(60 * 24 * 3600);

/// What was read of the store at once.
pub(super) struct Read {
    pub(super) policy: Option<Revised<String>>,
    breakers: Vec<(String, Revised<String>)>,
}

/// Reads policy and breakers.
pub(super) async fn read<I: TaskItems>(items: &I, task: &str) -> Result<Read, StoreError> {
    let policy = items.task_item(task, POLICY).await?;
    let breakers = items.task_items(task, BREAKER).await?;
    Ok(Read { policy, breakers })
}

/// One variant's breaker, the revision of what is written down of it, and what is not.
#[derive(Debug, Default)]
struct Watched {
    breaker: Breaker,
    revision: u64,
    unwritten: Option<Verdict>,
}

/// What was seen within an hour, and the revision of what is written down of it.
#[derive(Debug, Default)]
struct Seen {
    hour: i64,
    evidence: Evidence,
    revision: u64,
    /// How many attempts are not written down.
    unwritten: u64,
}

#[derive(Debug)]
pub(super) struct Known {
    policy: Arc<Policy>,
    revision: u64,
    read: Option<Timestamp>,
    breakers: BTreeMap<VariantName, Watched>,
    seen: Seen,
    /// What an hour that is over has not written down.
    left_over: Option<TaskItem>,
    written: Option<Timestamp>,
    pub(super) records: Records,
    pub(super) news: RouterNews,
}

impl Known {
    pub(super) fn new(policy: Policy) -> Self {
        Known {
            policy: Arc::new(policy),
            revision: 0,
            read: None,
            breakers: BTreeMap::new(),
            seen: Seen::default(),
            left_over: None,
            written: None,
            records: Records::default(),
            news: RouterNews::default(),
        }
    }

    pub(super) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy)
    }

    pub(super) fn is_due(&self, now: Timestamp, after: Duration) -> bool {
        self.read.is_none_or(|read| now.since(read) >= after)
    }

    /// Takes up what was read; `standing` is followed where nobody wrote a policy. A policy that is none is told of and
    /// passed over.
    pub(super) fn take_up(
        &mut self,
        read: Result<Read, StoreError>,
        standing: Option<Policy>,
        now: Timestamp,
    ) {
        self.read = Some(now);
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                self.news.store = Some(error);
                return;
            }
        };
        match read.policy {
            Some(written) if written.revision == self.revision => {}
            Some(written) => match Policy::parse(&written.value) {
                Ok(policy) => (self.policy, self.revision) = (Arc::new(policy), written.revision),
                Err(error) => {
                    let cause = std::error::Error::source(&error)
                        .map_or_else(String::new, |cause| format!(": {cause}"));
                    self.news.bad_policy = Some(format!("revision {}: {error}{cause}", written.revision));
                }
            },
            None => {
                if let Some(standing) = standing {
                    (self.policy, self.revision) = (Arc::new(standing), 0);
                }
            }
        }
        for (name, text) in read.breakers {
            let name = name.strip_prefix(BREAKER).and_then(|name| name.parse::<VariantName>().ok());
            if let (Some(name), Ok(verdict)) = (name, serde_json::from_str::<Verdict>(&text.value)) {
                let watched = self.breakers.entry(name).or_default();
                watched.breaker.adopt(verdict);
                watched.revision = text.revision;
            }
        }
    }

    pub(super) fn permit(&self, variant: &VariantName, now: Timestamp, limit: Duration) -> Permit {
        self.breakers.get(variant).map_or(Permit::Ask, |watched| watched.breaker.permit(now, limit))
    }

    /// The item by which a probe is claimed.
    pub(super) fn claim(&self, variant: &VariantName, probe: Verdict) -> Option<TaskItem> {
        let revision = self.breakers.get(variant).map_or(0, |watched| watched.revision);
        breaker_item(variant, revision, probe)
    }

    /// What became of the claim: whoever wrote it may probe.
    pub(super) fn claimed(
        &mut self,
        variant: &VariantName,
        probe: Verdict,
        written: Result<Written, StoreError>,
    ) -> bool {
        let watched = self.breakers.entry(variant.clone()).or_default();
        match written {
            Ok(Written::Yes) => {
                watched.revision += 1;
                watched.breaker.adopt(probe);
                true
            }
            Ok(Written::Moved) => {
                self.read = None;
                false
            }
            // Without the store nobody agrees with anybody; the probe's own limit bounds what it costs.
            Err(error) => {
                watched.breaker.adopt(probe);
                self.news.store = Some(error);
                true
            }
        }
    }

    /// Tells a variant's breaker what became of asking it.
    pub(super) fn count(&mut self, variant: &VariantName, now: Timestamp, failed: Option<FailureKind>) {
        let settings = self.policy.text().breaker;
        let watched = self.breakers.entry(variant.clone()).or_default();
        let verdict = match failed {
            None => watched.breaker.answered(&settings, now),
            Some(kind) => watched.breaker.failed(&settings, now, kind),
        };
        if verdict.is_some() {
            watched.unwritten = verdict;
        }
    }

    pub(super) fn observe(&mut self, observed: &Observed<'_>) {
        self.seen.evidence.observe(observed);
        self.seen.unwritten += 1;
        match observed.outcome {
            AttemptOutcome::Failed(kind) => {
                *self.news.failures.entry((observed.variant.to_owned(), kind.name())).or_default() += 1;
            }
            AttemptOutcome::Answered => {
                self.news.stood_in += u64::from(observed.stands_in == StandsIn::Yes);
                *self.news.answered.entry(observed.variant.to_owned()).or_default() += 1;
            }
            AttemptOutcome::Skipped | AttemptOutcome::NoTime | AttemptOutcome::Overtaken => {}
        }
    }

    /// Counts what a shadow said of a sample that a variant answered.
    pub(super) fn observe_shadow(
        &mut self,
        (variant, shadow): (&str, &str),
        classes: (PredictionType, PredictionType),
    ) {
        self.seen.evidence.observe_shadow(variant, shadow, classes);
    }

    pub(super) fn observe_question(&mut self, variant: &str, outcome: QuestionOutcome) {
        self.seen.evidence.observe_question(variant, outcome);
    }

    /// What is to be written down now: breakers that moved at once, what was seen every so often.
    pub(super) fn due(&mut self, process: &str, now: Timestamp, every: Duration) -> Vec<TaskItem> {
        let moved = self
            .breakers
            .iter()
            .filter_map(|(variant, watched)| breaker_item(variant, watched.revision, watched.unwritten?));
        let mut items: Vec<TaskItem> = moved.collect();
        items.extend(self.records.take());
        let hour = now.millis().div_euclid(HOUR_MS);
        if hour != self.seen.hour {
            let over = std::mem::replace(&mut self.seen, Seen { hour, ..Seen::default() });
            self.left_over = over.item(process).or(self.left_over.take());
        }
        if self.written.is_none_or(|written| now.since(written) >= every) {
            self.written = Some(now);
            items.extend(self.left_over.take());
            items.extend(self.seen.item(process));
        }
        items
    }

    /// What became of writing an item down.
    pub(super) fn written(&mut self, item: &TaskItem, written: Result<Written, StoreError>) {
        let variant = item.name.strip_prefix(BREAKER).and_then(|name| name.parse::<VariantName>().ok());
        let watched = variant.and_then(|variant| self.breakers.get_mut(&variant));
        match (written, watched) {
            (Ok(Written::Yes), Some(watched)) => {
                watched.revision += 1;
                watched.unwritten = None;
            }
            // Another process wrote meanwhile; what it found is read next, and this stays true here until then.
            (Ok(Written::Moved), Some(watched)) => {
                watched.unwritten = None;
                self.read = None;
            }
            (Ok(Written::Yes), None) if item.name.starts_with(&self.seen.prefix()) => {
                self.seen.revision += 1;
                self.seen.unwritten = 0;
            }
            (Ok(_), None) => {}
            (Err(error), _) => self.news.store = Some(error),
        }
    }
}

impl Seen {
    fn prefix(&self) -> String {
        format!("{EVIDENCE}{:012}#", self.hour)
    }

    fn item(&self, process: &str) -> Option<TaskItem> {
        let text = serde_json::to_string(&self.evidence).ok().filter(|_| self.unwritten > 0)?;
        let until = Timestamp::from_millis((self.hour + 1) * HOUR_MS).plus(KEPT);
        let name = format!("{}{process}", self.prefix());
        Some(TaskItem { name, text: Revised { revision: self.revision, value: text }, until: Some(until) })
    }
}

fn breaker_item(variant: &VariantName, revision: u64, verdict: Verdict) -> Option<TaskItem> {
    let value = serde_json::to_string(&verdict).ok()?;
    Some(TaskItem { name: format!("{BREAKER}{variant}"), text: Revised { revision, value }, until: None })
}
