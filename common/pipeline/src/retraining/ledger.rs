//! What a task remembers of its training: who holds it, when the last run ended, what the month has cost, and what was answered.
//!
//! It is one item, replaced on condition, so that lock, cooldown and budget are decided on the same state: of ten functions that
//! saw one drift, one begins a run. It holds a month's sums and the latest answers alone, and does not grow.

use linkcast_domain::{NanoDollars, Timestamp};
use serde::{Deserialize, Serialize};

use super::guards::Refusal;
use super::run::Run;

/// Answers kept: more than are given while a request may still be delivered again (a day).
const ANSWERS: usize = 32;

/// A task's memory of its training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// The run that holds the task, as it was begun.
    pub holder: Option<Run>,
    /// How the last run ended.
    pub last_end: Option<LastEnd>,
    /// What this month's runs came to.
    pub spent: Spent,
    /// What was answered to whom, oldest first.
    pub answers: Vec<Answered>,
}

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastEnd {
    /// Which run.
    pub run: Timestamp,
    /// When.
    pub at: Timestamp,
    /// Whether a model came of it.
    pub taught: bool,
}

/// Runs of a calendar month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Which, as `2026-11`.
    pub month: String,
    /// How many began.
    pub runs: u32,
    /// What they were modelled to cost.
    pub cost: NanoDollars,
}

/// What was answered to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The request's name.
    pub request: String,
    /// When it was answered.
    pub at: Timestamp,
    /// Its reason.
    pub reason: String,
    /// The guard that refused it; none if the run of that time was begun.
    pub refusal: Option<Refusal>,
}

impl Ledger {
    /// What was answered to a request, if it is remembered.
    pub fn answered(&self, request: &str) -> Option<&Answered> {
        self.answers.iter().rev().find(|answer| answer.request == request)
    }

    /// What the month came to so far.
    pub fn spent_in(&self, month: &str) -> Spent {
        let none = || Spent { month: month.to_owned(), ..Spent::default() };
        if self.spent.month == month { self.spent.clone() } else { none() }
    }

    /// Remembers an answer, and forgets the oldest.
    pub(super) fn answer(&mut self, answer: Answered) {
        self.answers.push(answer);
        let over = self.answers.len().saturating_sub(ANSWERS);
        self.answers.drain(..over);
    }

    /// A run begins: it holds the task, and its month pays.
    pub(super) fn begin(&mut self, run: &Run) {
        let mut spent = self.spent_in(&month_of(run.run));
        spent.runs = spent.runs.saturating_add(1);
        spent.cost += run.estimate;
        self.spent = spent;
        self.holder = Some(run.clone());
    }

    /// A run ended: whoever is next may have the task. Another run's lock stays.
    pub(super) fn release(&mut self, run: &Run, at: Timestamp) -> bool {
        if self.holder.as_ref().is_none_or(|holder| holder.run != run.run) {
            return false;
        }
        self.holder = None;
        self.last_end = Some(LastEnd { run: run.run, at, taught: run.stage().taught() });
        true
    }
}

/// The calendar month of a time, UTC.
pub(super) fn month_of(time: Timestamp) -> String {
    time.to_string().chars().take("2026-11".len()).collect()
}

/// When the next month begins, UTC.
pub(super) fn month_after(time: Timestamp) -> Timestamp {
    let text = month_of(time);
    let (year, month) = text.split_once('-').unwrap_or_default();
    let (year, month): (i64, u32) = (year.parse().unwrap_or(1970), month.parse().unwrap_or(1));
    let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    // A year that no text holds ends the reckoning, and with it every budget.
    format!("{year:04}-{month:02}-01T00:00:00Z").parse().unwrap_or(Timestamp::LATEST)
}
