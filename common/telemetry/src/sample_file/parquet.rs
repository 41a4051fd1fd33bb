//! The sample file as Parquet, through the format's columns directly.
//!
//! A hostile file is checked before it is believed: the footer must fit the file, a row group's columns must lie
//! within it, no page may claim more than its bytes can hold, and rows are read in batches within an allowance that
//! grows with the file. The decoder itself is a third party's; a panic inside it is caught here and becomes a refusal.

mod bounds;
mod claims;
mod read;
mod write;

pub(crate) use read::parse_sample_parquet;
pub use write::{WriteParquetError, write_samples_parquet};
