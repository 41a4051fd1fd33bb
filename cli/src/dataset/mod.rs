//! Data sets: history taken out of a store into files, and the rows that training reads made of them.
//!
//! A history's folder holds `plan.json` (what is taken from where), `samples/day=…/group=….parquet` (the samples of some tens of
//! streams over one day, in the canonical sample form), `outcomes/` (what happened to whom) and `ports.jsonl` (whose link ends
//! where). Of it a data set is built, whose form the training room knows. Parts are made whole and then named, so a part that is
//! there is complete, and work that was broken off goes on where it stopped.

mod build;
mod error;
mod export;
mod group;
mod outcomes;
mod plan;
mod read;
mod recipe;

pub(crate) use build::{Build, build};
pub(crate) use error::DatasetError;
pub(crate) use export::{Exported, export};
pub(crate) use plan::Plan;
pub(crate) use read::{read_dataset, read_judging_rows, read_manifest};
