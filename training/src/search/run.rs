//! Jobs on several threads, their results on the caller's: whoever keeps records needs no lock.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::TrainingError;

/// Does `jobs` in order of their places, several at once, and hands each result to `heed` as it comes. The first error,
/// be it of the work or of `heed`, ends it; jobs under way are waited for and their results dropped.
pub(super) fn in_parallel<Task: Copy + Send + Sync, Done: Send>(
    jobs: &[Task],
    threads: NonZeroUsize,
    work: impl Fn(&Task) -> Result<Done, TrainingError> + Sync,
    mut heed: impl FnMut(Task, Done) -> Result<(), TrainingError>,
) -> Result<(), TrainingError> {
    let next = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    let (next, is_over, work) = (&next, &is_over, &work);
    thread::scope(|scope| {
        for _ in 0..threads.get().min(jobs.len()) {
            let sender = sender.clone();
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    if sender.send((*job, work(job))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut outcome = Ok(());
        for (job, result) in receiver {
            if outcome.is_ok() {
                outcome = result.and_then(|result| heed(job, result));
                is_over.store(outcome.is_err(), Ordering::Relaxed);
            }
        }
        outcome
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal() -> TrainingError {
        TrainingError::BadSetting { name: "job", found: "7".into(), expected: "another" }
    }

    #[test]
    fn every_job_is_done_once_whatever_the_threads() {
        let jobs: Vec<usize> = (0..50).collect();
        for threads in [1, 2, 7] {
            let mut done = vec![0; 50];
            let threads = NonZeroUsize::new(threads).unwrap();
            in_parallel(
                &jobs,
                threads,
                |job| Ok(job * 2),
                |job, result| {
                    assert_eq!(result, job * 2);
                    done[job] += 1;
                    Ok(())
                },
            )
            .unwrap();
            assert_eq!(done, vec![1; 50]);
        }
    }

    #[test]
    fn an_error_of_the_work_or_of_who_heeds_ends_it() {
        let jobs: Vec<usize> = (0..50).collect();
        let two = NonZeroUsize::new(2).unwrap();
        let of_work = |job: &usize| if *job == 7 { Err(refusal()) } else { Ok(()) };
        assert!(in_parallel(&jobs, two, of_work, |_, ()| Ok(())).is_err());
        let mut heeded = 0;
        let outcome = in_parallel(
            &jobs,
            two,
            |_| Ok(()),
            |_, ()| {
                heeded += 1;
                if heeded == 3 { Err(refusal()) } else { Ok(()) }
            },
        );
        assert!(outcome.is_err());
        assert_eq!(heeded, 3);
    }
}
