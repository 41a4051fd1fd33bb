//! What the embedded pipeline sees and says, counted for the drift watch.
//!
//! Shards count what they fold, side by side; it is put together when it is to be written, and before it is of many hours. It is
//! written only when everything taken in is durable, so that a crash before leads to no sample counted twice.

use linkcast_domain::ports::{Maintenance, Notifier, Outbox, PipelineStore, StoreError, TaskItems};

use super::Pipeline;
use crate::judge::Judge;
use crate::shards::Shards;
use crate::sketching::{Hours, Pace, SketchBook, write_down};

/// Hours that shards hold counts of before they are put together: a replay passes through many between two checkpoints.
const COUNTED_HOURS: usize = 2;

/// What was counted.
pub(super) struct Sketches {
    book: SketchBook,
    pub(super) said: Hours,
}

impl Sketches {
    /// Puts together what shards counted.
    fn gather(&mut self, shards: &mut Shards) {
        let said = std::mem::take(&mut self.said);
        shards.take_counted().chain([said]).for_each(|counted| self.book.take_in(counted));
    }
}

impl<S, J, N> Pipeline<S, J, N>
where
    S: PipelineStore + Outbox + Maintenance,
    J: Judge,
    N: Notifier,
{
    /// The same, counting what is seen and said; `process` is a name no other process has. Who counts calls
    /// [`Pipeline::write_sketches`] now and then.
    #[must_use]
    pub fn counting(mut self, process: &str) -> Self {
        self.sketches = Some(Sketches { book: SketchBook::new(process), said: Hours::default() });
        self
    }

    /// Writes down what was counted, if everything taken in is durable and it was long ago, in the input's time. Written: each
    /// hour's count, by the hour and this process. What was counted and not written when a process dies is lost; after a crash
    /// before a checkpoint that the store writes behind is on disk, that checkpoint's samples are counted twice.
    ///
    /// # Errors
    /// A store that fails; what was not written is written with the next.
    pub async fn write_sketches(&mut self) -> Result<(), StoreError>
    where
        S: TaskItems,
    {
        self.write_counted(Pace::NowAndThen).await
    }

    /// The same at the end of an input, whenever it was written last.
    ///
    /// # Errors
    /// As there.
    pub async fn write_last_sketches(&mut self) -> Result<(), StoreError>
    where
        S: TaskItems,
    {
        self.write_counted(Pace::AtOnce).await
    }

    async fn write_counted(&mut self, pace: Pace) -> Result<(), StoreError>
    where
        S: TaskItems,
    {
        let (Some(now), true) = (self.last_heard(), self.since_checkpoint.sweeps == 0) else { return Ok(()) };
        let Some(sketches) = &mut self.sketches else { return Ok(()) };
        if !sketches.book.is_due(now, pace) {
            return Ok(());
        }
        sketches.gather(&mut self.shards);
        write_down(&mut sketches.book, (&self.store, &self.settings.task), now, pace).await
    }

    /// Puts together what shards counted, if it is of many hours.
    pub(super) fn put_counts_together(&mut self) {
        let is_much = self.shards.counted_hours() > COUNTED_HOURS;
        if let Some(sketches) = self.sketches.as_mut().filter(|_| is_much) {
            sketches.gather(&mut self.shards);
        }
    }
}
