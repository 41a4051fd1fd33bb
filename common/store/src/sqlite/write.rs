//! Everything that changes the file, one transaction a call.

use linkcast_domain::ports::{Changes, Forgotten, MaintenanceWindow, SavedState, StoreError};
use linkcast_domain::{AlertState, PortFacts, StreamId, Timestamp};
use rusqlite::{Params, Transaction, params};
use serde::Serialize;

use super::Inner;
use super::failure::Attempt;
use super::samples::{self, Numbers};

pub(crate) fn commit(inner: &mut Inner, changes: &Changes, attempt: &Attempt<'_>) -> Result<(), StoreError> {
    let outcome = commit_all(inner, changes, attempt);
    for numbers in [&mut inner.streams, &mut inner.names] {
        if outcome.is_ok() { numbers.keep() } else { numbers.take_back() }
    }
    outcome
}

fn commit_all(inner: &mut Inner, changes: &Changes, attempt: &Attempt<'_>) -> Result<(), StoreError> {
    let Inner { connection, streams, names } = inner;
    let transaction = connection.transaction().map_err(|error| attempt.failed(error))?;
    let writer = Writer { transaction: &transaction, attempt };
    samples::write(&transaction, &changes.samples, streams, names, attempt)?;
    writer.states(&changes.states, streams)?;
    for (stream, _) in &changes.facts {
        streams.number(stream.as_str());
    }
    writer.new_numbers(streams, names)?;
    writer.facts(&changes.facts, streams)?;
    writer.findings(changes)?;
    writer.messages_and_sources(changes)?;
    transaction.commit().map_err(|error| attempt.failed(error))
}

struct Writer<'a> {
    transaction: &'a Transaction<'a>,
    attempt: &'a Attempt<'a>,
}

impl Writer<'_> {
    fn execute(&self, statement: &str, values: impl Params) -> Result<usize, StoreError> {
        self.transaction
            .prepare_cached(statement)
            .and_then(|mut prepared| prepared.execute(values))
            .map_err(|error| self.attempt.failed(error))
    }

    fn json(&self, value: &impl Serialize) -> Result<String, StoreError> {
        serde_json::to_string(value).map_err(|error| self.attempt.unwritable(error))
    }

    fn new_numbers(&self, streams: &Numbers, names: &Numbers) -> Result<(), StoreError> {
        for (number, id) in streams.added() {
            self.execute("INSERT INTO streams (number, id) VALUES (?1, ?2)", params![number, id])?;
        }
        for (number, name) in names.added() {
            self.execute("INSERT INTO names (number, name) VALUES (?1, ?2)", params![number, name])?;
        }
        Ok(())
    }

    fn facts(&self, facts: &[(StreamId, PortFacts)], streams: &mut Numbers) -> Result<(), StoreError> {
        for (stream, facts) in facts {
            let number = streams.number(stream.as_str());
            let body = self.json(facts)?;
            self.execute("UPDATE streams SET facts = ?2 WHERE number = ?1", params![number, body])?;
        }
        Ok(())
    }

    /// In the order of their numbers, which is the order of the table's pages.
    fn states(&self, states: &[SavedState], streams: &mut Numbers) -> Result<(), StoreError> {
        let mut order: Vec<(u32, &SavedState)> =
            states.iter().map(|state| (streams.number(state.stream.as_str()), state)).collect();
        order.sort_by_key(|(number, _)| *number);
        for (number, state) in order {
            self.execute(
                "INSERT OR REPLACE INTO states (number, last_time, bytes) VALUES (?1, ?2, ?3)",
                params![number, state.last_time.millis(), state.bytes],
            )?;
        }
        Ok(())
    }

    fn findings(&self, changes: &Changes) -> Result<(), StoreError> {
        for insight in &changes.insights {
            self.execute(
                "INSERT OR REPLACE INTO insights (id, stream, time, class, risk, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    insight.entity_id.as_str(),
                    insight.related_entity.as_str(),
                    insight.timestamp.millis(),
                    insight.prediction_type.name(),
                    insight.risk_score,
                    self.json(insight)?,
                ],
            )?;
        }
        for condition in &changes.conditions {
            self.execute(
                "INSERT OR REPLACE INTO conditions (stream, cause, resolved, body) VALUES (?1, ?2, ?3, ?4)",
                params![
                    condition.stream.as_str(),
                    condition.cause.name(),
                    condition.resolved.map(Timestamp::millis),
                    self.json(condition)?,
                ],
            )?;
        }
        for record in &changes.alerts {
            let firing = record.alert.state == AlertState::Firing;
            self.execute(
                "INSERT OR REPLACE INTO alerts (id, firing, updated, body) VALUES (?1, ?2, ?3, ?4)",
                params![record.alert.alert_id, firing, record.alert.updated.millis(), self.json(record)?],
            )?;
        }
        Ok(())
    }

    fn messages_and_sources(&self, changes: &Changes) -> Result<(), StoreError> {
        for message in &changes.messages {
            self.execute(
                "INSERT OR REPLACE INTO outbox (sequence, time, body) VALUES (?1, ?2, ?3)",
                params![whole(message.sequence), message.alert.updated.millis(), self.json(message)?],
            )?;
        }
        for source in &changes.sources {
            self.execute(
                "INSERT OR REPLACE INTO sources (name, body) VALUES (?1, ?2)",
                params![source.name, self.json(source)?],
            )?;
        }
        Ok(())
    }
}

/// SQLite's integers are signed; sequences never come near the difference.
pub(crate) fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn forget(
    inner: &mut Inner,
    before: Timestamp,
    most: usize,
    attempt: &Attempt<'_>,
) -> Result<Forgotten, StoreError> {
    let failed = |error| attempt.failed(error);
    let transaction = inner.connection.transaction().map_err(failed)?;
    let writer = Writer { transaction: &transaction, attempt };
    let bounds = params![before.millis(), whole(most as u64)];
    let delete = |table: &str, filter: &str| {
        let statement =
            format!("DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {filter} LIMIT ?2)");
        writer.execute(&statement, bounds)
    };
    for table in ["task_items", "feedback"] {
        writer.execute(&format!("DELETE FROM {table} WHERE until < ?1"), params![before.millis()])?;
    }
    let forgotten = Forgotten {
        sample_pieces: delete("samples", "last_time < ?1")?,
        insights: delete("insights", "time < ?1")?,
        conditions: writer.execute(
            "DELETE FROM conditions WHERE (stream, cause) IN
             (SELECT stream, cause FROM conditions WHERE resolved < ?1 LIMIT ?2)",
            bounds,
        )?,
        alerts: delete("alerts", "firing = 0 AND updated < ?1")?,
        messages: delete(
            "outbox",
            "time < ?1 AND sequence < (SELECT max(sequence) FROM outbox)
             AND sequence <= (SELECT coalesce(min(sequence), 0x7fffffffffffffff) FROM channels)",
        )?,
    };
    transaction.commit().map_err(failed)?;
    Ok(forgotten)
}

/// A new channel starts behind the newest message: it is told news, not history.
pub(crate) fn register_channel(
    inner: &mut Inner,
    channel: &str,
    attempt: &Attempt<'_>,
) -> Result<(), StoreError> {
    inner
        .connection
        .execute(
            "INSERT OR IGNORE INTO channels (name, sequence)
             VALUES (?1, (SELECT coalesce(max(sequence), 0) FROM outbox))",
            params![channel],
        )
        .map(|_| ())
        .map_err(|error| attempt.failed(error))
}

pub(crate) fn mark_published(
    inner: &mut Inner,
    channel: &str,
    sequence: u64,
    attempt: &Attempt<'_>,
) -> Result<(), StoreError> {
    inner
        .connection
        .execute(
            "INSERT INTO channels (name, sequence) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET sequence = max(sequence, excluded.sequence)",
            params![channel, whole(sequence)],
        )
        .map(|_| ())
        .map_err(|error| attempt.failed(error))
}

pub(crate) fn put_window(
    inner: &mut Inner,
    window: &MaintenanceWindow,
    attempt: &Attempt<'_>,
) -> Result<(), StoreError> {
    let body = serde_json::to_string(window).map_err(|error| attempt.unwritable(error))?;
    inner
        .connection
        .execute(
            "INSERT OR REPLACE INTO windows (id, until, body) VALUES (?1, ?2, ?3)",
            params![window.id, window.until.millis(), body],
        )
        .map(|_| ())
        .map_err(|error| attempt.failed(error))
}
