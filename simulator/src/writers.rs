//! One sweep in the shapes that exporters and diagnostics print, so that the way in is exercised as in the field.
//!
//! Each writer keeps its tool's habits, sound or not: words against bytes, GUIDs padded or not, clean ports left out.
//! What a tool cannot say (a probe's latency, an adapter's driver counters on the fabric side) is lost, as it would be.

mod diagnostics;
mod exposition;
mod remote_write;
mod sysfs;
mod ufm_csv;
mod vocabulary;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use linkcast_domain::{NodeKind, PortFacts, PortId, PortState};
use linkcast_telemetry::Reading;

use crate::fabric::Fabric;
use vocabulary::Vocabulary;

pub use diagnostics::write_cables;
pub use sysfs::sysfs_tree;

/// A format that holds one sweep of a whole fabric. A host's own formats have writers of their own:
/// [`write_node_exporter`] and [`sysfs_tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureFormat {
    /// treydock's infiniband_exporter: bytes, names in info series.
    Treydock,
    /// guilbaults' infiniband-exporter: words, names in every label set.
    Guilbaults,
    /// UFM Telemetry as Prometheus text: words, with time.
    UfmPrometheus,
    /// UFM Telemetry as CSV: words, microseconds.
    UfmCsv,
    /// `perfquery -x -l`, or plain `perfquery -l` where the plan's counters are basic: blocks of all nodes.
    Perfquery,
    /// `ibqueryerrors --data --report-port`: ports with an error only.
    Ibqueryerrors,
    /// A Prometheus remote write request of treydock's series.
    RemoteWrite,
}

impl CaptureFormat {
    /// Every format, in order.
    pub const ALL: [CaptureFormat; 7] = [
        CaptureFormat::Treydock,
        CaptureFormat::Guilbaults,
        CaptureFormat::UfmPrometheus,
        CaptureFormat::UfmCsv,
        CaptureFormat::Perfquery,
        CaptureFormat::Ibqueryerrors,
        CaptureFormat::RemoteWrite,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            CaptureFormat::Treydock => "treydock",
            CaptureFormat::Guilbaults => "guilbaults",
            CaptureFormat::UfmPrometheus => "ufm-prometheus",
            CaptureFormat::UfmCsv => "ufm-csv",
            CaptureFormat::Perfquery => "perfquery",
            CaptureFormat::Ibqueryerrors => "ibqueryerrors",
            CaptureFormat::RemoteWrite => "remote-write",
        }
    }

    /// What its files' names end in, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            CaptureFormat::Treydock | CaptureFormat::Guilbaults | CaptureFormat::UfmPrometheus => "prom",
            CaptureFormat::UfmCsv => "csv",
            CaptureFormat::Perfquery | CaptureFormat::Ibqueryerrors => "out",
            CaptureFormat::RemoteWrite => "snappy",
        }
    }
}

impl fmt::Display for CaptureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no capture format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} is not a capture format: expected treydock, guilbaults, ufm-prometheus, ufm-csv, perfquery, ibqueryerrors \
     or remote-write"
)]
pub struct UnknownCaptureFormatError {
    name: String,
}

impl FromStr for CaptureFormat {
    type Err = UnknownCaptureFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = CaptureFormat::ALL.into_iter().find(|format| format.name() == text);
        found.ok_or_else(|| UnknownCaptureFormatError { name: text.chars().take(64).collect() })
    }
}

/// Writes one sweep of the fabric that made it.
pub fn write_capture(
    format: CaptureFormat,
    fabric: &Fabric,
    readings: &[Reading],
    out: &mut dyn Write,
) -> io::Result<()> {
    let views: Vec<View<'_>> = views(fabric, readings).collect();
    match format {
        CaptureFormat::Treydock => exposition::write(Vocabulary::Treydock, &views, out),
        CaptureFormat::Guilbaults => exposition::write(Vocabulary::Guilbaults, &views, out),
        CaptureFormat::UfmPrometheus => exposition::write(Vocabulary::Ufm, &views, out),
        CaptureFormat::UfmCsv => ufm_csv::write(&views, out),
        CaptureFormat::Perfquery => diagnostics::write_perfquery(fabric.plan().widths, &views, out),
        CaptureFormat::Ibqueryerrors => diagnostics::write_ibqueryerrors(&views, out),
        CaptureFormat::RemoteWrite => remote_write::write(&views, out),
    }
}

/// Writes what node_exporter shows on one host: `readings` of that host's adapters.
pub fn write_node_exporter(fabric: &Fabric, readings: &[Reading], out: &mut dyn Write) -> io::Result<()> {
    let views: Vec<View<'_>> = views(fabric, readings).collect();
    exposition::write(Vocabulary::NodeExporter, &views, out)
}

/// A reading with what a tool would know of its port.
struct View<'a> {
    reading: &'a Reading,
    port: PortId,
    facts: PortFacts,
    lid: u32,
    peer_lid: u32,
}

impl View<'_> {
    fn is_switch(&self) -> bool {
        self.facts.node_kind == Some(NodeKind::Switch)
    }

    fn is_active(&self) -> bool {
        self.facts.state == Some(PortState::Active)
    }

    fn name(&self) -> &str {
        self.facts.node_name.as_deref().unwrap_or("")
    }

    /// `mlx5_0` of `gpu00001 mlx5_0`.
    fn device(&self) -> &str {
        self.name().rsplit(' ').next().unwrap_or("")
    }

    fn rate_gbps(&self) -> f64 {
        self.facts.rate.map_or(0.0, |rate| rate.gbps())
    }

    fn capable_gbps(&self) -> f64 {
        self.facts.capable.map_or(0.0, |rate| rate.gbps())
    }

    /// Name and signalling rate of a lane, which no fault changes: links lose lanes, not speed.
    fn lane(&self) -> (&'static str, f64) {
        match self.capable_gbps() as u32 {
            400 => ("NDR", 106.25),
            200 => ("HDR", 53.125),
            _ => ("SDR", 2.5),
        }
    }
}

fn views<'a>(fabric: &'a Fabric, readings: &'a [Reading]) -> impl Iterator<Item = View<'a>> {
    readings.iter().filter_map(|reading| {
        let port = reading.stream.port()?;
        let topology = fabric.topology();
        let facts = fabric.facts(&reading.stream)?;
        let peer_lid =
            facts.peer.and_then(|peer| topology.index_of(peer)).map_or(0, |peer| topology.lid(peer));
        Some(View { reading, port, facts, lid: topology.lid(topology.index_of(port)?), peer_lid })
    })
}
