//! From telemetry with its truth to training rows.

mod journal;
mod missed;
mod recorded;
mod reliability;
mod rows;
mod simulated;
mod telling;
mod truth;
mod verdict;

pub(crate) use journal::JournalFile;
pub(crate) use missed::{Hindsight, Missed};
pub(crate) use recorded::recorded_rows;
pub(crate) use reliability::{Reliability, ReliabilityReport};
pub(crate) use rows::{CollectedRows, FailureRows, RowCollector, Thinning};
pub(crate) use simulated::simulated_rows;
pub(crate) use telling::Telling;
pub(crate) use truth::{TRUTH_FILE, read_truth};
pub(crate) use verdict::tell_trained;
