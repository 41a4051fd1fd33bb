//! The four use cases in one process: a sweep goes in, and what it means is durable and told.
//!
//! The streams' steps run side by side; what concerns several streams (conditions' circumstances, silence, alerts)
//! runs after them, in the order of the sweep. Results gather until a checkpoint makes them durable in one
//! transaction with the streams' states, the messages to tell and the sweep's position; only then is anyone told. A
//! crash before that leaves the last checkpoint, and the same sweeps given again give the same results; a crash after
//! it tells again what it cannot know was told, under the same id.

mod counting;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use linkcast_domain::ports::{
    Changes, Maintenance, MaintenanceWindow, Notifier, Outbox, PipelineStore, SourceRecord, StoreError,
};
use linkcast_domain::{Alert, Cause, Clock, NodeGuid, NodeKind, PortFacts, Sample, StreamId, Timestamp};
use linkcast_features::Calendar;

use crate::alerts::{AlertBook, Patience};
use crate::codec::{self, StreamStateError};
use crate::conditions::{Conditions, Step, announced};
use crate::judge::Judge;
use crate::settings::{Durability, Echo, Settings};
use crate::shards::Shards;
use crate::silence;
use crate::stream::{Counting, Finding, Following, Scored, Surroundings};
use crate::sweep::{Sweep, SweepReport};
use crate::verdicts::{self, Place};
use counting::Sketches;

/// Streams read at once when a pipeline starts.
const STREAMS_A_PAGE: usize = 10_000;

/// Messages told at once.
const MESSAGES_A_BATCH: usize = 100;

/// The longest a channel may take to be told.
const NOTIFY_LIMIT: Duration = Duration::from_secs(10);

/// Items of each kind deleted at once, so that no checkpoint waits long for it.
const FORGOTTEN_A_TIME: usize = 10_000;

/// Samples whose writing takes longer than handing it to a thread.
const WORTH_WRITING_AHEAD: usize = 8_192;

/// A pipeline that cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored state cannot be taken up.
    #[error(transparent)]
    State(#[from] StreamStateError),
}

/// The four use cases over a store, a judge and channels.
pub struct Pipeline<S, J, N> {
    settings: Settings,
    calendar: Calendar,
    store: S,
    judge: J,
    notifiers: Vec<N>,
    shards: Shards,
    switches: HashSet<NodeGuid>,
    conditions: Conditions,
    book: AlertBook,
    windows: Vec<MaintenanceWindow>,
    sources: BTreeMap<String, SourceRecord>,
    changes: Changes,
    since_checkpoint: Progress,
    last_forget: Option<Timestamp>,
    /// What was seen and said, if it is counted.
    sketches: Option<Sketches>,
}

/// What was taken in since the last checkpoint.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    sweeps: u64,
    samples: usize,
}

impl<S, J, N> Pipeline<S, J, N>
where
    S: PipelineStore + Outbox + Maintenance,
    J: Judge,
    N: Notifier,
{
    /// Takes up where the store was left, and tells what was left to tell.
    pub async fn open(
        settings: Settings,
        calendar: Calendar,
        store: S,
        judge: J,
        notifiers: Vec<N>,
    ) -> Result<Self, PipelineError> {
        for notifier in &notifiers {
            store.register_channel(notifier.channel()).await?;
        }
        let resume = store.resume().await?;
        let mut pipeline = Pipeline {
            settings,
            calendar,
            store,
            judge,
            notifiers,
            shards: Shards::new(),
            switches: HashSet::new(),
            conditions: Conditions::resume(resume.conditions),
            book: AlertBook::resume(resume.alerts, resume.last_sequence),
            windows: resume.windows,
            sources: resume.sources.into_iter().map(|source| (source.name.clone(), source)).collect(),
            changes: Changes::default(),
            since_checkpoint: Progress::default(),
            last_forget: None,
            sketches: None,
        };
        pipeline.restore_streams().await?;
        pipeline.tell().await?;
        Ok(pipeline)
    }

    async fn restore_streams(&mut self) -> Result<(), PipelineError> {
        let mut after: Option<StreamId> = None;
        loop {
            let page = self.store.streams(after.as_ref(), STREAMS_A_PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.stream.clone());
            for record in page {
                note_switch(&mut self.switches, &record.stream, &record.facts);
                let mut stream = codec::restored(record)?;
                if self.conditions.any_predicted_on(&stream.id) {
                    stream.following = Following::Yes;
                }
                self.shards.insert(stream);
            }
        }
    }

    /// The position of the last sweep of `source` that was taken in; after a restart, the last durable one.
    pub fn position(&self, source: &str) -> Option<u64> {
        self.sources.get(source).map(|source| source.position)
    }

    /// Every alert that is firing.
    pub fn firing(&self) -> impl Iterator<Item = &Alert> {
        self.book.firing()
    }

    /// How many streams are known.
    pub fn stream_count(&self) -> usize {
        self.shards.iter().count()
    }

    /// What is known of a stream's port.
    pub fn facts(&self, stream: &StreamId) -> Option<&PortFacts> {
        self.shards.get(stream).map(|stream| &stream.facts)
    }

    /// The store, to look things up.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Takes a sweep in. A sweep whose position was already taken in changes nothing. On an error that another
    /// attempt can help, the sweep is in and not yet durable: call [`Pipeline::checkpoint`] later, and do not give it again.
    pub async fn ingest(
        &mut self,
        mut sweep: Sweep,
        clock: &dyn Clock,
    ) -> Result<SweepReport, PipelineError> {
        if self.position(&sweep.source).is_some_and(|position| sweep.position <= position) {
            return Ok(SweepReport::default());
        }
        let mut report = SweepReport::default();
        let now = sweep.time;
        for reading in &mut sweep.readings {
            reading.time.get_or_insert(now);
        }
        let before = self.last_heard();
        self.hear_source(&sweep, &mut report);
        self.step(sweep, clock, &mut report);
        if silence::is_scan_due(before, now) {
            self.scan(now, &mut report);
        }
        self.settle(now, Patience::Wait, &mut report);
        self.since_checkpoint.sweeps += 1;
        let policy = self.settings.checkpoint;
        if self.since_checkpoint.sweeps >= policy.sweeps && self.since_checkpoint.samples >= policy.samples {
            report.tally.failed_notices += match policy.durability {
                Durability::AtOnce => self.checkpoint().await?,
                Durability::Behind => self.checkpoint_behind().await?,
            };
        } else if self.changes.samples.len() >= policy.held_samples {
            self.write_samples_ahead().await?;
        }
        Ok(report)
    }

    /// Ends an input: tells what still waits for others of its event, and makes everything durable. `now` is the
    /// input's last instant.
    pub async fn finish(&mut self, now: Timestamp) -> Result<SweepReport, PipelineError> {
        let mut report = SweepReport::default();
        self.settle(now, Patience::Over, &mut report);
        report.tally.failed_notices += self.checkpoint().await?;
        Ok(report)
    }

    /// Makes everything taken in durable, and tells what is to be told. Gives the number of channels that could not be told;
    /// their messages stay in the outbox.
    pub async fn checkpoint(&mut self) -> Result<u64, PipelineError> {
        self.gather().await?;
        self.store.commit(&self.changes).await?;
        self.changes.clear();
        self.shards.mark_saved();
        self.since_checkpoint = Progress::default();
        self.tidy_and_tell().await
    }

    /// As `checkpoint`, with the store writing behind; what is told and tidied is the checkpoint's before.
    async fn checkpoint_behind(&mut self) -> Result<u64, PipelineError> {
        let failed = self.tidy_and_tell().await?;
        self.gather().await?;
        self.store.commit_behind(&mut self.changes).await?;
        self.shards.mark_saved();
        self.since_checkpoint = Progress::default();
        Ok(failed)
    }

    /// Puts all that a checkpoint writes into `changes`; many samples are written while the states are put in order.
    async fn gather(&mut self) -> Result<(), PipelineError> {
        if self.changes.samples.len() >= WORTH_WRITING_AHEAD {
            self.write_samples_ahead().await?;
        }
        self.changes.states = self.shards.unsaved(self.settings.workers);
        self.changes.sources = self.sources.values().cloned().collect();
        Ok(())
    }

    /// Samples are the bulk, and writing them again changes nothing: they may be durable before the checkpoint.
    async fn write_samples_ahead(&mut self) -> Result<(), PipelineError> {
        let samples = std::mem::take(&mut self.changes.samples);
        let mut ahead = Changes { samples, ..Changes::default() };
        let outcome = self.store.commit_behind(&mut ahead).await;
        self.changes.samples = ahead.samples;
        Ok(outcome?)
    }

    async fn tidy_and_tell(&mut self) -> Result<u64, PipelineError> {
        self.forget().await?;
        self.windows = self.store.windows(Timestamp::EARLIEST).await?;
        Ok(self.tell().await?)
    }

    /// Old items go a bounded number at a time, at most once in ten minutes of the input's time.
    async fn forget(&mut self) -> Result<(), PipelineError> {
        let Some(now) = self.last_heard() else { return Ok(()) };
        if self.last_forget.is_some_and(|last| now.since(last) < Duration::from_secs(600)) {
            return Ok(());
        }
        self.store.forget(now.minus(self.settings.retention), FORGOTTEN_A_TIME).await?;
        self.last_forget = Some(now);
        Ok(())
    }

    /// When any source was last heard.
    fn last_heard(&self) -> Option<Timestamp> {
        self.sources.values().filter_map(|source| source.last_heard).max()
    }

    /// Tells every channel what it has not had. A channel that cannot be told holds up no other.
    async fn tell(&self) -> Result<u64, StoreError> {
        let mut failed = 0;
        for notifier in &self.notifiers {
            loop {
                let messages = self.store.unpublished(notifier.channel(), MESSAGES_A_BATCH).await?;
                let Some(last) = messages.last() else { break };
                if notifier.publish(&messages, NOTIFY_LIMIT).await.is_err() {
                    failed += 1;
                    break;
                }
                self.store.mark_published(notifier.channel(), last.sequence).await?;
            }
        }
        Ok(failed)
    }

    fn hear_source(&mut self, sweep: &Sweep, report: &mut SweepReport) {
        let heard = !(sweep.readings.is_empty() && sweep.samples.is_empty());
        let record = self.sources.entry(sweep.source.clone()).or_insert_with(|| SourceRecord {
            name: sweep.source.clone(),
            position: 0,
            last_heard: None,
            interval_s: 0.0,
            coverage: sweep.coverage,
        });
        record.position = sweep.position;
        record.coverage = sweep.coverage;
        if !heard {
            return;
        }
        silence::note_interval(record, sweep.time);
        let Some(stand_in) = silence::stand_in(&sweep.source) else { return };
        if let Some(condition) = self.conditions.be_heard(&stand_in, Cause::SourceSilent, sweep.time) {
            report.tally.resolved += 1;
            self.changes.conditions.push(condition);
        }
    }

    fn step(&mut self, sweep: Sweep, clock: &dyn Clock, report: &mut SweepReport) {
        let around = Surroundings {
            settings: &self.settings,
            calendar: &self.calendar,
            judge: &self.judge,
            clock,
            switches: &self.switches,
            source: silence::source_number(&sweep.source),
            counting: if self.sketches.is_some() { Counting::Yes } else { Counting::No },
        };
        let results = self.shards.step(&around, sweep);
        self.put_counts_together();
        report.tally.add(&results.tally);
        let count = results.samples.iter().map(Vec::len).sum();
        self.since_checkpoint.samples += count;
        if self.settings.echo == Echo::Samples {
            let orders = results.orders.iter().flatten();
            let mut echoed: Vec<(&u32, &Sample)> = orders.zip(results.samples.iter().flatten()).collect();
            echoed.sort_by_key(|(order, _)| **order);
            report.samples = echoed.into_iter().map(|(_, sample)| sample.clone()).collect();
        }
        self.changes.samples.reserve(count);
        for samples in results.samples {
            self.changes.samples.extend(samples);
        }
        for (_, finding) in results.findings {
            self.take(finding, report);
        }
    }

    fn take(&mut self, finding: Finding, report: &mut SweepReport) {
        match finding {
            Finding::Facts { stream, facts } => {
                note_switch(&mut self.switches, &stream, &facts);
                self.changes.facts.push((stream, *facts));
            }
            Finding::Returned { stream, time } => {
                if let Some(condition) = self.conditions.be_heard(&stream, Cause::SeriesMissing, time) {
                    report.tally.resolved += 1;
                    self.changes.conditions.push(condition);
                    self.follow(&stream);
                }
            }
            Finding::Scored(scored) => self.judge_conditions(*scored, report),
        }
    }

    /// Alert, first half: a scored sample moves its stream's conditions.
    fn judge_conditions(&mut self, scored: Scored, report: &mut SweepReport) {
        let unknown = PortFacts::default();
        let facts = self.shards.get(&scored.stream).map_or(&unknown, |stream| &stream.facts);
        let place = Place { settings: &self.settings, windows: &self.windows, facts };
        let stream = scored.stream.clone();
        if let Some(sketches) = &mut self.sketches {
            sketches.said.add_score(scored.time, &scored.score);
        }
        let moved = verdicts::deliver(&place, &self.judge, &mut self.conditions, scored);
        report.tally.add(&moved.tally);
        self.changes.conditions.extend(moved.conditions);
        self.follow(&stream);
        if let Some(insight) = moved.insight {
            report.insights.push(insight.clone());
            self.changes.insights.push(insight);
        }
    }

    fn follow(&mut self, id: &StreamId) {
        let following = if self.conditions.any_predicted_on(id) { Following::Yes } else { Following::No };
        if let Some(stream) = self.shards.get_mut(id) {
            stream.following = following;
        }
    }

    /// Looks for silence, and for silence that outlasted the work it was put down to.
    fn scan(&mut self, now: Timestamp, report: &mut SweepReport) {
        let (windows, shards) = (&self.windows, &self.shards);
        let still_announced = |stream: &StreamId| {
            let facts = shards.get(stream).map(|stream| stream.facts.clone()).unwrap_or_default();
            announced(windows, stream, &facts, now)
        };
        let opened = self.conditions.end_announced_silence(still_announced, now);
        report.tally.opened += opened.len() as u64;
        self.changes.conditions.extend(opened);
        let silences =
            silence::find(&self.settings.missing, &self.sources, &mut self.shards, &self.switches, now);
        for found in silences {
            let facts = self.shards.get(&found.stream).map(|stream| stream.facts.clone()).unwrap_or_default();
            let told = announced(&self.windows, &found.stream, &facts, now);
            let Some((condition, step)) = self.conditions.fall_silent(found.silence(now), told) else {
                continue;
            };
            let opened = step == Step::Opened;
            report.tally.opened += u64::from(opened);
            report.tally.suppressed += u64::from(!opened);
            self.changes.conditions.push(condition);
        }
    }

    /// Alert, second half: conditions become alerts, and alerts become messages.
    fn settle(&mut self, now: Timestamp, patience: Patience, report: &mut SweepReport) {
        let settled = self.book.settle(&self.settings, &self.conditions, &self.shards, now, patience);
        report.tally.messages += settled.messages.len() as u64;
        report.alerts.extend(settled.records.iter().map(|record| record.alert.clone()));
        self.changes.alerts.extend(settled.records);
        self.changes.messages.extend(settled.messages);
    }
}

fn note_switch(switches: &mut HashSet<NodeGuid>, stream: &StreamId, facts: &PortFacts) {
    if let (Some(NodeKind::Switch), Some(port)) = (facts.node_kind, stream.port()) {
        switches.insert(port.node);
    }
}
