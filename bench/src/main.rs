//! `linkcast-bench <name>`: one benchmark of Linkcast's own parts, its figures as JSON lines on standard output.
//!
//! The peers live in `peers/`, in their own languages; each peer script runs the benchmark it is compared with, so
//! that both are measured on the same machine in the same minute. One module a benchmark.

mod features;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("features"), samples_file) => features::run(samples_file.as_deref()),
        _ => {
            eprintln!("usage: linkcast-bench features [SAMPLES.f64]");
            ExitCode::from(2)
        }
    }
}
