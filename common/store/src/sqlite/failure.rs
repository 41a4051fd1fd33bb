//! SQLite's failures in the port's words.

use linkcast_domain::ports::StoreError;
use rusqlite::ErrorCode;

/// What is being tried, on which store.
pub(crate) struct Attempt<'a> {
    store: &'a str,
    what: &'static str,
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(store: &'a str, what: &'static str) -> Self {
        Attempt { store, what }
    }

    /// What an SQLite error means.
    pub(crate) fn failed(&self, error: rusqlite::Error) -> StoreError {
        let store = self.store.to_owned();
        let attempt = self.what;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full { store, source: error.into() },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StoreError::Busy { store, attempt, source: error.into() }
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreError::Damaged { store, source: error.into() }
            }
            _ => StoreError::Failed { store, attempt, source: error.into() },
        }
    }

    /// Content that this store never wrote.
    pub(crate) fn damaged(&self, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
        StoreError::Damaged { store: self.store.to_owned(), source: error.into() }
    }

    /// A value that could not be put into words.
    pub(crate) fn unwritable(&self, error: serde_json::Error) -> StoreError {
        StoreError::Failed { store: self.store.to_owned(), attempt: self.what, source: error.into() }
    }
}
