//! Parquet to samples.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use linkcast_domain::{Sample, StreamId, Timestamp};
use parquet::basic::{LogicalType, TimeUnit};
use parquet::column::reader::ColumnReader;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::super::{Column, EXPECTED_NUMBER, EXPECTED_STREAM, EXPECTED_TIME, Row, STREAM, TIME, stream_of};
use super::bounds::{Allowance, check_footer, check_group, general};
use crate::{Fate, Origin, Parsed};

/// Rows decoded at once, if the columns are few enough for [`BATCH_CELLS`].
const BATCH_ROWS: usize = 8_192;
const BATCH_CELLS: usize = 1 << 19;

/// Reads a sample file.
pub(crate) fn parse_sample_parquet(bytes: &[u8], origin: &Origin) -> Parsed {
    let mut parsed = Parsed::default();
    let outcome = catch_unwind(AssertUnwindSafe(|| read(bytes, origin, &mut parsed)));
    let refusal = match outcome {
        Ok(Ok(())) => return parsed,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "a page that its decoder cannot read".to_owned(),
    };
    let row = parsed.account.lines + 1;
    let expected = "a parquet file of samples, uncompressed or snappy";
    parsed.rejects.add(origin, row, None, refusal.as_bytes(), expected);
    parsed.account.add(Fate::Rejected);
    parsed
}

fn read(bytes: &[u8], origin: &Origin, parsed: &mut Parsed) -> Result<(), ParquetError> {
    check_footer(bytes)?;
    let file = SerializedFileReader::new(Bytes::copy_from_slice(bytes))?;
    let schema = file.metadata().file_metadata().schema_descr();
    let names: Vec<_> = schema.columns().iter().map(|column| column.name().to_owned()).collect();
    for name in [STREAM, TIME] {
        if !names.iter().any(|known| known.trim_ascii() == name) {
            return Err(ParquetError::General(format!("no column {name}")));
        }
    }
    if names.iter().any(|name| Column::named(name) == Column::Unusable) {
        return Err(general("a column whose name holds control characters"));
    }
    let mut allowance = Allowance::of(bytes.len());
    let batch_rows = (BATCH_CELLS / names.len().max(1)).clamp(1, BATCH_ROWS);
    for group in 0..file.num_row_groups() {
        let group = file.get_row_group(group)?;
        check_group(group.metadata(), bytes)?;
        let mut rows_left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        allowance.take_cells(rows_left, names.len())?;
        let mut columns = Vec::new();
        for (place, name) in names.iter().enumerate() {
            let unit = MillisPer::of(group.metadata().column(place).column_descr().logical_type_ref());
            let levels = group.metadata().column(place).column_descr().max_rep_level();
            if levels > 0 {
                return Err(ParquetError::General(format!("column {name} repeats within a row")));
            }
            columns.push((Column::named(name), unit, group.get_column_reader(place)?));
        }
        while rows_left > 0 {
            let rows = rows_left.min(batch_rows);
            read_batch(&mut columns, rows, origin, &mut allowance, parsed)?;
            rows_left -= rows;
        }
    }
    Ok(())
}

/// How a column's integers become epoch milliseconds.
#[derive(Clone, Copy, Debug)]
enum MillisPer {
    Milli,
    Micro,
    Nano,
}

impl MillisPer {
    fn of(logical: Option<&LogicalType>) -> Self {
        match logical {
            Some(LogicalType::Timestamp(stamp)) => match stamp.unit {
                TimeUnit::MICROS => MillisPer::Micro,
                TimeUnit::NANOS => MillisPer::Nano,
                TimeUnit::MILLIS => MillisPer::Milli,
            },
            _ => MillisPer::Milli,
        }
    }

    fn millis(self, value: i64) -> i64 {
        match self {
            MillisPer::Milli => value,
            MillisPer::Micro => value.div_euclid(1_000),
            MillisPer::Nano => value.div_euclid(1_000_000),
        }
    }
}

/// A column's cells of one batch.
enum Cells {
    Text(Vec<Option<ByteArray>>),
    Integers(Vec<Option<i64>>),
    Numbers(Vec<Option<f64>>),
    /// A physical type that holds nothing a sample has.
    Useless,
}

fn read_batch(
    columns: &mut [(Column, MillisPer, ColumnReader)],
    rows: usize,
    origin: &Origin,
    allowance: &mut Allowance,
    parsed: &mut Parsed,
) -> Result<(), ParquetError> {
    let mut cells = Vec::with_capacity(columns.len());
    for (column, unit, reader) in columns.iter_mut() {
        cells.push((&*column, *unit, read_cells(reader, rows)?));
    }
    for place in 0..rows {
        let number = parsed.account.lines + 1;
        let refused_before = parsed.rejects.total();
        if let Some(sample) = row(&cells, place, number, origin, parsed) {
            allowance.take_sample(&sample)?;
            parsed.samples.push(sample);
        }
        let is_whole = parsed.rejects.total() == refused_before;
        parsed.account.add(if is_whole { Fate::Used } else { Fate::Rejected });
    }
    Ok(())
}

fn row(
    cells: &[(&Column, MillisPer, Cells)],
    place: usize,
    number: u64,
    origin: &Origin,
    parsed: &mut Parsed,
) -> Option<Sample> {
    let mut row = Row::default();
    let previous = parsed.samples.last().map(|sample| sample.stream.clone());
    for (column, unit, cells) in cells {
        match column {
            Column::Stream => row.stream = stream(cells, place, previous.as_ref()),
            Column::Time => row.time = time(cells, place, *unit),
            Column::Unusable => {}
            Column::Field(_) | Column::Other(_) => {
                let value = match cells {
                    Cells::Numbers(values) => values.get(place).copied().flatten(),
                    Cells::Integers(values) => values.get(place).copied().flatten().map(|value| value as f64),
                    Cells::Text(_) | Cells::Useless => None,
                };
                match value {
                    Some(value) if value.is_finite() => row.set(column, value),
                    Some(value) if value.is_infinite() => {
                        let found = value.to_string();
                        parsed.rejects.add(origin, number, None, found.as_bytes(), EXPECTED_NUMBER);
                    }
                    _ => {}
                }
            }
        }
    }
    for (name, expected, is_there) in
        [(STREAM, EXPECTED_STREAM, row.stream.is_some()), (TIME, EXPECTED_TIME, row.time.is_some())]
    {
        if !is_there {
            parsed.rejects.add(origin, number, Some(name.as_bytes()), b"", expected);
        }
    }
    row.finish()
}

fn stream(cells: &Cells, place: usize, previous: Option<&StreamId>) -> Option<StreamId> {
    let Cells::Text(texts) = cells else { return None };
    let text = std::str::from_utf8(texts.get(place)?.as_ref()?.data()).ok()?;
    stream_of(text, previous)
}

fn time(cells: &Cells, place: usize, unit: MillisPer) -> Option<Timestamp> {
    match cells {
        Cells::Integers(values) => {
            let value = (*values.get(place)?)?;
            Some(Timestamp::from_millis(unit.millis(value)))
        }
        Cells::Text(texts) => std::str::from_utf8(texts.get(place)?.as_ref()?.data()).ok()?.parse().ok(),
        Cells::Numbers(_) | Cells::Useless => None,
    }
}

/// Reads a batch of one column, each row's value or its absence.
macro_rules! cells {
    ($reader:expr, $rows:expr, $convert:expr) => {{
        let mut levels = Vec::new();
        let mut values = Vec::new();
        let (records, _, _) = $reader.read_records($rows, Some(&mut levels), None, &mut values)?;
        if records != $rows {
            return Err(general("a column shorter than its row group"));
        }
        let mut values = values.into_iter().map($convert);
        if levels.is_empty() {
            values.map(Some).collect()
        } else {
            let most = levels.iter().copied().max().unwrap_or(0).max(1);
            levels.into_iter().map(|level| if level == most { values.next() } else { None }).collect()
        }
    }};
}

fn read_cells(reader: &mut ColumnReader, rows: usize) -> Result<Cells, ParquetError> {
    Ok(match reader {
        ColumnReader::ByteArrayColumnReader(reader) => Cells::Text(cells!(reader, rows, |value| value)),
        ColumnReader::Int64ColumnReader(reader) => Cells::Integers(cells!(reader, rows, |value| value)),
        ColumnReader::Int32ColumnReader(reader) => Cells::Integers(cells!(reader, rows, i64::from)),
        ColumnReader::DoubleColumnReader(reader) => Cells::Numbers(cells!(reader, rows, |value| value)),
        ColumnReader::FloatColumnReader(reader) => Cells::Numbers(cells!(reader, rows, f64::from)),
        ColumnReader::BoolColumnReader(reader) => Cells::Integers(cells!(reader, rows, i64::from)),
        ColumnReader::Int96ColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_) => Cells::Useless,
    })
}
