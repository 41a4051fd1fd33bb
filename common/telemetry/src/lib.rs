//! Bytes to readings and rejects; readings to samples.
//!
//! Parsing never fails and never panics: it returns what it could use and, for the rest, which line and field were
//! refused and what was expected there. Nothing in this room does IO.

mod column_map;
mod counter_names;
mod diagnostics;
mod differ;
mod fabric;
mod format;
mod frame;
mod ibqueryerrors;
mod ibswinfo;
mod lines;
mod link_line;
mod link_speed;
mod merge;
mod octets;
mod perfquery;
mod prometheus;
mod reading;
mod recognise;
mod remote_write;
mod rows;
mod sample_file;
mod sysfs;
mod topology;
mod ufm_csv;

pub use column_map::{ColumnMap, ColumnMapError};
pub use differ::{DamagedDifferError, Differ, Difference, Doubt, NoSample, wait_bytes_per_tick};
pub use format::{Format, UnknownFormatError, parse, parse_remembering};
pub use frame::{Account, Fate, Notice, NoticeKind, Origin, Parsed, Reject, Rejects};
pub use link_speed::{
    LinkSpeed, data_rate_of_exporter_gbps, data_rate_of_nominal_gbps, is_link_width, parse_link_width,
};
pub use merge::merge_readings;
pub use prometheus::SourceMemory;
pub use reading::{Counter, Counters, Range, Reading};
pub use recognise::recognise;
pub use remote_write::{LARGEST_REQUEST_BYTES, parse_write_request};
pub use sample_file::{WriteParquetError, write_samples_csv, write_samples_jsonl, write_samples_parquet};
pub use sysfs::parse_sysfs;
pub use topology::Topology;
