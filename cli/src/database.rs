//! The database behind `--db`, and what each of its faults means for the exit code.

use std::future::Future;

use linkcast_domain::ports::StoreError;
use linkcast_store::SqliteStore;

use crate::arguments::DatabaseArguments;
use crate::configuration::{Configuration, DATABASE_VARIABLE};
use crate::exit::{ExitKind, Failure};
use crate::store::{self, AnyStore, StorePlace};

/// The store's own error, told with what to do about it.
pub(crate) fn failure(error: StoreError) -> Failure {
    let (kind, step) = match &error {
        StoreError::Newer { .. } => (ExitKind::Database, "update linkcast, or name another file with --db"),
        StoreError::Damaged { .. } => {
            (ExitKind::Database, "restore the file from a copy, or move it away and begin anew")
        }
        StoreError::Full { .. } => (
            ExitKind::Machine,
            "make room; what was stored before is whole, and work resumes where it stopped",
        ),
        StoreError::Busy { .. } => (
            ExitKind::Machine,
            "end the other linkcast that holds the file; for a table, ask again in a while",
        ),
        StoreError::Failed { .. } => (
            ExitKind::Machine,
            "see that the folder exists and may be written; for a table, ask `linkcast aws doctor --table NAME`",
        ),
    };
    Failure::new(kind, error).with_next_step(step)
}

/// Opens the store, and makes the file if it is one that is not there.
pub(crate) fn open(place: &StorePlace, configuration: &Configuration) -> Result<AnyStore, Failure> {
    match place {
        StorePlace::File(path) => SqliteStore::open(path).map(AnyStore::File).map_err(failure),
        StorePlace::Table(name) => Ok(AnyStore::Table(store::table(name, &configuration.fabric)?.1)),
    }
}

/// Neither the command line nor the environment says which store.
pub(crate) fn unnamed() -> Failure {
    Failure::new(ExitKind::WrongUse, "no database named: expected --db FILE or --store STORE")
        .with_next_step(format!("give --db FILE or --store STORE, or set {DATABASE_VARIABLE}"))
}

/// Opens the store to look into; it must be there.
pub(crate) fn open_existing(
    arguments: &DatabaseArguments,
    configuration: &Configuration,
) -> Result<AnyStore, Failure> {
    open_place(&arguments.place(configuration).ok_or_else(unnamed)?, configuration)
}

/// Opens the store that was named; it must be there.
pub(crate) fn open_place(place: &StorePlace, configuration: &Configuration) -> Result<AnyStore, Failure> {
    let StorePlace::File(path) = place else { return open(place, configuration) };
    if !path.is_file() {
        let missing = format!("{} does not exist: expected a database", path.display());
        return Err(Failure::new(ExitKind::UnusableInput, missing)
            .with_next_step("make one with `linkcast run --db FILE` or `linkcast replay --db FILE`"));
    }
    SqliteStore::open_existing(path).map(AnyStore::File).map_err(failure)
}

/// Waits for one of the store's futures. SQLite answers on the calling thread; a table's loop runs on its own.
pub(crate) fn wait<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, Failure> {
    ready(work).map_err(failure)
}

/// Runs a future on this thread.
pub(crate) fn ready<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut work = std::pin::pin!(work);
    loop {
        match work.as_mut().poll(&mut context) {
            std::task::Poll::Ready(value) => return value,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}
