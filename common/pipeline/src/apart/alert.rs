//! Alert apart: the conditions in the store are settled into alerts, and what is new is told.
//!
//! What woke it does not matter: it reads what is, and brings the alerts in line with it. An event that comes twice
//! changes nothing, and one that was lost is made up for by the next. It also notices what no event can tell: a source that
//! has fallen silent. Two at a time would give the same sequence numbers to
//! different messages, so the book has a version that only one of them can raise.

use std::collections::HashMap;
use std::time::Duration;

use linkcast_domain::ports::{
    Changes, Keep, Known, MaintenanceWindow, Memories, MemoryKey, Notifier, Outbox, PipelineStore, Resume,
    SourceRecord, Written,
};
use linkcast_domain::{Budget, Cause, Clock, Condition, PortFacts, StreamId, Timestamp};

use super::{ATTEMPTS, ApartError};
use crate::alerts::{AlertBook, KnownPorts, Patience};
use crate::conditions::{Conditions, announced};
use crate::settings::Settings;
use crate::silence;

/// Messages told at once.
const MESSAGES_A_BATCH: usize = 100;

/// The longest a channel may take: one that says nothing must leave time for the others.
const NOTIFY_LIMIT: Duration = Duration::from_secs(10);

/// How long ago a source may have been heard last and still be missed.
const HISTORY: Duration = Duration::from_secs(24 * 3600);

/// What alert needs of a store.
pub trait AlertStore: PipelineStore + Outbox + Known + Memories {}

impl<S: PipelineStore + Outbox + Known + Memories> AlertStore for S {}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alerted {
    /// Alerts that opened, changed or resolved.
    pub alerts: u64,
    /// Messages told, on all channels.
    pub told: u64,
    /// Channels that could not be told; their messages stay.
    pub failed: u64,
}

struct Facts(HashMap<StreamId, PortFacts>);

impl KnownPorts for Facts {
    fn facts(&self, stream: &StreamId) -> Option<&PortFacts> {
        self.0.get(stream)
    }
}

/// Settles and tells. Written: alerts by id and messages by sequence, under the book's version; each channel's place.
///
/// # Errors
/// The store's, or another alert that kept moving the book. A channel that fails is counted and is no error.
pub async fn alert<S: AlertStore, N: Notifier>(
    (store, notifiers): (&S, &[N]),
    settings: &Settings,
    (budget, clock): (&Budget, &dyn Clock),
) -> Result<Alerted, ApartError> {
    for notifier in notifiers {
        store.register_channel(notifier.channel()).await?;
    }
    let mut alerted = Alerted { alerts: settle(store, settings, clock).await?, ..Alerted::default() };
    for notifier in notifiers {
        loop {
            let messages = store.unpublished(notifier.channel(), MESSAGES_A_BATCH).await?;
            let Some(last) = messages.last() else { break };
            if notifier.publish(&messages, budget.share(NOTIFY_LIMIT, clock)).await.is_err() {
                alerted.failed += 1;
                break;
            }
            store.mark_published(notifier.channel(), last.sequence).await?;
            alerted.told += messages.len() as u64;
        }
    }
    Ok(alerted)
}

async fn settle<S: AlertStore>(store: &S, settings: &Settings, clock: &dyn Clock) -> Result<u64, ApartError> {
    for _ in 0..ATTEMPTS {
        let kept = store.load(&[MemoryKey::Book]).await?.into_iter().flatten().next();
        let read = kept.map_or(0, |kept| kept.version);
        let resume = store.resume().await?;
        let facts = facts(store, &resume).await?;
        let mut conditions = Conditions::resume(resume.conditions);
        let moved = listen(settings, &mut conditions, (&resume.sources, &resume.windows), clock.now());
        let mut book = AlertBook::resume(resume.alerts, resume.last_sequence);
        let settled = book.settle(settings, &conditions, &facts, clock.now(), Patience::Wait);
        if settled.records.is_empty() && moved.is_empty() {
            return Ok(0);
        }
        let count = settled.records.len() as u64;
        let turn = Keep { key: MemoryKey::Book, read, bytes: Vec::new() };
        match store.keep(&[turn]).await.into_iter().next().transpose()? {
            Some(Written::Yes) => {}
            Some(Written::Moved) | None => continue,
        }
        let (alerts, messages) = (settled.records, settled.messages);
        store.commit(&Changes { alerts, messages, conditions: moved, ..Changes::default() }).await?;
        return Ok(count);
    }
    Err(ApartError::Contended { what: "the book of alerts".to_owned() })
}

/// Opens a condition for each source that has fallen silent, and resolves that of one that is heard again.
///
/// A source whose last word is older than [`HISTORY`] was imported, not silenced.
fn listen(
    settings: &Settings,
    conditions: &mut Conditions,
    (sources, windows): (&[SourceRecord], &[MaintenanceWindow]),
    now: Timestamp,
) -> Vec<Condition> {
    let told = |stream: &StreamId| announced(windows, stream, &PortFacts::default(), now);
    let mut moved = conditions.end_announced_silence(told, now);
    for source in sources {
        let Some(heard) = source.last_heard else { continue };
        match silence::silent_source(&settings.missing, source, now) {
            Some(found) if now.since(heard) <= HISTORY => {
                let opened = conditions.fall_silent(found.silence(now), told(&found.stream));
                moved.extend(opened.map(|(condition, _)| condition));
            }
            Some(_) => {}
            None => {
                let stand_in = silence::stand_in(&source.name);
                let resolved =
                    stand_in.and_then(|stream| conditions.be_heard(&stream, Cause::SourceSilent, heard));
                moved.extend(resolved);
            }
        }
    }
    moved
}

/// What is known of every port that a condition or an alert speaks of.
async fn facts<S: AlertStore>(store: &S, resume: &Resume) -> Result<Facts, ApartError> {
    let open = resume.conditions.iter().map(|condition| condition.stream.clone());
    let told = resume.alerts.iter().flat_map(|record| &record.members).map(|key| key.stream.clone());
    let mut streams: Vec<StreamId> = open.chain(told).collect();
    streams.sort();
    streams.dedup();
    let facts = store.facts(&streams).await?;
    Ok(Facts(streams.into_iter().zip(facts).collect()))
}
