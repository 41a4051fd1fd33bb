//! Rows to Parquet, row group by row group, so that memory holds one however long the history.
//!
//! Features are 32-bit floats as the model sees them; absent is null. Texts that repeat go through dictionaries. The file says
//! nothing of when or by whom it was written: the same rows give the same bytes.

use std::io::Write;
use std::sync::Arc;

use linkcast_domain::FEATURES;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use super::DatasetRow;

/// Rows of one row group: some 6 MB in memory.
const GROUP_ROWS: usize = 32_768;

/// The columns that are no features, in the file's order: the first two before the features, the others behind.
pub(super) mod column {
    pub(crate) const STREAM: &str = "stream_id";
    pub(crate) const TIME: &str = "timestamp";
    pub(crate) const CLASS: &str = "class";
    pub(crate) const RISK: &str = "risk";
    pub(crate) const CONFIDENCE: &str = "confidence";
    pub(crate) const SOURCE: &str = "label_source";
    pub(crate) const WEIGHT: &str = "weight";
    pub(crate) const ALERT: &str = "alert_5m";
    pub(crate) const FAILS_NEAR: &str = "fails_1h";
    pub(crate) const FAILS_FAR: &str = "fails_24h";
    pub(crate) const SEVERITY: &str = "severity_24h";
    pub(crate) const ACTION: &str = "action_24h";
}

/// A file that grows by rows.
pub struct RowWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
    rows: Vec<DatasetRow>,
}

impl<W: Write + Send> RowWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// What the writer below says.
    pub fn new(out: W) -> Result<Self, ParquetError> {
        // Features seldom repeat: a dictionary of them is built only to be thrown away.
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_dictionary_enabled(false)
            .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None);
        for name in [column::STREAM, column::CLASS, column::SOURCE, column::ACTION] {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(name), true);
        }
        let file = SerializedFileWriter::new(out, schema()?, Arc::new(properties.build()))?;
        Ok(RowWriter { file, rows: Vec::with_capacity(GROUP_ROWS) })
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// What the writer below says.
    pub fn push(&mut self, row: DatasetRow) -> Result<(), ParquetError> {
        self.rows.push(row);
        if self.rows.len() >= GROUP_ROWS { self.write_group() } else { Ok(()) }
    }

    /// Writes what is held back, closes the file and hands back what it was written to.
    ///
    /// # Errors
    ///
    /// What the writer below says.
    pub fn finish(mut self) -> Result<W, ParquetError> {
        if !self.rows.is_empty() {
            self.write_group()?;
        }
        self.file.into_inner()
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let rows = &self.rows;
        let mut group = self.file.next_row_group()?;
        let text = |text: &str| ByteArray::from(text);
        put::<ByteArrayType, _>(&mut group, rows.iter().map(|row| row.stream.as_bytes().to_vec().into()))?;
        put::<Int64Type, _>(&mut group, rows.iter().map(|row| row.time.millis()))?;
        for place in 0..FEATURES.len() {
            let values =
                rows.iter().map(|row| row.features.get(place).copied().filter(|value| !value.is_nan()));
            put_optional::<FloatType, _>(&mut group, values)?;
        }
        put::<ByteArrayType, _>(&mut group, rows.iter().map(|row| text(row.class.name())))?;
        put::<FloatType, _>(&mut group, rows.iter().map(|row| row.risk))?;
        put::<FloatType, _>(&mut group, rows.iter().map(|row| row.confidence))?;
        put::<ByteArrayType, _>(&mut group, rows.iter().map(|row| text(row.source.name())))?;
        put::<FloatType, _>(&mut group, rows.iter().map(|row| row.weight))?;
        put_optional::<BoolType, _>(&mut group, rows.iter().map(|row| row.alert))?;
        put_optional::<BoolType, _>(&mut group, rows.iter().map(|row| row.fails_near))?;
        put_optional::<BoolType, _>(&mut group, rows.iter().map(|row| row.fails_far))?;
        put_optional::<FloatType, _>(&mut group, rows.iter().map(|row| row.severity))?;
        put_optional::<ByteArrayType, _>(&mut group, rows.iter().map(|row| row.action.as_deref().map(text)))?;
        group.close()?;
        self.rows.clear();
        Ok(())
    }
}

fn put<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl Iterator<Item = T::T>,
) -> Result<(), ParquetError> {
    let values: Vec<T::T> = values.collect();
    write_column::<T, W>(group, |column| column.write_batch(&values, None, None))
}

fn put_optional<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    cells: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    for cell in cells {
        levels.push(i16::from(cell.is_some()));
        values.extend(cell);
    }
    write_column::<T, W>(group, |column| column.write_batch(&values, Some(&levels), None))
}

fn write_column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    write: impl FnOnce(&mut ColumnWriterImpl<'_, T>) -> Result<usize, ParquetError>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("more columns than the schema has".into()));
    };
    write(column.typed::<T>())?;
    column.close()
}

fn schema() -> Result<TypePtr, ParquetError> {
    const OPTIONAL: Repetition = Repetition::OPTIONAL;
    const REQUIRED: Repetition = Repetition::REQUIRED;
    use PhysicalType::{BOOLEAN, BYTE_ARRAY, FLOAT, INT64};
    let mut fields =
        vec![field(column::STREAM, BYTE_ARRAY, REQUIRED)?, field(column::TIME, INT64, REQUIRED)?];
    for definition in &FEATURES {
        fields.push(field(definition.name, FLOAT, OPTIONAL)?);
    }
    for (name, kind, repetition) in [
        (column::CLASS, BYTE_ARRAY, REQUIRED),
        (column::RISK, FLOAT, REQUIRED),
        (column::CONFIDENCE, FLOAT, REQUIRED),
        (column::SOURCE, BYTE_ARRAY, REQUIRED),
        (column::WEIGHT, FLOAT, REQUIRED),
        (column::ALERT, BOOLEAN, OPTIONAL),
        (column::FAILS_NEAR, BOOLEAN, OPTIONAL),
        (column::FAILS_FAR, BOOLEAN, OPTIONAL),
        (column::SEVERITY, FLOAT, OPTIONAL),
        (column::ACTION, BYTE_ARRAY, OPTIONAL),
    ] {
        fields.push(field(name, kind, repetition)?);
    }
    Ok(Arc::new(Type::group_type_builder("rows").with_fields(fields).build()?))
}

fn field(name: &str, kind: PhysicalType, repetition: Repetition) -> Result<TypePtr, ParquetError> {
    let logical = match kind {
        PhysicalType::BYTE_ARRAY => Some(LogicalType::String),
        PhysicalType::INT64 => Some(LogicalType::timestamp(true, TimeUnit::MILLIS)),
        _ => None,
    };
    let builder = Type::primitive_type_builder(name, kind).with_repetition(repetition);
    Ok(Arc::new(builder.with_logical_type(logical).build()?))
}
