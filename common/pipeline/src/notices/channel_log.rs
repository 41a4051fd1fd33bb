//! What one channel was told of notices: one item, which is its mark, its turn and its log at once.
//!
//! One conditional write says both that a notice was told and that nobody else tells it, so the two can never disagree. The item
//! does not grow: what is older than its days is dropped, and where there are more, the oldest go first and are never told again.

use std::time::Duration;

use linkcast_domain::{Notice, NoticeKind, Severity, Timestamp};
use serde::{Deserialize, Serialize};

/// How long what was told is remembered; longer than a notice can be told late.
const REMEMBERED: Duration = Duration::from_secs(14 * 24 * 3600);

/// Tellings remembered at most: some 100 kB of the 400 kB that an item may have.
const MOST: usize = 300;

/// Letters of a reason that are kept.
const LONGEST_REASON: usize = 200;

/// What one channel was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelLog {
    /// Which.
    pub channel: String,
    /// Until when whoever tells it now has the turn; nobody, if none.
    turn: Option<Timestamp>,
    /// Up to which notice, by time and id, tellings were dropped for want of room.
    dropped: Option<(Timestamp, String)>,
    /// By the notices' times and ids.
    pub tellings: Vec<Telling>,
}

/// One notice and what came of telling it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Telling {
    /// When it happened.
    pub happened: Timestamp,
    /// The notice's.
    pub id: String,
    /// What it is about.
    pub kind: NoticeKind,
    /// How much it matters.
    pub severity: Severity,
    /// When it was told, or tried last.
    pub at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: TellingOutcome,
}

/// What came of telling a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum TellingOutcome {
    /// The channel has it.
    Told,
    /// It was on the board before the channel was known, and is not told there.
    Before,
    /// The channel could not be reached; what comes after waits behind it.
    Failed {
        /// Why.
        reason: String,
        /// When it is tried again.
        again: Timestamp,
    },
    /// The channel would not have it; what comes after is told.
    Refused {
        /// Why.
        reason: String,
        /// When it is tried again.
        again: Timestamp,
    },
}

/// Whose turn it is to tell a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Whoever takes it.
    Free,
    /// Another's, for a while.
    Taken,
}

impl ChannelLog {
    /// The log of a channel seen for the first time: what is there already is not told to it.
    pub(super) fn new(channel: &str, there: &[Notice], now: Timestamp) -> Self {
        let mut log =
            ChannelLog { channel: channel.to_owned(), turn: None, dropped: None, tellings: Vec::new() };
        for notice in there {
            log.note(notice, TellingOutcome::Before, now);
        }
        log
    }

    pub(super) fn turn(&self, now: Timestamp) -> Turn {
        if self.turn.is_some_and(|until| until > now) { Turn::Taken } else { Turn::Free }
    }

    pub(super) fn take_turn(&mut self, until: Timestamp) {
        self.turn = Some(until);
    }

    pub(super) fn end_turn(&mut self) {
        self.turn = None;
    }

    /// What is to be told now, in order, of notices that are in order. What failed is tried again when it is time, and until
    /// then nothing after it.
    pub(super) fn due<'n>(&self, notices: &'n [Notice], least: Severity, now: Timestamp) -> Vec<&'n Notice> {
        let mut due = Vec::new();
        for notice in notices.iter().filter(|notice| notice.severity >= least) {
            match self.of(&notice.id).map(|telling| &telling.outcome) {
                Some(TellingOutcome::Told | TellingOutcome::Before) => {}
                Some(TellingOutcome::Failed { again, .. }) if *again > now => break,
                Some(TellingOutcome::Refused { again, .. }) if *again > now => {}
                Some(TellingOutcome::Failed { .. } | TellingOutcome::Refused { .. }) => due.push(notice),
                None if self.was_dropped(notice) => {}
                None => due.push(notice),
            }
        }
        due
    }

    /// What is known of telling the notice `id`.
    pub fn of(&self, id: &str) -> Option<&Telling> {
        self.tellings.iter().find(|telling| telling.id == id)
    }

    /// How often the notice was tried.
    pub(super) fn attempts(&self, notice: &Notice) -> u32 {
        self.of(&notice.id).map_or(0, |telling| telling.attempts)
    }

    /// Notes what came of telling a notice, and drops what is too old or too much.
    pub(super) fn note(&mut self, notice: &Notice, outcome: TellingOutcome, now: Timestamp) {
        let attempts = self.attempts(notice) + u32::from(outcome != TellingOutcome::Before);
        self.tellings.retain(|telling| telling.id != notice.id);
        self.tellings.push(Telling {
            happened: notice.at,
            id: notice.id.clone(),
            kind: notice.kind,
            severity: notice.severity,
            at: now,
            attempts,
            outcome: shortened(outcome),
        });
        self.tellings.sort_by(|left, right| left.place().cmp(&right.place()));
        let oldest = now.minus(REMEMBERED);
        self.tellings.retain(|telling| telling.happened >= oldest);
        let excess = self.tellings.len().saturating_sub(MOST);
        if let Some(last) = self.tellings.drain(..excess).next_back() {
            self.dropped = self.dropped.take().max(Some((last.happened, last.id)));
        }
    }

    fn was_dropped(&self, notice: &Notice) -> bool {
        self.dropped.as_ref().is_some_and(|(at, id)| (notice.at, &notice.id) <= (*at, id))
    }
}

impl Telling {
    fn place(&self) -> (Timestamp, &str) {
        (self.happened, &self.id)
    }
}

fn shortened(outcome: TellingOutcome) -> TellingOutcome {
    let short = |reason: String| reason.chars().take(LONGEST_REASON).collect();
    match outcome {
        TellingOutcome::Failed { reason, again } => TellingOutcome::Failed { reason: short(reason), again },
        TellingOutcome::Refused { reason, again } => TellingOutcome::Refused { reason: short(reason), again },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(number: i64) -> Notice {
        let at = Timestamp::from_millis(1_700_000_000_000 + number);
        let what = number.to_string();
        let place = ("lab", "link-health");
        Notice::of(NoticeKind::Rollout, place, (&what, at), Severity::Info, String::new())
    }

    #[test]
    fn a_log_stays_small_and_what_it_dropped_is_not_told_again() {
        let notices: Vec<Notice> = (0..1_000).map(notice).collect();
        let now = notices[999].at;
        let mut log = ChannelLog::new("c", &[], now);
        for notice in &notices {
            let reason = "x".repeat(10_000);
            log.note(notice, TellingOutcome::Refused { reason, again: now }, now);
            log.note(notice, TellingOutcome::Told, now);
        }
        assert_eq!(log.tellings.len(), MOST);
        assert_eq!(log.due(&notices, Severity::Info, now), Vec::<&Notice>::new());
        assert!(serde_json::to_string(&log).unwrap().len() < 200_000);
        let after = notice(1_000);
        assert_eq!(log.due(std::slice::from_ref(&after), Severity::Info, now), [&after]);
        log.note(&after, TellingOutcome::Told, now.plus(REMEMBERED * 2));
        assert_eq!(log.tellings.len(), 0, "weeks later nobody asks");
    }

    #[test]
    fn what_failed_holds_up_what_comes_after_and_what_was_refused_does_not() {
        let notices = [notice(1), notice(2)];
        let now = notices[1].at;
        let again = now.plus(Duration::from_secs(30));
        let mut log = ChannelLog::new("c", &[], now);
        log.note(&notices[0], TellingOutcome::Failed { reason: "down".into(), again }, now);
        assert_eq!(log.due(&notices, Severity::Info, now), Vec::<&Notice>::new());
        assert_eq!(log.due(&notices, Severity::Info, again).len(), 2);
        log.note(&notices[0], TellingOutcome::Refused { reason: "no".into(), again }, now);
        assert_eq!(log.due(&notices, Severity::Info, now), [&notices[1]]);
        assert_eq!(log.attempts(&notices[0]), 2);
        assert_eq!(log.due(&notices, Severity::Warning, again), Vec::<&Notice>::new());
    }
}
