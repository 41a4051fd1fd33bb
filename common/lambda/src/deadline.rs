//! The invocation's deadline as a [`Budget`].
//!
//! The platform kills a function at its deadline without a word. Whatever must still happen then (the reply, metrics,
//! the report of what was not done) lives off a reserve that no call may touch.

use std::time::Duration;

use linkcast_domain::{Budget, Clock, Retry, Timestamp};

use crate::failure::Named;

/// Deadlines before this, in 1973, are no instants but the time left: that is what cargo-lambda sends (600000).
const EARLIEST_INSTANT_MILLIS: i64 = 100_000_000_000;

/// An invocation without a deadline: a test that forgot it, or no Lambda at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the invocation has deadline {found}: expected milliseconds since 1970, as Lambda sends them")]
pub struct NoDeadlineError {
    found: u64,
}

impl Named for NoDeadlineError {
    fn name(&self) -> &'static str {
        "InvocationWithoutDeadline"
    }

    fn class(&self) -> Retry {
        Retry::Never
    }
}

/// The budget of an invocation that ends `deadline_millis` after 1970 began, `reserve` of it held back. What can be no
/// instant of an invocation is taken for the time left on `clock`.
///
/// # Errors
/// A deadline of 0 is what an invocation made by hand has; to take it for one long past would fail far from the cause.
pub fn invocation_budget(
    deadline_millis: u64,
    reserve: Duration,
    clock: &dyn Clock,
) -> Result<Budget, NoDeadlineError> {
    let no_deadline = NoDeadlineError { found: deadline_millis };
    let millis = i64::try_from(deadline_millis).ok().filter(|millis| *millis > 0).ok_or(no_deadline)?;
    let begins = if millis < EARLIEST_INSTANT_MILLIS { clock.now().millis() } else { 0 };
    Ok(Budget::until(Timestamp::from_millis(begins.saturating_add(millis)), reserve))
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_domain::FixedClock;

    fn now() -> FixedClock {
        FixedClock(Timestamp::from_millis(1_700_000_000_000))
    }

    #[test]
    fn a_budget_holds_the_reserve_back() {
        let budget = invocation_budget(1_700_000_001_000, Duration::from_millis(300), &now()).unwrap();
        assert_eq!(budget.remaining(&now()), Duration::from_millis(700));
    }

    #[test]
    fn the_time_left_that_cargo_lambda_sends_is_no_instant() {
        let budget = invocation_budget(600_000, Duration::from_secs(1), &now()).unwrap();
        assert_eq!(budget.remaining(&now()), Duration::from_secs(599));
    }

    #[test]
    fn a_deadline_nobody_set_is_refused() {
        for found in [0, u64::MAX] {
            let refused = invocation_budget(found, Duration::ZERO, &now());
            assert_eq!(refused, Err(NoDeadlineError { found }));
        }
    }
}
