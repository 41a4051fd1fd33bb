//! Models as XGBoost keeps them: its JSON and its UBJSON (the binary form of the same document), read and written.
//!
//! Python's XGBoost is what most people train with, and what SageMaker's managed image runs; its model file is the one form
//! of a forest that everybody can open, and so is also the way out of here. The document has changed little by little from
//! 1.x to 3.x, and what changed is where converters went wrong: the starting score was one number in the space of
//! probabilities and is now a list of margins for softmax; rounds after the best one of an early stop are in the file and are
//! not to be counted; a tree that was pruned has holes in its numbering. [`Booster`] knows all of this and nothing of our own
//! form; the walk over it, held against the export by the parity gate, reads the file's own columns.
//!
//! What our form cannot hold (other boosters, categories, leaves of several numbers, other objectives) is refused by the
//! field's name, never approximated. The old binary form and pickles are refused too: the first is gone from XGBoost itself,
//! the second runs code.

mod base_score;
mod booster;
mod columns;
mod document;
mod error;
mod read;
#[cfg(test)]
mod tests;
mod ubjson;
mod write;

pub use booster::{Booster, Objective};
pub use error::XgboostError;
pub(crate) use write::written;
pub use write::{XgboostFiles, to_xgboost};
