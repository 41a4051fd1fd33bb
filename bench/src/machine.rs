//! What the figures were taken on: processors, memory, system, day; never a name.

use std::fs;
use std::thread;

/// The machine, as the page describes it.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) processors: usize,
    pub(crate) model: String,
    pub(crate) memory_gb: u64,
    pub(crate) system: String,
    pub(crate) date: String,
}

impl Machine {
    /// This machine now; what cannot be read is said to be unknown.
    pub(crate) fn here() -> Self {
        let memory_kib = value_of("/proc/meminfo", "MemTotal")
            .and_then(|text| text.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()));
        Machine {
            processors: thread::available_parallelism().map_or(1, usize::from),
            model: value_of("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned()),
            memory_gb: memory_kib.unwrap_or(0).div_ceil(1 << 20),
            system: value_of("/etc/os-release", "PRETTY_NAME")
                .map_or_else(|| std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned()),
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        }
    }
}

/// The value behind a name in a file of `name: value` or `name=value` lines.
fn value_of(path: &str, name: &str) -> Option<String> {
    fs::read_to_string(path).ok()?.lines().find_map(|line| {
        let (found, value) = line.split_once([':', '='])?;
        (found.trim() == name).then(|| value.trim().to_owned())
    })
}

/// The most memory this process ever held, in bytes.
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    let text = value_of("/proc/self/status", "VmHWM")?;
    let kib: u64 = text.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}
