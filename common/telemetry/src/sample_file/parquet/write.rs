//! Samples to Parquet: one row group for every 65,536 rows, Snappy, absent values as nulls.

use std::io::Write;
use std::sync::Arc;

use linkcast_domain::{CounterName, Sample, SampleField};
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use super::super::{STREAM, TIME, other_names, other_value};

const GROUP_ROWS: usize = 65_536;

/// Writing a Parquet sample file failed.
#[derive(Debug, thiserror::Error)]
#[error("writing samples as parquet failed")]
pub struct WriteParquetError(#[source] ParquetError);

/// Writes samples as a Parquet file; columns as in the CSV form.
pub fn write_samples_parquet<W: Write + Send>(samples: &[Sample], out: W) -> Result<(), WriteParquetError> {
    write(samples, out).map_err(WriteParquetError)
}

fn write<W: Write + Send>(samples: &[Sample], out: W) -> Result<(), ParquetError> {
    let names = other_names(samples);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file = SerializedFileWriter::new(out, schema(&names)?, Arc::new(properties))?;
    for group in samples.chunks(GROUP_ROWS) {
        let mut columns = file.next_row_group()?;
        write_keys(group, &mut columns)?;
        for field in SampleField::ALL {
            write_values(group.iter().map(|sample| sample.values.get(field)), &mut columns)?;
        }
        for name in &names {
            write_values(group.iter().map(|sample| other_value(sample, name)), &mut columns)?;
        }
        columns.close()?;
    }
    file.close()?;
    Ok(())
}

fn schema(names: &[CounterName]) -> Result<TypePtr, ParquetError> {
    let mut columns = vec![
        Type::primitive_type_builder(STREAM, PhysicalType::BYTE_ARRAY)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(Some(LogicalType::String))
            .build()?,
        Type::primitive_type_builder(TIME, PhysicalType::INT64)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(Some(LogicalType::timestamp(true, TimeUnit::MILLIS)))
            .build()?,
    ];
    let fields = SampleField::ALL.iter().map(|field| field.name());
    for name in fields.chain(names.iter().map(AsRef::as_ref)) {
        let column = Type::primitive_type_builder(name, PhysicalType::DOUBLE);
        columns.push(column.with_repetition(Repetition::OPTIONAL).build()?);
    }
    let columns = columns.into_iter().map(Arc::new).collect();
    Ok(Arc::new(Type::group_type_builder("samples").with_fields(columns).build()?))
}

fn missing() -> ParquetError {
    ParquetError::General("the schema has fewer columns than are written".into())
}

fn write_keys<W: Write + Send>(
    group: &[Sample],
    columns: &mut SerializedRowGroupWriter<'_, W>,
) -> Result<(), ParquetError> {
    let streams: Vec<_> = group.iter().map(|sample| ByteArray::from(sample.stream.as_str())).collect();
    let mut column = columns.next_column()?.ok_or_else(missing)?;
    column.typed::<ByteArrayType>().write_batch(&streams, None, None)?;
    column.close()?;
    let times: Vec<_> = group.iter().map(|sample| sample.time.millis()).collect();
    let mut column = columns.next_column()?.ok_or_else(missing)?;
    column.typed::<Int64Type>().write_batch(&times, None, None)?;
    column.close()
}

fn write_values<W: Write + Send>(
    values: impl Iterator<Item = Option<f64>>,
    columns: &mut SerializedRowGroupWriter<'_, W>,
) -> Result<(), ParquetError> {
    let mut present = Vec::new();
    let mut levels = Vec::new();
    for value in values {
        levels.push(i16::from(value.is_some()));
        present.extend(value);
    }
    let mut column = columns.next_column()?.ok_or_else(missing)?;
    column.typed::<DoubleType>().write_batch(&present, Some(&levels), None)?;
    column.close()
}
