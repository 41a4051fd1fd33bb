//! Reading this machine's own adapters.

use std::fs;
use std::path::{Path, PathBuf};

use linkcast_telemetry::{Format, Origin, Parsed, parse_sysfs};

use crate::capture::{ReadError, read_tree, sysfs_devices};

/// Why a tree gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SysfsError {
    /// No devices there.
    #[error("{} holds no InfiniBand devices: expected class/infiniband/<device>/ports below it", .0.display())]
    NoDevices(PathBuf),
    /// The system refused.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Reads the tree under `root`: `/sys`, `/sys/class/infiniband`, or a copy of either.
pub(crate) fn read(root: &Path, origin: &Origin) -> Result<(Format, Parsed), SysfsError> {
    let devices = sysfs_devices(root).ok_or_else(|| SysfsError::NoDevices(root.to_owned()))?;
    Ok((Format::SysfsAttribute, parse_sysfs(&read_tree(&devices)?, origin)))
}

/// This machine's name.
pub(crate) fn host_name() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
