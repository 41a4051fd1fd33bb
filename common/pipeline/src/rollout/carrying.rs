//! Carrying out a change that was written down: each write may be done twice and is done once.

use std::time::Duration;

use linkcast_domain::ports::{Bus, RegistryItems, Revised, TaskItem, TaskItems, Written};
use linkcast_domain::{Alias, ModelVersion, RegistryError};
use linkcast_routing::rollout::{Change, PolicyWrite, Rollout, What};

use super::{HISTORY, RolloutDesk, RolloutError, told, version_of};
use crate::notices::NoticeBoard;
use crate::router::RoutingDesk;

/// How long it is known what was done.
const KEPT: Duration = Duration::from_secs(400 * 24 * 3_600);

/// Whether the policy is what a change makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InForce {
    Yes,
    /// Somebody else's is.
    Another,
}

impl<I: TaskItems + RegistryItems, B: Bus> RolloutDesk<'_, I, B> {
    /// Carries out the pending change of the rollout that is kept at `revision`, and gives the rollout afterwards.
    pub(super) async fn carried(&self, revision: u64, rollout: Rollout) -> Result<Rollout, RolloutError> {
        let Some(change) = &rollout.pending else { return Ok(rollout) };
        self.record(change).await?;
        if let Some(write) = &change.policy
            && self.write_policy(write).await? == InForce::Another
        {
            return self.given_up(revision, rollout).await;
        }
        self.point_aliases(&rollout, change).await?;
        let notice = told::notice((self.fabric, self.task), &rollout, change);
        let _known_or_new = NoticeBoard::new(self.items, self.task).publish(self.bus, &notice).await?;
        let done = rollout.carried_out();
        // Who loses here was helped: the same change stands there, or the ones after it.
        let _carried_by = self.put(&done, revision).await?;
        Ok(done)
    }

    /// The change was made for a policy that is not there any more: it is dropped, and what was found is left alone.
    async fn given_up(&self, revision: u64, rollout: Rollout) -> Result<Rollout, RolloutError> {
        let overtaken = || RolloutError::Overtaken { task: self.task.to_owned() };
        let Some(change) = rollout.pending.clone() else { return Ok(rollout) };
        let stored = self.stored_or_deleted().await?;
        let pause = (change.what != What::Aborted).then(|| rollout.pause(&stored, change.at));
        let dropped = rollout.with_pending(pause);
        if self.put(&dropped, revision).await? == Written::Moved || dropped.pending.is_none() {
            return Err(overtaken());
        }
        Box::pin(self.carried(revision + 1, dropped)).await
    }

    /// Keyed by the change's time, number and kind.
    async fn record(&self, change: &Change) -> Result<(), RolloutError> {
        let name = format!(
            "{HISTORY}{:016}#{:04}#{}",
            change.at.millis().max(0),
            change.sequence,
            change.what.name()
        );
        let value = serde_json::to_string(change).map_err(|source| self.damaged(name.clone(), source))?;
        let text = Revised { revision: 0, value };
        let item = TaskItem { name, text, until: Some(change.at.plus(KEPT)) };
        let _known_or_new = self.items.put_task_item(self.task, &item).await?;
        Ok(())
    }

    async fn write_policy(&self, write: &PolicyWrite) -> Result<InForce, RolloutError> {
        if RoutingDesk::new(self.items, self.task).put_text(write).await? == Written::Yes {
            return Ok(InForce::Yes);
        }
        let found = self.stored_or_deleted().await?;
        let is_ours = found.revision == write.read + 1 && found.text == write.text;
        Ok(if is_ours { InForce::Yes } else { InForce::Another })
    }

    /// Aliases follow the rollout where it names a version.
    async fn point_aliases(&self, rollout: &Rollout, change: &Change) -> Result<(), RolloutError> {
        let Some(version) = version_of(rollout) else { return Ok(()) };
        let previous = rollout.previous_model.as_ref();
        match change.what {
            What::Started => {
                let found = self.registry().aliases().await?.version(Alias::Candidate).cloned();
                self.point(Alias::Candidate, Some(version), found.as_ref(), change).await
            }
            What::Finished => {
                self.point(Alias::Live, Some(version), previous, change).await?;
                self.point(Alias::Candidate, None, Some(version), change).await
            }
            What::Aborted => {
                self.point(Alias::Candidate, None, Some(version), change).await?;
                self.point(Alias::Live, previous, Some(version), change).await
            }
            What::Stepped | What::Paused | What::Resumed | What::Expired => Ok(()),
        }
    }

    /// Points an alias elsewhere; one that a person pointed elsewhere meanwhile is left alone.
    async fn point(
        &self,
        alias: Alias,
        target: Option<&ModelVersion>,
        expected: Option<&ModelVersion>,
        change: &Change,
    ) -> Result<(), RolloutError> {
        match self.registry().point(alias, target, expected, (&change.by, change.at)).await {
            Ok(_) | Err(RegistryError::Moved { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
