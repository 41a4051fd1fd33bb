//! Long fuzzing of every parser, on the stable compiler.
//!
//! Coverage-guided fuzzing needs only stable code generation flags when no sanitizer is asked for; memory is bounded
//! by libFuzzer's own limits instead. What it finds is minimised into `fuzz/corpus` and replayed by the tests.
//! `docs/FUZZING.md` says what the limits promise.

use anyhow::Result;

use crate::command::{self, capture, cargo};

/// Fuzzes the targets for `seconds` each, `jobs` of them side by side.
pub(crate) fn run(seconds: u32, jobs: usize, targets: &[String]) -> Result<()> {
    if capture(&mut cargo(&["fuzz", "--version"])).is_err() {
        command::run(&mut cargo(&["install", "--locked", "cargo-fuzz"]))?;
    }
    let all = capture(&mut cargo(&["fuzz", "list"]))?;
    let chosen: Vec<String> =
        if targets.is_empty() { all.lines().map(str::to_owned).collect() } else { targets.to_vec() };
    for target in &chosen {
        command::run(&mut cargo(&["fuzz", "build", "--sanitizer", "none", target]))?;
    }
    for group in chosen.chunks(jobs.max(1)) {
        std::thread::scope(|scope| {
            let runs: Vec<_> =
                group.iter().map(|target| scope.spawn(move || fuzz(target, seconds))).collect();
            runs.into_iter()
                .try_for_each(|run| run.join().unwrap_or_else(|_| anyhow::bail!("a run panicked")))
        })?;
    }
    Ok(())
}

fn fuzz(target: &str, seconds: u32) -> Result<()> {
    let time = format!("-max_total_time={seconds}");
    let limits = ["-rss_limit_mb=512", "-malloc_limit_mb=64", "-timeout=10", "-print_final_stats=1"];
    command::run(
        cargo(&["fuzz", "run", "--sanitizer", "none", target, "--"])
            .arg(time)
            .args(limits)
            .arg("-max_len=65536"),
    )
}
