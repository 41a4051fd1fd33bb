//! A simulated fabric whose faults are known.
//!
//! Nobody publishes the counters of a large InfiniBand fabric with its faults marked, so forecasts are trained and
//! judged on one that is made: a fat tree with jobs, wear and mishaps, whose readings come in the shapes real tools
//! print and whose truth is written beside them. Everything is a pure function of a [`FabricPlan`]; nothing here does
//! IO but into a writer handed in.

mod benign;
mod counters;
mod effect;
mod fabric;
mod fault;
mod incidents;
mod plan;
mod port;
mod random;
mod recipes;
mod schedule;
mod selection;
mod shape;
mod showing;
mod topology;
mod traffic;
mod truth;
mod writers;

pub use fabric::Fabric;
pub use plan::{
    BenignRates, CounterWidths, FEWEST_PORTS, FabricPlan, FaultRate, LoadShift, MOST_PORTS, PlanError,
    Selection,
};
pub use topology::Topology;
pub use truth::{MaintenanceWindow, write_maintenance, write_truth};
pub use writers::{
    CaptureFormat, UnknownCaptureFormatError, sysfs_tree, write_cables, write_capture, write_node_exporter,
};
