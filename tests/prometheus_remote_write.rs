//! Debian's Prometheus scrapes Debian's node_exporter and remote-writes to `linkcast run --source listen:…`.
//!
//! The exporter reads a sysfs tree whose counters this test moves; what arrives in the store must be exactly what
//! was moved, through two programs that are not ours.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use linkcast_tests::{FakeHost, Linkcast, Running, binary, free_address, until, wait_for_listener};

#[test]
fn counters_reach_the_store_through_prometheus_and_a_faulty_port_gets_an_insight() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let host = FakeHost::create(&folder.path().join("sys"))?;
    let database = folder.path().join("linkcast.db");
    let (listen, exporter) = (free_address()?, free_address()?);
    let _linkcast = start_linkcast(listen, folder.path(), &database)?;
    wait_for_listener(listen)?;
    let _exporter = start_node_exporter(&host, exporter, folder.path())?;
    wait_for_listener(exporter)?;
    let _prometheus = start_prometheus(exporter, listen, folder.path())?;

    let mut step = 0;
    let insight = until("an insight into the faulty port", Duration::from_secs(120), || {
        step += 1;
        move_counters(&host, step)?;
        let call = Linkcast::call(&["insights", "--json", "--db", &database.to_string_lossy()])?;
        Ok(call.json_lines()?.into_iter().find(|insight| insight["prediction_type"] != "normal"))
    })?;
    assert!(insight["related_entity"].as_str().is_some_and(|id| id.contains("mlx5_0")), "{insight}");
    Ok(())
}

/// Traffic with one packet in fifty received in error.
fn move_counters(host: &FakeHost, step: u64) -> Result<()> {
    host.set("port_xmit_data", step * 50_000_000)?;
    host.set("port_rcv_data", step * 50_000_000)?;
    host.set("port_xmit_packets", step * 100_000)?;
    host.set("port_rcv_packets", step * 100_000)?;
    host.set("port_rcv_errors", step * 2_000)?;
    host.set("symbol_error", step * 5_000)
}

fn start_linkcast(listen: SocketAddr, folder: &Path, database: &Path) -> Result<Running> {
    let mut command = Command::new(binary("linkcast")?);
    command.args(["run", "--interval", "1s", "--source", &format!("listen:{listen}"), "--db"]).arg(database);
    Running::start(&mut command, &folder.join("linkcast.log"))
}

fn start_node_exporter(host: &FakeHost, address: SocketAddr, folder: &Path) -> Result<Running> {
    let mut command = Command::new("prometheus-node-exporter");
    command
        .args(["--collector.disable-defaults", "--collector.infiniband"])
        .arg(format!("--path.sysfs={}", host.root().display()))
        .arg(format!("--web.listen-address={address}"));
    Running::start(&mut command, &folder.join("node_exporter.log"))
}

fn start_prometheus(exporter: SocketAddr, listen: SocketAddr, folder: &Path) -> Result<Running> {
    let configuration = format!(
        "global: {{scrape_interval: 1s}}\n\
         scrape_configs: [{{job_name: node, static_configs: [{{targets: ['{exporter}']}}]}}]\n\
         remote_write: [{{url: 'http://{listen}/api/v1/write', queue_config: {{batch_send_deadline: 1s}}}}]\n"
    );
    let path = folder.join("prometheus.yml");
    std::fs::write(&path, configuration).context("cannot write prometheus.yml")?;
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", path.display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("tsdb").display()))
        .arg(format!("--web.listen-address={}", free_address()?));
    Running::start(&mut command, &folder.join("prometheus.log"))
}
