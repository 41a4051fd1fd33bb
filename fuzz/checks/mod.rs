//! What must hold of each parser whatever bytes it is given: the fuzzer's targets and the corpus replay both run these.
//!
//! No parser panics, each line is accounted for, what is written is read back, and memory stays within the run's
//! limits. They hold no fuzzer, so that an ordinary test can replay what the fuzzer found.

mod history;

use std::sync::{Arc, LazyLock};

use linkcast_domain::Sample;
use linkcast_telemetry::{
    ColumnMap, Format, Origin, Parsed, SourceMemory, Topology, parse, parse_remembering, parse_sysfs,
    recognise, write_samples_csv, write_samples_jsonl,
};

/// Checks what must hold of the target named; panics if it does not.
pub(crate) fn run(target: &str, bytes: &[u8]) {
    match target {
        "prometheus" => remembered(bytes),
        "remote_write" => remote_write(bytes),
        "perfquery" => drop(accounted(Format::Perfquery, bytes)),
        "ibqueryerrors" => drop(accounted(Format::Ibqueryerrors, bytes)),
        "topology" => topology(bytes),
        "recognise" => recognised(bytes),
        "ufm_csv" => ufm_csv(bytes),
        "sample_csv" => read_back(&accounted(Format::SampleCsv, bytes).samples, Format::SampleCsv),
        "sample_jsonl" => {
            let samples = accounted(Format::SampleJsonLines, bytes).samples;
            read_back(&samples, Format::SampleJsonLines);
            read_back(&samples, Format::SampleCsv);
        }
        "sample_parquet" => {
            let samples = accounted(Format::SampleParquet, bytes).samples;
            // A file may stand for many equal rows; the first of them say it all.
            read_back(samples.get(..1_000).unwrap_or(&samples), Format::SampleCsv);
        }
        "mapped_csv" => mapped_csv(bytes),
        "sysfs" => sysfs(bytes),
        "differ" => history::check(bytes),
        other => panic!("{other} is no target"),
    }
}

/// A name that is a GUID's too, as the diagnostics' captures have.
fn origin() -> Origin {
    Origin::named("0x200000.out")
}

fn accounted(format: Format, bytes: &[u8]) -> Parsed {
    let parsed = parse(format, bytes, &origin());
    assert!(parsed.account.adds_up(), "{format}: {:?}", parsed.account);
    assert!(parsed.account.rejected == 0 || !parsed.rejects.is_empty(), "{format}");
    parsed
}

/// A reader that remembers a source's last expositions tells what one without a memory tells.
fn remembered(bytes: &[u8]) {
    let half = bytes.len() / 2;
    let mut memory = SourceMemory::new();
    for text in [bytes, bytes, bytes.get(half..).unwrap_or_default(), bytes] {
        let alone = accounted(Format::Prometheus, text);
        let again = parse_remembering(Format::Prometheus, text, &origin(), &mut memory);
        assert_eq!(format!("{again:?}"), format!("{alone:?}"));
    }
}

fn read_back(samples: &[Sample], form: Format) {
    let mut written = Vec::new();
    let outcome = match form {
        Format::SampleJsonLines => write_samples_jsonl(samples, &mut written),
        _ => write_samples_csv(samples, &mut written),
    };
    assert!(outcome.is_ok(), "memory takes what is written");
    let again = accounted(form, &written);
    assert!(again.rejects.is_empty(), "{:?}", again.rejects.kept());
    assert_eq!(samples, again.samples);
}

fn remote_write(bytes: &[u8]) {
    accounted(Format::RemoteWrite, bytes);
    if let Ok(block) = snap::raw::Encoder::new().compress_vec(bytes) {
        accounted(Format::RemoteWrite, &block);
    }
}

fn topology(bytes: &[u8]) {
    let formats = [
        Format::IbnetdiscoverPorts,
        Format::IbnetdiscoverTopology,
        Format::Iblinkinfo,
        Format::NodeNameMap,
        Format::Ibswinfo,
        Format::DiagnosticErrors,
    ];
    let mut topology = Topology::default();
    for format in formats {
        topology.absorb(&accounted(format, bytes));
    }
}

fn recognised(bytes: &[u8]) {
    if let Some(format) = recognise("capture", bytes) {
        accounted(format, bytes);
    }
}

fn ufm_csv(bytes: &[u8]) {
    const HEADER: &[u8] = b"timestamp,node_guid,port_guid,port_num,port_type,node_description,\
        PortXmitDataExtended,PortXmitPktsExtended,SymbolErrorCounterExtended,Module_Temperature,Raw_Errors_Lane_0\n";
    accounted(Format::UfmCsv, bytes);
    accounted(Format::UfmCsv, &[HEADER, bytes].concat());
}

fn mapped_csv(bytes: &[u8]) {
    static SHIPPED: LazyLock<Vec<Arc<ColumnMap>>> = LazyLock::new(|| {
        let maps = [
            include_str!("../../maps/cisco-ios-xr-generic-counters.toml"),
            include_str!("../../maps/cisco-ios-xr-data-rate.toml"),
            include_str!("../../maps/nab.toml"),
        ];
        maps.iter().filter_map(|text| ColumnMap::from_toml(text).ok()).map(Arc::new).collect()
    });
    let read = |map: &Arc<ColumnMap>, bytes: &[u8]| {
        let origin = Origin { map: Some(Arc::clone(map)), ..Origin::named("rack/leaf7.csv") };
        assert!(parse(Format::MappedCsv, bytes, &origin).account.adds_up());
    };
    SHIPPED.iter().for_each(|map| read(map, bytes));
    let Some((map, rows)) = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once("\n\n")) else {
        return;
    };
    if let Ok(map) = ColumnMap::from_toml(map) {
        read(&Arc::new(map), rows.as_bytes());
    }
}

fn sysfs(bytes: &[u8]) {
    let file = |line: &[u8]| {
        let mut parts = line.splitn(2, |byte| *byte == b' ');
        let path = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
        (path, parts.next().unwrap_or_default().to_vec())
    };
    let files: Vec<_> = bytes.split(|byte| *byte == b'\n').map(file).collect();
    let parsed = parse_sysfs(&files, &Origin { host: Some("node7".into()), ..Origin::named("sysfs") });
    assert!(parsed.account.adds_up());
    assert_eq!(parsed.account.lines, files.len() as u64);
}
