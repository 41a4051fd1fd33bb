//! Reads the next sweeps while this one is taken in: parsing is half of the work, and the other half of a machine.
//!
//! Order is kept, for there is one reader and one taker; what waits between them is bounded by its size, for
//! a sweep of a large fabric is a hundred megabytes. What is taken in is what would be taken in without reading ahead.

use std::sync::mpsc::channel;

/// Readings that may wait: enough work for a reader while a commit is written, and no more memory than a sweep takes.
pub const READ_AHEAD_READINGS: usize = 65_536;

/// Hands everything `next` gives to `take`, in order, with `next` running on a thread of its own. Items wait
/// while their sizes sum to at most `room`; one alone may be larger. Ends when `next` has no more, or when `take` fails.
pub fn read_ahead<T: Send, E>(
    mut next: impl FnMut() -> Option<T> + Send,
    size: impl Fn(&T) -> usize + Send,
    room: usize,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let (items, waiting) = channel();
    let (takes, taken) = channel::<usize>();
    // Both ends of the taker's side live in the scope's closure: when it ends early, the reader's next wait fails.
    std::thread::scope(move |scope| {
        scope.spawn(move || {
            let mut held = 0;
            while let Some(item) = next() {
                let size = size(&item);
                while held > 0 && held + size > room {
                    let Ok(freed) = taken.recv() else { return };
                    held -= freed;
                }
                held += size;
                if items.send((size, item)).is_err() {
                    return;
                }
            }
        });
        for (size, item) in waiting {
            // A reader that has ended needs no room.
            let _ = takes.send(size);
            take(item)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn everything_is_taken_in_the_order_it_was_read() {
        let mut numbers = 0..1000_usize;
        let mut seen = Vec::new();
        let outcome: Result<(), ()> = read_ahead(
            || numbers.next(),
            |number| *number,
            100,
            |number| {
                seen.push(number);
                Ok(())
            },
        );
        assert_eq!(outcome, Ok(()));
        assert_eq!(seen, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn a_taker_that_fails_ends_the_reader() {
        let outcome = read_ahead(|| Some(1), |_| 1, 10, |_| Err("full"));
        assert_eq!(outcome, Err("full"));
    }

    #[test]
    fn no_more_waits_than_there_is_room_for() {
        let (read, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut left = 500;
        let next = || {
            left -= 1;
            read.fetch_add(1, Ordering::SeqCst);
            (left > 0).then_some(())
        };
        let take = |()| {
            let ahead = read.load(Ordering::SeqCst) - taken.fetch_add(1, Ordering::SeqCst);
            // Three wait, one is here, one is in the reader's hands.
            if ahead <= 5 { Ok(()) } else { Err(ahead) }
        };
        assert_eq!(read_ahead(next, |()| 1, 3, take), Ok(()));
    }
}
