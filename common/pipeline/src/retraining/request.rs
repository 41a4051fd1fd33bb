//! Who asks for a run, why, and under which name: the same for every delivery of one request.

use serde::{Deserialize, Serialize};

use super::TASKS;

/// The longest reason kept.
const LONGEST_REASON: usize = 256;

/// What makes somebody ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The calendar.
    Schedule,
    /// What the model sees, or says, is not what it was.
    Drift,
    /// What is confirmed of its insights is worse than it was.
    Quality,
    /// A person.
    ByHand,
}

/// A person's word that a guard does not count this time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Who says so.
    pub by: String,
    /// Why.
    pub because: String,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRequest {
    /// Which task.
    pub task: String,
    /// What makes them ask.
    pub trigger: Trigger,
    /// Why, for people: 1 to 256 characters.
    pub reason: String,
    /// Its name: the same for every delivery of one request, another for every other.
    pub request: String,
    /// Set where a person overrides cooldown, labels and budget. The lock is nobody's to override.
    pub over: Option<Override>,
}

/// A request that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No such task.
    #[error("{task:?} is not a task: expected link-health")]
    UnknownTask {
        /// What was asked for.
        task: String,
    },
    /// No reason, or a book of it.
    #[error("{what} has {length} characters: expected 1 to {LONGEST_REASON}")]
    Reason {
        /// Which of its texts.
        what: &'static str,
        /// Its length.
        length: usize,
    },
}

impl Trigger {
    /// Every trigger.
    pub const ALL: [Trigger; 4] = [Trigger::Schedule, Trigger::Drift, Trigger::Quality, Trigger::ByHand];

    /// The name in stores and on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Trigger::Schedule => "schedule",
            Trigger::Drift => "drift",
            Trigger::Quality => "quality",
            Trigger::ByHand => "by_hand",
        }
    }
}

impl std::str::FromStr for Trigger {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Trigger::ALL.into_iter().find(|trigger| trigger.name() == text);
        found.ok_or_else(|| format!("{text:?}: expected schedule, drift, quality or by_hand"))
    }
}

impl RunRequest {
    /// Whether it makes sense.
    ///
    /// # Errors
    /// A task that has no model, a reason that is empty or longer than anybody reads.
    pub fn check(&self) -> Result<(), RequestError> {
        if !TASKS.contains(&self.task.as_str()) {
            return Err(RequestError::UnknownTask { task: self.task.chars().take(64).collect() });
        }
        check_text("the reason", &self.reason)?;
        self.over.as_ref().map_or(Ok(()), |over| check_text("the override's reason", &over.because))
    }
}

fn check_text(what: &'static str, text: &str) -> Result<(), RequestError> {
    let length = text.trim().chars().count();
    if (1..=LONGEST_REASON).contains(&length) { Ok(()) } else { Err(RequestError::Reason { what, length }) }
}
