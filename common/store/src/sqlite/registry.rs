//! Models and their aliases, each an item with the revision it is at.

use linkcast_domain::ports::{RegistryChange, RegistryItems, Revised, StoreError, Written};
use linkcast_domain::{Aliases, ModelVersion, RegisteredModel};
use rusqlite::{Connection, OptionalExtension, Params, Row, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::failure::Attempt;
use super::read::bodies;
use super::write::whole;
use super::{Inner, SqliteStore};

const MODEL: &str = "SELECT revision, body FROM models WHERE task = ?1 AND version = ?2";
const ALIASES: &str = "SELECT revision, body FROM aliases WHERE task = ?1";

impl RegistryItems for SqliteStore {
    async fn model(
        &self,
        task: &str,
        version: &ModelVersion,
    ) -> Result<Option<Revised<RegisteredModel>>, StoreError> {
        self.run("read a model", |inner, attempt| {
            revised(&inner.connection, MODEL, params![task, version.as_str()], attempt)
        })
    }

    async fn models(&self, task: &str) -> Result<Vec<RegisteredModel>, StoreError> {
        let query = "SELECT body FROM models WHERE task = ?1 ORDER BY version";
        self.run("read the models", |inner, attempt| bodies(&inner.connection, query, params![task], attempt))
    }

    async fn aliases(&self, task: &str) -> Result<Revised<Aliases>, StoreError> {
        let found = self.run("read the aliases", |inner, attempt| {
            revised(&inner.connection, ALIASES, params![task], attempt)
        });
        Ok(found?.unwrap_or_default())
    }

    async fn change(&self, task: &str, change: &RegistryChange) -> Result<Written, StoreError> {
        self.run("change the registry", |inner, attempt| write(inner, task, change, attempt))
    }
}

fn write(
    inner: &mut Inner,
    task: &str,
    change: &RegistryChange,
    attempt: &Attempt<'_>,
) -> Result<Written, StoreError> {
    let failed = |error| attempt.failed(error);
    let transaction = super::immediate(&mut inner.connection).map_err(failed)?;
    let stands = |query, values: &[&str], read: u64| -> Result<bool, StoreError> {
        let found = revision(&transaction, query, rusqlite::params_from_iter(values)).map_err(failed)?;
        Ok(found == whole(read))
    };
    if let Some(model) = &change.model {
        let version = model.value.facts.version.as_str();
        if !stands(MODEL, &[task, version], model.revision)? {
            return Ok(Written::Moved);
        }
        let statement =
            "INSERT OR REPLACE INTO models (task, version, revision, body) VALUES (?1, ?2, ?3, ?4)";
        let body = json(&model.value, attempt)?;
        let values = params![task, version, whole(model.revision + 1), body];
        transaction.execute(statement, values).map_err(failed)?;
    }
    if let Some((version, read)) = &change.unchanged
        && !stands(MODEL, &[task, version.as_str()], *read)?
    {
        return Ok(Written::Moved);
    }
    if let Some(aliases) = &change.aliases {
        if !stands(ALIASES, &[task], aliases.revision)? {
            return Ok(Written::Moved);
        }
        let statement = "INSERT OR REPLACE INTO aliases (task, revision, body) VALUES (?1, ?2, ?3)";
        let body = json(&aliases.value, attempt)?;
        let values = params![task, whole(aliases.revision + 1), body];
        transaction.execute(statement, values).map_err(failed)?;
    }
    transaction.commit().map_err(failed)?;
    Ok(Written::Yes)
}

/// An item's revision; 0 if there is none.
pub(crate) fn revision(
    transaction: &Transaction<'_>,
    query: &str,
    values: impl Params,
) -> Result<i64, rusqlite::Error> {
    let mut statement = transaction.prepare_cached(query)?;
    Ok(statement.query_row(values, |row| row.get(0)).optional()?.unwrap_or(0))
}

/// One item with its revision, from a query for both.
pub(crate) fn revised<T: DeserializeOwned>(
    connection: &Connection,
    query: &str,
    values: impl Params,
    attempt: &Attempt<'_>,
) -> Result<Option<Revised<T>>, StoreError> {
    let failed = |error| attempt.failed(error);
    let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
    let mut statement = connection.prepare_cached(query).map_err(failed)?;
    let Some((revision, body)) = statement.query_row(values, read).optional().map_err(failed)? else {
        return Ok(None);
    };
    let value = serde_json::from_str(&body).map_err(|error| attempt.damaged(error))?;
    Ok(Some(Revised { revision: u64::try_from(revision).unwrap_or(0), value }))
}

pub(crate) fn json(value: &impl Serialize, attempt: &Attempt<'_>) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| attempt.unwritable(error))
}
