//! Debian's Alertmanager receives our alerts and sees them cleared.
//!
//! A capture with one fault that begins, lasts and ends is replayed with `--alertmanager`; afterwards Alertmanager
//! itself is asked what it holds.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use linkcast_tests::{FakeHost, Running, binary, free_address, get_json, until, wait_for_listener};

#[test]
fn an_alert_arrives_at_alertmanager_and_clears_when_the_port_recovers() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let host = FakeHost::create(&folder.path().join("sys"))?;
    let address = free_address()?;
    let _alertmanager = start_alertmanager(address, folder.path())?;
    wait_for_listener(address)?;
    let _linkcast = start_linkcast(&host, address, folder.path())?;

    let mut errors = 0;
    let mut traffic = 0;
    until("a firing alert", Duration::from_secs(120), || {
        errors += 3_000;
        traffic += 1;
        move_counters(&host, traffic, errors)?;
        Ok((firing(address)? > 0).then_some(()))
    })?;
    until("the alert's end", Duration::from_secs(120), || {
        traffic += 1;
        move_counters(&host, traffic, errors)?;
        Ok((firing(address)? == 0).then_some(()))
    })
}

fn move_counters(host: &FakeHost, traffic: u64, errors: u64) -> Result<()> {
    host.set("port_xmit_data", traffic * 50_000_000)?;
    host.set("port_rcv_data", traffic * 50_000_000)?;
    host.set("port_xmit_packets", traffic * 100_000)?;
    host.set("port_rcv_packets", traffic * 100_000)?;
    host.set("port_rcv_errors", errors)?;
    host.set("symbol_error", errors * 2)
}

/// How many of Linkcast's alerts Alertmanager holds as active.
fn firing(address: SocketAddr) -> Result<usize> {
    let alerts = get_json(&format!("http://{address}/api/v2/alerts?active=true"))?;
    Ok(alerts.as_array().map_or(0, Vec::len))
}

fn start_alertmanager(address: SocketAddr, folder: &Path) -> Result<Running> {
    let path = folder.join("alertmanager.yml");
    std::fs::write(&path, "route: {receiver: none}\nreceivers: [{name: none}]\n")
        .context("cannot write alertmanager.yml")?;
    let mut command = Command::new("prometheus-alertmanager");
    command
        .arg(format!("--config.file={}", path.display()))
        .arg(format!("--storage.path={}", folder.join("alertmanager").display()))
        .arg(format!("--web.listen-address={address}"))
        .arg("--cluster.listen-address=");
    Running::start(&mut command, &folder.join("alertmanager.log"))
}

fn start_linkcast(host: &FakeHost, alertmanager: SocketAddr, folder: &Path) -> Result<Running> {
    let mut command = Command::new(binary()?);
    command
        .args(["run", "--interval", "1s", "--resolve-after", "5s"])
        .arg(format!("--source=sysfs:{}", host.root().display()))
        .arg(format!("--alertmanager=http://{alertmanager}"))
        .arg("--db")
        .arg(folder.join("linkcast.db"));
    Running::start(&mut command, &folder.join("linkcast.log"))
}
