//! Live sources: where telemetry comes from, one isolated from another.
//!
//! Each polled source has a thread of its own and hands what it got, or why it got nothing, to the one thread that
//! owns the pipeline. So an exporter that hangs holds up its own thread, and a failing one is left alone for longer
//! and longer, while the others go on.

mod backoff;
mod command;
mod http;
mod listen;
mod poll;
mod spec;
mod sysfs;

pub(crate) use backoff::Backoff;
pub(crate) use command::kill_running_programs;
pub(crate) use listen::{Delivery, Listener};
pub(crate) use poll::{Answer, Event, PollSettings, start_polling};
pub(crate) use spec::SourceSpec;
