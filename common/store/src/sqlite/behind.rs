//! Changes written by a thread of their own, so that packing them and waiting for the disk cost the pipeline nothing.
//!
//! One portion at most is under way. What is left in the slot once its thread has ended could not be written: the next
//! write begins with it, so a failure is told there and nothing is lost or out of order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use linkcast_domain::ports::{Changes, StoreError};

use super::failure::Attempt;
use super::{Inner, write};

/// One portion of changes, and who writes it.
#[derive(Debug, Default)]
pub(crate) struct Behind {
    slot: Arc<Mutex<Changes>>,
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

    /// Lets a thread write `changes`, which are left empty with the room of the portion before.
    pub(crate) fn begin(&mut self, changes: &mut Changes, inner: &Arc<Mutex<Inner>>, name: &str) {
        std::mem::swap(&mut *lock(&self.slot), changes);
        let (slot, inner, name) = (Arc::clone(&self.slot), Arc::clone(inner), name.to_owned());
        // What it cannot do stays to be done: changes in the slot, and the log, are seen to by the next commit, which
        // tells of a failure. So does it where no thread is to be had.
        let write = move || {
            let _ = write_slot(&mut lock(&slot), &inner, &name);
            let _ = lock(&inner).connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)");
        };
        self.writer = Builder::new().name("linkcast-store".to_owned()).spawn(write).ok();
    }
}

fn write_slot(slot: &mut Changes, inner: &Mutex<Inner>, name: &str) -> Result<(), StoreError> {
    if !slot.is_empty() {
        write::commit(&mut lock(inner), slot, &Attempt::new(name, "write results"))?;
        slot.clear();
    }
    Ok(())
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
