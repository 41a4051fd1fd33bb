//! Every capture, ours and whatever `LINKCAST_CAPTURES` names, is recognised and each of its lines accounted for.

#![cfg(test)]

use std::path::{Path, PathBuf};

use linkcast_telemetry::{Format, Origin, Parsed, parse, recognise};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> (Format, Parsed) {
    let bytes = std::fs::read(path).unwrap();
    let name = path.to_string_lossy();
    let format = recognise(&name, &bytes).unwrap_or_else(|| panic!("{name} is not recognised"));
    let parsed = parse(format, &bytes, &Origin::named(name.clone()));
    let account = parsed.account;
    assert!(account.adds_up(), "{name}: {account:?}");
    if !matches!(format, Format::SampleParquet | Format::RemoteWrite) {
        let lines = bytes.split(|byte| *byte == b'\n').count()
            - usize::from(bytes.ends_with(b"\n") || bytes.is_empty());
        assert_eq!(account.lines, lines as u64, "{name} as {format}");
    }
    assert_eq!(account.rejected == 0, parsed.rejects.is_empty(), "{name}");
    (format, parsed)
}

fn ours() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/ibsim")
}

#[test]
fn every_line_of_our_own_captures_is_accounted_for_and_none_refused() {
    let mut found = Vec::new();
    files(&ours(), &mut found);
    assert!(found.len() > 30);
    for path in found {
        let (format, parsed) = read(&path);
        assert!(parsed.rejects.is_empty(), "{} as {format}: {:?}", path.display(), parsed.rejects.kept());
    }
}

#[test]
fn every_line_of_the_captures_named_is_accounted_for() {
    let Some(folder) = std::env::var_os("LINKCAST_CAPTURES") else { return };
    let mut found = Vec::new();
    files(&Path::new(&folder).join("fixtures"), &mut found);
    for path in found {
        let (format, parsed) = read(&path);
        for reject in parsed.rejects.kept() {
            println!("{format}: {reject}");
        }
    }
}

#[test]
fn failed_scrapes_are_told_from_quiet_fabrics() {
    let is_failed = |name: &str| read(&ours().join(name)).1.is_failed_scrape();
    assert!(is_failed("perfquery.badport.out"));
    assert!(is_failed("perfquery.timeout.out"));
    assert!(is_failed("perfquery-c.samplescontrol.out"));
    assert!(!is_failed("ibqueryerrors.default.out"));
    assert!(!is_failed("ibqueryerrors.counters.out"));
    assert!(!is_failed("perfquery-x-l.leaf-r01.out"));
}
