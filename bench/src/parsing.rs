//! Megabytes of text a second: an exposition against Python's and Rust's published parsers, and perfquery's output.
//!
//! Ours gives readings with identities, units and a reason for every line it did not use; the peers give names, labels
//! and numbers. Nobody else parses perfquery, so its line is held against the same peers' speed on the exposition.

use std::io::Write;

use anyhow::{Context, Result};
use linkcast_simulator::CaptureFormat;
use linkcast_telemetry::{Format, Origin, parse};

use crate::contest::{Contestant, alternate, processor_seconds};
use crate::fabric::{fabric, printed};
use crate::python::Worker;
use crate::report::{Line, lines, short};

const ROUNDS: usize = 7;
const PORTS: usize = 2_000;
const PYTHON_TARGET: f64 = 20.0;
const RUST_TARGET: f64 = 1.0;
const MEGABYTE: f64 = 1e6;

/// Runs the comparison.
pub(crate) fn run() -> Result<Vec<Line>> {
    let mut fabric = fabric(PORTS)?;
    let mut readings = Vec::new();
    fabric.next_sweep(&mut readings).context("the fabric made no sweep")?;
    let exposition = printed(CaptureFormat::Treydock, &fabric, &readings)?;
    let perfquery = printed(CaptureFormat::Perfquery, &fabric, &readings)?;
    let mut file = tempfile::NamedTempFile::new().context("cannot make a file of telemetry")?;
    file.write_all(&exposition).context("cannot write the file of telemetry")?;
    let mut all = Vec::new();
    for (what, format, bytes) in [
        ("Prometheus text, one core", Format::Prometheus, &exposition),
        ("perfquery -x -l, one core (peers: Prometheus text)", Format::Perfquery, &perfquery),
    ] {
        let contestants = contestants(format, bytes, &exposition, file.path())?;
        let standings = alternate(contestants, ROUNDS)?;
        let show = |seconds: f64| format!("{} MB/s", short(1.0 / seconds));
        all.extend(lines(what, &standings, show, |who| {
            Some(if who.starts_with("prometheus_client") { PYTHON_TARGET } else { RUST_TARGET })
        }));
    }
    Ok(all)
}

fn contestants<'a>(
    format: Format,
    bytes: &'a [u8],
    exposition: &'a [u8],
    file: &std::path::Path,
) -> Result<Vec<Contestant<'a>>> {
    let text = std::str::from_utf8(exposition).context("the exposition is not text")?;
    let (mut worker, python) = Worker::start("parsing_peers.py", &[file])?;
    let of = |bytes: &[u8]| bytes.len() as f64 / MEGABYTE;
    let (own, theirs) = (of(bytes), of(exposition));
    Ok(vec![
        Contestant::new("linkcast", move || {
            Ok(processor_seconds(|| parse(format, bytes, &Origin::named("bench"))) / own)
        }),
        Contestant::new(format!("{python}, Python"), move || Ok(worker.round("parse")? / theirs)),
        Contestant::new("prometheus-parse 0.2, Rust", move || {
            let lines = || text.lines().map(|line| Ok(line.to_owned()));
            Ok(processor_seconds(|| prometheus_parse::Scrape::parse(lines())) / theirs)
        }),
        Contestant::new("prom_text_format_parser 0.1, Rust", move || {
            Ok(processor_seconds(|| prom_text_format_parser::Scrape::parse(text)) / theirs)
        }),
    ])
}
