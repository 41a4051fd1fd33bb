//! The model's two cards: one that scoring reads and refuses by, one that people decide by.
//!
//! Both are made from the same numbers. Neither holds a time, a path or a thread count.

mod additions;
mod machines;
mod people;

pub(crate) use machines::{as_json, for_machines};
pub(crate) use people::for_people;
