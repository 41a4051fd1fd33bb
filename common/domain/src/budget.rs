//! How long a piece of work may take.
//!
//! One deadline is taken when work starts and handed down; every remote call asks what is left of it, so that a
//! slow dependency costs its own share and never the caller's answer.

use std::time::Duration;

use crate::{Clock, Timestamp};

/// A deadline and what must be left of it for the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    deadline: Timestamp,
    reserve: Duration,
}

impl Budget {
    /// A budget that ends at `deadline`, `reserve` of which no call may use.
    pub fn until(deadline: Timestamp, reserve: Duration) -> Self {
        Budget { deadline, reserve }
    }

    /// A budget of `duration` from now, nothing held back.
    pub fn of(duration: Duration, clock: &dyn Clock) -> Self {
        Budget { deadline: clock.now().plus(duration), reserve: Duration::ZERO }
    }

    /// The instant by which the work must have been answered.
    pub fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// What a call may use now: the time to the deadline less the reserve, zero when spent.
    pub fn remaining(&self, clock: &dyn Clock) -> Duration {
        self.deadline.since(clock.now()).saturating_sub(self.reserve)
    }

    /// The time a call may take: the smaller of its own cap and what remains.
    pub fn share(&self, cap: Duration, clock: &dyn Clock) -> Duration {
        cap.min(self.remaining(clock))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FixedClock;

    #[test]
    fn a_share_never_exceeds_what_remains_less_the_reserve() {
        let now = FixedClock(Timestamp::from_millis(1_000));
        let budget = Budget::until(Timestamp::from_millis(1_500), Duration::from_millis(100));
        assert_eq!(budget.share(Duration::from_secs(9), &now), Duration::from_millis(400));
        assert_eq!(budget.share(Duration::from_millis(30), &now), Duration::from_millis(30));
    }

    #[test]
    fn a_spent_budget_leaves_nothing() {
        let late = FixedClock(Timestamp::from_millis(2_000));
        let budget = Budget::until(Timestamp::from_millis(1_500), Duration::ZERO);
        assert_eq!(budget.remaining(&late), Duration::ZERO);
    }
}
