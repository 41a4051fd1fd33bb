//! What must hold before a run begins: nobody trains, the last run is long enough ago, there is something new to learn, and it can
//! be paid.
//!
//! Each refusal says which guard it was, the numbers it went by, and when it would pass, so that nobody has to guess whether to wait,
//! to review more samples or to override. The lock is first and cannot be overridden: two runs of a task at once would each be
//! judged against a live model that the other may replace.

use std::fmt;
use std::time::Duration;

use linkcast_domain::{NanoDollars, Timestamp};
use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, month_after, month_of};
use super::request::{RunRequest, Trigger};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// How strict the guards are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GuardSettings {
    /// From one run's end to the next one's begin.
    pub cooldown: Duration,
    /// The same where drift or quality asks: shorter, for the model is known to be worse.
    pub cooldown_of_alarm: Duration,
    /// The same after a run that failed, was stopped or ran out of time: it taught nothing, but what broke it may still be there.
    pub cooldown_after_failure: Duration,
    /// Labels that people gave since the live model's data.
    pub least_new_labels: u64,
    /// Runs in a calendar month, UTC.
    pub runs_a_month: u32,
    /// Their modelled cost together.
    pub cost_a_month: NanoDollars,
    /// How long a run holds the task if nobody ends it.
    pub longest_run: Duration,
}

impl Default for GuardSettings {
    /// Six runs are one a month by the calendar and some for drift; 25 dollars are some twenty times what such a run is modelled
    /// to cost.
    fn default() -> Self {
        GuardSettings {
            cooldown: DAY.saturating_mul(7),
            cooldown_of_alarm: DAY.saturating_mul(2),
            cooldown_after_failure: DAY / 4,
            least_new_labels: 50,
            runs_a_month: 6,
            cost_a_month: NanoDollars(25_000_000_000),
            longest_run: DAY / 4,
        }
    }
}

impl GuardSettings {
    fn cooldown_of(&self, trigger: Trigger) -> Duration {
        match trigger {
            Trigger::Drift | Trigger::Quality => self.cooldown_of_alarm,
            Trigger::Schedule | Trigger::ByHand => self.cooldown,
        }
    }
}

/// What is known when somebody asks, beside the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// Labels from reviews and feedback since the live model's data.
    pub new_labels: u64,
    /// What the run is modelled to cost.
    pub estimate: NanoDollars,
}

/// Which guard refused, with its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "guard", rename_all = "snake_case")]
pub enum Refusal {
    /// A run holds the task.
    Lock {
        /// Which.
        run: Timestamp,
        /// Until when at the latest.
        until: Timestamp,
    },
    /// The last run ended too short a time ago.
    Cooldown {
        /// When it ended.
        ended: Timestamp,
        /// How long must pass, seconds.
        cooldown_s: u64,
        /// When it has.
        until: Timestamp,
    },
    /// There is too little to learn from.
    NewLabels {
        /// Labels since the live model's data.
        new: u64,
        /// Labels that are needed.
        needed: u64,
    },
    /// The month's runs are used up.
    Runs {
        /// Runs of the month.
        runs: u32,
        /// How many are allowed.
        allowed: u32,
        /// When the next month begins.
        until: Timestamp,
    },
    /// The month's money is.
    Cost {
        /// Modelled cost of the month's runs, billionths of a dollar.
        spent: NanoDollars,
        /// What this one would cost.
        estimate: NanoDollars,
        /// What is allowed.
        allowed: NanoDollars,
        /// When the next month begins.
        until: Timestamp,
    },
}

impl Refusal {
    /// The guard's name.
    pub fn guard(&self) -> &'static str {
        match self {
            Refusal::Lock { .. } => "lock",
            Refusal::Cooldown { .. } => "cooldown",
            Refusal::NewLabels { .. } => "new_labels",
            Refusal::Runs { .. } => "runs",
            Refusal::Cost { .. } => "cost",
        }
    }

    /// When it would pass by itself; none where people have to do something first.
    pub fn passes_at(&self) -> Option<Timestamp> {
        match self {
            Refusal::Lock { until, .. }
            | Refusal::Cooldown { until, .. }
            | Refusal::Runs { until, .. }
            | Refusal::Cost { until, .. } => Some(*until),
            Refusal::NewLabels { .. } => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Lock { run, until } => {
                write!(f, "the run of {run} holds the task: passes when it ends, at {until} at the latest")
            }
            Refusal::Cooldown { ended, cooldown_s, until } => {
                let days = *cooldown_s as f64 / DAY.as_secs_f64();
                write!(f, "the last run ended at {ended} and {days} days must pass: passes at {until}")
            }
            Refusal::NewLabels { new, needed } => write!(
                f,
                "{new} labels are newer than the live model's data and {needed} are needed: passes after {} more",
                needed.saturating_sub(*new)
            ),
            Refusal::Runs { runs, allowed, until } => {
                write!(f, "{runs} of {allowed} runs of this month are used: passes at {until}")
            }
            Refusal::Cost { spent, estimate, allowed, until } => write!(
                f,
                "${:.2} of this month's ${:.2} are spent and a run is modelled to cost ${:.2}: passes at {until}",
                spent.dollars(),
                allowed.dollars(),
                estimate.dollars()
            ),
        }
    }
}

/// Whether a run may begin now.
///
/// # Errors
/// The first guard that refuses: lock, cooldown, budget, labels. A person's override passes all but the lock.
pub fn examine(
    settings: &GuardSettings,
    ledger: &Ledger,
    request: &RunRequest,
    circumstances: &Circumstances,
    now: Timestamp,
) -> Result<(), Refusal> {
    if let Some(holder) = ledger.holder.as_ref().filter(|holder| holder.until > now) {
        return Err(Refusal::Lock { run: holder.run, until: holder.until });
    }
    if request.over.is_some() {
        return Ok(());
    }
    check_cooldown(settings, ledger, request.trigger, now)?;
    check_budget(settings, ledger, circumstances.estimate, now)?;
    let (new, needed) = (circumstances.new_labels, settings.least_new_labels);
    if new < needed { Err(Refusal::NewLabels { new, needed }) } else { Ok(()) }
}

fn check_cooldown(
    settings: &GuardSettings,
    ledger: &Ledger,
    trigger: Trigger,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(last) = &ledger.last_end else { return Ok(()) };
    let cooldown = settings.cooldown_of(trigger);
    let cooldown = if last.taught { cooldown } else { cooldown.min(settings.cooldown_after_failure) };
    let until = last.at.plus(cooldown);
    if now >= until {
        return Ok(());
    }
    Err(Refusal::Cooldown { ended: last.at, cooldown_s: cooldown.as_secs(), until })
}

fn check_budget(
    settings: &GuardSettings,
    ledger: &Ledger,
    estimate: NanoDollars,
    now: Timestamp,
) -> Result<(), Refusal> {
    let until = month_after(now);
    let spent = ledger.spent_in(&month_of(now));
    if spent.runs >= settings.runs_a_month {
        return Err(Refusal::Runs { runs: spent.runs, allowed: settings.runs_a_month, until });
    }
    let (spent, allowed) = (spent.cost, settings.cost_a_month);
    if spent + estimate > allowed {
        return Err(Refusal::Cost { spent, estimate, allowed, until });
    }
    Ok(())
}
