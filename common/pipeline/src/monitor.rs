//! The monitor: once an hour, how each variant does, whether the model's world drifted, and whether it is right less often.
//!
//! A look is about hours that are over, so that it finds the same whenever in its hour it is made; what it found is written under
//! its hour, and who looks again in that hour is shown that. What a look changes is each keyed by what it is about: a look that
//! breaks off is made again by the next one, and nobody is told anything twice. How much it reads does not grow with history:
//! evidence and sketches of the days it compares, feedback since its last look, insights since its last look up to a bound.

mod error;
mod findings;
mod health;
mod lines;
mod outcomes;
mod quality;
mod report;
mod state;

use std::time::Duration;

use linkcast_domain::ports::{
    Bus, FeedbackItems, InsightQuery, Lookup, RegistryItems, ReviewItems, Revised, TaskItem, TaskItems,
    Written,
};
use linkcast_domain::{Clock, Retry, Timestamp};
use serde::Serialize;

pub use error::MonitorError;
pub use health::{Health, Measure, MeasureHealth, VariantHealth, judge_variants};
pub use outcomes::OutcomesRecorded;
pub use quality::{Against, QualityHealth};
pub use report::{DriftLook, Look, MonitorReport, Trouble};

use crate::damaged::DamagedItem;
use crate::drift::DriftDesk;
use crate::feedback::FeedbackDesk;
use crate::notices::NoticeBoard;
use crate::router::RoutingDesk;
use findings::{Place, of_drift, of_quality};
use state::MonitorState;

/// Milliseconds of an hour, and of a day.
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// The state's name; reports' names are this and their hour.
const STATE: &str = "monitor";
/// How long a report is kept.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// The monitor of one task of one fabric, over any store.
#[derive(Clone, Copy, Debug)]
pub struct Monitor<'a, S> {
    store: &'a S,
    fabric: &'a str,
    task: &'a str,
}

impl<'a, S> Monitor<'a, S>
where
    S: TaskItems + FeedbackItems + ReviewItems + RegistryItems + Lookup,
{
    /// The monitor of `task` in `fabric`.
    pub fn new(store: &'a S, (fabric, task): (&'a str, &'a str)) -> Self {
        Monitor { store, fabric, task }
    }

    /// Looks once, if nobody did in this hour. Written: feedback by insight, the drift reference by model, notices by what
    /// happened, the state on condition, and the report by its hour.
    ///
    /// # Errors
    /// A store or a bus that fails, an item that is not what was written, or another look at the same time. What was done until
    /// then stays and is not done again.
    pub async fn look<B: Bus>(&self, bus: &B, clock: &dyn Clock) -> Result<Look, MonitorError> {
        let hour = clock.now().millis().div_euclid(HOUR_MS);
        let name = format!("{STATE}#{hour:012}");
        if let Some(found) = self.store.task_item(self.task, &name).await? {
            return Ok(Look::Before(self.read(&name, &found.value)?));
        }
        let at = Timestamp::from_millis(hour * HOUR_MS);
        let mut state = self.state().await?;
        let mut report = self.examined(&mut state.value, at).await?;
        self.write_state(&mut state).await?;
        let board = NoticeBoard::new(self.store, self.task);
        for notice in &state.value.pending {
            match board.publish(bus, notice).await? {
                Written::Yes | Written::Moved => {}
            }
        }
        report.told = std::mem::take(&mut state.value.pending);
        if !report.told.is_empty() {
            self.write_state(&mut state).await?;
        }
        let text = Revised { revision: 0, value: self.text(&name, &report)? };
        let item = TaskItem { name, text, until: Some(at.plus(KEPT)) };
        match self.store.put_task_item(self.task, &item).await? {
            Written::Yes => Ok(Look::Made(report)),
            Written::Moved => Ok(Look::Before(report)),
        }
    }

    /// Everything there is to find at `at`, with `state` brought up to it.
    async fn examined(&self, state: &mut MonitorState, at: Timestamp) -> Result<MonitorReport, MonitorError> {
        let outcomes = outcomes::record(self.store, self.task, state.outcomes_through, at).await?;
        state.outcomes_through = Some(outcomes.through);
        let hour = at.millis().div_euclid(HOUR_MS);
        let since = Timestamp::from_millis(health::first_hour(hour) * HOUR_MS);
        let hours = RoutingDesk::new(self.store, self.task).evidence_hours(since).await?;
        let drift = self.drift(state, at).await?;
        let quality = self.quality(state, at).await?;
        let place = Place { fabric: self.fabric, task: self.task, at };
        let mut findings: Vec<_> = quality.iter().map(|one| of_quality(one, place)).collect();
        if let DriftLook::Looked(report) = &drift {
            findings.extend(of_drift(report, place));
        }
        state.take(findings, at);
        Ok(MonitorReport {
            fabric: self.fabric.to_owned(),
            task: self.task.to_owned(),
            at,
            variants: judge_variants(&hours, hour),
            drift,
            quality,
            outcomes,
            told: Vec::new(),
        })
    }

    /// The look at drift. Sketches that cannot be read are told and do not keep the rest from being looked at.
    async fn drift(&self, state: &mut MonitorState, at: Timestamp) -> Result<DriftLook, MonitorError> {
        let Some((digest, live)) = self.live_model(state, at).await? else { return Ok(DriftLook::NoModel) };
        let desk = DriftDesk::new(self.store, self.task);
        let looked = match desk.freeze(&digest, live, at).await {
            Ok(_) => desk.look(&digest, at).await,
            Err(error) => Err(error),
        };
        match looked {
            Ok(report) => Ok(DriftLook::Looked(Box::new(report))),
            Err(error) if error.class() == Retry::Never => Ok(DriftLook::Failed { why: told(&error) }),
            Err(error) => Err(error.into()),
        }
    }

    /// What names the model that answers, and since when it does: the registry's live one, or what the newest insight names.
    async fn live_model(
        &self,
        state: &mut MonitorState,
        at: Timestamp,
    ) -> Result<Option<(String, Timestamp)>, MonitorError> {
        if let Some(live) = self.store.aliases(self.task).await?.value.live
            && let Some(model) = self.store.model(self.task, &live.version).await?
        {
            return Ok(Some((model.value.facts.digest, live.at)));
        }
        let newest = self.store.insights(&InsightQuery { limit: 1, ..InsightQuery::default() }).await?;
        Ok(newest.into_iter().next().map(|insight| {
            let name = insight.model.model_version;
            let since = state.watched_since(&name, at);
            (name, since)
        }))
    }

    /// The day's verdicts on quality: one look a day, at what came in before its midnight.
    async fn quality(
        &self,
        state: &mut MonitorState,
        at: Timestamp,
    ) -> Result<Vec<QualityHealth>, MonitorError> {
        let midnight = Timestamp::from_millis(at.millis().div_euclid(DAY_MS) * DAY_MS);
        if let Some((_, verdicts)) = state.quality.as_ref().filter(|(day, _)| *day == midnight) {
            return Ok(verdicts.clone());
        }
        let window = FeedbackDesk::new(self.store, self.task)
            .between(midnight.minus(quality::WINDOW), midnight)
            .await?;
        // What came in longer ago than the window while nobody looked is in no baseline.
        let through = state.baselines_through.unwrap_or(Timestamp::EARLIEST);
        let news = window.partition_point(|one| one.feedback.received < through);
        quality::extend(&mut state.baselines, window.get(news..).unwrap_or_default());
        state.baselines_through = Some(midnight);
        let verdicts = quality::judge_quality(&state.baselines, &window);
        state.quality = Some((midnight, verdicts.clone()));
        Ok(verdicts)
    }

    async fn state(&self) -> Result<Revised<MonitorState>, MonitorError> {
        match self.store.task_item(self.task, STATE).await? {
            Some(found) => Ok(Revised { revision: found.revision, value: self.read(STATE, &found.value)? }),
            None => Ok(Revised { revision: 0, value: MonitorState::default() }),
        }
    }

    async fn write_state(&self, state: &mut Revised<MonitorState>) -> Result<(), MonitorError> {
        let text = Revised { revision: state.revision, value: self.text(STATE, &state.value)? };
        let item = TaskItem { name: STATE.to_owned(), text, until: None };
        if self.store.put_task_item(self.task, &item).await? == Written::Moved {
            return Err(MonitorError::Overtaken { task: self.task.to_owned() });
        }
        state.revision += 1;
        Ok(())
    }

    fn read<T: serde::de::DeserializeOwned>(&self, name: &str, text: &str) -> Result<T, MonitorError> {
        serde_json::from_str(text).map_err(|source| self.damaged(name, source))
    }

    fn text<T: Serialize>(&self, name: &str, value: &T) -> Result<String, MonitorError> {
        serde_json::to_string(value).map_err(|source| self.damaged(name, source))
    }

    fn damaged(&self, name: &str, source: serde_json::Error) -> MonitorError {
        MonitorError::from(DamagedItem { task: self.task.to_owned(), name: name.to_owned(), source })
    }
}

/// An error with its causes, in one line.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}

#[cfg(test)]
mod tests;
