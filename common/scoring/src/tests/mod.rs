//! What holds across the crate's files: any forest, any row, any form of the model gives the same answer.
//!
//! The reference is a walk of the trees as a textbook has them, with none of the layout the kernels depend on.

mod attributions;
mod files;
mod forests;
mod loading;
mod parity;
