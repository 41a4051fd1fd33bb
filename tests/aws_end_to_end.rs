//! Linkcast on the local AWS from end to end: counters in at one side, people told at the other.
//!
//! The template is the real one, the functions are the real ones, and around them are Debian's own Prometheus, node_exporter
//! and Alertmanager.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use linkcast_tests::{
    Capture, DEAD_LETTERS, Deployed, FakeHost, Running, differences, field, free_address, get_text, until,
    until_asked_each, wait_for_listener,
};
use serde_json::{Value, json};

/// Samples that have to arrive, each once.
const LEAST_SAMPLES: usize = 100_000;

/// What one write unit pays for.
const WRITE_UNIT_BYTES: usize = 1024;

/// A look at the whole table keeps the emulator busy for seconds.
const BETWEEN_SCANS: Duration = Duration::from_secs(8);

#[test]
fn a_simulated_fabric_arrives_whole_and_people_are_told() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let capture = Capture::simulate(
        folder.path(),
        &["--ports", "64", "--hours", "13.1", "--seed", "3", "--fault-rate", "0.01"],
    )?;
    let embedded = capture.replay()?;
    assert!(embedded.samples >= LEAST_SAMPLES, "only {} samples", embedded.samples);
    let address = free_address()?;
    let alertmanager = start_alertmanager(address, folder.path())?;
    wait_for_listener(address)?;
    let deployed = Deployed::start(folder.path(), &[format!("AlertmanagerUrl=http://{address}")])?;
    deployed.subscribe("AlertTopicArn", "people")?;

    deployed.tell_links(&capture.links()?)?;
    let token = deployed.token()?;
    for request in capture.requests()? {
        deployed.send_until_taken(&request, &token)?;
    }
    until_asked_each(BETWEEN_SCANS, "every insight", Duration::from_secs(300), || {
        Ok((deployed.items("insight#")?.len() >= embedded.insights.len()).then_some(()))
    })
    .with_context(|| deployed.emulator.log())?;
    assert_eq!(differences(&embedded.insights, &deployed.insights()?), Vec::<String>::new());
    assert_eq!(deployed.samples()?, embedded.samples, "none lost, none doubled");
    let states = deployed.items("state")?;
    let largest = states.iter().map(stored_bytes).max().unwrap_or_default();
    assert!((1..=WRITE_UNIT_BYTES).contains(&largest), "a state of {largest} bytes");

    let told = until("an alert on the topic", Duration::from_secs(90), || {
        Ok(deployed.emulator.drain_queue("people")?.into_iter().next())
    })
    .with_context(|| deployed.emulator.log())?;
    assert!(told["Body"].as_str().is_some_and(|text| text.contains("risk_score")), "{told}");
    until("an alert at Alertmanager", Duration::from_secs(60), || {
        Ok((firing_alerts_taken_by(address)? > 0.0).then_some(()))
    })
    .with_context(|| alertmanager.log())?;
    assert_nothing_failed(&deployed)
}

#[test]
fn prometheus_writes_to_the_function_url_and_a_faulty_port_gets_an_insight() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let deployed = Deployed::start(folder.path(), &[])?;
    let (host, exporter, _exporter) = start_exporter(folder.path())?;
    let prometheus = start_prometheus(exporter, &deployed, folder.path())?;
    wait_for_insight(&deployed, &host, |_| Ok(())).with_context(|| prometheus.log())?;
    assert_nothing_failed(&deployed)
}

#[test]
fn the_schedule_scrapes_an_exporter_and_a_faulty_port_gets_an_insight() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let (host, exporter, _exporter) = start_exporter(folder.path())?;
    let deployed = Deployed::start(folder.path(), &[format!("Targets=http://{exporter}/metrics")])?;
    // What the schedule says once a minute, said faster.
    let tick = json!({"scrape": {"shard": 0, "of": 1}});
    wait_for_insight(&deployed, &host, |deployed| deployed.invoke("Collect", &tick).map(drop))?;
    assert_nothing_failed(&deployed)
}

#[test]
fn a_sender_is_told_what_is_wrong() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let deployed = Deployed::start(folder.path(), &[])?;
    let token = deployed.token()?;
    assert_eq!(deployed.send(b"x", None)?.status, 403);
    assert_eq!(deployed.send(b"x", Some("wrong"))?.status, 403);
    let malformed = deployed.send(b"no snappy at all", Some(&token))?;
    assert_eq!(malformed.status, 400, "{malformed:?}");
    assert!(malformed.text.contains("snappy"), "{malformed:?}");
    assert_eq!(deployed.items("sample#")?.len(), 0);
    Ok(())
}

/// How many alerts an Alertmanager has been told that fire; those that resolved since it shows no more.
fn firing_alerts_taken_by(address: SocketAddr) -> Result<f64> {
    let metrics = get_text(&format!("http://{address}/metrics"))?;
    let taken = metrics.lines().filter(|line| {
        line.starts_with("alertmanager_alerts_received_total") && line.contains("status=\"firing\"")
    });
    taken.map(|line| line.rsplit(' ').next().unwrap_or_default().parse::<f64>().context("not a number")).sum()
}

/// An item's size as DynamoDB counts it: names and values, bytes unpacked, a number a byte for two digits and one more.
fn stored_bytes(item: &Value) -> usize {
    let value = |value: &Value| {
        let text = |kind| field(value, kind).as_str().map(str::len);
        let (number, packed) =
            (text("N").map(|length| length.div_ceil(2) + 1), text("B").map(|length| length / 4 * 3));
        text("S").or(number).or(packed).unwrap_or_default()
    };
    item.as_object().map_or(0, |item| item.iter().map(|(name, found)| name.len() + value(found)).sum())
}

fn assert_nothing_failed(deployed: &Deployed) -> Result<()> {
    for queue in DEAD_LETTERS {
        assert_eq!(deployed.dead_letters(queue)?, Vec::<Value>::new(), "{queue}");
    }
    Ok(())
}

fn wait_for_insight(
    deployed: &Deployed,
    host: &FakeHost,
    each_time: impl Fn(&Deployed) -> Result<()>,
) -> Result<()> {
    let mut step = 0;
    let insight = until("an insight into the faulty port", Duration::from_secs(120), || {
        step += 1;
        move_counters(host, step)?;
        each_time(deployed)?;
        let found = deployed.items("insight#")?;
        Ok(found.into_iter().find(|item| !item["j"].to_string().contains("\"prediction_type\":\"normal\"")))
    })
    .with_context(|| deployed.emulator.log())?;
    let key = insight.pointer("/pk/S").and_then(Value::as_str);
    assert!(key.is_some_and(|key| key.contains("mlx5_0")), "{insight}");
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

fn start_exporter(folder: &Path) -> Result<(FakeHost, SocketAddr, Running)> {
    let host = FakeHost::create(&folder.join("sys"))?;
    let address = free_address()?;
    let mut command = Command::new("prometheus-node-exporter");
    command
        .args(["--collector.disable-defaults", "--collector.infiniband"])
        .arg(format!("--path.sysfs={}", host.root().display()))
        .arg(format!("--web.listen-address={address}"));
    let running = Running::start(&mut command, &folder.join("node_exporter.log"))?;
    wait_for_listener(address)?;
    Ok((host, address, running))
}

fn start_prometheus(exporter: SocketAddr, deployed: &Deployed, folder: &Path) -> Result<Running> {
    // In a file, as a token may hold whatever YAML would stumble over.
    let token = folder.join("token");
    std::fs::write(&token, deployed.token()?).context("cannot write the token")?;
    let configuration = format!(
        "global: {{scrape_interval: 1s}}\n\
         scrape_configs: [{{job_name: node, static_configs: [{{targets: ['{exporter}']}}]}}]\n\
         remote_write: [{{url: '{}', authorization: {{credentials_file: '{}'}}, queue_config: {{batch_send_deadline: 1s, retry_on_http_429: true}}}}]\n",
        deployed.remote_write_url()?,
        token.display(),
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
