//! Waits for work that never waits: the embedded pipeline's futures are asynchronous in shape only.
//!
//! The ports are made for stores across a network; SQLite answers before it returns, so one poll is enough and no
//! runtime is needed. Should a future be pending all the same, the thread parks until it is woken.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The work's result.
pub(crate) fn ready<T>(work: impl Future<Output = T>) -> T {
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut work = pin!(work);
    loop {
        match work.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
