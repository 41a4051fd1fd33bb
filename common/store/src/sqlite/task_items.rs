//! A task's small items, each one text with the revision it is at.

use linkcast_domain::ports::{Revised, StoreError, TaskItem, TaskItems, Written};
use rusqlite::{OptionalExtension, Row, params};

use super::SqliteStore;
use super::registry::revision;
use super::write::whole;

const ITEM: &str = "SELECT revision, body FROM task_items WHERE task = ?1 AND name = ?2";

impl TaskItems for SqliteStore {
    async fn task_item(&self, task: &str, name: &str) -> Result<Option<Revised<String>>, StoreError> {
        self.run("read an item of a task", |inner, attempt| {
            let read = |row: &Row<'_>| read(row, 0);
            let found = inner.connection.prepare_cached(ITEM);
            let found = found.and_then(|mut query| query.query_row(params![task, name], read).optional());
            found.map_err(|error| attempt.failed(error))
        })
    }

    async fn task_items(
        &self,
        task: &str,
        prefix: &str,
    ) -> Result<Vec<(String, Revised<String>)>, StoreError> {
        let query = "SELECT name, revision, body FROM task_items
                     WHERE task = ?1 AND name >= ?2 AND name < ?2 || char(1114111) ORDER BY name";
        self.run("read a task's items", |inner, attempt| {
            let read = |row: &Row<'_>| Ok((row.get(0)?, read(row, 1)?));
            let found = inner.connection.prepare_cached(query);
            let found = found.and_then(|mut query| query.query_map(params![task, prefix], read)?.collect());
            found.map_err(|error| attempt.failed(error))
        })
    }

    async fn put_task_item(&self, task: &str, item: &TaskItem) -> Result<Written, StoreError> {
        self.run("write an item of a task", |inner, attempt| {
            let failed = |error| attempt.failed(error);
            let transaction = super::immediate(&mut inner.connection).map_err(failed)?;
            let there = revision(&transaction, ITEM, params![task, item.name]).map_err(failed)?;
            if there != whole(item.text.revision) {
                return Ok(Written::Moved);
            }
            let statement = "INSERT OR REPLACE INTO task_items (task, name, revision, until, body)
                             VALUES (?1, ?2, ?3, ?4, ?5)";
            let until = item.until.map(|until| until.millis());
            let values = params![task, item.name, whole(item.text.revision + 1), until, item.text.value];
            transaction.execute(statement, values).map_err(failed)?;
            transaction.commit().map_err(failed)?;
            Ok(Written::Yes)
        })
    }
}

fn read(row: &Row<'_>, first: usize) -> Result<Revised<String>, rusqlite::Error> {
    let revision: i64 = row.get(first)?;
    Ok(Revised { revision: u64::try_from(revision).unwrap_or(0), value: row.get(first + 1)? })
}
