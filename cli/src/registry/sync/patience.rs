//! Asking again where that may help, and not for ever.
//!
//! A control plane gives a handful of calls a second to a whole account, so that being told to wait is no fault: the pauses
//! double, none like another's, and what has not been heard by the deadline is left for the next call, which finds what was done.

use std::time::Duration;

use linkcast_domain::ports::PackagesError;
use linkcast_domain::{Clock, Retry, Timestamp};

use crate::source::Backoff;

/// The first pause.
const FIRST: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(8);

/// How long to go on asking.
#[derive(Debug)]
pub(crate) struct Patience<C> {
    /// Whose time it is.
    pub(crate) clock: C,
    /// When it ends.
    pub(crate) until: Timestamp,
    /// How time is waited for.
    pub(crate) pause: fn(Duration),
}

impl<C: Clock> Patience<C> {
    /// What `call` answers, asked again for as long as that may help and there is time.
    pub(crate) fn ask<T>(
        &self,
        mut call: impl FnMut() -> Result<T, PackagesError>,
    ) -> Result<T, PackagesError> {
        let mut backoff = Backoff::new(FIRST, self.clock.now().millis().unsigned_abs());
        loop {
            let error = match call() {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause = match error.retry() {
                Retry::Never => return Err(error),
                Retry::After(told) => told,
                Retry::Later => backoff.fail().min(LONGEST),
            };
            if self.clock.now().plus(pause) >= self.until {
                return Err(error);
            }
            (self.pause)(pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        static WAITED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    }

    /// As late as was waited.
    struct Waiting;

    impl Clock for Waiting {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(WAITED.with_borrow(|waited| waited.iter().sum::<u64>() as i64))
        }
    }

    fn patience(seconds: i64) -> Patience<Waiting> {
        WAITED.with_borrow_mut(Vec::clear);
        let pause = |pause: Duration| WAITED.with_borrow_mut(|waited| waited.push(pause.as_millis() as u64));
        Patience { clock: Waiting, until: Timestamp::from_millis(seconds * 1000), pause }
    }

    fn throttled() -> PackagesError {
        PackagesError::Throttled { attempt: "list".into() }
    }

    #[test]
    fn pauses_double_until_it_is_heard() {
        let mut calls = 0;
        let heard = patience(60).ask(|| {
            calls += 1;
            if calls > 7 { Ok(calls) } else { Err(throttled()) }
        });
        assert_eq!(heard.unwrap(), 8);
        let waited = WAITED.with_borrow(Clone::clone);
        for (waited, whole) in waited.iter().zip([250, 500, 1_000, 2_000, 4_000, 8_000, 8_000]) {
            assert!((whole / 2..=whole).contains(waited), "{waited} of {whole} ms");
        }
        assert_eq!(waited.len(), 7);
    }

    #[test]
    fn nothing_is_waited_for_beyond_the_deadline_or_where_it_cannot_help() {
        let error = patience(3).ask(|| Err::<(), _>(throttled())).unwrap_err();
        assert!(matches!(error, PackagesError::Throttled { .. }));
        assert!(WAITED.with_borrow(|waited| waited.len() >= 3 && waited.iter().sum::<u64>() < 3_000));
        let wrong =
            || PackagesError::Failed { attempt: "make".into(), retry: Retry::Never, source: "wrong".into() };
        assert!(patience(60).ask(|| Err::<(), _>(wrong())).is_err());
        assert!(WAITED.with_borrow(Vec::is_empty));
    }
}
