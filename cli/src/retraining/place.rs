//! A run's folder, and the one process that works in it.
//!
//! The lock is the operating system's, on an open file: it ends with the process, however that ends, so a run whose process was killed
//! is seen to be nobody's, and one that works is left alone.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use linkcast_domain::Timestamp;
use linkcast_pipeline::retraining::Trainer;

use crate::exchange::make_folder;
use crate::exit::{ExitKind, Failure};

const LOCK: &str = "lock";
/// Where Linux tells the machine's name.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// The folder that this machine's runs lie in, held by this process.
pub(crate) struct Workplace {
    folder: PathBuf,
    // Held until it is dropped.
    _lock: File,
}

impl Workplace {
    /// Takes the folder, made if it is not there.
    pub(crate) fn take(folder: &Path) -> Result<Self, Failure> {
        make_folder(folder)?;
        let failed = |error: std::io::Error| {
            Failure::new(ExitKind::Machine, format!("taking the folder {}: {error}", folder.display()))
        };
        let folder = fs::canonicalize(folder).map_err(failed)?;
        let lock = File::create(folder.join(LOCK)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Workplace { folder, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let told = format!("another linkcast retrains in {}", folder.display());
                Err(Failure::new(ExitKind::Refused, told)
                    .with_next_step("wait until it ends; `linkcast retrain list` shows how far it is"))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Who trains, as the run's record says it.
    pub(crate) fn trainer(&self) -> Trainer {
        // Where the kernel does not say, the folder's name has to do.
        let machine = fs::read_to_string(HOST_NAME).unwrap_or_default().trim().to_owned();
        Trainer::Local { machine, folder: self.folder.display().to_string() }
    }

    /// The folder of one run.
    pub(crate) fn of_run(&self, run: Timestamp) -> PathBuf {
        self.folder.join(format!("run-{}", run.millis()))
    }
}
