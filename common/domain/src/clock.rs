//! The one way to learn what time it is.
//!
//! Use cases take a `Clock`, so that a replay runs on the capture's time and a test on its own.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::Timestamp;

/// A source of the present instant.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Microseconds on the same clock, for measuring how long something took.
    fn micros(&self) -> u64 {
        u64::try_from(self.now().millis()).unwrap_or(0).saturating_mul(1000)
    }
}

/// The machine's wall clock; only shells construct one.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn micros(&self) -> u64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX)
    }
}

/// A clock that stands still at the instant it holds: a replayed capture's time, or a test's.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}
