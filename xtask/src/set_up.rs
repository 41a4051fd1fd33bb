//! What the tests with real parts need from the machine: Debian's own packages and a few of Python's, installed only when
//! missing.
//!
//! The tests run against the real infiniband-diags on an ibsim fabric, the real Prometheus, node_exporter and
//! Alertmanager. Where they cannot be installed the set-up fails and says so: a test that quietly did not run would
//! look like one that passed.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{command, tools};

/// A program a test starts and the Debian package it comes from.
const PARTS: &[(&str, &str)] = &[
    ("ibsim", "ibsim-utils"),
    ("opensm", "opensm"),
    ("perfquery", "infiniband-diags"),
    ("prometheus", "prometheus"),
    ("prometheus-node-exporter", "prometheus-node-exporter"),
    ("prometheus-alertmanager", "prometheus-alertmanager"),
    ("gcc", "gcc"),
    ("java", "default-jre-headless"),
    ("npm", "npm"),
];

/// Installs the packages whose programs are missing, and the tools that come as Python packages.
pub(crate) fn install_missing_parts() -> Result<()> {
    install_missing_packages()?;
    tools::install()
}

fn install_missing_packages() -> Result<()> {
    let missing: Vec<&str> =
        PARTS.iter().filter(|(program, _)| !is_installed(program)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !is_installed("apt-get") {
        bail!(
            "the tests with real parts need {}; install them by this system's means and run again",
            missing.join(", ")
        );
    }
    command::run(as_root("apt-get").args(["update", "--quiet"]))
        .context("cannot refresh the list of packages")?;
    command::run(
        as_root("apt-get")
            .args(["install", "--quiet", "--yes", "--no-install-recommends"])
            .args(&missing)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
    .with_context(|| format!("cannot install {}", missing.join(", ")))
}

/// Whether a program is on the path or in the system folders that a plain user's path leaves out.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin", "/usr/local/sbin"].map(Into::into);
    std::env::split_paths(&path).chain(system).any(|folder| Path::new(&folder).join(program).is_file())
}

/// The command itself for root, through sudo for others.
fn as_root(program: &str) -> Command {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    if is_root {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    command
}
