//! Files of feature vectors: CSV for people and scripts, Parquet for data tools.
//!
//! Absent is an empty cell in CSV and null in Parquet, as in the canonical sample file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use linkcast_domain::{FEATURES, FeatureVector, StreamId, Timestamp};
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

/// Rows of one Parquet row group: some 20 MB in memory.
const GROUP_ROWS: usize = 65_536;

/// Why a feature file could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeatureFileError {
    /// Neither CSV nor Parquet.
    #[error("{} names no feature file: expected a name that ends in .csv or .parquet", .0.display())]
    Extension(PathBuf),
    /// The system refused.
    #[error("writing {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// The Parquet writer refused.
    #[error("writing {}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: ParquetError,
    },
}

/// A file that grows by feature vectors.
pub(crate) struct FeatureFile {
    path: PathBuf,
    kind: Kind,
}

enum Kind {
    Csv(BufWriter<File>),
    Parquet(Box<ParquetRows>),
}

struct ParquetRows {
    writer: SerializedFileWriter<File>,
    streams: Vec<ByteArray>,
    times: Vec<i64>,
    rows: Vec<FeatureVector>,
}

impl FeatureFile {
    /// Makes the file; its ending names the form.
    pub(crate) fn create(path: &Path) -> Result<Self, FeatureFileError> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        if !matches!(ending, Some("csv" | "parquet")) {
            return Err(FeatureFileError::Extension(path.to_owned()));
        }
        let failed = |source| FeatureFileError::Io { path: path.to_owned(), source };
        let file = File::create(path).map_err(failed)?;
        let kind = if ending == Some("csv") {
            let mut writer = BufWriter::with_capacity(1 << 20, file);
            let names: Vec<&str> = FEATURES.iter().map(|definition| definition.name).collect();
            writeln!(writer, "stream_id,timestamp,{}", names.join(",")).map_err(failed)?;
            Kind::Csv(writer)
        } else {
            let rows = ParquetRows::new(file)
                .map_err(|source| FeatureFileError::Parquet { path: path.to_owned(), source })?;
            Kind::Parquet(Box::new(rows))
        };
        Ok(FeatureFile { path: path.to_owned(), kind })
    }

    /// One row.
    pub(crate) fn write(
        &mut self,
        stream: &StreamId,
        time: Timestamp,
        features: &FeatureVector,
    ) -> Result<(), FeatureFileError> {
        match &mut self.kind {
            Kind::Csv(writer) => write_csv(writer, stream, time, features)
                .map_err(|source| FeatureFileError::Io { path: self.path.clone(), source }),
            Kind::Parquet(rows) => rows
                .push(stream, time, features)
                .map_err(|source| FeatureFileError::Parquet { path: self.path.clone(), source }),
        }
    }

    /// Writes what is held back and closes the file.
    pub(crate) fn finish(self) -> Result<(), FeatureFileError> {
        let path = self.path;
        match self.kind {
            Kind::Csv(mut writer) => writer.flush().map_err(|source| FeatureFileError::Io { path, source }),
            Kind::Parquet(rows) => rows.finish().map_err(|source| FeatureFileError::Parquet { path, source }),
        }
    }
}

fn write_csv(
    writer: &mut impl Write,
    stream: &StreamId,
    time: Timestamp,
    features: &FeatureVector,
) -> io::Result<()> {
    let needs_quotes = stream.as_str().contains([',', '"']);
    if needs_quotes {
        write!(writer, "\"{}\"", stream.as_str().replace('"', "\"\""))?;
    } else {
        write!(writer, "{stream}")?;
    }
    write!(writer, ",{time}")?;
    for value in features.0 {
        if value.is_nan() { writer.write_all(b",")? } else { write!(writer, ",{value}")? }
    }
    writer.write_all(b"\n")
}

impl ParquetRows {
    fn new(file: File) -> Result<Self, ParquetError> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(file, schema()?, Arc::new(properties))?;
        Ok(ParquetRows { writer, streams: Vec::new(), times: Vec::new(), rows: Vec::new() })
    }

    fn push(
        &mut self,
        stream: &StreamId,
        time: Timestamp,
        features: &FeatureVector,
    ) -> Result<(), ParquetError> {
        self.streams.push(stream.as_str().into());
        self.times.push(time.millis());
        self.rows.push(*features);
        if self.rows.len() >= GROUP_ROWS { self.write_group() } else { Ok(()) }
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        if let Some(mut column) = group.next_column()? {
            column.typed::<ByteArrayType>().write_batch(&self.streams, None, None)?;
            column.close()?;
        }
        if let Some(mut column) = group.next_column()? {
            column.typed::<Int64Type>().write_batch(&self.times, None, None)?;
            column.close()?;
        }
        for feature in 0..FEATURES.len() {
            let all = self.rows.iter().filter_map(|row| row.0.get(feature).copied());
            let levels: Vec<i16> = all.clone().map(|value| i16::from(!value.is_nan())).collect();
            let values: Vec<f64> = all.filter(|value| !value.is_nan()).collect();
            if let Some(mut column) = group.next_column()? {
                column.typed::<DoubleType>().write_batch(&values, Some(&levels), None)?;
                column.close()?;
            }
        }
        group.close()?;
        self.streams.clear();
        self.times.clear();
        self.rows.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<(), ParquetError> {
        if !self.rows.is_empty() {
            self.write_group()?;
        }
        self.writer.close().map(drop)
    }
}

fn schema() -> Result<TypePtr, ParquetError> {
    let stream = Type::primitive_type_builder("stream_id", PhysicalType::BYTE_ARRAY)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::String))
        .build()?;
    let time = Type::primitive_type_builder("timestamp", PhysicalType::INT64)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::timestamp(true, TimeUnit::MILLIS)))
        .build()?;
    let mut fields = vec![Arc::new(stream), Arc::new(time)];
    for definition in FEATURES {
        let field = Type::primitive_type_builder(definition.name, PhysicalType::DOUBLE)
            .with_repetition(Repetition::OPTIONAL)
            .build()?;
        fields.push(Arc::new(field));
    }
    Ok(Arc::new(Type::group_type_builder("features").with_fields(fields).build()?))
}
