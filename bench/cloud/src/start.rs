//! From the process's start to its first request for an event, with Lambda's runtime interface played here.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::DeflateEncoder;

const ROUNDS: usize = 21;
const FUNCTIONS: [&str; 5] = ["collect", "prepare", "insight", "alert", "retrain"];

/// Measures every function's binary in `folder`.
pub(crate) fn run(folder: &Path) -> Result<()> {
    for name in FUNCTIONS {
        let binary = folder.join(name);
        let bytes = std::fs::read(&binary).with_context(|| format!("cannot read {}", binary.display()))?;
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&bytes)?;
        let packed = packed.finish()?.len();
        let (mut times, mut memory) = (Vec::new(), 0);
        for _ in 0..ROUNDS {
            let (time, resident) = start(&binary)?;
            times.push(time);
            memory = memory.max(resident);
        }
        times.sort();
        let median = times.get(ROUNDS / 2).copied().unwrap_or_default();
        println!(
            "{name}: start to first /next {:.1} ms p50, {:.1} MB idle, {:.1} MB binary, {:.1} MB zip",
            median.as_secs_f64() * 1e3,
            memory as f64 / 1e6,
            bytes.len() as f64 / 1e6,
            packed as f64 / 1e6
        );
    }
    Ok(())
}

/// Starts a binary; gives the time to its first request and its resident bytes then.
fn start(binary: &Path) -> Result<(Duration, u64)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let started = Instant::now();
    let mut child = Command::new(binary)
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", address.to_string().as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "bench"),
            ("AWS_SECRET_ACCESS_KEY", "bench"),
            ("LINKCAST_TABLE", "bench"),
            ("LINKCAST_FABRIC", "bench"),
            ("LINKCAST_BUS", "bench"),
        ])
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", binary.display()))?;
    let outcome = first_request(&listener, &mut child).map(|()| started.elapsed());
    let resident = resident(child.id());
    child.kill()?;
    child.wait()?;
    Ok((outcome?, resident?))
}

fn first_request(listener: &TcpListener, child: &mut Child) -> Result<()> {
    listener.set_nonblocking(true)?;
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(_) if Instant::now() > deadline => anyhow::bail!("no request within 10 s"),
            Err(_) => {
                anyhow::ensure!(child.try_wait()?.is_none(), "the function ended before its first request")
            }
        }
        std::thread::sleep(Duration::from_micros(100));
    };
    stream.set_nonblocking(false)?;
    let mut head = [0; 64];
    let length = stream.read(&mut head)?;
    let head = head.get(..length).unwrap_or_default();
    anyhow::ensure!(
        head.starts_with(b"GET /2018-06-01/runtime/invocation/next"),
        "another request came first"
    );
    Ok(())
}

/// Bytes of memory a process holds.
fn resident(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    let kilobytes = line.split_whitespace().nth(1).context("no number")?;
    Ok(kilobytes.parse::<u64>()? * 1024)
}
