//! Bytes to readings and rejects; readings to samples.
//!
//! Parsing never fails and never panics: it returns what it could use and, for the rest, which line and field were
//! refused and what was expected there. Nothing in this room does IO.

mod reading;

pub use reading::{Counter, Counters, Range, Reading};
