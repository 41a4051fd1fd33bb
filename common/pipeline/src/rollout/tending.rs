//! A rollout left alone: everything it is judged by is gathered, and it goes on.
//!
//! What people and outcomes found wrong comes from feedback, by the variant that answered, however late. Whether the candidate's
//! endpoint is there is asked before the first stream becomes its own; afterwards what it fails to answer says it.

use std::time::Duration;

use linkcast_domain::ports::{
    Bus, EndpointPlane, EndpointStatus, FeedbackItems, RegistryItems, ReviewItems, TaskItems,
};
use linkcast_domain::{Target, Timestamp};
use linkcast_routing::Exposure;
use linkcast_routing::rollout::{Readiness, Rollout, Step};

use super::{Advanced, RolloutDesk, RolloutError};
use crate::feedback::{FeedbackDesk, QualityCounts};

impl<I: TaskItems + RegistryItems + FeedbackItems + ReviewItems, B: Bus> RolloutDesk<'_, I, B> {
    /// Lets the rollout go on by itself, with what is confirmed of its answers; `plane` is asked of the candidate's endpoint for
    /// `limit` at most. None where no rollout runs. Keyed as [`RolloutDesk::advance`].
    ///
    /// # Errors
    /// A store or bus that fails, others that write each time. What was begun is carried on by the next call.
    pub async fn tend<P: EndpointPlane>(
        &self,
        plane: &P,
        now: Timestamp,
        limit: Duration,
    ) -> Result<Option<Advanced>, RolloutError> {
        let Some(found) = self.current().await? else { return Ok(None) };
        let rollout = found.value;
        if rollout.standing.phase.is_over() && rollout.pending.is_none() {
            return Ok(None);
        }
        let readiness = match rollout.step() {
            Step::Shadow => readiness(plane, &rollout.plan.text().candidate.target, limit).await,
            Step::Weight(_) => Readiness::Ready,
        };
        let quality = self.confirmed(&rollout, now).await?;
        self.advance(now, &quality, &readiness).await.map(Some)
    }

    /// What was confirmed and what was found wrong of the candidate's answers and the live variant's since the rollout began.
    ///
    /// # Errors
    /// No rollout, or a store that fails.
    pub async fn quality(&self, now: Timestamp) -> Result<Vec<Exposure>, RolloutError> {
        let rollout = self.expected().await?.value;
        self.confirmed(&rollout, now).await
    }

    async fn confirmed(&self, rollout: &Rollout, now: Timestamp) -> Result<Vec<Exposure>, RolloutError> {
        let began = rollout.standing.cuts.first().map_or(rollout.standing.since, |cut| cut.at);
        let hours = FeedbackDesk::new(self.items, self.task).quality_by_hour(began, now).await?;
        let (candidate, live) = (rollout.plan.text().candidate.name.as_str(), rollout.live.as_str());
        let counts = |hour: &std::collections::BTreeMap<String, QualityCounts>, name: &str| {
            hour.get(name).map_or((0, 0), |counts| (counts.confirmed + counts.wrong, counts.wrong))
        };
        Ok(hours
            .iter()
            .map(|(_, hour)| {
                let ((own, own_wrong), (others, others_wrong)) =
                    (counts(hour, candidate), counts(hour, live));
                Exposure {
                    candidate: own,
                    candidate_wrong: own_wrong,
                    other: others,
                    other_wrong: others_wrong,
                }
            })
            .collect())
    }
}

/// Whether a candidate behind an endpoint of its own can answer; what is asked in other ways is taken to.
async fn readiness<P: EndpointPlane>(plane: &P, target: &Target, limit: Duration) -> Readiness {
    let Target::Sagemaker { endpoint: Some(name), .. } = target else { return Readiness::Ready };
    let not_ready = |what: String| Readiness::NotReady { what };
    match plane.endpoint(name, limit).await {
        Ok(Some(found)) if found.status == EndpointStatus::InService => Readiness::Ready,
        Ok(Some(found)) => not_ready(format!("the endpoint {name} is {}", found.status.name())),
        Ok(None) => not_ready(format!("there is no endpoint {name}: make it with `linkcast deploy`")),
        Err(error) => not_ready(format!("the endpoint {name} could not be looked at: {error}")),
    }
}
