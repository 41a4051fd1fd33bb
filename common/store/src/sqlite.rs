//! The store in one SQLite file.
//!
//! One connection behind a lock: the pipeline is the only writer and every call is a batch, so a pool would buy
//! nothing. The write-ahead log lets other processes read while it writes. A commit is one transaction; a crash
//! leaves the last whole one.

mod behind;
mod failure;
mod feedback;
mod read;
mod registry;
mod reviews;
mod samples;
mod schema;
mod task_items;
mod write;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use linkcast_domain::ports::{
    Changes, Forgotten, History, InsightQuery, Lookup, Maintenance, MaintenanceWindow, Outbox, OutboxMessage,
    PipelineStore, Resume, StoreError, StreamRecord, TimeRange,
};
use linkcast_domain::{Alert, AlertState, Condition, Insight, Sample, StreamId, Timestamp};

use behind::{Behind, lock};
use failure::Attempt;
use samples::Numbers;

/// The store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    name: String,
    inner: Arc<Mutex<Inner>>,
    behind: Mutex<Behind>,
}

/// The connection, and what it would be slow to look up for every sample.
#[derive(Debug)]
pub(crate) struct Inner {
    connection: Connection,
    streams: Numbers,
    names: Numbers,
}

impl SqliteStore {
    /// Opens the database at `path`, making it if there is none.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)
    }

    /// Opens the database at `path`, which must exist.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        Self::with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    fn with_flags(path: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        let name = path.display().to_string();
        let attempt = Attempt::new(&name, "open it");
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| attempt.failed(error))?;
        schema::prepare(&connection, &name)?;
        let streams = Numbers::load(&connection, "SELECT id, number FROM streams", &attempt)?;
        let names = Numbers::load(&connection, "SELECT name, number FROM names", &attempt)?;
        let inner = Arc::new(Mutex::new(Inner { connection, streams, names }));
        Ok(SqliteStore { name, inner, behind: Mutex::default() })
    }

    /// Runs `work` with the connection, after what is written behind; `what` completes "could not …".
    fn run<T>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut Inner, &Attempt<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        lock(&self.behind).settle();
        work(&mut lock(&self.inner), &Attempt::new(&self.name, what))
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        lock(&self.behind).settle();
    }
}

impl PipelineStore for SqliteStore {
    async fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        lock(&self.behind).catch_up(&self.inner, &self.name)?;
        self.run("write results", |inner, attempt| write::commit(inner, changes, attempt))
    }

    async fn commit_behind(&self, changes: &mut Changes) -> Result<(), StoreError> {
        let mut behind = lock(&self.behind);
        behind.catch_up(&self.inner, &self.name)?;
        behind.begin(changes, &self.inner, &self.name);
        Ok(())
    }

    async fn resume(&self) -> Result<Resume, StoreError> {
        self.run("read where to resume", |inner, attempt| read::resume(&inner.connection, attempt))
    }

    async fn streams(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamRecord>, StoreError> {
        self.run("read streams", |inner, attempt| read::streams(&inner.connection, after, limit, attempt))
    }

    async fn forget(&self, before: Timestamp, most: usize) -> Result<Forgotten, StoreError> {
        self.run("delete old items", |inner, attempt| write::forget(inner, before, most, attempt))
    }
}

impl Outbox for SqliteStore {
    async fn register_channel(&self, channel: &str) -> Result<(), StoreError> {
        self.run("register a channel", |inner, attempt| write::register_channel(inner, channel, attempt))
    }

    async fn unpublished(&self, channel: &str, limit: usize) -> Result<Vec<OutboxMessage>, StoreError> {
        self.run("read the outbox", |inner, attempt| {
            read::unpublished(&inner.connection, channel, limit, attempt)
        })
    }

    async fn mark_published(&self, channel: &str, sequence: u64) -> Result<(), StoreError> {
        self.run("mark messages as told", |inner, attempt| {
            write::mark_published(inner, channel, sequence, attempt)
        })
    }
}

impl Lookup for SqliteStore {
    async fn samples(&self, stream: &StreamId, range: TimeRange) -> Result<Vec<Sample>, StoreError> {
        self.run("read samples", |inner, attempt| samples::read(inner, stream, range, attempt))
    }

    async fn insights(&self, query: &InsightQuery) -> Result<Vec<Insight>, StoreError> {
        self.run("read insights", |inner, attempt| read::insights(&inner.connection, query, attempt))
    }

    async fn conditions(&self, stream: Option<&StreamId>) -> Result<Vec<Condition>, StoreError> {
        self.run("read conditions", |inner, attempt| read::conditions(&inner.connection, stream, attempt))
    }

    async fn alerts(&self, state: Option<AlertState>, limit: usize) -> Result<Vec<Alert>, StoreError> {
        self.run("read alerts", |inner, attempt| read::alerts(&inner.connection, state, limit, attempt))
    }
}

impl History for SqliteStore {
    async fn groups(&self) -> Result<Vec<Vec<StreamId>>, StoreError> {
        self.run("read which streams there are", samples::blocks)
    }

    async fn recorded(&self, group: &[StreamId], range: TimeRange) -> Result<Vec<Sample>, StoreError> {
        self.run("read recorded samples", |inner, attempt| samples::read_many(inner, group, range, attempt))
    }
}

impl Maintenance for SqliteStore {
    async fn put_window(&self, window: &MaintenanceWindow) -> Result<(), StoreError> {
        self.run("write a maintenance window", |inner, attempt| write::put_window(inner, window, attempt))
    }

    async fn windows(&self, now: Timestamp) -> Result<Vec<MaintenanceWindow>, StoreError> {
        self.run("read maintenance windows", |inner, attempt| read::windows(&inner.connection, now, attempt))
    }
}

/// Numbers by text, for streams and counter names.
type NumberMap = HashMap<std::sync::Arc<str>, u32>;

/// A transaction that has the file to itself from its first statement on: what it reads stands until it has written.
fn immediate(connection: &mut Connection) -> Result<Transaction<'_>, rusqlite::Error> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}
