//! `linkcast-bench [NAME…]`: ours against the peers in one run, as a table; all of them make docs/BENCHMARKS.md.
//!
//! Peers in other languages live in `peers/`, as processes that are told when to do a round; C libraries are called
//! from here. So everything compared takes turns on the same machine in the same minutes. One module a benchmark.

mod contest;
mod dataset;
mod fabric;
mod features;
mod load;
mod machine;
mod parsing;
mod peers;
mod pipeline;
mod python;
mod ready;
mod report;
mod routing;
mod scoring;
mod serving;
mod training;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::machine::Machine;
use crate::report::Line;

/// The `linkcast` command's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Bench = fn() -> Result<Vec<Line>>;

const BENCHES: [(&str, Bench); 8] = [
    ("features", features::run),
    ("scoring", scoring::run),
    ("serving", serving::run),
    ("parsing", parsing::run),
    ("dataset", dataset::run),
    ("train", training::run),
    ("routing", routing::run),
    ("pipeline", pipeline::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let number = |ports: &String| ports.parse().context("expected a number of ports");
    match arguments {
        [once, ports] if once == "pipeline-once" => return pipeline::run_once(number(ports)?),
        [print, ports, folder] if print == "pipeline-print" => {
            return pipeline::print_sweeps(number(ports)?, folder.as_ref());
        }
        _ => {}
    }
    let mut all = Vec::new();
    for name in arguments {
        if !BENCHES.iter().any(|(known, _)| known == name) {
            bail!("{name:?} is no benchmark: expected {}", BENCHES.map(|(name, _)| name).join(", "));
        }
    }
    for (name, bench) in BENCHES {
        if arguments.is_empty() || arguments.iter().any(|wanted| wanted == name) {
            eprintln!("measuring {name} …");
            let lines = bench().with_context(|| format!("cannot measure {name}"))?;
            print!("{}", report::table(&lines));
            all.extend(lines);
        }
    }
    if arguments.is_empty() {
        let path = python::project_folder().join("docs/BENCHMARKS.md");
        std::fs::write(&path, report::page(&all, &Machine::here()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("wrote docs/BENCHMARKS.md");
    }
    Ok(())
}
