//! What the monitor knows from one look to the next: how far it has come, baselines, and what people were told.
//!
//! All of it is one item that is replaced on condition, so that of two looks at once one goes on. A notice stands in it before it
//! is put on the board: a crash between the two is made good by the next look, with the same notice.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use linkcast_domain::{Notice, Timestamp};
use serde::{Deserialize, Serialize};

use super::quality::{Baseline, QualityHealth};

/// Findings and models that are remembered at most.
const MOST: usize = 256;

/// The state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MonitorState {
    /// Insights up to this time were judged by their outcome.
    pub(super) outcomes_through: Option<Timestamp>,
    /// Feedback that came in before this time is in the baselines.
    pub(super) baselines_through: Option<Timestamp>,
    /// Each version's first judged insights.
    pub(super) baselines: Vec<Baseline>,
    /// The verdicts of the day's look at quality, and the midnight they were given at.
    pub(super) quality: Option<(Timestamp, Vec<QualityHealth>)>,
    /// Since when each model that nobody registered is watched, by name.
    pub(super) watched: BTreeMap<String, Timestamp>,
    /// What people were told and is not over, with when.
    pub(super) told: BTreeMap<String, Timestamp>,
    /// Notices on their way to the board.
    pub(super) pending: Vec<Notice>,
}

/// What a look found of one thing that people may have to be told of.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// Names the thing, the same at every look.
    pub(super) key: String,
    /// What was found.
    pub(super) found: Found,
}

/// What was found.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// Something to tell.
    Bad(Box<Notice>),
    /// Nothing.
    Clear,
    /// It cannot be said, so that what was told stands.
    Unknown,
}

impl MonitorState {
    /// Takes a look's findings: what is news is put among the notices on their way. What lasts was told; what is over may be
    /// told again when it comes back.
    pub(super) fn take(&mut self, findings: Vec<Finding>, at: Timestamp) {
        for Finding { key, found } in findings {
            match found {
                Found::Bad(notice) => {
                    if let Entry::Vacant(new) = self.told.entry(key) {
                        new.insert(at);
                        self.pending.push(*notice);
                    }
                }
                Found::Clear => drop(self.told.remove(&key)),
                Found::Unknown => {}
            }
        }
        keep_newest(&mut self.told);
    }

    /// Since when the model of this name is watched; from `now` on if it is new.
    pub(super) fn watched_since(&mut self, name: &str, now: Timestamp) -> Timestamp {
        let since = *self.watched.entry(name.to_owned()).or_insert(now);
        keep_newest(&mut self.watched);
        since
    }
}

fn keep_newest(all: &mut BTreeMap<String, Timestamp>) {
    while all.len() > MOST {
        let Some(oldest) = all.iter().min_by_key(|(_, at)| **at).map(|(key, _)| key.clone()) else { return };
        all.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use linkcast_domain::{NoticeKind, Severity};

    use super::*;

    #[test]
    fn what_lasts_is_told_once_and_again_after_it_was_over() {
        let mut state = MonitorState::default();
        let mut look = |hour: i64, found: &str| {
            let at = Timestamp::from_millis(hour * 3_600_000);
            let notice = || {
                let what = format!("drift/{hour}");
                let place = ("lab", "t");
                Notice::of(NoticeKind::DriftDetected, place, (&what, at), Severity::Warning, String::new())
            };
            let found = match found {
                "bad" => Found::Bad(Box::new(notice())),
                "clear" => Found::Clear,
                _ => Found::Unknown,
            };
            state.take(vec![Finding { key: "drift".to_owned(), found }], at);
            std::mem::take(&mut state.pending).len()
        };
        let told = ["bad", "bad", "unknown", "bad", "clear", "clear", "bad", "bad"];
        let told: Vec<usize> =
            told.iter().enumerate().map(|(hour, found)| look(hour as i64, found)).collect();
        assert_eq!(told, [1, 0, 0, 0, 0, 0, 1, 0]);
    }
}
