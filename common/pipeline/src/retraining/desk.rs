//! The desk: asks the guards, writes runs down and tells of them, over any store of a task's items.
//!
//! The ledger is written before the run's record and that before anybody is told, so that of many who ask one begins; whoever is broken
//! off in between is asked again and finds its own answer. A run's end is written before its lock is released: a lock whose run has
//! ended is released by whoever meets it.

use linkcast_domain::ports::{Bus, JobError, Revised, StoreError, TaskItem, TaskItems, Written};
use linkcast_domain::{Notice, NoticeKind, Retry, Severity, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::guards::{Circumstances, GuardSettings, examine};
use super::ledger::{Answered, Ledger};
use super::request::{RequestError, RunRequest};
use super::run::{DIGITS, Moved, RUN, Run, RunEvent, Stage, StageEntry, run_name};
use crate::damaged::DamagedItem;
use crate::notices::{NoticeBoard, NoticeError};

/// Where a task's ledger lies.
const LEDGER: &str = "training";
/// How often an item is read anew because somebody else wrote it meanwhile.
const ATTEMPTS: usize = 8;
/// What is cut off a run's time to list by: 10^9 ms, eleven days at once.
const FINE_DIGITS: usize = 9;

/// Training of one task, over any store and bus.
#[derive(Clone, Debug)]
pub struct RetrainingDesk<'a, I, B> {
    items: &'a I,
    bus: &'a B,
    fabric: &'a str,
    task: &'a str,
    settings: GuardSettings,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// A run was begun, now or when this request was first delivered.
    Begun(Box<Run>),
    /// A guard refused.
    Refused(Answered),
}

/// What could not be done.
#[derive(Debug, thiserror::Error)]
pub enum RetrainingError {
    /// The request makes no sense.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is written, and nobody could be told.
    #[error(transparent)]
    Untold(#[from] NoticeError),
    /// An item that is not what was written.
    #[error(transparent)]
    Damaged(#[from] DamagedItem),
    /// The run is written down, and the platform was not heard.
    #[error("could not start the pipeline {pipeline}")]
    NotStarted {
        /// Which.
        pipeline: String,
        /// Why.
        #[source]
        source: JobError,
    },
    /// Others kept writing what was read.
    #[error("{name} of {task} was written by others {ATTEMPTS} times in a row")]
    Contended {
        /// Whose.
        task: String,
        /// Which.
        name: String,
    },
}

impl RetrainingError {
    /// Whether another attempt can help.
    pub fn class(&self) -> Retry {
        match self {
            RetrainingError::Store(error) => error.class(),
            RetrainingError::Untold(error) => error.class(),
            RetrainingError::NotStarted { source, .. } => source.retry(),
            RetrainingError::Contended { .. } => Retry::Later,
            RetrainingError::Request(_) | RetrainingError::Damaged(_) => Retry::Never,
        }
    }
}

impl<'a, I: TaskItems, B: Bus> RetrainingDesk<'a, I, B> {
    /// The training of `task` of `fabric`.
    pub fn new(
        (items, bus): (&'a I, &'a B),
        (fabric, task): (&'a str, &'a str),
        settings: GuardSettings,
    ) -> Self {
        RetrainingDesk { items, bus, fabric, task, settings }
    }

    /// Begins a run if the guards let it. Written: the ledger, on condition; the run, by its time. A request that was answered is
    /// answered the same again.
    ///
    /// # Errors
    /// A request that makes no sense, a store or a bus that fails, others who keep writing.
    pub async fn ask(
        &self,
        request: &RunRequest,
        circumstances: &Circumstances,
        now: Timestamp,
    ) -> Result<Asked, RetrainingError> {
        request.check()?;
        for _ in 0..ATTEMPTS {
            let mut ledger = self.read::<Ledger>(LEDGER).await?;
            if let Some(answer) = ledger.value.answered(&request.request).cloned() {
                return self.answer_again(&ledger.value, answer).await;
            }
            self.settle(&mut ledger.value, now).await?;
            let verdict = examine(&self.settings, &ledger.value, request, circumstances, now);
            let answer = Answered {
                request: request.request.clone(),
                at: now,
                reason: request.reason.clone(),
                refusal: verdict.err(),
            };
            ledger.value.answer(answer.clone());
            if answer.refusal.is_some() {
                if self.write(LEDGER, &ledger).await? {
                    self.tell_refusal(&answer).await?;
                    return Ok(Asked::Refused(answer));
                }
                continue;
            }
            let run = self.new_run(request, circumstances, now);
            ledger.value.begin(&run);
            if self.write(LEDGER, &ledger).await? {
                self.record(&run).await?;
                return Ok(Asked::Begun(Box::new(run)));
            }
        }
        Err(self.contended(LEDGER))
    }

    /// What the guards would say, without anything being written.
    ///
    /// # Errors
    /// A store that fails, or a damaged ledger.
    pub async fn would(
        &self,
        request: &RunRequest,
        circumstances: &Circumstances,
        now: Timestamp,
    ) -> Result<Result<(), super::Refusal>, RetrainingError> {
        request.check()?;
        let mut ledger = self.read::<Ledger>(LEDGER).await?;
        if let Some(holder) = ledger.value.holder.clone()
            && let Some(run) = self.run(holder.run).await?.filter(|run| run.stage().is_end())
        {
            ledger.value.release(&run, run.reached());
        }
        Ok(examine(&self.settings, &ledger.value, request, circumstances, now))
    }

    /// Takes an event of a run; gives the run as it is then, none if there is no such run. Keyed by run and stage: what comes again
    /// changes nothing.
    ///
    /// # Errors
    /// A store or a bus that fails, others who keep writing.
    pub async fn advance(
        &self,
        run: Timestamp,
        event: &RunEvent,
        now: Timestamp,
    ) -> Result<Option<Run>, RetrainingError> {
        let name = run_name(run);
        for _ in 0..ATTEMPTS {
            let Some(mut found) = self.read_some::<Run>(&name).await? else { return Ok(None) };
            let moved = found.value.take(event, now);
            if moved != Moved::No && !self.write(&name, &found).await? {
                continue;
            }
            if found.value.stage().is_end() {
                self.release(&found.value).await?;
            }
            if moved == Moved::Stage || found.value.stage().is_end() {
                self.tell(&found.value).await?;
            }
            return Ok(Some(found.value));
        }
        Err(self.contended(&name))
    }

    /// The run that holds the task, as it is now; one whose time is up is ended first.
    ///
    /// # Errors
    /// A store or a bus that fails.
    pub async fn holder(&self, now: Timestamp) -> Result<Option<Run>, RetrainingError> {
        for _ in 0..ATTEMPTS {
            let mut ledger = self.read::<Ledger>(LEDGER).await?;
            let Some(holder) = ledger.value.holder.clone() else { return Ok(None) };
            self.settle(&mut ledger.value, now).await?;
            if ledger.value.holder.is_some() {
                return Ok(self.run(holder.run).await?.or(Some(holder)));
            }
            if self.write(LEDGER, &ledger).await? {
                return Ok(None);
            }
        }
        Err(self.contended(LEDGER))
    }

    /// One run.
    ///
    /// # Errors
    /// A store that fails, or a damaged record.
    pub async fn run(&self, run: Timestamp) -> Result<Option<Run>, RetrainingError> {
        Ok(self.read_some(&run_name(run)).await?.map(|found| found.value))
    }

    /// Runs that began from `since` to `until`, both included, oldest first. What it costs grows with that time alone.
    ///
    /// # Errors
    /// A store that fails, or a damaged record.
    pub async fn runs(&self, since: Timestamp, until: Timestamp) -> Result<Vec<Run>, RetrainingError> {
        let mut found = Vec::new();
        let span = 10_i64.pow(FINE_DIGITS as u32);
        for coarse in since.millis().max(0).div_euclid(span)..=until.millis().max(0).div_euclid(span) {
            let prefix = format!("{RUN}{coarse:0width$}", width = DIGITS - FINE_DIGITS);
            for (name, text) in self.items.task_items(self.task, &prefix).await? {
                let run: Run =
                    serde_json::from_str(&text.value).map_err(|source| self.damaged(&name, source))?;
                found.extend(((since..=until).contains(&run.run)).then_some(run));
            }
        }
        Ok(found)
    }

    /// Everything remembered beside the runs.
    ///
    /// # Errors
    /// A store that fails, or a damaged ledger.
    pub async fn ledger(&self) -> Result<Ledger, RetrainingError> {
        Ok(self.read(LEDGER).await?.value)
    }

    fn new_run(&self, request: &RunRequest, circumstances: &Circumstances, now: Timestamp) -> Run {
        Run {
            task: self.task.to_owned(),
            fabric: self.fabric.to_owned(),
            run: now,
            until: now.plus(self.settings.longest_run),
            trigger: request.trigger,
            reason: request.reason.clone(),
            requested_by: request.request.clone(),
            over: request.over.clone(),
            estimate: circumstances.estimate,
            new_labels: circumstances.new_labels,
            code_revision: None,
            trainer: None,
            live: None,
            data: None,
            candidate: None,
            verdict: None,
            remark: None,
            outcome: None,
            stages: vec![StageEntry { stage: Stage::Requested, at: now }],
        }
    }

    async fn answer_again(&self, ledger: &Ledger, answer: Answered) -> Result<Asked, RetrainingError> {
        if answer.refusal.is_some() {
            self.tell_refusal(&answer).await?;
            return Ok(Asked::Refused(answer));
        }
        if let Some(run) = self.run(answer.at).await? {
            return Ok(Asked::Begun(Box::new(run)));
        }
        // Broken off before its record was written: the ledger has it whole.
        let Some(run) = ledger.holder.clone().filter(|holder| holder.run == answer.at) else {
            return Err(self.contended(&run_name(answer.at)));
        };
        self.record(&run).await?;
        Ok(Asked::Begun(Box::new(run)))
    }

    /// Takes the lock from a run that has ended, or whose time is up. The ledger is changed and not written.
    async fn settle(&self, ledger: &mut Ledger, now: Timestamp) -> Result<(), RetrainingError> {
        let Some(holder) = ledger.holder.clone() else { return Ok(()) };
        let name = run_name(holder.run);
        let found = self.read_some::<Run>(&name).await?;
        let mut found = found.unwrap_or(Revised { revision: 0, value: holder.clone() });
        if !found.value.stage().is_end() && holder.until <= now {
            // At the time it ran out, whoever notices when.
            if found.value.take(&RunEvent::TimedOut, holder.until) != Moved::No
                && self.write(&name, &found).await?
            {
                self.tell(&found.value).await?;
            } else {
                return Ok(());
            }
        }
        if found.value.stage().is_end() {
            ledger.release(&found.value, found.value.reached());
        }
        Ok(())
    }

    async fn release(&self, run: &Run) -> Result<(), RetrainingError> {
        for _ in 0..ATTEMPTS {
            let mut ledger = self.read::<Ledger>(LEDGER).await?;
            if !ledger.value.release(run, run.reached()) || self.write(LEDGER, &ledger).await? {
                return Ok(());
            }
        }
        Err(self.contended(LEDGER))
    }

    /// Keeps a run that was begun; it was kept before if this is a repetition.
    async fn record(&self, run: &Run) -> Result<(), RetrainingError> {
        self.write(&run_name(run.run), &Revised { revision: 0, value: run.clone() }).await?;
        self.tell(run).await
    }

    async fn tell(&self, run: &Run) -> Result<(), RetrainingError> {
        let stage = run.stage();
        let severity = match stage {
            Stage::Failed | Stage::TimedOut => Severity::Warning,
            _ => Severity::Info,
        };
        let what = format!("{}/{}", run_name(run.run), stage.name());
        let place = (self.fabric, self.task);
        let notice =
            Notice::of(NoticeKind::TrainingRun, place, (&what, run.reached()), severity, summary(run));
        let notice = notice
            .with("run", run_name(run.run))
            .with("stage", stage.name())
            .with("trigger", run.trigger.name())
            .with("estimate_usd", run.estimate.dollars());
        let notice = match &run.candidate {
            Some(candidate) => notice.with("version", candidate.version.as_str()),
            None => notice,
        };
        let notice = match &run.verdict {
            Some(verdict) => notice.with("figures", verdict.figures.clone()),
            None => notice,
        };
        self.publish(&notice).await
    }

    async fn tell_refusal(&self, answer: &Answered) -> Result<(), RetrainingError> {
        let Some(refusal) = &answer.refusal else { return Ok(()) };
        let what = format!("refused/{}", answer.request);
        let summary =
            format!("No training run begins: {refusal}. It was asked for because: {}", answer.reason);
        let place = (self.fabric, self.task);
        let notice = Notice::of(NoticeKind::TrainingRun, place, (&what, answer.at), Severity::Info, summary);
        let numbers = serde_json::to_value(refusal).map_err(|source| self.damaged(LEDGER, source))?;
        let notice = notice.with("refused_by", refusal.guard()).with("refusal", numbers);
        self.publish(&notice).await
    }

    /// Puts a notice on the board and tells the bus; one that was on it is told again.
    async fn publish(&self, notice: &Notice) -> Result<(), RetrainingError> {
        let board = NoticeBoard::new(self.items, self.task);
        let (Written::Yes | Written::Moved) = board.publish(self.bus, notice).await?;
        Ok(())
    }

    async fn read<T: DeserializeOwned + Default>(&self, name: &str) -> Result<Revised<T>, RetrainingError> {
        let none = || Revised { revision: 0, value: T::default() };
        Ok(self.read_some(name).await?.unwrap_or_else(none))
    }

    async fn read_some<T: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<Revised<T>>, RetrainingError> {
        let Some(found) = self.items.task_item(self.task, name).await? else { return Ok(None) };
        let value = serde_json::from_str(&found.value).map_err(|source| self.damaged(name, source))?;
        Ok(Some(Revised { revision: found.revision, value }))
    }

    /// Whether it was written: not, if somebody else wrote since it was read.
    async fn write<T: Serialize>(&self, name: &str, item: &Revised<T>) -> Result<bool, RetrainingError> {
        let value = serde_json::to_string(&item.value).map_err(|source| self.damaged(name, source))?;
        let text = Revised { revision: item.revision, value };
        let item = TaskItem { name: name.to_owned(), text, until: None };
        Ok(self.items.put_task_item(self.task, &item).await? == Written::Yes)
    }

    fn damaged(&self, name: &str, source: serde_json::Error) -> RetrainingError {
        RetrainingError::from(DamagedItem { task: self.task.to_owned(), name: name.to_owned(), source })
    }

    fn contended(&self, name: &str) -> RetrainingError {
        RetrainingError::Contended { task: self.task.to_owned(), name: name.to_owned() }
    }
}

/// What a run's stage means, in one sentence.
fn summary(run: &Run) -> String {
    let version = run.candidate.as_ref().map_or("its model", |candidate| candidate.version.as_str());
    let outcome = run.outcome.as_deref().unwrap_or_default();
    match run.stage() {
        Stage::Requested => format!("A training run was asked for: {}", run.reason),
        Stage::Training => "The training run began its work".to_owned(),
        Stage::Evaluated => format!("{version} was trained and judged"),
        Stage::Registered => format!("{version} is registered and not deployed: {outcome}"),
        Stage::Deployed => format!("{version} is registered and goes to the rollout as candidate: {outcome}"),
        Stage::Failed => format!("The training run came to nothing: {outcome}"),
        Stage::Stopped => format!("The training run was stopped: {outcome}"),
        Stage::TimedOut => format!("The training run ran out of time: {outcome}"),
    }
}
