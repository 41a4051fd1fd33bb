//! Notices to people: each channel is told what is on the board and it has not had, once and in order.
//!
//! A channel is told by one at a time: whoever tells it takes the turn by a conditional write, and gives it back with the word
//! that a notice was told. A crash between telling and writing tells that one notice again, when the turn has run out, under the
//! same id; nothing else can double, and nothing is lost while it is younger than [`TOLD_FOR`].

use std::time::Duration;

use crate::damaged::DamagedItem;
use futures_util::future::join_all;
use linkcast_domain::ports::{NoticeChannel, Revised, TaskItem, TaskItems, Written};
use linkcast_domain::{Budget, Clock, Notice, Retry};
use xxhash_rust::xxh3::xxh3_64;

use super::channel_log::{ChannelLog, TellingOutcome, Turn};
use super::{NoticeBoard, NoticeError};

/// Logs' names begin so.
const TOLD: &str = "told#";

/// A notice older than this is news no more, and is not told.
pub const TOLD_FOR: Duration = Duration::from_secs(3 * 24 * 3600);

/// By how much another's clock may be ahead.
const AHEAD: Duration = Duration::from_secs(300);

/// The longest one notice may take to be told.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a turn lasts; it is renewed with each notice.
const TURN: Duration = Duration::from_secs(30);

/// How long a channel that failed is left alone, doubled with each failure, and the longest.
const PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// What came of telling notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Notices told, on all channels.
    pub told: u64,
    /// Notices that could not be told now; they are tried again.
    pub failed: u64,
}

/// Tells every channel what it has not had of the notices of the last three days, oldest first. A channel seen for the first time is
/// told what comes after. Written: each channel's log, under its name, on condition.
///
/// # Errors
/// The store's, after every channel had its turn. A channel that fails is counted and is no error.
pub async fn deliver_notices<I: TaskItems, N: NoticeChannel>(
    (items, task): (&I, &str),
    channels: &[N],
    (budget, clock): (&Budget, &dyn Clock),
) -> Result<Delivered, NoticeError> {
    if channels.is_empty() {
        return Ok(Delivered::default());
    }
    let now = clock.now();
    let notices = NoticeBoard::new(items, task).between(now.minus(TOLD_FOR), now.plus(AHEAD)).await?;
    let teller = Teller { items, task, notices: &notices, budget, clock };
    let mut delivered = Delivered::default();
    let mut failure = None;
    for outcome in join_all(channels.iter().map(|channel| teller.tell(channel))).await {
        match outcome {
            Ok(one) => {
                delivered.told += one.told;
                delivered.failed += one.failed;
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(delivered), Err)
}

/// What every channel of `task` was told, by channel.
///
/// # Errors
/// A store that fails, or an item that is not what was written.
pub async fn channel_logs<I: TaskItems>(items: &I, task: &str) -> Result<Vec<ChannelLog>, NoticeError> {
    let found = items.task_items(task, TOLD).await?;
    let mut logs = found
        .into_iter()
        .map(|(name, text)| read(task, &name, &text.value))
        .collect::<Result<Vec<_>, NoticeError>>()?;
    logs.sort_by(|left, right| left.channel.cmp(&right.channel));
    Ok(logs)
}

/// One delivery.
struct Teller<'a, I> {
    items: &'a I,
    task: &'a str,
    notices: &'a [Notice],
    budget: &'a Budget,
    clock: &'a dyn Clock,
}

impl<I: TaskItems> Teller<'_, I> {
    async fn tell<N: NoticeChannel>(&self, channel: &N) -> Result<Delivered, NoticeError> {
        let name = name_of(channel.channel());
        let delivered = Delivered::default();
        let now = self.clock.now();
        let Some(found) = self.items.task_item(self.task, &name).await? else {
            let mut log =
                Held { name, revision: 0, log: ChannelLog::new(channel.channel(), self.notices, now) };
            // Where another was first, the channel is known as well.
            let _ = self.write(&mut log).await?;
            return Ok(delivered);
        };
        let log = read(self.task, &name, &found.value)?;
        let mut held = Held { name, revision: found.revision, log };
        let due = held.log.due(self.notices, channel.least(), now);
        if due.is_empty() || held.log.turn(now) == Turn::Taken {
            return Ok(delivered);
        }
        held.log.take_turn(now.plus(TURN));
        match self.write(&mut held).await? {
            Written::Yes => self.tell_each(channel, &due, &mut held).await,
            Written::Moved => Ok(delivered),
        }
    }

    /// Tells what is due, each with a word that it was told, for as long as the turn is this process's.
    async fn tell_each<N: NoticeChannel>(
        &self,
        channel: &N,
        due: &[&Notice],
        held: &mut Held,
    ) -> Result<Delivered, NoticeError> {
        let mut delivered = Delivered::default();
        for (place, notice) in due.iter().enumerate() {
            let limit = self.budget.share(LIMIT, self.clock);
            if limit.is_zero() {
                held.log.end_turn();
                let _ = self.write(held).await?;
                break;
            }
            let outcome = self.ask(channel, &held.log, notice, limit).await;
            let goes_on = !matches!(outcome, TellingOutcome::Failed { .. }) && place + 1 < due.len();
            if outcome == TellingOutcome::Told {
                delivered.told += 1;
            } else {
                delivered.failed += 1;
            }
            let now = self.clock.now();
            held.log.note(notice, outcome, now);
            if goes_on {
                held.log.take_turn(now.plus(TURN));
            } else {
                held.log.end_turn();
            }
            if self.write(held).await? == Written::Moved || !goes_on {
                break;
            }
        }
        Ok(delivered)
    }

    async fn ask<N: NoticeChannel>(
        &self,
        channel: &N,
        log: &ChannelLog,
        notice: &Notice,
        limit: Duration,
    ) -> TellingOutcome {
        let Err(error) = channel.tell_notice(notice, limit).await else { return TellingOutcome::Told };
        let doublings = log.attempts(notice).min(10);
        let pause = PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
        let (reason, now) = (error.reason, self.clock.now());
        match error.retry {
            Retry::Never => TellingOutcome::Refused { reason, again: now.plus(pause) },
            Retry::Later => TellingOutcome::Failed { reason, again: now.plus(pause) },
            Retry::After(asked) => TellingOutcome::Failed { reason, again: now.plus(pause.max(asked)) },
        }
    }

    /// Writes the log in place of the one that was read or written last.
    async fn write(&self, held: &mut Held) -> Result<Written, NoticeError> {
        let damaged = |source| {
            NoticeError::from(DamagedItem { task: self.task.to_owned(), name: held.name.clone(), source })
        };
        let value = serde_json::to_string(&held.log).map_err(damaged)?;
        let text = Revised { revision: held.revision, value };
        let item = TaskItem { name: held.name.clone(), text, until: None };
        let written = self.items.put_task_item(self.task, &item).await?;
        held.revision += 1;
        Ok(written)
    }
}

/// A channel's log as this process knows it.
struct Held {
    name: String,
    revision: u64,
    log: ChannelLog,
}

fn name_of(channel: &str) -> String {
    format!("{TOLD}{:016x}", xxh3_64(channel.as_bytes()))
}

fn read(task: &str, name: &str, text: &str) -> Result<ChannelLog, NoticeError> {
    let damaged =
        |source| NoticeError::from(DamagedItem { task: task.to_owned(), name: name.to_owned(), source });
    serde_json::from_str(text).map_err(damaged)
}
