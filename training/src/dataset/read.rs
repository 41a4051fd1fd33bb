//! Rows back from Parquet, row group by row group.
//!
//! A damaged part is refused whole and by name: a model trained on half a file would be silently worse than said.

use std::panic::{AssertUnwindSafe, catch_unwind};

use linkcast_domain::{FEATURE_COUNT, FEATURES, PredictionType, StreamId, Timestamp};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader};

use super::write::column;
use super::{DatasetRow, LabelSource};

/// Why a file of rows cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RowFileError {
    /// It is no Parquet file, or a damaged one.
    #[error("it is no whole parquet file")]
    Parquet(#[from] ParquetError),
    /// The decoder gave up on it.
    #[error("it holds a page that its decoder cannot read: expected the file as it was written")]
    Page,
    /// Other columns than a file of rows has.
    #[error("column {place} is {found}: expected {expected}, as `linkcast dataset build` writes them")]
    Column {
        /// The column's place.
        place: usize,
        /// What it is called.
        found: String,
        /// What it should be called.
        expected: &'static str,
    },
    /// A cell that no row has.
    #[error("row {row} has {name} {found:?}: expected {expected}")]
    Cell {
        /// The row, from 1.
        row: usize,
        /// The column.
        name: &'static str,
        /// What is in it.
        found: String,
        /// What might be.
        expected: &'static str,
    },
}

/// Reads a file's rows in their order; `take` is handed each. Memory holds one row group.
///
/// # Errors
///
/// A file that is not whole, or a cell that cannot be; the rows before it have been handed over by then.
pub fn read_rows<R: ChunkReader + 'static>(
    from: R,
    mut take: impl FnMut(DatasetRow),
) -> Result<u64, RowFileError> {
    // The decoder was written for files that are what they say.
    catch_unwind(AssertUnwindSafe(|| read(from, &mut take))).unwrap_or(Err(RowFileError::Page))
}

fn read<R: ChunkReader + 'static>(from: R, take: &mut dyn FnMut(DatasetRow)) -> Result<u64, RowFileError> {
    let file = SerializedFileReader::new(from)?;
    let schema = file.metadata().file_metadata().schema_descr();
    let found = schema.columns().iter().map(|column| column.name());
    let missing = std::iter::repeat("missing");
    for (place, (expected, found)) in names().zip(found.chain(missing)).enumerate() {
        if expected != found {
            return Err(RowFileError::Column { place: place + 1, found: found.to_owned(), expected });
        }
    }
    let mut rows = 0;
    for group in 0..file.num_row_groups() {
        rows += read_group(file.get_row_group(group)?.as_ref(), rows as usize, take)?;
    }
    Ok(rows)
}

/// The columns in their order.
fn names() -> impl Iterator<Item = &'static str> {
    let features = FEATURES.iter().map(|definition| definition.name);
    let behind = [
        column::CLASS,
        column::RISK,
        column::CONFIDENCE,
        column::SOURCE,
        column::WEIGHT,
        column::ALERT,
        column::FAILS_NEAR,
        column::FAILS_FAR,
        column::SEVERITY,
        column::ACTION,
    ];
    [column::STREAM, column::TIME].into_iter().chain(features).chain(behind)
}

fn read_group(
    group: &dyn RowGroupReader,
    before: usize,
    take: &mut dyn FnMut(DatasetRow),
) -> Result<u64, RowFileError> {
    let mut columns =
        Columns { group, next: 0, rows: usize::try_from(group.metadata().num_rows()).unwrap_or(0) };
    let streams = columns.required::<ByteArrayType>()?;
    let times = columns.required::<Int64Type>()?;
    let features: Vec<Vec<Option<f32>>> =
        (0..FEATURE_COUNT).map(|_| columns.optional::<FloatType>()).collect::<Result<_, _>>()?;
    let classes = columns.required::<ByteArrayType>()?;
    let risks = columns.required::<FloatType>()?;
    let confidences = columns.required::<FloatType>()?;
    let sources = columns.required::<ByteArrayType>()?;
    let weights = columns.required::<FloatType>()?;
    let alerts = columns.optional::<BoolType>()?;
    let near = columns.optional::<BoolType>()?;
    let far = columns.optional::<BoolType>()?;
    let severities = columns.optional::<FloatType>()?;
    let actions = columns.optional::<ByteArrayType>()?;
    for place in 0..columns.rows {
        let row = before + place + 1;
        let mut values = [f32::NAN; FEATURE_COUNT];
        for (value, column) in values.iter_mut().zip(&features) {
            *value = cell(column, place).unwrap_or(f32::NAN);
        }
        take(DatasetRow {
            stream: parsed(&streams, place, row, column::STREAM, "a stream", |text| {
                text.parse::<StreamId>().ok()
            })?,
            time: Timestamp::from_millis(times.get(place).copied().unwrap_or_default()),
            features: values,
            class: parsed(&classes, place, row, column::CLASS, "a prediction type", |text| {
                text.parse::<PredictionType>().ok()
            })?,
            risk: risks.get(place).copied().unwrap_or(f32::NAN),
            confidence: confidences.get(place).copied().unwrap_or(f32::NAN),
            source: parsed(&sources, place, row, column::SOURCE, "reviewer, truth or rules", |text| {
                LabelSource::ALL.into_iter().find(|source| source.name() == text)
            })?,
            weight: weights.get(place).copied().unwrap_or(f32::NAN),
            alert: cell(&alerts, place),
            fails_near: cell(&near, place),
            fails_far: cell(&far, place),
            severity: cell(&severities, place),
            action: actions.get(place).cloned().flatten().map(|text| text_of(&text)),
        });
    }
    Ok(columns.rows as u64)
}

fn cell<T: Copy>(column: &[Option<T>], place: usize) -> Option<T> {
    column.get(place).copied().flatten()
}

fn text_of(bytes: &ByteArray) -> String {
    String::from_utf8_lossy(bytes.data()).into_owned()
}

fn parsed<T>(
    column: &[ByteArray],
    place: usize,
    row: usize,
    name: &'static str,
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, RowFileError> {
    let found = column.get(place).map(text_of).unwrap_or_default();
    parse(&found).ok_or(RowFileError::Cell { row, name, found, expected })
}

/// A row group's columns, one after the other.
struct Columns<'a> {
    group: &'a dyn RowGroupReader,
    next: usize,
    rows: usize,
}

impl Columns<'_> {
    fn required<T: DataType>(&mut self) -> Result<Vec<T::T>, RowFileError> {
        let (values, _) = self.read::<T>()?;
        if values.len() == self.rows { Ok(values) } else { Err(short()) }
    }

    fn optional<T: DataType>(&mut self) -> Result<Vec<Option<T::T>>, RowFileError> {
        let (values, levels) = self.read::<T>()?;
        if levels.len() != self.rows {
            return Err(short());
        }
        let mut values = values.into_iter();
        Ok(levels.into_iter().map(|level| if level > 0 { values.next() } else { None }).collect())
    }

    fn read<T: DataType>(&mut self) -> Result<(Vec<T::T>, Vec<i16>), RowFileError> {
        let reader = self.group.get_column_reader(self.next)?;
        self.next += 1;
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let mut typed = typed::<T>(reader)?;
        while typed.read_records(self.rows, Some(&mut levels), None, &mut values)?.0 > 0 {}
        Ok((values, levels))
    }
}

fn typed<T: DataType>(
    reader: ColumnReader,
) -> Result<parquet::column::reader::ColumnReaderImpl<T>, RowFileError> {
    T::get_column_reader(reader)
        .ok_or_else(|| ParquetError::General("a column of another type than its name has".into()).into())
}

fn short() -> RowFileError {
    ParquetError::General("a column shorter than its row group".into()).into()
}

#[cfg(test)]
#[path = "tests/files.rs"]
mod tests;
