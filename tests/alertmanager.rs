//! Debian's Alertmanager receives our alerts and sees them cleared, and holds the last word on a rollout.
//!
//! `linkcast run` reads a program's sample file that grows by a port's hours, faulty and then sound, in a few seconds:
//! a cause is believed gone only when it has left the windows of minutes and hours that the features look back on, and
//! no test should wait for that by the wall's clock. Alertmanager itself is asked what it holds.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use linkcast_domain::{Clock, Notice, NoticeKind, Severity, SystemClock, Timestamp};
use linkcast_pipeline::{NoBus, NoticeBoard};
use linkcast_store::SqliteStore;
use linkcast_tests::{Running, binary, free_address, get_json, until, wait_for_listener};

#[test]
fn an_alert_arrives_at_alertmanager_and_clears_when_the_port_recovers() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let mut port = GrowingFile::create(folder.path())?;
    let address = free_address()?;
    let _alertmanager = start_alertmanager(address, folder.path())?;
    wait_for_listener(address)?;
    port.live(Duration::from_secs(20 * 60), Health::Sound)?;
    let _linkcast = start_linkcast(&port, address, folder.path())?;

    until("a firing alert", Duration::from_secs(60), || {
        port.live(Duration::from_secs(60), Health::Failing)?;
        Ok((firing(address)? > 0).then_some(()))
    })?;
    until("the alert's end", Duration::from_secs(60), || {
        port.live(Duration::from_secs(120), Health::Sound)?;
        Ok((firing(address)? == 0).then_some(()))
    })
}

#[test]
fn an_aborted_rollout_fires_until_the_next_word_on_it() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let mut port = GrowingFile::create(folder.path())?;
    port.live(Duration::from_secs(20 * 60), Health::Sound)?;
    let address = free_address()?;
    let _alertmanager = start_alertmanager(address, folder.path())?;
    wait_for_listener(address)?;
    let look = || run_once(&port, address, folder.path());
    look()?;
    publish(folder.path(), "1/abort", Severity::Critical)?;
    look()?;
    let aborted = until("the notice", Duration::from_secs(20), || only_alert(address))?;
    assert_eq!(aborted["labels"]["alertname"], "LinkcastModelRollout");
    assert_eq!(aborted["labels"]["severity"], "critical");
    assert_eq!(aborted["labels"]["task"], TASK);
    assert_eq!(aborted["annotations"]["summary"], "1/abort happened");
    let details = aborted["annotations"]["details"].as_str().unwrap_or_default().to_owned();
    assert!(details.contains("errors: 17") && details.contains("What to do: "), "{details}");
    look()?;
    assert_eq!(
        only_alert(address)?.map(|alert| alert["fingerprint"].clone()),
        Some(aborted["fingerprint"].clone())
    );

    publish(folder.path(), "2/start", Severity::Info)?;
    look()?;
    until("the notice's end", Duration::from_secs(20), || Ok((firing(address)? == 0).then_some(())))
}

const TASK: &str = "link-health";

/// Puts a notice on the board, as whoever rolls out does.
fn publish(folder: &Path, what: &str, severity: Severity) -> Result<()> {
    let store = SqliteStore::open(&folder.join("linkcast.db")).context("cannot open the database")?;
    let (place, happened) = (("fabric", TASK), (what, SystemClock.now()));
    let notice = Notice::of(NoticeKind::Rollout, place, happened, severity, format!("{what} happened"));
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let board = NoticeBoard::new(&store, TASK);
    let _ = runtime.block_on(board.publish(&NoBus, &notice.with("errors", 17)))?;
    Ok(())
}

/// Asks the port once, and tells what there is to tell.
fn run_once(port: &GrowingFile, alertmanager: SocketAddr, folder: &Path) -> Result<()> {
    let status = Command::new(binary("linkcast")?)
        .args(["run", "--once"])
        .arg(format!("--source=command:cat {}", port.path.display()))
        .arg(format!("--alertmanager=http://{alertmanager}"))
        .arg("--db")
        .arg(folder.join("linkcast.db"))
        .status()
        .context("cannot start linkcast")?;
    anyhow::ensure!(status.success(), "linkcast run --once ended with {status}");
    Ok(())
}

/// The alert that Alertmanager holds as active, once there is one.
fn only_alert(address: SocketAddr) -> Result<Option<serde_json::Value>> {
    let alerts = get_json(&format!("http://{address}/api/v2/alerts?active=true"))?;
    Ok(alerts.as_array().and_then(|alerts| alerts.first()).cloned())
}

/// How the port is.
#[derive(Clone, Copy)]
enum Health {
    Sound,
    Failing,
}

/// A sample file of one port, to which time is added.
struct GrowingFile {
    path: std::path::PathBuf,
    text: String,
    now: Timestamp,
}

const HEADER: &str = "stream_id,timestamp,utilization,bandwidth_gbps,symbol_errors,link_error_recoveries,\
                      rcv_errors,rcv_packets,link_rate_gbps,link_capable_gbps,interval_s\n";

impl GrowingFile {
    /// An empty file; the port's time begins a day ago, so that it stays in the past however fast it goes.
    fn create(folder: &Path) -> Result<Self> {
        let now = SystemClock.now().minus(Duration::from_secs(24 * 3600));
        Ok(GrowingFile { path: folder.join("port.csv"), text: HEADER.to_owned(), now })
    }

    /// Lets time go by for the port, a sample every 30 s.
    fn live(&mut self, time: Duration, health: Health) -> Result<()> {
        let (symbol_errors, recoveries, rcv_errors) = match health {
            Health::Sound => (0, 0, 0),
            Health::Failing => (5_000, 1, 3_000),
        };
        for _ in 0..time.as_secs() / 30 {
            self.now = self.now.plus(Duration::from_secs(30));
            writeln!(
                self.text,
                "506b4b0300e5e461/1,{},7,14,{symbol_errors},{recoveries},{rcv_errors},100000,200,200,30",
                self.now
            )?;
        }
        let staged = self.path.with_extension("staged");
        std::fs::write(&staged, &self.text).context("cannot write the port's samples")?;
        std::fs::rename(&staged, &self.path).context("cannot replace the port's samples")
    }
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

fn start_linkcast(port: &GrowingFile, alertmanager: SocketAddr, folder: &Path) -> Result<Running> {
    let mut command = Command::new(binary("linkcast")?);
    command
        .args(["run", "--interval", "1s", "--resolve-after", "5s"])
        .arg(format!("--source=command:cat {}", port.path.display()))
        .arg(format!("--alertmanager=http://{alertmanager}"))
        .arg("--db")
        .arg(folder.join("linkcast.db"));
    Running::start(&mut command, &folder.join("linkcast.log"))
}
