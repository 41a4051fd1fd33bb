//! The sample file as Parquet, through the format's columns directly.
//!
//! A hostile file is checked before it is believed: the footer must fit the file, a row group's columns must lie
//! within it and state no more than [`LARGEST_GROUP_BYTES`] unpacked, and rows are read in batches. The decoder itself
//! is a third party's; a panic inside it is caught here and becomes a refusal.

mod read;
mod write;

pub(crate) use read::parse_sample_parquet;
pub use write::{WriteParquetError, write_samples_parquet};

/// What a row group may unpack to. One of 65,536 rows and a hundred columns takes 52 MB.
const LARGEST_GROUP_BYTES: i64 = 1 << 30;
