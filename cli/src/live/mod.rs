//! What lies between the sources' threads and the pipeline: joining answers, and what is said of a source's health.

mod health;
mod joiner;

pub(crate) use health::SourceHealth;
pub(crate) use joiner::{Joined, Joiner};
