//! A task's rollout over any store: begun, looked at, carried on, taken back.
//!
//! Every change is decided on what was read, written down as pending on the condition that nobody wrote meanwhile, and then carried
//! out: history with its evidence, the policy's one conditional write, the registry's aliases, the notice, and last the rollout's own
//! new standing. Each of these may be done twice and is done once; whoever finds a pending change carries it on. So two that act at once
//! take one step, and a crash between any two writes ends where no crash would have.
//!
//! What acts by itself may abort or take the next agreed step. It never undoes a person: a policy that is not at the revision the rollout
//! left was changed by hand, and from then on it does nothing until a person says so.

mod carrying;
mod error;
mod tending;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeMap;

use linkcast_domain::ports::{Bus, RegistryItems, Revised, TaskItem, TaskItems, Written};
use linkcast_domain::{Alias, Approval, ModelName, ModelVersion, Registry, Timestamp};
use linkcast_routing::rollout::{
    AUTOMATIC, Asked, Change, Decision, Hold, Model, Readiness, Rollout, RolloutPhase, RolloutPlan,
    RolloutRefusal, RolloutVerdict, Step, StoredPolicy, What,
};
use linkcast_routing::{Evidence, Exposure};

use crate::damaged::DamagedItem;
use crate::router::RoutingDesk;
pub use error::RolloutError;

/// The rollout's name among the task's items.
const ROLLOUT: &str = "rollout";
/// The names of what was done begin so.
const HISTORY: &str = "rollout-history#";
/// How often a change is tried again because others wrote meanwhile.
const TRIES: usize = 8;

/// A task's rollout.
#[derive(Clone, Copy, Debug)]
pub struct RolloutDesk<'a, I, B> {
    items: &'a I,
    bus: &'a B,
    fabric: &'a str,
    task: &'a str,
}

/// What came of letting a rollout go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Advanced {
    /// What was done, if anything.
    pub did: Option<What>,
    /// The verdict, where one was asked for.
    pub verdict: Option<RolloutVerdict>,
    /// The rollout afterwards.
    pub rollout: Rollout,
}

impl<'a, I: TaskItems + RegistryItems, B: Bus> RolloutDesk<'a, I, B> {
    /// The rollout of `task` on `fabric`, whose changes are told on `bus`.
    pub fn new(items: &'a I, bus: &'a B, (fabric, task): (&'a str, &'a str)) -> Self {
        RolloutDesk { items, bus, fabric, task }
    }

    /// The rollout that runs or ran last, at its revision.
    ///
    /// # Errors
    /// A store that fails, or an item that is none.
    pub async fn current(&self) -> Result<Option<Revised<Rollout>>, RolloutError> {
        let Some(found) = self.items.task_item(self.task, ROLLOUT).await? else { return Ok(None) };
        Ok(Some(Revised { revision: found.revision, value: Rollout::parse(&found.value)? }))
    }

    /// Begins a rollout: its first step is taken at once.
    ///
    /// # Errors
    /// Another that runs, a policy or plan with which it cannot be begun, a model the registry does not hold so, a store that fails.
    pub async fn start(&self, plan: RolloutPlan, asked: Asked<'_>) -> Result<Rollout, RolloutError> {
        let read = match self.current().await? {
            None => 0,
            Some(found) if found.value.standing.phase.is_over() && found.value.pending.is_none() => {
                found.revision
            }
            Some(found) => {
                let (id, phase) = (found.value.id.clone(), found.value.standing.phase.name());
                return Err(RolloutRefusal::UnderWay { id, phase }.into());
            }
        };
        self.check_model(plan.text().candidate.model.as_ref(), plan.step(0)).await?;
        let stored = self.stored().await?;
        let stored = stored.ok_or_else(|| RolloutError::NoPolicy { task: self.task.to_owned() })?;
        let hours = self.hours(asked.at.minus(std::time::Duration::from_secs(24 * 3_600)), asked.at).await?;
        let live = self.registry().aliases().await?.version(Alias::Live).cloned();
        let rollout = Rollout::begin(plan, &stored, &hours, live, asked)?;
        match self.put(&rollout, read).await? {
            Written::Yes => self.carried(read + 1, rollout).await,
            Written::Moved => Err(RolloutError::Overtaken { task: self.task.to_owned() }),
        }
    }

    /// The verdict on what was seen by `now`. Changes nothing.
    ///
    /// # Errors
    /// No rollout, or a store that fails.
    pub async fn look(&self, now: Timestamp, quality: &[Exposure]) -> Result<RolloutVerdict, RolloutError> {
        let rollout = self.expected().await?.value;
        let hours = self.hours(rollout.since(), now).await?;
        Ok(rollout.judge(&hours, quality, now))
    }

    /// Lets the rollout go on by itself: carries on what is under way, or aborts, or takes the next step, or waits. A candidate that is
    /// not ready takes no step.
    ///
    /// # Errors
    /// No rollout, a store or bus that fails, others that write each time. What was begun is carried on by the next call.
    pub async fn advance(
        &self,
        now: Timestamp,
        quality: &[Exposure],
        readiness: &Readiness,
    ) -> Result<Advanced, RolloutError> {
        for _ in 0..TRIES {
            let found = self.expected().await?;
            if let Some(change) = &found.value.pending {
                let did = Some(change.what);
                let rollout = self.carried(found.revision, found.value).await?;
                return Ok(Advanced { did, verdict: None, rollout });
            }
            let (change, verdict) = self.next(&found.value, now, (quality, readiness)).await?;
            let Some(change) = change else {
                return Ok(Advanced { did: None, verdict, rollout: found.value });
            };
            let (did, rollout) = (Some(change.what), found.value.with_pending(Some(change)));
            if self.put(&rollout, found.revision).await? == Written::Yes {
                let rollout = self.carried(found.revision + 1, rollout).await?;
                return Ok(Advanced { did, verdict, rollout });
            }
        }
        Err(RolloutError::Overtaken { task: self.task.to_owned() })
    }

    /// The next step, because a person says so, whatever the verdict is; it is kept with it.
    ///
    /// # Errors
    /// A rollout that does not run, a policy that was changed by hand, a store that fails.
    pub async fn promote(&self, asked: Asked<'_>, quality: &[Exposure]) -> Result<Rollout, RolloutError> {
        let found = self.settled().await?;
        let stored = self.stored_or_deleted().await?;
        if !found.value.left(&stored) {
            return Err(RolloutError::ChangedByHand { revision: stored.revision });
        }
        let hours = self.hours(found.value.since(), asked.at).await?;
        let verdict = found.value.judge(&hours, quality, asked.at);
        let change = found.value.step_up(&stored, &hours, Some(verdict), asked)?;
        self.check_model(found.value.plan.text().candidate.model.as_ref(), Some(change.step)).await?;
        self.by_person(found, change).await
    }

    /// Back to the policy before the rollout, because a person says so; after its end too, as long as that is kept.
    ///
    /// # Errors
    /// A rollout that is aborted already or ended too long ago, a store that fails.
    pub async fn abort(&self, asked: Asked<'_>, quality: &[Exposure]) -> Result<Rollout, RolloutError> {
        let found = self.settled().await?;
        let stored = self.stored_or_deleted().await?;
        let hours = self.hours(found.value.since(), asked.at).await?;
        let verdict = found.value.judge(&hours, quality, asked.at);
        let change = found.value.abort(&stored, Some(verdict), asked)?;
        self.by_person(found, change).await
    }

    /// On from what a person made of the policy.
    ///
    /// # Errors
    /// A rollout that is not paused, a policy in which there is nothing to go on with, a store that fails.
    pub async fn resume(&self, asked: Asked<'_>) -> Result<Rollout, RolloutError> {
        let found = self.settled().await?;
        let stored = self.stored_or_deleted().await?;
        let hours = self.hours(found.value.since(), asked.at).await?;
        let change = found.value.resume(&stored, &hours, asked)?;
        self.by_person(found, change).await
    }

    /// Everything that was done by this task's rollouts, oldest first.
    ///
    /// # Errors
    /// A store that fails, or an item that is not what was written.
    pub async fn history(&self) -> Result<Vec<Change>, RolloutError> {
        let found = self.items.task_items(self.task, HISTORY).await?;
        found
            .into_iter()
            .map(|(name, text)| {
                serde_json::from_str(&text.value).map_err(|source| self.damaged(name, source))
            })
            .collect()
    }

    /// What follows by itself from what is seen.
    async fn next(
        &self,
        rollout: &Rollout,
        now: Timestamp,
        (quality, readiness): (&[Exposure], &Readiness),
    ) -> Result<(Option<Change>, Option<RolloutVerdict>), RolloutError> {
        if rollout.standing.phase != RolloutPhase::Running {
            return Ok((None, None));
        }
        let stored = self.stored_or_deleted().await?;
        if !rollout.left(&stored) {
            return Ok((Some(rollout.pause(&stored, now)), None));
        }
        let hours = self.hours(rollout.since(), now).await?;
        let verdict = rollout.judge(&hours, quality, now).with(readiness.clone());
        let reason = told::reason(&verdict);
        let (asked, told) = (Asked { by: AUTOMATIC, reason: &reason, at: now }, Some(verdict.clone()));
        let change = match &verdict.decision {
            Decision::Promote { to } => {
                self.check_model(rollout.plan.text().candidate.model.as_ref(), Some(*to)).await?;
                Some(rollout.step_up(&stored, &hours, told, asked)?)
            }
            Decision::Abort { .. } => Some(rollout.abort(&stored, told, asked)?),
            Decision::Hold { because } => {
                let has_expired = because.iter().any(|hold| matches!(hold, Hold::Expired { .. }));
                (has_expired && rollout.standing.expired.is_none())
                    .then(|| rollout.expire(verdict.clone(), now))
            }
        };
        Ok((change, Some(verdict)))
    }

    /// Writes down and carries out what a person decided.
    async fn by_person(&self, found: Revised<Rollout>, change: Change) -> Result<Rollout, RolloutError> {
        let rollout = found.value.with_pending(Some(change));
        match self.put(&rollout, found.revision).await? {
            Written::Yes => self.carried(found.revision + 1, rollout).await,
            Written::Moved => Err(RolloutError::Overtaken { task: self.task.to_owned() }),
        }
    }

    /// The rollout, once what is under way is carried out.
    async fn settled(&self) -> Result<Revised<Rollout>, RolloutError> {
        let found = self.expected().await?;
        if found.value.pending.is_some() {
            self.carried(found.revision, found.value).await?;
            return self.expected().await;
        }
        Ok(found)
    }

    async fn expected(&self) -> Result<Revised<Rollout>, RolloutError> {
        self.current().await?.ok_or_else(|| RolloutError::Absent { task: self.task.to_owned() })
    }

    async fn stored(&self) -> Result<Option<StoredPolicy>, RolloutError> {
        Ok(RoutingDesk::new(self.items, self.task).stored().await?)
    }

    /// The same; a policy that somebody deleted is one at revision 0 that nobody can follow.
    async fn stored_or_deleted(&self) -> Result<StoredPolicy, RolloutError> {
        Ok(self.stored().await?.unwrap_or(StoredPolicy { revision: 0, text: String::new() }))
    }

    async fn hours(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeMap<i64, Evidence>, RolloutError> {
        Ok(RoutingDesk::new(self.items, self.task).evidence_between(since, until).await?)
    }

    async fn put(&self, rollout: &Rollout, read: u64) -> Result<Written, RolloutError> {
        let value = serde_json::to_string(rollout);
        let value = value.map_err(|source| self.damaged(ROLLOUT.to_owned(), source))?;
        let text = Revised { revision: read, value };
        let item = TaskItem { name: ROLLOUT.to_owned(), text, until: None };
        Ok(self.items.put_task_item(self.task, &item).await?)
    }

    /// Refuses a model that the registry does not hold under that digest, and one for all streams that is not approved.
    async fn check_model(&self, model: Option<&Model>, step: Option<Step>) -> Result<(), RolloutError> {
        let Some(Model { version, digest }) = model else { return Ok(()) };
        let found = self.registry().model(&ModelName::Version(version.clone())).await?;
        if let Some(digest) = digest.as_ref().filter(|digest| **digest != found.facts.digest) {
            let (version, found) = (version.clone(), found.facts.digest);
            return Err(RolloutError::OtherModel { version, digest: digest.clone(), found });
        }
        match found.approval() {
            Approval::Approved => Ok(()),
            Approval::Pending if step != Some(Step::ALL) => Ok(()),
            approval => Err(RolloutError::NotApproved { version: version.clone(), approval }),
        }
    }

    fn registry(&self) -> Registry<'a, I> {
        Registry::new(self.items, self.task)
    }

    fn damaged(&self, name: String, source: serde_json::Error) -> RolloutError {
        RolloutError::from(DamagedItem { task: self.task.to_owned(), name, source })
    }
}

/// The version a rollout brings, if one is named.
fn version_of(rollout: &Rollout) -> Option<&ModelVersion> {
    rollout.plan.text().candidate.model.as_ref().map(|model| &model.version)
}
