//! Samples written by a thread of their own, so that packing them and waiting for the disk cost the pipeline nothing.
//!
//! At most one portion is under way. What is left in the slot once its thread has ended could not be written: the next
//! write that promises durability begins with it, so a failure is told there and nothing is lost or out of order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use linkcast_domain::Sample;
use linkcast_domain::ports::{Changes, StoreError};

use super::failure::Attempt;
use super::{Inner, write};

/// One portion of samples, and who writes it.
#[derive(Debug, Default)]
pub(crate) struct Behind {
    slot: Arc<Mutex<Vec<Sample>>>,
    writer: Option<JoinHandle<()>>,
}

impl Behind {
    /// Waits until nothing is under way.
    pub(crate) fn settle(&mut self) {
        let Some(writer) = self.writer.take() else { return };
        if let Err(panic) = writer.join() {
            std::panic::resume_unwind(panic);
        }
    }

    /// Writes what the writer could not.
    pub(crate) fn catch_up(&mut self, inner: &Mutex<Inner>, name: &str) -> Result<(), StoreError> {
        self.settle();
        write_slot(&mut lock(&self.slot), inner, name)
    }

    /// Lets a thread write `samples`, which is left empty with the room of the portion before.
    pub(crate) fn begin(&mut self, samples: &mut Vec<Sample>, inner: &Arc<Mutex<Inner>>, name: &str) {
        std::mem::swap(&mut *lock(&self.slot), samples);
        let (slot, inner, name) = (Arc::clone(&self.slot), Arc::clone(inner), name.to_owned());
        // What it cannot do stays to be done: samples in the slot, and the log, are seen to by the next commit, which
        // tells of a failure.
        let write = move || {
            let _ = write_slot(&mut lock(&slot), &inner, &name);
            let _ = lock(&inner).connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)");
        };
        self.writer = Builder::new().name("linkcast-store".to_owned()).spawn(write).ok();
    }
}

fn write_slot(slot: &mut Vec<Sample>, inner: &Mutex<Inner>, name: &str) -> Result<(), StoreError> {
    if slot.is_empty() {
        return Ok(());
    }
    let mut changes = Changes { samples: std::mem::take(slot), ..Changes::default() };
    let outcome = write::commit(&mut lock(inner), &changes, &Attempt::new(name, "write samples"));
    if outcome.is_ok() {
        changes.samples.clear();
    }
    *slot = changes.samples;
    outcome
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
