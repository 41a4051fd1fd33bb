//! The use cases: collect, prepare, insight and alert, generic over the domain's ports.
//!
//! Each is a plain function over one stream's state; `Pipeline::ingest` runs the four after one another for a
//! whole sweep of readings, which is what the embedded binary does, and functions behind a queue call them one by one.
//! Nothing here does IO or looks at a clock of its own: time is the readings' time, so a replay of last week
//! behaves as last week did.

mod settings;
mod sweep;

pub use settings::{
    AlertPolicy, CausePolicy, CheckpointPolicy, ConditionPolicy, Echo, GatePolicy, MissingPolicy, Quiet,
    Settings,
};
pub use sweep::{Sweep, SweepReport, Tally};
