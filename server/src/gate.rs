//! How many requests are worked on at once, how many wait for that, and who is sent away.
//!
//! A queue without an end would only turn overload into answers that come when nobody waits for them any more.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use crate::Limits;

/// The way in.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Semaphore,
    count: usize,
    waiting: AtomicUsize,
    most_waiting: usize,
}

/// There was no place, and none to wait in or none in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Gate {
    /// A gate of these bounds.
    pub(crate) fn new(limits: &Limits) -> Self {
        let count = limits.concurrent.clamp(1, Semaphore::MAX_PERMITS);
        Gate {
            places: Semaphore::new(count),
            count,
            waiting: AtomicUsize::new(0),
            most_waiting: limits.waiting,
        }
    }

    /// A place, at the latest at the deadline; it is given back when dropped.
    pub(crate) async fn enter(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, Full> {
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        let waits = Waits::behind(self).ok_or(Full)?;
        let place = timeout_at(deadline, self.places.acquire()).await;
        drop(waits);
        place.map_err(|_| Full)?.map_err(|_| Full)
    }

    /// Requests that are worked on.
    pub(crate) fn in_flight(&self) -> usize {
        self.count.saturating_sub(self.places.available_permits())
    }

    /// Requests that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// One who waits, for as long as this lives: a client that goes away while it waits is counted out.
struct Waits<'a>(&'a Gate);

impl<'a> Waits<'a> {
    fn behind(gate: &'a Gate) -> Option<Self> {
        let one = Waits(gate);
        (gate.waiting.fetch_add(1, Ordering::Relaxed) < gate.most_waiting).then_some(one)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn gate(concurrent: usize, waiting: usize) -> Gate {
        Gate::new(&Limits { concurrent, waiting, ..Limits::default() })
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
    }

    #[test]
    fn who_finds_neither_place_nor_queue_is_sent_away() {
        runtime().block_on(async {
            let gate = gate(1, 0);
            let far = Instant::now() + Duration::from_secs(60);
            let place = gate.enter(far).await.unwrap();
            assert_eq!(gate.in_flight(), 1);
            assert_eq!(gate.enter(far).await.err(), Some(Full));
            drop(place);
            assert!(gate.enter(far).await.is_ok());
            assert_eq!((gate.in_flight(), gate.waiting()), (0, 0));
        });
    }

    #[test]
    fn who_waits_gets_the_next_place_or_is_told_at_the_deadline() {
        runtime().block_on(async {
            let gate = gate(1, 1);
            let far = Instant::now() + Duration::from_secs(60);
            let place = gate.enter(far).await.unwrap();
            assert_eq!(gate.enter(Instant::now()).await.err(), Some(Full));
            let (second, third, ()) = tokio::join!(gate.enter(far), gate.enter(far), async { drop(place) });
            assert!(second.is_ok());
            assert_eq!(third.err(), Some(Full), "one place to wait in");
            assert_eq!(gate.waiting(), 0);
        });
    }
}
