//! The invocation's deadline as a [`Budget`].
//!
//! The platform kills a function at its deadline without a word. Whatever must still happen then (the reply, metrics,
//! the report of what was not done) lives off a reserve that no call may touch.

use std::time::Duration;

use linkcast_domain::{Budget, Retry, Timestamp};

use crate::failure::Named;

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

/// The budget of an invocation that ends `deadline_millis` after 1970 began, `reserve` of it held back.
///
/// # Errors
/// A deadline of 0 is what an invocation made by hand has; to take it for one long past would fail far from the cause.
pub fn invocation_budget(deadline_millis: u64, reserve: Duration) -> Result<Budget, NoDeadlineError> {
    let no_deadline = NoDeadlineError { found: deadline_millis };
    let millis = i64::try_from(deadline_millis).ok().filter(|millis| *millis > 0).ok_or(no_deadline)?;
    Ok(Budget::until(Timestamp::from_millis(millis), reserve))
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_domain::FixedClock;

    #[test]
    fn a_budget_holds_the_reserve_back() {
        let budget = invocation_budget(10_000, Duration::from_millis(300)).unwrap();
        let clock = FixedClock(Timestamp::from_millis(9_000));
        assert_eq!(budget.remaining(&clock), Duration::from_millis(700));
    }

    #[test]
    fn a_deadline_nobody_set_is_refused() {
        for found in [0, u64::MAX] {
            let refused = invocation_budget(found, Duration::ZERO);
            assert_eq!(refused, Err(NoDeadlineError { found }));
        }
    }
}
