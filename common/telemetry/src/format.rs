//! The formats Linkcast reads, and the way from a format to its parser.
//!
//! One enum and one match, so that a format cannot be recognised without being read, or accounted for with a reason.

use std::fmt;

use crate::lines::lines;
use crate::{Fate, NoticeKind, Origin, Parsed, SourceMemory};
use crate::{diagnostics, fabric, ibqueryerrors, ibswinfo, perfquery, prometheus, remote_write, sample_file};

/// A format Linkcast recognises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Prometheus text exposition, of any exporter.
    Prometheus,
    /// Prometheus remote write 1.0: a snappy block of protobuf.
    RemoteWrite,
    /// `perfquery`, plain, extended or details.
    Perfquery,
    /// `ibqueryerrors`, errors or counters.
    Ibqueryerrors,
    /// What the diagnostics print on standard error.
    DiagnosticErrors,
    /// `ibnetdiscover -p`.
    IbnetdiscoverPorts,
    /// `ibnetdiscover`'s topology file.
    IbnetdiscoverTopology,
    /// `iblinkinfo`, by node or with `-l`.
    Iblinkinfo,
    /// A node-name map: GUIDs and quoted names.
    NodeNameMap,
    /// The diagnostics' error thresholds.
    ErrorThresholds,
    /// `ibswinfo`.
    Ibswinfo,
    /// ibsim's fabric description.
    IbsimFabric,
    /// UFM Telemetry CSV, in either header dialect.
    UfmCsv,
    /// The canonical sample file as CSV.
    SampleCsv,
    /// The canonical sample file as JSON lines.
    SampleJsonLines,
    /// The canonical sample file as Parquet.
    SampleParquet,
    /// A CSV read through a column map.
    MappedCsv,
    /// One attribute file of a sysfs tree.
    SysfsAttribute,
    /// Text that is known and holds no telemetry: rules, notes, mark-up.
    NotTelemetry,
    /// Nothing at all: a scrape that failed.
    Empty,
}

impl Format {
    /// Every format, in order.
    pub const ALL: [Format; 20] = [
        Format::Prometheus,
        Format::RemoteWrite,
        Format::Perfquery,
        Format::Ibqueryerrors,
        Format::DiagnosticErrors,
        Format::IbnetdiscoverPorts,
        Format::IbnetdiscoverTopology,
        Format::Iblinkinfo,
        Format::NodeNameMap,
        Format::ErrorThresholds,
        Format::Ibswinfo,
        Format::IbsimFabric,
        Format::UfmCsv,
        Format::SampleCsv,
        Format::SampleJsonLines,
        Format::SampleParquet,
        Format::MappedCsv,
        Format::SysfsAttribute,
        Format::NotTelemetry,
        Format::Empty,
    ];

    /// The name on the command line and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Format::Prometheus => "prometheus",
            Format::RemoteWrite => "remote-write",
            Format::Perfquery => "perfquery",
            Format::Ibqueryerrors => "ibqueryerrors",
            Format::DiagnosticErrors => "diagnostic-errors",
            Format::IbnetdiscoverPorts => "ibnetdiscover-p",
            Format::IbnetdiscoverTopology => "ibnetdiscover",
            Format::Iblinkinfo => "iblinkinfo",
            Format::NodeNameMap => "node-name-map",
            Format::ErrorThresholds => "error-thresholds",
            Format::Ibswinfo => "ibswinfo",
            Format::IbsimFabric => "ibsim-fabric",
            Format::UfmCsv => "ufm-csv",
            Format::SampleCsv => "csv",
            Format::SampleJsonLines => "jsonl",
            Format::SampleParquet => "parquet",
            Format::MappedCsv => "mapped-csv",
            Format::SysfsAttribute => "sysfs-attribute",
            Format::NotTelemetry => "not-telemetry",
            Format::Empty => "empty",
        }
    }

    /// Whether the format says what a fabric looks like: such sources are best read before the others.
    pub fn is_topology(self) -> bool {
        matches!(
            self,
            Format::IbnetdiscoverPorts
                | Format::IbnetdiscoverTopology
                | Format::Iblinkinfo
                | Format::NodeNameMap
        )
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a format: expected one of {}", names())]
pub struct UnknownFormatError {
    name: String,
}

fn names() -> String {
    Format::ALL.map(Format::name).join(", ")
}

impl std::str::FromStr for Format {
    type Err = UnknownFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || UnknownFormatError { name: text.chars().take(64).collect() };
        Format::ALL.into_iter().find(|format| format.name() == text).ok_or_else(refused)
    }
}

/// Reads bytes of a known format.
pub fn parse(format: Format, bytes: &[u8], origin: &Origin) -> Parsed {
    match format {
        Format::Prometheus => prometheus::parse(bytes, origin),
        Format::RemoteWrite => remote_write::parse(bytes, origin),
        Format::Perfquery => perfquery::parse(bytes, origin),
        Format::Ibqueryerrors => ibqueryerrors::parse(bytes, origin),
        Format::DiagnosticErrors => diagnostics::parse(bytes, origin),
        Format::IbnetdiscoverPorts => fabric::ports::parse(bytes, origin),
        Format::IbnetdiscoverTopology => fabric::topology_file::parse(bytes, origin),
        Format::Iblinkinfo => fabric::linkinfo::parse(bytes, origin),
        Format::NodeNameMap => fabric::names::parse(bytes, origin),
        Format::Ibswinfo => ibswinfo::parse(bytes, origin),
        Format::ErrorThresholds => set_aside(bytes, "thresholds of the diagnostics: settings, no telemetry"),
        Format::IbsimFabric => set_aside(bytes, "a fabric for ibsim to simulate: no telemetry"),
        Format::SysfsAttribute => {
            set_aside(bytes, "one attribute of a sysfs tree: give the tree, so that it is known whose it is")
        }
        Format::NotTelemetry => set_aside(bytes, "text without telemetry, such as rules, notes or mark-up"),
        Format::Empty => empty(bytes),
        Format::UfmCsv
        | Format::SampleCsv
        | Format::SampleJsonLines
        | Format::SampleParquet
        | Format::MappedCsv => parse_table(format, bytes, origin),
    }
}

/// As [`parse`], for one of many captures of one source: faster where the last one was alike, and with the same results.
pub fn parse_remembering(format: Format, bytes: &[u8], origin: &Origin, memory: &mut SourceMemory) -> Parsed {
    match format {
        Format::Prometheus => prometheus::parse_remembering(bytes, origin, memory),
        _ => parse(format, bytes, origin),
    }
}

/// Every line ignored, and why.
fn set_aside(bytes: &[u8], reason: &str) -> Parsed {
    let mut parsed = Parsed::default();
    for _ in lines(bytes) {
        parsed.account.add(Fate::Ignored);
    }
    parsed.notice(NoticeKind::NotTelemetry, 0, || reason.into());
    parsed
}

/// Nothing at all is not a quiet fabric: the diagnostics exit with 0 when nobody answers them.
fn empty(bytes: &[u8]) -> Parsed {
    let mut parsed = set_aside(bytes, "");
    parsed.notices.clear();
    parsed.notice(NoticeKind::FailedScrape, 0, || "empty output: the source did not answer".into());
    parsed
}

fn parse_table(format: Format, bytes: &[u8], origin: &Origin) -> Parsed {
    match format {
        Format::UfmCsv => crate::ufm_csv::parse(bytes, origin),
        Format::SampleCsv => sample_file::parse_sample_csv(bytes, origin),
        Format::SampleJsonLines => sample_file::parse_sample_jsonl(bytes, origin),
        Format::SampleParquet => sample_file::parse_sample_parquet(bytes, origin),
        _ => crate::column_map::parse(bytes, origin),
    }
}
