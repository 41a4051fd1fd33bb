//! Bytes to readings and rejects; readings to samples.
//!
//! Parsing never fails and never panics: it returns what it could use and, for the rest, which line and field were
//! refused and what was expected there. Nothing in this room does IO.

mod column_map;
mod differ;
mod format;
mod frame;
mod link_speed;
mod merge;
mod octets;
mod reading;
mod topology;

pub use column_map::ColumnMap;
pub use differ::{DamagedDifferError, Differ, Difference, Doubt, NoSample, wait_bytes_per_tick};
pub use format::{Format, UnknownFormatError, parse, recognise};
pub use frame::{Account, Fate, Notice, NoticeKind, Origin, Parsed, Reject, Rejects};
pub use link_speed::{LinkSpeed, data_rate_of_nominal_gbps, is_link_width, parse_link_width};
pub use merge::merge_readings;
pub use reading::{Counter, Counters, Range, Reading};
pub use topology::Topology;
