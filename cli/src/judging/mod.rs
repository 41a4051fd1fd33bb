//! How good the forecasts are: what `linkcast evaluate` measures by.
//!
//! A simulated fabric runs once. The pipeline sees it as it ships; beside it a bystander sees every sample with the truth and
//! keeps what the figures need: rows judged by each model, and the alerts that other ways of telling would have raised.

mod bystander;
mod course;
mod fault_trace;
mod findings;
mod forgetful;
mod heard;
mod held;
mod judges;
mod kin;
mod notifications;
mod pack;
mod row_slices;
mod rows;
mod slices;
mod told;
mod watcher;

pub(crate) use course::{CoursePlan, Judges, Live};
pub(crate) use fault_trace::servers;
pub(crate) use findings::{Findings, Judged, RealisticRate};
pub(crate) use held::Held;
pub(crate) use judges::{Difference, JudgeFindings};
pub(crate) use notifications::{Incident, Messages, Replayed, against, counted_engine};
pub(crate) use row_slices::RowSlice;
pub(crate) use slices::Slice;
pub(crate) use watcher::{Sense, Watcher};
