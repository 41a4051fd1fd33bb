//! A host's sysfs tree with one InfiniBand adapter whose counters a test moves.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A tree that node_exporter or `sysfs:` can read.
#[derive(Debug)]
pub struct FakeHost {
    root: PathBuf,
}

const DEVICE: &str = "class/infiniband/mlx5_0";

impl FakeHost {
    /// Makes a tree under `root` with one active 4X HDR port, all counters zero.
    pub fn create(root: &Path) -> Result<Self> {
        let host = FakeHost { root: root.to_owned() };
        for (name, text) in [
            ("node_guid", "506b:4b03:00e5:e461"),
            ("fw_ver", "20.31.1014"),
            ("board_id", "MT_0000000222"),
            ("hca_type", "MT4123"),
            ("ports/1/state", "4: ACTIVE"),
            ("ports/1/phys_state", "5: LinkUp"),
            ("ports/1/rate", "200 Gb/sec (4X HDR)"),
            ("ports/1/link_layer", "InfiniBand"),
        ] {
            host.write(name, text)?;
        }
        for counter in COUNTERS {
            host.set(counter, 0)?;
        }
        Ok(host)
    }

    /// Sets one of the port's counters.
    pub fn set(&self, counter: &str, value: u64) -> Result<()> {
        self.write(&format!("ports/1/counters/{counter}"), &value.to_string())
    }

    /// The tree's root: what `--path.sysfs` and `sysfs:` take.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.root.join(DEVICE).join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        // A reader must never see a half-written counter, as in the real tree.
        let beside = self.root.join("staged");
        std::fs::write(&beside, format!("{text}\n"))
            .with_context(|| format!("cannot write {}", beside.display()))?;
        std::fs::rename(&beside, &path).with_context(|| format!("cannot replace {}", path.display()))
    }
}

const COUNTERS: &[&str] = &[
    "VL15_dropped",
    "excessive_buffer_overrun_errors",
    "link_downed",
    "link_error_recovery",
    "local_link_integrity_errors",
    "port_rcv_constraint_errors",
    "port_rcv_data",
    "port_rcv_errors",
    "port_rcv_packets",
    "port_rcv_remote_physical_errors",
    "port_rcv_switch_relay_errors",
    "port_xmit_constraint_errors",
    "port_xmit_data",
    "port_xmit_discards",
    "port_xmit_packets",
    "port_xmit_wait",
    "symbol_error",
];
