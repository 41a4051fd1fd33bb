//! From telemetry with its truth to training rows.

mod missed;
mod reliability;
mod rows;
mod simulated;
mod truth;

pub(crate) use missed::{Hindsight, Missed};
pub(crate) use reliability::{Reliability, ReliabilityReport};
pub(crate) use rows::{RowCollector, Thinning};
pub(crate) use simulated::simulated_rows;
pub(crate) use truth::{TRUTH_FILE, read_truth};
