//! Panics turned into causes.
//!
//! One bad record must not take the sandbox and the rest of its batch with it, so a record's work is polled under a
//! catch. That needs `panic = "unwind"`, which the workspace's profiles state.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// What `work` gives, or the message of the panic that ended it.
///
/// What the work had borrowed mutably may be half changed after a panic; callers hand in work that owns its state.
///
/// # Errors
/// The message of the panic.
pub async fn catch<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let mut work = pin!(work);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Err(panic) => Poll::Ready(Err(message(panic.as_ref()))),
    })
    .await
}

pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
        .to_owned()
}

/// Runs `work` here and now, the same way.
pub(crate) fn catch_now<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| message(panic.as_ref()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::task::{Context, Waker};

    /// Drives work that never waits.
    pub(crate) fn now<T>(work: impl Future<Output = T>) -> T {
        match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("nothing here waits"),
        }
    }

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(now(catch(async { panic!("no row {}", 7) })), Err::<(), _>("no row 7".to_owned()));
        assert_eq!(now(catch(async { panic!("plain") })), Err::<(), _>("plain".to_owned()));
        let unnamed = now(catch(async { std::panic::panic_any(7_u8) }));
        assert_eq!(unnamed, Err::<(), _>("a panic without a message".to_owned()));
    }

    #[test]
    fn what_does_not_panic_passes_through() {
        assert_eq!(now(catch(async { 7 })), Ok(7));
    }
}
