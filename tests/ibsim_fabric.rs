//! A fabric goes bad and Linkcast says so: the real `perfquery` and `ibqueryerrors` on an ibsim fabric.
//!
//! Counters are raised at the simulator's console and a link is cut while `linkcast run` queries; only what a user
//! would see is looked at: the store, through `linkcast insights` and `linkcast alerts`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use linkcast_tests::{IbsimFabric, Linkcast, Running, binary, fixture, until};

const SICK_PORT: &str = "0000000000200000/2";

#[test]
fn raised_counters_become_an_insight_and_a_cut_link_an_alert() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let mut fabric = IbsimFabric::start(&fixture("ibsim/fabric.net"), folder.path())?;
    let database = folder.path().join("linkcast.db");
    let _running = start_linkcast(&fabric, folder.path(), &database)?;

    let mut symbol_errors = 0;
    until("an insight that the port is sick", Duration::from_secs(90), || {
        symbol_errors += 200;
        raise(&mut fabric, symbol_errors)?;
        std::thread::park_timeout(Duration::from_millis(700));
        // A quiet sample may have been looked at before: one stream in so many is, each hour.
        let troubled = |insight: &serde_json::Value| insight["prediction_type"] != "normal";
        first_about_sick_port("insights", &database, troubled)
    })?;

    fabric.console(r#"Unlink "leaf-r01"[2]"#)?;
    let mut drops = 0;
    let alert = until("an alert about the cut link", Duration::from_secs(150), || {
        drops += 1;
        count_drop(&mut fabric, drops)?;
        std::thread::park_timeout(Duration::from_secs(1));
        first_about_sick_port("alerts", &database, |_| true)
    })?;
    assert!(alert["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{alert}");
    Ok(())
}

fn start_linkcast(fabric: &IbsimFabric, folder: &Path, database: &Path) -> Result<Running> {
    let mut linkcast = Command::new(binary("linkcast")?);
    linkcast
        .args(["run", "--interval", "1s", "--source"])
        .arg("command:ibsim-run ibqueryerrors --data --report-port")
        .args(["--source", "command:ibsim-run perfquery -x -l -G 0x200000 1,2,35"])
        .args(["--source", "command:ibsim-run perfquery -l -G 0x200000 1,2,35"])
        .arg("--db")
        .arg(database)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .envs(fabric.environment())
        .current_dir(folder);
    Running::start(&mut linkcast, &folder.join("linkcast.log"))
}

fn raise(fabric: &mut IbsimFabric, symbol_errors: u32) -> Result<()> {
    let port = r#"PerformanceSet "leaf-r01"[2]"#;
    fabric.console(&format!("{port} PortCounters.SymbolErrorCounter={symbol_errors}"))?;
    fabric.console(&format!("{port} PortCounters.PortRcvErrors={}", symbol_errors / 100))
}

/// What a switch counts at each attempt of a cut link to come up again; ibsim cuts links and leaves counting to its user.
fn count_drop(fabric: &mut IbsimFabric, drops: u32) -> Result<()> {
    let port = r#"PerformanceSet "leaf-r01"[2]"#;
    fabric.console(&format!("{port} PortCounters.LinkDownedCounter={}", drops.min(255)))?;
    fabric.console(&format!("{port} PortCounters.LinkErrorRecoveryCounter={}", drops.min(255)))
}

/// The first item of those `wanted` that `linkcast insights` or `linkcast alerts` shows about the sick port.
fn first_about_sick_port(
    command: &str,
    database: &Path,
    wanted: impl Fn(&serde_json::Value) -> bool,
) -> Result<Option<serde_json::Value>> {
    let call = Linkcast::call(&[command, "--json", "--db", &database.to_string_lossy()])?;
    let items = call.json_lines()?;
    Ok(items.into_iter().find(|item| item.to_string().contains(SICK_PORT) && wanted(item)))
}
