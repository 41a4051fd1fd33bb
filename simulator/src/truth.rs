//! The truth beside the telemetry: what happened, and what had been announced.
//!
//! Both files are JSON lines. Labels for training and the judgement of forecasts come from here and never from rules
//! over the telemetry, which would only teach a model the rules.

use std::io::{self, Write};

use linkcast_domain::{Episode, StreamId, Timestamp};
use serde::{Deserialize, Serialize};

/// Work that was announced before it began: alerts about its streams are not wanted meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaintenanceWindow {
    /// The streams concerned, both ends of every link.
    pub streams: Vec<StreamId>,
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// What is done.
    pub reason: String,
}

/// Writes episodes as JSON lines.
pub fn write_truth(episodes: &[Episode], out: &mut dyn Write) -> io::Result<()> {
    write_lines(episodes, out)
}

/// Writes maintenance windows as JSON lines.
pub fn write_maintenance(windows: &[MaintenanceWindow], out: &mut dyn Write) -> io::Result<()> {
    write_lines(windows, out)
}

fn write_lines<T: Serialize>(items: &[T], mut out: &mut dyn Write) -> io::Result<()> {
    for item in items {
        serde_json::to_writer(&mut out, item)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
