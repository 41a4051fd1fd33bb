//! Everything that is read, from bodies that this store wrote.

use linkcast_domain::ports::{
    AlertRecord, InsightQuery, MaintenanceWindow, OutboxMessage, Resume, SavedState, StoreError, StreamRecord,
};
use linkcast_domain::{Alert, AlertState, Condition, Insight, PortFacts, StreamId, Timestamp};
use rusqlite::{Connection, Params, Row, params};
use serde::de::DeserializeOwned;

use super::failure::Attempt;
use super::write::whole;

pub(crate) fn resume(connection: &Connection, attempt: &Attempt<'_>) -> Result<Resume, StoreError> {
    let last_sequence: i64 = connection
        .query_row(
            "SELECT max(coalesce((SELECT max(sequence) FROM outbox), 0),
                        coalesce((SELECT max(sequence) FROM channels), 0))",
            [],
            |row| row.get(0),
        )
        .map_err(|error| attempt.failed(error))?;
    let open = "SELECT body FROM conditions WHERE resolved IS NULL ORDER BY stream, cause";
    let firing = "SELECT body FROM alerts WHERE firing = 1 ORDER BY id";
    Ok(Resume {
        sources: bodies(connection, "SELECT body FROM sources ORDER BY name", [], attempt)?,
        conditions: bodies(connection, open, [], attempt)?,
        alerts: bodies(connection, firing, [], attempt)?,
        last_sequence: u64::try_from(last_sequence).unwrap_or(0),
        windows: windows(connection, Timestamp::EARLIEST, attempt)?,
    })
}

pub(crate) fn streams(
    connection: &Connection,
    after: Option<&StreamId>,
    limit: usize,
    attempt: &Attempt<'_>,
) -> Result<Vec<StreamRecord>, StoreError> {
    let failed = |error| attempt.failed(error);
    let mut statement = connection
        .prepare_cached(
            "SELECT id, facts, last_time, bytes FROM streams LEFT JOIN states USING (number)
             WHERE id > ?1 ORDER BY id LIMIT ?2",
        )
        .map_err(failed)?;
    let bounds = params![after.map_or("", StreamId::as_str), whole(limit as u64)];
    let mut rows = statement.query(bounds).map_err(failed)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        records.push(stream(row, attempt)?);
    }
    Ok(records)
}

fn stream(row: &Row<'_>, attempt: &Attempt<'_>) -> Result<StreamRecord, StoreError> {
    let failed = |error| attempt.failed(error);
    let id: String = row.get(0).map_err(failed)?;
    let stream: StreamId = id.parse().map_err(|error| attempt.damaged(error))?;
    let facts: Option<String> = row.get(1).map_err(failed)?;
    let facts = match facts {
        Some(body) => serde_json::from_str(&body).map_err(|error| attempt.damaged(error))?,
        None => PortFacts::default(),
    };
    let last_time: Option<i64> = row.get(2).map_err(failed)?;
    let bytes: Option<Vec<u8>> = row.get(3).map_err(failed)?;
    let state = last_time.zip(bytes).map(|(last_time, bytes)| SavedState {
        stream: stream.clone(),
        last_time: Timestamp::from_millis(last_time),
        bytes,
    });
    Ok(StreamRecord { stream, facts, state })
}

pub(crate) fn unpublished(
    connection: &Connection,
    channel: &str,
    limit: usize,
    attempt: &Attempt<'_>,
) -> Result<Vec<OutboxMessage>, StoreError> {
    let query = "SELECT body FROM outbox
                 WHERE sequence > coalesce((SELECT sequence FROM channels WHERE name = ?1), 0)
                 ORDER BY sequence LIMIT ?2";
    bodies(connection, query, params![channel, whole(limit as u64)], attempt)
}

pub(crate) fn insights(
    connection: &Connection,
    query: &InsightQuery,
    attempt: &Attempt<'_>,
) -> Result<Vec<Insight>, StoreError> {
    bodies(
        connection,
        "SELECT body FROM insights
         WHERE (?1 IS NULL OR id = ?1) AND (?2 IS NULL OR stream = ?2) AND (?3 IS NULL OR class = ?3)
           AND risk >= ?4 AND time BETWEEN ?5 AND ?6
         ORDER BY time DESC, id LIMIT ?7",
        params![
            query.id.as_ref().map(|id| id.as_str().to_owned()),
            query.stream.as_ref().map(|stream| stream.as_str().to_owned()),
            query.class.map(|class| class.name()),
            query.minimum_risk,
            query.range.from.millis(),
            query.range.until.millis(),
            whole(query.limit as u64),
        ],
        attempt,
    )
}

pub(crate) fn conditions(
    connection: &Connection,
    stream: Option<&StreamId>,
    attempt: &Attempt<'_>,
) -> Result<Vec<Condition>, StoreError> {
    let query = "SELECT body FROM conditions WHERE ?1 IS NULL OR stream = ?1 ORDER BY stream, cause";
    bodies(connection, query, params![stream.map(StreamId::as_str)], attempt)
}

pub(crate) fn alerts(
    connection: &Connection,
    state: Option<AlertState>,
    limit: usize,
    attempt: &Attempt<'_>,
) -> Result<Vec<Alert>, StoreError> {
    let query = "SELECT body FROM alerts WHERE ?1 IS NULL OR firing = ?1 ORDER BY updated DESC, id LIMIT ?2";
    let firing = state.map(|state| state == AlertState::Firing);
    let records: Vec<AlertRecord> = bodies(connection, query, params![firing, whole(limit as u64)], attempt)?;
    Ok(records.into_iter().map(|record| record.alert).collect())
}

pub(crate) fn windows(
    connection: &Connection,
    now: Timestamp,
    attempt: &Attempt<'_>,
) -> Result<Vec<MaintenanceWindow>, StoreError> {
    let query = "SELECT body FROM windows WHERE until > ?1 ORDER BY id";
    bodies(connection, query, params![now.millis()], attempt)
}

/// The JSON bodies a query selects.
pub(crate) fn bodies<T: DeserializeOwned>(
    connection: &Connection,
    query: &str,
    values: impl Params,
    attempt: &Attempt<'_>,
) -> Result<Vec<T>, StoreError> {
    let failed = |error| attempt.failed(error);
    let mut statement = connection.prepare_cached(query).map_err(failed)?;
    let mut rows = statement.query(values).map_err(failed)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let body = row.get_ref(0).map_err(failed)?.as_str().map_err(|error| attempt.damaged(error))?;
        found.push(serde_json::from_str(body).map_err(|error| attempt.damaged(error))?);
    }
    Ok(found)
}
