//! Samples that ask for verdicts. What they are found by stands in columns of its own.

use linkcast_domain::ports::{ReviewItems, Revised, StoreError, Written};
use linkcast_domain::{ReviewId, Reviewed, Standing};
use rusqlite::params;

use super::failure::Attempt;
use super::read::bodies;
use super::registry::{json, revised, revision};
use super::write::whole;
use super::{Inner, SqliteStore};

const ITEM: &str = "SELECT revision, body FROM reviews WHERE id = ?1";

impl ReviewItems for SqliteStore {
    async fn reviewed(&self, ids: &[ReviewId]) -> Result<Vec<Option<Revised<Reviewed>>>, StoreError> {
        self.run("read reviews", |inner, attempt| {
            let item = |id: &ReviewId| revised(&inner.connection, ITEM, params![id.as_str()], attempt);
            ids.iter().map(item).collect()
        })
    }

    async fn put_reviewed(&self, changes: &[Revised<Reviewed>]) -> Result<Vec<Written>, StoreError> {
        self.run("write reviews", |inner, attempt| write(inner, changes, attempt))
    }

    async fn review_queue(
        &self,
        standing: Option<Standing>,
        limit: usize,
    ) -> Result<Vec<Reviewed>, StoreError> {
        let limit = whole(limit as u64);
        self.run("read the reviews that are asked for", |inner, attempt| match standing {
            None => {
                let query = "SELECT body FROM reviews ORDER BY priority DESC, id LIMIT ?1";
                bodies(&inner.connection, query, params![limit], attempt)
            }
            Some(standing) => {
                let query =
                    "SELECT body FROM reviews WHERE standing = ?1 ORDER BY priority DESC, id LIMIT ?2";
                bodies(&inner.connection, query, params![standing.name(), limit], attempt)
            }
        })
    }
}

/// All in one transaction, which costs the disk once.
fn write(
    inner: &mut Inner,
    changes: &[Revised<Reviewed>],
    attempt: &Attempt<'_>,
) -> Result<Vec<Written>, StoreError> {
    let failed = |error| attempt.failed(error);
    let transaction = super::immediate(&mut inner.connection).map_err(failed)?;
    let mut outcomes = Vec::with_capacity(changes.len());
    for Revised { revision: read, value } in changes {
        let id = value.item.id.as_str();
        if revision(&transaction, ITEM, params![id]).map_err(failed)? != whole(*read) {
            outcomes.push(Written::Moved);
            continue;
        }
        let statement = "INSERT OR REPLACE INTO reviews (id, revision, standing, priority, body)
                         VALUES (?1, ?2, ?3, ?4, ?5)";
        let (standing, priority) = (value.standing().name(), value.item.priority);
        let values = params![id, whole(read + 1), standing, priority, json(value, attempt)?];
        transaction
            .prepare_cached(statement)
            .and_then(|mut prepared| prepared.execute(values))
            .map_err(failed)?;
        outcomes.push(Written::Yes);
    }
    transaction.commit().map_err(failed)?;
    Ok(outcomes)
}
