//! The board of notices: what happened to a task's models, each told once, kept for whoever looks later.
//!
//! A notice is written before the bus is told of it, under a name made of its time and id: who writes it again finds it there.
//! Whoever tells people reads the board and not the bus, so that an event that was lost is told a minute later. Names begin with the
//! time, so that the newest are found without reading the oldest.

mod channel_log;
mod delivery;

use std::time::Duration;

use crate::damaged::DamagedItem;
pub use channel_log::{ChannelLog, Telling, TellingOutcome};
pub use delivery::{Delivered, TOLD_FOR, channel_logs, deliver_notices};
use linkcast_domain::ports::{Bus, BusEvent, NotifyError, Revised, StoreError, TaskItem, TaskItems, Written};
use linkcast_domain::{Notice, Retry, Timestamp};

/// Notices' names begin so.
const NOTICE: &str = "notice#";
/// How long they are kept.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
/// Digits of a time in a name, milliseconds: enough until the year 2286 and then some.
const DIGITS: usize = 16;
/// What is cut off them to list by: 10^8 ms, 28 hours at once.
const FINE_DIGITS: usize = 8;

/// The notices of one task, over any store.
#[derive(Clone, Copy, Debug)]
pub struct NoticeBoard<'a, I> {
    items: &'a I,
    task: &'a str,
}

/// What could not be done with notices.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is on the board, and the bus could not be told.
    #[error(transparent)]
    Untold(#[from] NotifyError),
    /// An item that is not what was written.
    #[error(transparent)]
    Damaged(#[from] DamagedItem),
}

impl NoticeError {
    /// Whether another attempt can help.
    pub fn class(&self) -> Retry {
        match self {
            NoticeError::Store(error) => error.class(),
            NoticeError::Untold(error) => error.retry,
            NoticeError::Damaged(_) => Retry::Never,
        }
    }
}

/// A bus with nobody on it: where there is one process, whoever wants to know reads the board.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBus;

impl Bus for NoBus {
    async fn tell(&self, events: &[BusEvent]) -> Vec<Result<(), NotifyError>> {
        events.iter().map(|_| Ok(())).collect()
    }
}

impl<'a, I: TaskItems> NoticeBoard<'a, I> {
    /// The board of `task`.
    pub fn new(items: &'a I, task: &'a str) -> Self {
        NoticeBoard { items, task }
    }

    /// Puts a notice on the board and tells the bus. Written: the notice, by its time and id; who puts it there again changes
    /// nothing, and tells the bus again. [`Written::Moved`] says that it was there.
    ///
    /// # Errors
    /// A store or a bus that fails; the notice may be on the board then.
    pub async fn publish<B: Bus>(&self, bus: &B, notice: &Notice) -> Result<Written, NoticeError> {
        let name = name_of(notice);
        let damaged = |source| self.damaged(&name, source);
        let value = serde_json::to_string(notice).map_err(damaged)?;
        let text = Revised { revision: 0, value: value.clone() };
        let item = TaskItem { name: name.clone(), text, until: Some(notice.at.plus(KEPT)) };
        let written = self.items.put_task_item(self.task, &item).await?;
        let event = BusEvent { kind: notice.kind.event(), detail: value, stream: None };
        for told in bus.tell(std::slice::from_ref(&event)).await {
            told?;
        }
        Ok(written)
    }

    /// Notices from `since` to `until`, both included, oldest first; none older than they are kept.
    ///
    /// # Errors
    /// A store that fails, or an item that is not what was written.
    pub async fn between(&self, since: Timestamp, until: Timestamp) -> Result<Vec<Notice>, NoticeError> {
        let mut found = Vec::new();
        let since = since.max(until.minus(KEPT));
        let span = 10_i64.pow(FINE_DIGITS as u32);
        for coarse in since.millis().max(0).div_euclid(span)..=until.millis().max(0).div_euclid(span) {
            let prefix = format!("{NOTICE}{coarse:0width$}", width = DIGITS - FINE_DIGITS);
            for (name, text) in self.items.task_items(self.task, &prefix).await? {
                let notice: Notice =
                    serde_json::from_str(&text.value).map_err(|source| self.damaged(&name, source))?;
                if (since..=until).contains(&notice.at) {
                    found.push(notice);
                }
            }
        }
        Ok(found)
    }

    fn damaged(&self, name: &str, source: serde_json::Error) -> NoticeError {
        NoticeError::from(DamagedItem { task: self.task.to_owned(), name: name.to_owned(), source })
    }
}

fn name_of(notice: &Notice) -> String {
    format!("{NOTICE}{:0DIGITS$}#{}", notice.at.millis().max(0), notice.id)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use linkcast_domain::{NoticeKind, Severity};
    use linkcast_store::MemoryStore;

    use super::*;

    /// A bus that remembers, and fails as often as it is told.
    #[derive(Default)]
    struct Heard(Mutex<(Vec<String>, usize)>);

    impl Bus for Heard {
        async fn tell(&self, events: &[BusEvent]) -> Vec<Result<(), NotifyError>> {
            let mut heard = self.0.lock().unwrap();
            let fate = |event: &BusEvent| {
                if heard.1 > 0 {
                    heard.1 -= 1;
                    let (channel, reason) = ("bus".to_owned(), "down".to_owned());
                    return Err(NotifyError { channel, reason, retry: Retry::Later });
                }
                heard.0.push(event.kind.to_owned());
                Ok(())
            };
            events.iter().map(fate).collect()
        }
    }

    fn notice(what: &str, millis: i64) -> Notice {
        let at = Timestamp::from_millis(millis);
        let place = ("lab", "link-health");
        Notice::of(NoticeKind::Rollout, place, (what, at), Severity::Info, format!("{what} happened"))
    }

    #[tokio::test]
    async fn a_notice_is_kept_once_however_often_it_is_told_and_listed_by_time() {
        let (store, bus) = (MemoryStore::new(), Heard(Mutex::new((Vec::new(), 1))));
        let board = NoticeBoard::new(&store, "link-health");
        let (first, second) = (notice("first", 1_700_000_000_000), notice("second", 1_700_900_000_000));
        assert!(board.publish(&bus, &first).await.is_err(), "the bus is down");
        assert_eq!(board.publish(&bus, &first).await.unwrap(), Written::Moved, "and it is on the board");
        assert_eq!(board.publish(&bus, &second).await.unwrap(), Written::Yes);
        assert_eq!(bus.0.lock().unwrap().0, ["Rollout Changed", "Rollout Changed"]);
        let all = board.between(Timestamp::EPOCH, second.at).await.unwrap();
        assert_eq!(all, [first.clone(), second.clone()]);
        assert_eq!(
            board.between(first.at.plus(Duration::from_millis(1)), second.at).await.unwrap(),
            [second]
        );
        let other = NoticeBoard::new(&store, "other");
        assert_eq!(other.between(first.at, first.at).await.unwrap(), []);
    }
}
