//! A model's whole way, gone once: what `linkcast verify` does.
//!
//! What people run is what is verified: this same program is started for every step that is a command, as a user would start it,
//! and the server is asked by the client that functions ask with. Whatever is started ends with the step, its time, or the
//! word to stop; nothing outlives the command.

mod asking;
mod called;
mod checklist;
mod client;
mod course;
mod ending;
mod making;
mod serving;

pub(crate) use called::Program;
pub(crate) use checklist::{Checklist, Ended, Step};
pub(crate) use course::{Plan, run};
pub(crate) use ending::{Folder, clean_up, told_to_stop};
