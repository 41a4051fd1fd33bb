//! Recorded captures: which files there are, what they hold and when it was.
//!
//! A capture is whatever somebody kept: one file, a folder of command outputs named by time, a copied sysfs tree. This
//! folder finds the files and their instants; what is in them the telemetry room says.

mod bytes;
mod featured;
mod file_times;
mod pieces;
mod reader;
mod samples;
mod series;
mod sysfs_tree;
mod timeline;
mod walk;

pub(crate) use bytes::{ReadError, open, read_bytes};
pub(crate) use featured::for_each_featured;
pub(crate) use file_times::time_in_name;
pub(crate) use pieces::{Piece, for_each_piece};
pub(crate) use reader::{FormatChoice, Reader};
pub(crate) use samples::SampleMaker;
pub(crate) use sysfs_tree::read_tree;
pub(crate) use timeline::{Instant, Tally, Timeline};
pub(crate) use walk::{CaptureFile, find_files, sysfs_devices};
