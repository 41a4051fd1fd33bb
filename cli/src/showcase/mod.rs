//! What the demo shows of a run: the truth beside what was told.
//!
//! The tracker follows the few ports at fault sample by sample, for the charts' sake; what is judged are the alerts that
//! the pipeline stored, and nothing the tracker saw.

mod outcomes;
mod tracker;

pub(crate) use outcomes::outcomes;
pub(crate) use tracker::Tracker;
