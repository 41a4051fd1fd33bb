//! The tables, and whether a file has them.
//!
//! SQLite keeps two numbers in a file's header for its owner: the application id says that a file is ours, the user
//! version which layout it has.

use linkcast_domain::ports::StoreError;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::failure::Attempt;

/// The layout this version writes.
const LAYOUT: i64 = 4;

/// "LKCT": marks a file as ours.
const APPLICATION: i64 = 0x4c4b_4354;

const TABLES: &str = "
    CREATE TABLE streams (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, facts TEXT) STRICT;
    CREATE TABLE states (number INTEGER PRIMARY KEY, last_time INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
    CREATE TABLE names (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE samples (block INTEGER NOT NULL, first_time INTEGER NOT NULL, last_time INTEGER NOT NULL,
                          bytes BLOB NOT NULL, UNIQUE (block, first_time)) STRICT;
    CREATE INDEX samples_age ON samples (last_time);
    CREATE TABLE insights (id TEXT PRIMARY KEY, stream TEXT NOT NULL, time INTEGER NOT NULL, class TEXT NOT NULL,
                           risk REAL NOT NULL, body TEXT NOT NULL) STRICT;
    CREATE INDEX insights_age ON insights (time);
    CREATE INDEX insights_of_stream ON insights (stream, time);
    CREATE TABLE conditions (stream TEXT NOT NULL, cause TEXT NOT NULL, resolved INTEGER, body TEXT NOT NULL,
                             PRIMARY KEY (stream, cause)) STRICT, WITHOUT ROWID;
    CREATE TABLE alerts (id TEXT PRIMARY KEY, firing INTEGER NOT NULL, updated INTEGER NOT NULL,
                         body TEXT NOT NULL) STRICT;
    CREATE INDEX alerts_age ON alerts (updated);
    CREATE TABLE outbox (sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
    CREATE TABLE channels (name TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT;
    CREATE TABLE sources (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE windows (id TEXT PRIMARY KEY, until INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
";

/// What layout 2 has beside those of layout 1.
const TABLES_OF_2: &str = "
    CREATE TABLE models (task TEXT NOT NULL, version TEXT NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL,
                         PRIMARY KEY (task, version)) STRICT, WITHOUT ROWID;
    CREATE TABLE aliases (task TEXT PRIMARY KEY, revision INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
    CREATE TABLE reviews (id TEXT PRIMARY KEY, revision INTEGER NOT NULL, standing TEXT NOT NULL,
                          priority REAL NOT NULL, body TEXT NOT NULL) STRICT;
    CREATE INDEX reviews_worth ON reviews (priority DESC, id);
    CREATE INDEX reviews_by_standing ON reviews (standing, priority DESC, id);
";

/// What layout 3 has beside those of layout 2.
const TABLES_OF_3: &str = "
    CREATE TABLE task_items (task TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, until INTEGER,
                             body TEXT NOT NULL, PRIMARY KEY (task, name)) STRICT, WITHOUT ROWID;
    CREATE INDEX task_items_age ON task_items (until);
";

/// What layout 4 has beside those of layout 3.
const TABLES_OF_4: &str = "
    CREATE TABLE feedback (stream TEXT NOT NULL, insight TEXT NOT NULL, revision INTEGER NOT NULL,
                           until INTEGER NOT NULL, body TEXT NOT NULL,
                           PRIMARY KEY (stream, insight)) STRICT, WITHOUT ROWID;
    CREATE INDEX feedback_age ON feedback (until);
";

/// A file that SQLite can read and that is not ours.
#[derive(Debug, thiserror::Error)]
#[error("its application id is {found:#x}: expected {APPLICATION:#x}")]
struct ForeignFileError {
    found: i64,
}

/// Checks an opened file, makes the tables in an empty one, and sets how the connection works.
pub(crate) fn prepare(connection: &Connection, name: &str) -> Result<(), StoreError> {
    let attempt = Attempt::new(name, "open it");
    let failed = |error| attempt.failed(error);
    connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(failed)?;
    let application = pragma(connection, "application_id").map_err(failed)?;
    let layout = pragma(connection, "user_version").map_err(failed)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if application != APPLICATION && tables > 0 {
        return Err(attempt.damaged(ForeignFileError { found: application }));
    }
    if layout > LAYOUT {
        return Err(StoreError::Newer { store: name.to_owned(), found: layout, known: LAYOUT });
    }
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536;
             PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 8192;",
        )
        .map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(64);
    if tables > 0 && layout == LAYOUT {
        return Ok(());
    }
    bring_up(connection).map_err(failed)
}

/// Makes the tables that are not there. What is there is looked at once more with the file locked: another process may have
/// made them since.
fn bring_up(connection: &Connection) -> Result<(), rusqlite::Error> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let layout = pragma(&transaction, "user_version")?;
    if layout < 1 {
        transaction.execute_batch(TABLES)?;
    }
    if layout < 2 {
        transaction.execute_batch(TABLES_OF_2)?;
    }
    if layout < 3 {
        transaction.execute_batch(TABLES_OF_3)?;
    }
    if layout < 4 {
        transaction.execute_batch(TABLES_OF_4)?;
    }
    let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {LAYOUT};");
    transaction.execute_batch(&marks)?;
    transaction.commit()
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
