//! Samples in pieces: one row holds the samples of up to 64 streams over one commit.
//!
//! A row a sample would touch one page a stream and sweep, or need an index as large as the data; 64 neighbours in
//! one row make writing sequential and cost a reader 63 samples it does not want. Streams are numbered as they first
//! appear, so the ports of one source are neighbours.

use std::collections::BTreeMap;
use std::sync::Arc;

use linkcast_domain::ports::{StoreError, TimeRange};
use linkcast_domain::{Sample, StreamId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::packing::{self, PackedSample};

use super::failure::Attempt;
use super::{Inner, NumberMap};

/// Streams that share a piece.
const BLOCK: u32 = 64;

/// Numbers given to texts. What a transaction adds is kept apart until it is durable.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    known: NumberMap,
    texts: Vec<Arc<str>>,
    added: usize,
    /// The number asked for last, and for each number the one that was asked for after it.
    last: usize,
    next: Vec<u32>,
}

impl Numbers {
    pub(crate) fn load(
        connection: &Connection,
        query: &str,
        attempt: &Attempt<'_>,
    ) -> Result<Self, StoreError> {
        let failed = |error| attempt.failed(error);
        let mut statement = connection.prepare(&format!("{query} ORDER BY number")).map_err(failed)?;
        let rows = statement.query_map([], |row| row.get::<_, Arc<str>>(0)).map_err(failed)?;
        let mut numbers = Numbers::default();
        for text in rows {
            numbers.add(&text.map_err(failed)?);
        }
        numbers.added = 0;
        Ok(numbers)
    }

    /// The number of `text`, a new one if it has none yet. Sweeps repeat their order, so what followed the last text
    /// before is looked at first.
    pub(crate) fn number(&mut self, text: &str) -> u32 {
        let number = match self.predicted(text).or_else(|| self.known(text)) {
            Some(number) => number,
            None => self.add(&Arc::from(text)),
        };
        if let Some(next) = self.next.get_mut(self.last) {
            *next = number;
        }
        self.last = number as usize;
        number
    }

    fn predicted(&self, text: &str) -> Option<u32> {
        let number = *self.next.get(self.last)?;
        (**self.texts.get(number as usize)? == *text).then_some(number)
    }

    fn known(&self, text: &str) -> Option<u32> {
        self.known.get(text).copied()
    }

    fn text(&self, number: u32) -> Option<&Arc<str>> {
        self.texts.get(number as usize)
    }

    fn add(&mut self, text: &Arc<str>) -> u32 {
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.known.insert(Arc::clone(text), number);
        self.texts.push(Arc::clone(text));
        self.next.push(number);
        self.added += 1;
        number
    }

    /// What was added since the last transaction ended, with its numbers.
    pub(crate) fn added(&self) -> impl Iterator<Item = (u32, &Arc<str>)> {
        let first = self.texts.len() - self.added;
        (0_u32..).zip(&self.texts).skip(first)
    }

    pub(crate) fn keep(&mut self) {
        self.added = 0;
    }

    /// Takes back what a failed transaction added.
    pub(crate) fn take_back(&mut self) {
        for text in self.texts.drain(self.texts.len() - self.added..) {
            self.known.remove(&text);
        }
        self.next.truncate(self.texts.len());
        self.added = 0;
    }
}

/// Writes samples, each replacing one of the same stream and time.
pub(crate) fn write(
    transaction: &Transaction<'_>,
    samples: &[Sample],
    streams: &mut Numbers,
    names: &mut Numbers,
    attempt: &Attempt<'_>,
) -> Result<(), StoreError> {
    let mut order: Vec<(u32, i64, &Sample)> = samples
        .iter()
        .map(|sample| (streams.number(sample.stream.as_str()), sample.time.millis(), sample))
        .collect();
    order.sort_by_key(|(stream, time, _)| (*stream, *time));
    let mut bytes = Vec::new();
    for piece in order.chunk_by(|left, right| left.0 / BLOCK == right.0 / BLOCK) {
        write_piece(transaction, piece, names, &mut bytes, attempt)?;
    }
    Ok(())
}

fn write_piece(
    transaction: &Transaction<'_>,
    piece: &[(u32, i64, &Sample)],
    names: &mut Numbers,
    bytes: &mut Vec<u8>,
    attempt: &Attempt<'_>,
) -> Result<(), StoreError> {
    let (Some(first), Some(last)) =
        (piece.iter().map(|(_, time, _)| *time).min(), piece.iter().map(|(_, time, _)| *time).max())
    else {
        return Ok(());
    };
    let block = piece.first().map_or(0, |(stream, _, _)| stream / BLOCK);
    bytes.clear();
    packing::start(bytes, piece.len());
    for (stream, time, sample) in piece {
        let other = sample.other.iter().map(|(name, value)| (names.number(name), *value));
        packing::append(bytes, first, (*stream, *time), &sample.values, other);
    }
    let failed = |error| attempt.failed(error);
    let written = transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO samples (block, first_time, last_time, bytes) VALUES (?1, ?2, ?3, ?4)",
        )
        .and_then(|mut insert| insert.execute(params![block, first, last, &*bytes]))
        .map_err(failed)?;
    if written == 0 { merge_piece(transaction, (block, first, last), bytes, attempt) } else { Ok(()) }
}

/// A piece of the same block begins at the same time: a repeated delivery, or another source's streams. One piece
/// comes of all that overlap, each sample replacing an older one: were only the two made one, a third that overlaps
/// them could no longer be told to be older or newer.
fn merge_piece(
    transaction: &Transaction<'_>,
    (block, first, last): (u32, i64, i64),
    bytes: &mut Vec<u8>,
    attempt: &Attempt<'_>,
) -> Result<(), StoreError> {
    let failed = |error| attempt.failed(error);
    let bounds = overlapping(transaction, (block, first, last)).map_err(failed)?;
    let mut merged: BTreeMap<(u32, i64), PackedSample> = BTreeMap::new();
    let mut take = |bytes: &[u8], first| -> Result<(), StoreError> {
        let samples = packing::read(bytes, first).map_err(|error| attempt.damaged(error))?;
        merged.extend(samples.into_iter().map(|sample| ((sample.stream, sample.time), sample)));
        Ok(())
    };
    let mut query = transaction
        .prepare_cached(&format!("SELECT first_time, bytes FROM samples {OVERLAP} ORDER BY rowid"))
        .map_err(failed)?;
    let mut rows = query.query(params![block, bounds.0, bounds.1]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let old: Vec<u8> = row.get(1).map_err(failed)?;
        take(&old, row.get(0).map_err(failed)?)?;
    }
    take(bytes, first)?;
    bytes.clear();
    packing::start(bytes, merged.len());
    for (place, sample) in &merged {
        packing::append(bytes, bounds.0, *place, &sample.values, sample.other.iter().copied());
    }
    transaction
        .prepare_cached(&format!("DELETE FROM samples {OVERLAP}"))
        .and_then(|mut delete| delete.execute(params![block, bounds.0, bounds.1]))
        .map_err(failed)?;
    transaction
        .prepare_cached("INSERT INTO samples (block, first_time, last_time, bytes) VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut insert| insert.execute(params![block, bounds.0, bounds.1, &*bytes]))
        .map_err(failed)?;
    Ok(())
}

/// The pieces of a block that overlap a range of times.
const OVERLAP: &str = "WHERE block = ?1 AND first_time <= ?3 AND last_time >= ?2";

/// The first and last time of the pieces that overlap `first` to `last`, or one another.
fn overlapping(
    transaction: &Transaction<'_>,
    (block, first, last): (u32, i64, i64),
) -> Result<(i64, i64), rusqlite::Error> {
    let mut query = transaction
        .prepare_cached(&format!("SELECT min(first_time), max(last_time) FROM samples {OVERLAP}"))?;
    let mut bounds = (first, last);
    loop {
        let (least, most): (Option<i64>, Option<i64>) =
            query.query_row(params![block, bounds.0, bounds.1], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let wider = (bounds.0.min(least.unwrap_or(first)), bounds.1.max(most.unwrap_or(last)));
        if wider == bounds {
            return Ok(bounds);
        }
        bounds = wider;
    }
}

/// The stream's samples in `range`, oldest first; of one written twice, what was written last.
pub(crate) fn read(
    inner: &mut Inner,
    stream: &StreamId,
    range: TimeRange,
    attempt: &Attempt<'_>,
) -> Result<Vec<Sample>, StoreError> {
    refresh(inner, stream, attempt)?;
    let Some(number) = inner.streams.known(stream.as_str()) else { return Ok(Vec::new()) };
    let mut found = BTreeMap::new();
    each_piece(inner, (number / BLOCK, range), attempt, |sample| {
        let time = Timestamp::from_millis(sample.time);
        if sample.stream == number && range.contains(time) {
            found.insert(time, sample);
        }
    })?;
    Ok(found.into_iter().map(|(time, sample)| named(stream, time, sample, &inner.names)).collect())
}

/// The streams there are, by blocks.
pub(crate) fn blocks(inner: &mut Inner, attempt: &Attempt<'_>) -> Result<Vec<Vec<StreamId>>, StoreError> {
    inner.streams = Numbers::load(&inner.connection, "SELECT id, number FROM streams", attempt)?;
    let block = |block: &[Arc<str>]| -> Result<Vec<StreamId>, StoreError> {
        block.iter().map(|id| id.parse().map_err(|error| attempt.damaged(error))).collect()
    };
    inner.streams.texts.chunks(BLOCK as usize).map(block).collect()
}

/// The samples of several streams in `range`, by stream in the order given, oldest first. Those of one block cost one reading
/// of its pieces.
pub(crate) fn read_many(
    inner: &mut Inner,
    streams: &[StreamId],
    range: TimeRange,
    attempt: &Attempt<'_>,
) -> Result<Vec<Sample>, StoreError> {
    let mut wanted: BTreeMap<u32, usize> = BTreeMap::new();
    for (place, stream) in streams.iter().enumerate() {
        refresh(inner, stream, attempt)?;
        wanted.extend(inner.streams.known(stream.as_str()).map(|number| (number, place)));
    }
    let mut blocks: Vec<u32> = wanted.keys().map(|number| number / BLOCK).collect();
    blocks.dedup();
    let mut found = BTreeMap::new();
    for block in blocks {
        each_piece(inner, (block, range), attempt, |sample| {
            let time = Timestamp::from_millis(sample.time);
            if let (Some(place), true) = (wanted.get(&sample.stream), range.contains(time)) {
                found.insert((*place, time), sample);
            }
        })?;
    }
    let sample = |((place, time), sample): ((usize, Timestamp), PackedSample)| {
        Some(named(streams.get(place)?, time, sample, &inner.names))
    };
    Ok(found.into_iter().filter_map(sample).collect())
}

/// Hands every sample of a block's pieces that overlap `range` to `take`, those written first first.
fn each_piece(
    inner: &Inner,
    (block, range): (u32, TimeRange),
    attempt: &Attempt<'_>,
    mut take: impl FnMut(PackedSample),
) -> Result<(), StoreError> {
    let failed = |error| attempt.failed(error);
    let mut statement = inner
        .connection
        .prepare_cached(&format!("SELECT first_time, bytes FROM samples {OVERLAP} ORDER BY rowid"))
        .map_err(failed)?;
    let bounds = params![block, range.from.millis(), range.until.millis()];
    let mut rows = statement.query(bounds).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let first: i64 = row.get(0).map_err(failed)?;
        let bytes = row.get_ref(1).map_err(failed)?.as_blob().map_err(|error| attempt.damaged(error))?;
        packing::read(bytes, first).map_err(|error| attempt.damaged(error))?.into_iter().for_each(&mut take);
    }
    Ok(())
}

/// Another process may have numbered streams and names since this one opened the file.
fn refresh(inner: &mut Inner, stream: &StreamId, attempt: &Attempt<'_>) -> Result<(), StoreError> {
    let failed = |error| attempt.failed(error);
    let newest: Option<u32> = inner
        .connection
        .query_row("SELECT max(number) FROM names", [], |row| row.get(0))
        .optional()
        .map_err(failed)?
        .flatten();
    let names_behind = newest.is_some_and(|newest| inner.names.text(newest).is_none());
    if names_behind || inner.streams.known(stream.as_str()).is_none() {
        inner.streams = Numbers::load(&inner.connection, "SELECT id, number FROM streams", attempt)?;
        inner.names = Numbers::load(&inner.connection, "SELECT name, number FROM names", attempt)?;
    }
    Ok(())
}

fn named(stream: &StreamId, time: Timestamp, sample: PackedSample, names: &Numbers) -> Sample {
    let other = sample
        .other
        .into_iter()
        .filter_map(|(name, value)| Some((Arc::clone(names.text(name)?).into(), value)))
        .collect();
    Sample { stream: stream.clone(), time, values: sample.values, other }
}
