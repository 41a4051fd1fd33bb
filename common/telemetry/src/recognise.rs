//! Which format some bytes are in.
//!
//! The content decides, line by line, over the first lines; the name only breaks ties: captures are renamed, piped and
//! concatenated, and a wrong guess would turn a healthy fabric into refusals.

use crate::fabric::names::read_entry;
use crate::lines::lines;
use crate::{Format, diagnostics, remote_write};

/// How far to look for a line that decides.
const LOOKED_AT_BYTES: usize = 64 * 1024;
const LOOKED_AT_LINES: usize = 200;

/// Which format these bytes are in, or `None` if nothing here reads them.
pub fn recognise(name: &str, bytes: &[u8]) -> Option<Format> {
    let start = bytes.get(..LOOKED_AT_BYTES).unwrap_or(bytes);
    if start.trim_ascii().is_empty() {
        return Some(if has_extension(name, &["err"]) { Format::DiagnosticErrors } else { Format::Empty });
    }
    if bytes.starts_with(b"PAR1") {
        return Some(Format::SampleParquet);
    }
    if is_binary(start) {
        return remote_write::is_write_request(bytes).then_some(Format::RemoteWrite);
    }
    if name.contains("class/infiniband") && bytes.len() < 4096 {
        return Some(Format::SysfsAttribute);
    }
    by_lines(start).or_else(|| by_name(name)).or_else(|| by_table(start))
}

fn is_binary(start: &[u8]) -> bool {
    start.iter().any(|byte| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0b | 0x0c))
}

fn by_lines(start: &[u8]) -> Option<Format> {
    let mut first = true;
    for line in lines(start).filter(|line| !line.is_empty()).take(LOOKED_AT_LINES) {
        let text = String::from_utf8_lossy(line);
        if let Some(format) =
            by_diagnostic(&text).or_else(|| by_fabric(&text)).or_else(|| by_metric(&text, first))
        {
            return Some(format);
        }
        first = false;
    }
    None
}

fn by_diagnostic(line: &str) -> Option<Format> {
    let is_block = line.starts_with('#') && line.contains("counters: Lid ");
    if is_block || line.starts_with("perfquery:") {
        return Some(Format::Perfquery);
    }
    let is_errors = ["Errors for ", "Data Counters for ", "## Summary:", "## Suppressed"];
    if is_errors.iter().any(|start| line.starts_with(start)) {
        return Some(Format::Ibqueryerrors);
    }
    diagnostics::kind(line.as_bytes()).map(|_| Format::DiagnosticErrors)
}

fn by_fabric(line: &str) -> Option<Format> {
    if line.contains("==(") && line.contains(")==>") {
        return Some(Format::Iblinkinfo);
    }
    let topology = ["# Topology file:", "vendid=", "switchguid=", "caguid="];
    if topology.iter().any(|start| line.starts_with(start)) {
        return Some(Format::IbnetdiscoverTopology);
    }
    let mut words = line.split_ascii_whitespace();
    let (first, second) = (words.next()?, words.next().unwrap_or_default());
    let is_number = second.parse::<u32>().is_ok();
    match first {
        "CA" | "SW" | "RT" if is_number && line.contains(" 0x") => return Some(Format::IbnetdiscoverPorts),
        "Switch" | "Hca" | "Ca" if is_number && line.contains('"') => return Some(Format::IbsimFabric),
        _ => {}
    }
    if line.starts_with("part number ") && line.contains('|') {
        return Some(Format::Ibswinfo);
    }
    if line.starts_with("# Define error thresholds") || is_threshold(line) {
        return Some(Format::ErrorThresholds);
    }
    read_entry(line).map(|_| Format::NodeNameMap)
}

/// `SymbolErrorCounter=10`, commented out or not.
fn is_threshold(line: &str) -> bool {
    line.trim_start_matches('#').split_once('=').is_some_and(|(name, value)| {
        let is_counter = crate::counter_names::counter_by_name(name).is_some();
        is_counter && !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn by_metric(line: &str, is_first: bool) -> Option<Format> {
    if line.starts_with("# HELP ") || line.starts_with("# TYPE ") || line == "# EOF" {
        return Some(Format::Prometheus);
    }
    if line.starts_with('{') {
        return line.contains("\"stream_id\"").then_some(Format::SampleJsonLines);
    }
    if is_first && (line.starts_with("groups:") || line.starts_with('<')) {
        return Some(Format::NotTelemetry);
    }
    if is_first && line.contains(',') && !line.contains('{') {
        let has = |wanted: &str| line.split(',').any(|cell| cell.trim().eq_ignore_ascii_case(wanted));
        if has("stream_id") && has("timestamp") {
            return Some(Format::SampleCsv);
        }
        if has("node_guid") && (has("port_num") || has("port_number")) {
            return Some(Format::UfmCsv);
        }
    }
    is_metric_sample(line).then_some(Format::Prometheus)
}

/// `name{…} number` or `name number`.
fn is_metric_sample(line: &str) -> bool {
    let name_end =
        line.find(|character: char| !character.is_ascii_alphanumeric() && !"_:".contains(character));
    let Some((name, rest)) = name_end.and_then(|end| line.split_at_checked(end)) else { return false };
    if name.is_empty() || name.starts_with(|character: char| character.is_ascii_digit()) {
        return false;
    }
    let after_labels = match rest.strip_prefix('{') {
        Some(labels) => labels.rsplit_once('}').map(|(_, after)| after),
        None => rest.starts_with(' ').then_some(rest),
    };
    let value = after_labels.and_then(|after| after.split_ascii_whitespace().next());
    value.is_some_and(|value| value.parse::<f64>().is_ok())
}

/// A header and rows with as many commas: some CSV, to be read through a column map.
fn by_table(start: &[u8]) -> Option<Format> {
    let mut rows = lines(start).filter(|line| !line.is_empty());
    let commas = |line: &[u8]| line.iter().filter(|byte| **byte == b',').count();
    let (header, row) = (rows.next()?, rows.next()?);
    (commas(header) > 0 && commas(header) == commas(row)).then_some(Format::MappedCsv)
}

fn by_name(name: &str) -> Option<Format> {
    if has_extension(name, &["csv"]) {
        return Some(Format::MappedCsv);
    }
    has_extension(name, &["md", "rules", "yml", "yaml", "toml", "html"]).then_some(Format::NotTelemetry)
}

fn has_extension(name: &str, extensions: &[&str]) -> bool {
    name.rsplit_once('.').is_some_and(|(_, found)| extensions.contains(&found.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Format) {
        assert_eq!(recognise("capture", text.as_bytes()), Some(expected), "{text}");
    }

    #[test]
    fn content_decides_whatever_the_name() {
        check("", Format::Empty);
        check("# Port counters: Lid 2 port 1 (CapMask: 0x1300)\n", Format::Perfquery);
        check("perfquery: iberror: failed: perfextquery\n", Format::Perfquery);
        check("Errors for 0x200000 \"leaf\"\n", Format::Ibqueryerrors);
        check("\n## Summary: 10 nodes checked, 0 bad nodes found\n", Format::Ibqueryerrors);
        check("ibwarn: [1] mad_rpc: _do_madrpc failed; dport (Lid 7)\n", Format::DiagnosticErrors);
        check("#\n# Topology file: generated on Sat\n", Format::IbnetdiscoverTopology);
        check("SW  2052 37 0x506b4b03005c2740 4x ???  'leaf'\n", Format::IbnetdiscoverPorts);
        check("Switch: 0x1 leaf:\n  3  4[  ] ==(    Down/ Polling)==>   [  ] \"\" ( )\n", Format::Iblinkinfo);
        check("0x200000 \"leaf 1\"\n", Format::NodeNameMap);
        check("#SymbolErrorCounter=10\n", Format::ErrorThresholds);
        check("Switch\t36 \"leaf-r01\"\n[1]\t\"gpu01\"[1]\n", Format::IbsimFabric);
        check("stream_id,timestamp,utilization\n", Format::SampleCsv);
        check("timestamp,source_id,tag,node_guid,port_guid,port_num,PortXmitDataExtended\n", Format::UfmCsv);
        check("Node_GUID,Port_Number,Symbol_Errors\n", Format::UfmCsv);
        check("{\"stream_id\":\"a\",\"timestamp\":1}\n", Format::SampleJsonLines);
        check("PortXmitDataExtended{node_guid=\"1\", port_num=\"2\"} 3 4\n", Format::Prometheus);
        check("up 1\n", Format::Prometheus);
        check("groups:\n- name: x\n", Format::NotTelemetry);
        check("<!DOCTYPE html>\n<html>\n", Format::NotTelemetry);
        check("time,switch,rx\n1,a,2\n", Format::MappedCsv);
    }

    #[test]
    fn a_name_decides_only_where_the_content_does_not() {
        assert_eq!(
            recognise("sys/class/infiniband/mlx5_0/ports/1/rate", b"40 Gb/sec (4X QDR)\n"),
            Some(Format::SysfsAttribute)
        );
        assert_eq!(recognise("stderr.err", b""), Some(Format::DiagnosticErrors));
        assert_eq!(recognise("notes.md", b"some words\n"), Some(Format::NotTelemetry));
        assert_eq!(recognise("notes", b"some words\n"), None);
    }
}
