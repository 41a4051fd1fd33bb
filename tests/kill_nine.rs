//! A replay killed at random moments and started again ends as one that was never disturbed.
//!
//! `kill -9` leaves no time to tidy up, so whatever the store and the file of alerts hold after the last restart is
//! what checkpoints, the outbox and idempotent writes are worth. How long a verdict took is the one thing that may
//! differ.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use linkcast_domain::ports::{InsightQuery, Lookup, PipelineStore, TimeRange};
use linkcast_store::SqliteStore;
use linkcast_tests::{Linkcast, Running, binary};

/// How often the replay is killed before it may finish.
const KILLS: u64 = 12;

#[test]
fn a_replay_killed_at_random_moments_ends_as_an_undisturbed_one() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let capture = folder.path().join("capture");
    simulate(&capture)?;
    let (whole, torn) = (folder.path().join("whole"), folder.path().join("torn"));
    let start = std::time::Instant::now();
    ensure!(replay(&capture, &whole)?.stdout(Stdio::null()).status()?.success(), "the replay failed");
    let undisturbed = start.elapsed();

    let mut dice: u64 = 0x5eed;
    for kill in 0..KILLS {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = 0.05 + 0.9 * (dice >> 40) as f64 / (1_u64 << 24) as f64;
        let mut running = Running::start(&mut replay(&capture, &torn)?, &folder.path().join("torn.log"))?;
        std::thread::park_timeout(undisturbed.mul_f64(share / (1.0 + kill as f64 / 4.0)));
        running.kill();
    }
    ensure!(replay(&capture, &torn)?.stdout(Stdio::null()).status()?.success(), "the last replay failed");

    let (whole_store, torn_store) = (contents(&whole)?, contents(&torn)?);
    ensure!(whole_store.len() > 1_000, "the capture is too small to prove anything");
    for (expected, found) in whole_store.iter().zip(&torn_store) {
        assert_eq!(expected, found);
    }
    assert_eq!(whole_store.len(), torn_store.len());
    assert_eq!(alerts_told(&whole)?, alerts_told(&torn)?);
    Ok(())
}

fn simulate(capture: &Path) -> Result<()> {
    let out = capture.to_string_lossy().into_owned();
    let call = Linkcast::call(&[
        "simulate",
        "--ports",
        "256",
        "--hours",
        "8",
        "--seed",
        "99",
        "--fault-rate",
        "0.02",
        "--format",
        "csv",
        "--out",
        &out,
    ])?;
    ensure!(call.code() == Some(0), "cannot simulate: {}", call.said());
    Ok(())
}

fn replay(capture: &Path, base: &Path) -> Result<Command> {
    let mut command = Command::new(binary("linkcast")?);
    command.arg("replay").arg(capture).arg("--db").arg(base.with_extension("db"));
    command.arg("--output").arg(base.with_extension("jsonl"));
    Ok(command)
}

fn alerts_told(base: &Path) -> Result<String> {
    let path = base.with_extension("jsonl");
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// Everything the store holds, a line an item, in a fixed order.
fn contents(base: &Path) -> Result<Vec<String>> {
    let path = base.with_extension("db");
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("cannot start a runtime")?;
    runtime.block_on(async {
        let store = SqliteStore::open(&path).context("cannot open the store")?;
        let mut lines = Vec::new();
        for record in store.streams(None, usize::MAX).await? {
            for sample in store.samples(&record.stream, TimeRange::ALL).await? {
                lines.push(format!("{sample:?}"));
            }
            lines.push(format!("{record:?}"));
        }
        for mut insight in
            store.insights(&InsightQuery { limit: usize::MAX, ..InsightQuery::default() }).await?
        {
            insight.latency_us = 0;
            lines.push(format!("{insight:?}"));
        }
        for condition in store.conditions(None).await? {
            lines.push(format!("{condition:?}"));
        }
        for alert in store.alerts(None, usize::MAX).await? {
            lines.push(format!("{alert:?}"));
        }
        Ok(lines)
    })
}
