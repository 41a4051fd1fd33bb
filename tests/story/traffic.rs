//! The fabric's telemetry: two weeks and three days of the past, an hour apart, and then minutes.
//!
//! Drift is looked for in hours that are over, so the past ends with the hour the test is in. What follows is as dense as evidence
//! needs, and runs some hours ahead of the clock, which nothing here minds.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use linkcast_domain::Timestamp;
use linkcast_tests::{Capture, Embedded};

const PORTS: &str = "48";
const SEED: &str = "5";
/// Two weeks that a reference is frozen from, with the hour the model goes live in, and three looks of a day.
const PAST_HOURS: i64 = 14 * 24 + 2 + 3 * 24;
const HOUR_MS: i64 = 3_600_000;

/// What is sent, and how far that has come.
pub(crate) struct Traffic {
    past: Capture,
    present: Capture,
    to_come: std::vec::IntoIter<Vec<u8>>,
    /// When the telemetry begins.
    pub(crate) begins: Timestamp,
    folder: PathBuf,
    sent: usize,
}

impl Traffic {
    /// The fabric's telemetry up to some hours from now.
    pub(crate) fn simulate(folder: &Path) -> Result<Self> {
        let since =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("a clock before 1970")?;
        let hour = i64::try_from(since.as_millis())?.div_euclid(HOUR_MS);
        let begins = Timestamp::from_millis((hour - PAST_HOURS) * HOUR_MS);
        let (past, present) = (folder.join("past"), folder.join("present"));
        for folder in [&past, &present] {
            std::fs::create_dir_all(folder).context("cannot make a folder")?;
        }
        let same = ["--ports", PORTS, "--seed", SEED];
        let (from, hours) = (begins.to_string(), PAST_HOURS.to_string());
        let old =
            ["--interval-seconds", "3600", "--hours", &hours, "--load-shift", "338h:5.0", "--start", &from];
        let from = Timestamp::from_millis(hour * HOUR_MS + 60_000).to_string();
        let new = ["--interval-seconds", "60", "--hours", "20", "--fault-rate", "4", "--start", &from];
        let past = Capture::simulate(&past, &[&same[..], &old].concat())?;
        let present = Capture::simulate(&present, &[&same[..], &new].concat())?;
        let to_come = present.requests()?.into_iter();
        Ok(Traffic { past, present, to_come, begins, folder: folder.to_owned(), sent: 0 })
    }

    /// The past's requests, all at once.
    pub(crate) fn past(&self) -> Result<Vec<Vec<u8>>> {
        self.past.requests()
    }

    /// What the subnet's diagnostics say of the links.
    pub(crate) fn links(&self) -> Result<String> {
        self.past.links()
    }

    /// What the embedded pipeline makes of the past.
    pub(crate) fn past_embedded(&self) -> Result<Embedded> {
        self.past.replay()
    }

    /// The next minutes, as far as there are any.
    pub(crate) fn next(&mut self, sweeps: usize) -> Result<Vec<Vec<u8>>> {
        let next: Vec<_> = self.to_come.by_ref().take(sweeps).collect();
        anyhow::ensure!(next.len() == sweeps, "the story takes longer than its telemetry");
        self.sent += sweeps;
        Ok(next)
    }

    /// What the embedded pipeline makes of everything that was sent.
    pub(crate) fn sent_embedded(&self) -> Result<Embedded> {
        let all = self.past.copied(&self.folder.join("sent"))?;
        all.followed_by(&self.present, self.sent)?;
        all.replay()
    }
}
