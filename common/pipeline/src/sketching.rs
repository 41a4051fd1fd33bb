//! What was seen and said, counted by the hour of the sample and written down now and then.
//!
//! An item is one process' count of one hour, whole each time it is written: who writes it twice changes nothing, and who reads it
//! needs no other of the same name. A name is never taken up again: an hour that was let go and comes back gets another, so
//! that nothing is read before it is written. What cannot be written is written with the next, and nobody waits for it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use linkcast_domain::ports::{Revised, StoreError, TaskItem, TaskItems, Written};
use linkcast_domain::{FeatureVector, Timestamp};
use linkcast_monitoring::FeatureSketches;
use linkcast_scoring::Score;

/// The names of sketches begin so.
pub(crate) const SKETCH: &str = "sketch#";
/// They are kept by the hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;
/// How long: as what routing saw is.
const KEPT: Duration = Duration::from_secs(60 * 24 * 3600);
/// They are written down at most so often: an hour's sketches are some tens of kilobytes, and each kilobyte is paid for anew.
const WRITE_DOWN: Duration = Duration::from_secs(300);
/// Hours that a process goes on counting after they are written, for samples that come late.
const OPEN_HOURS: usize = 3;
/// Hours that it holds when they cannot be written; beyond, the oldest is lost. More than a batch of a slow fabric's past spans: a
/// thousand samples of 24 ports an hour apart are of 42.
const HELD_HOURS: usize = 96;
/// The longest a store is waited for: what is counted helps no sample.
const STORE_LIMIT: Duration = Duration::from_millis(300);

/// Sketches of several hours, by the hour's number since the epoch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hours(BTreeMap<i64, FeatureSketches>);

/// What was seen and said of one stream's samples, to be counted once it is durable.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) vectors: Vec<(Timestamp, FeatureVector)>,
    pub(crate) scores: Vec<(Timestamp, Score)>,
}

/// One process' sketches, and what of them is written down.
#[derive(Debug)]
pub(crate) struct SketchBook {
    process: String,
    hours: BTreeMap<i64, Page>,
    opened: u64,
    written: Option<Timestamp>,
}

/// One hour's sketches, and the revision of what is written of them.
#[derive(Debug, Default)]
struct Page {
    sketches: FeatureSketches,
    name: String,
    revision: Revision,
    state: State,
}

/// What is known of an item in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Revision {
    Known(u64),
    /// An answer was lost: it may have been written.
    Unknown,
}

impl Default for Revision {
    fn default() -> Self {
        Revision::Known(0)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Written,
    Unwritten,
}

/// When a book is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// If that was long ago.
    NowAndThen,
    /// Now: there may be no other time.
    AtOnce,
}

/// Counts what a function sees and says. One for the process: it remembers between invocations.
#[derive(Debug)]
pub struct Sketching {
    task: String,
    book: Mutex<SketchBook>,
}

impl Hours {
    /// Counts what a model sees of samples, and lets them go.
    pub(crate) fn add_all(&mut self, vectors: &mut Vec<(Timestamp, FeatureVector)>) {
        for (time, vector) in vectors.drain(..) {
            self.at(time).add(&vector);
        }
    }

    /// Counts what it says.
    pub(crate) fn add_score(&mut self, time: Timestamp, score: &Score) {
        self.at(time).add_score(score.class, score.risk, score.confidence);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn at(&mut self, time: Timestamp) -> &mut FeatureSketches {
        self.0.entry(time.millis().div_euclid(HOUR_MS)).or_default()
    }
}

impl SketchBook {
    pub(crate) fn new(process: &str) -> Self {
        SketchBook { process: process.to_owned(), hours: BTreeMap::new(), opened: 0, written: None }
    }

    /// Takes over what was counted.
    pub(crate) fn take_in(&mut self, counted: Hours) {
        for (hour, sketches) in counted.0 {
            self.of_hour(hour).merge(&sketches);
        }
    }

    fn page(&mut self, time: Timestamp) -> &mut FeatureSketches {
        self.of_hour(time.millis().div_euclid(HOUR_MS))
    }

    /// The sketches of an hour, to be added to.
    fn of_hour(&mut self, hour: i64) -> &mut FeatureSketches {
        if self.hours.len() >= HELD_HOURS && !self.hours.contains_key(&hour) {
            self.hours.pop_first();
        }
        let (process, opened) = (&self.process, &mut self.opened);
        let page = self.hours.entry(hour).or_insert_with(|| {
            *opened += 1;
            Page { name: format!("{SKETCH}{hour:012}#{process}-{opened}"), ..Page::default() }
        });
        page.state = State::Unwritten;
        &mut page.sketches
    }

    /// Whether it is time to write.
    pub(crate) fn is_due(&self, now: Timestamp, pace: Pace) -> bool {
        let is_early = self.written.is_some_and(|written| now.since(written) < WRITE_DOWN);
        pace == Pace::AtOnce || !is_early || self.hours.len() > OPEN_HOURS
    }

    /// The hours that are to be written now.
    fn due(&mut self, now: Timestamp, pace: Pace) -> Vec<i64> {
        if !self.is_due(now, pace) {
            return Vec::new();
        }
        self.written = Some(now);
        let unwritten = self.hours.iter().filter(|(_, page)| page.state == State::Unwritten);
        unwritten.map(|(hour, _)| *hour).collect()
    }

    /// An hour's item, and whether its revision must be read before.
    fn item(&self, hour: i64) -> Option<(TaskItem, Revision)> {
        let page = self.hours.get(&hour)?;
        let until = Timestamp::from_millis((hour + 1).saturating_mul(HOUR_MS)).plus(KEPT);
        let revision = if let Revision::Known(revision) = page.revision { revision } else { 0 };
        let text = Revised { revision, value: page.sketches.to_text() };
        Some((TaskItem { name: page.name.clone(), text, until: Some(until) }, page.revision))
    }

    /// What became of writing an hour down: its revision, if the store said that it has it.
    fn note(&mut self, hour: i64, written: Option<u64>) {
        if let Some(page) = self.hours.get_mut(&hour) {
            match written {
                Some(revision) => (page.revision, page.state) = (Revision::Known(revision), State::Written),
                None => page.revision = Revision::Unknown,
            }
        }
    }

    /// Lets hours go that are written, but for the last ones.
    fn close(&mut self) {
        while self.hours.len() > OPEN_HOURS {
            let Some(first) = self.hours.first_entry().filter(|page| page.get().state == State::Written)
            else {
                return;
            };
            first.remove();
        }
    }
}

/// Writes one hour down: its count so far, in the place of the count before. Gives the revision it is at then.
async fn put<I: TaskItems>(
    items: &I,
    task: &str,
    (mut item, revision): (TaskItem, Revision),
) -> Result<Option<u64>, StoreError> {
    if revision == Revision::Unknown {
        item.text.revision = items.task_item(task, &item.name).await?.map_or(0, |found| found.revision);
    }
    let written = items.put_task_item(task, &item).await?;
    Ok((written == Written::Yes).then_some(item.text.revision + 1))
}

/// Writes down what is due, as long as the store takes it; nothing here waits but for the store. Gives why it stopped.
pub(crate) async fn write_down<I: TaskItems>(
    book: &mut SketchBook,
    (items, task): (&I, &str),
    now: Timestamp,
    pace: Pace,
) -> Result<(), StoreError> {
    for hour in book.due(now, pace) {
        let Some(item) = book.item(hour) else { continue };
        match put(items, task, item).await {
            Ok(written) => book.note(hour, written),
            Err(error) => {
                book.note(hour, None);
                return Err(error);
            }
        }
    }
    book.close();
    Ok(())
}

impl Sketching {
    /// Counts for `task`; `process` is a name no other process has.
    pub fn new(task: &str, process: &str) -> Self {
        Sketching { task: task.to_owned(), book: Mutex::new(SketchBook::new(process)) }
    }

    /// Counts what is durable.
    pub(crate) fn take_in(&self, seen: &Seen) {
        let mut book = self.book();
        for (time, vector) in &seen.vectors {
            book.page(*time).add(vector);
        }
        for (time, score) in &seen.scores {
            book.page(*time).add_score(score.class, score.risk, score.confidence);
        }
    }

    /// Writes down what was counted, if that was long ago. Written: each hour's count, by the hour and this process.
    ///
    /// # Errors
    /// A store that fails or is late; what was not written is written with the next.
    pub async fn write_down<I: TaskItems>(&self, items: &I, now: Timestamp) -> Result<(), StoreError> {
        let due = self.book().due(now, Pace::NowAndThen);
        for hour in due {
            let Some(item) = self.book().item(hour) else { continue };
            let late = |source| StoreError::Busy {
                store: "the task's items".to_owned(),
                attempt: "write sketches down",
                source,
            };
            let put = tokio::time::timeout(STORE_LIMIT, put(items, &self.task, item));
            match put.await.unwrap_or_else(|elapsed| Err(late(elapsed.into()))) {
                Ok(written) => self.book().note(hour, written),
                Err(error) => {
                    self.book().note(hour, None);
                    return Err(error);
                }
            }
        }
        self.book().close();
        Ok(())
    }

    fn book(&self) -> MutexGuard<'_, SketchBook> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
