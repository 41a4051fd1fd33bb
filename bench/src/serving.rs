//! `linkcast serve` against the same ONNX model behind FastAPI and behind BentoML: rows a second, p99, memory.
//!
//! Each server has one processor and the clients have another, so that nobody is slowed by being asked. All are sent the same rows
//! over as many kept connections, by the same clients, in turns; before that all must answer the same.

use std::collections::HashMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use linkcast_domain::{FeatureVector, Instance};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::contest::{Contestant, alternate, quantile};
use crate::dataset::linkcast;
use crate::fabric::feature_rows;
use crate::load::Question;
use crate::python::{PYTHON, ask, interpreter, project_folder};
use crate::report::{Line, Met, duration, fixed, lines, rate, short};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
const TAIL_ROUND: Duration = Duration::from_secs(5);
const CONNECTIONS: usize = 8;
/// Rows a request, and requests a second that the slowest bears with ease.
const BATCHES: [(usize, f64); 2] = [(1, 100.0), (64, 50.0)];
/// Interpreters import for a while.
const START: Duration = Duration::from_secs(90);
const END: Duration = Duration::from_secs(15);
/// The same sums of f32 leaves in another order, through the same maps.
const TOLERANCE: f64 = 1e-3;
/// Where servers run, and where clients do.
const SERVERS_PROCESSOR: &str = "0";
const CLIENTS_PROCESSOR: &str = "1";

/// Runs the comparison.
pub(crate) fn run() -> Result<Vec<Line>> {
    let _clients = OneProcessor::take()?;
    let servers = start_all()?;
    let rows = feature_rows(BATCHES.into_iter().map(|(rows, _)| rows).max().unwrap_or(1))?;
    agree(&servers, &rows)?;
    let mut all = Vec::new();
    for (batch, a_second) in BATCHES {
        let rows = rows.get(..batch).unwrap_or(&rows);
        all.extend(throughput(&servers, rows)?);
        all.extend(tail(&servers, rows, a_second)?);
    }
    all.extend(memory(&servers)?);
    Ok(all)
}

/// A server that runs, and how it is asked.
struct Server {
    who: String,
    child: Child,
    address: SocketAddr,
    path: &'static str,
    /// What its rows are called.
    rows: &'static str,
}

fn start_all() -> Result<Vec<Server>> {
    let folder = project_folder().join("models/link-health");
    let told = ask("serving_peers.py", &[])?;
    let [fastapi, bentoml] = told.as_slice() else { bail!("serving_peers.py said {told:?}, not two lines") };
    let mut ours = pinned(&linkcast()?);
    let port = free_port()?;
    ours.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--model"]).arg(&folder);
    // The command takes no variable of its name that it does not know.
    ours.env_remove(PYTHON);
    let mut servers = vec![Server::start("linkcast".to_owned(), ours, port, ("/invocations", "instances"))?];
    for (peer, who) in [("fastapi", fastapi), ("bentoml", bentoml)] {
        let port = free_port()?;
        let mut command = pinned(&PathBuf::from(interpreter()?.get_program()));
        command.arg(project_folder().join("bench/peers/serving_peers.py")).arg(peer);
        command.arg(port.to_string()).arg(&folder);
        servers.push(Server::start(who.clone(), command, port, ("/judge", "rows"))?);
    }
    servers.iter_mut().try_for_each(Server::await_start)?;
    Ok(servers)
}

fn pinned(program: &PathBuf) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", SERVERS_PROCESSOR]).arg(program);
    command
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

impl Server {
    fn start(
        who: String,
        mut command: Command,
        port: u16,
        (path, rows): (&'static str, &'static str),
    ) -> Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.with_context(|| format!("cannot start {who}"))?;
        Ok(Server { who, child, address: ([127, 0, 0, 1], port).into(), path, rows })
    }

    fn await_start(&mut self) -> Result<()> {
        let question = self.question(&[FeatureVector::default()]);
        let start = Instant::now();
        while let Err(error) = question.ask() {
            let is_gone = self.child.try_wait().is_ok_and(|ended| ended.is_some());
            if is_gone || start.elapsed() > START {
                return Err(error).with_context(|| format!("{} does not answer", self.who));
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn question(&self, rows: &[FeatureVector]) -> Question {
        let rows: Vec<Instance> = rows.iter().copied().map(Instance).collect();
        Question::post(self.address, self.path, json!({ self.rows: rows }).to_string().as_bytes())
    }

    /// The probabilities and the risk of each row.
    fn answers(&self, rows: &[FeatureVector]) -> Result<Vec<Vec<f64>>> {
        let said: Value = serde_json::from_slice(&self.question(rows).ask()?)?;
        let list = said.get("predictions").unwrap_or(&said).as_array().context("no list of answers")?;
        let one = |answer: &Value| {
            let probabilities = answer.get("probabilities").and_then(Value::as_array).into_iter().flatten();
            probabilities.chain(answer.get("risk")).filter_map(Value::as_f64).collect()
        };
        Ok(list.iter().map(one).collect())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is told to end, so that it ends its own children; whatever fails, it does not stay.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let start = Instant::now();
        while start.elapsed() < END && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All give the same probabilities and risks, so that nobody is timed for less work.
fn agree(servers: &[Server], rows: &[FeatureVector]) -> Result<()> {
    let Some((ours, peers)) = servers.split_first() else { return Ok(()) };
    let expected = ours.answers(rows)?;
    for peer in peers {
        let found = peer.answers(rows)?;
        let is_near = |(one, other): (&Vec<f64>, &Vec<f64>)| {
            one.len() == 12
                && one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| (one - other).abs() <= TOLERANCE * one.abs().max(1.0))
        };
        if found.len() != rows.len() || !expected.iter().zip(&found).all(is_near) {
            bail!("{} answers otherwise: {:?} for {:?}", peer.who, found.first(), expected.first());
        }
    }
    Ok(())
}

/// Rows a second where each is asked as fast as it answers.
fn throughput(servers: &[Server], rows: &[FeatureVector]) -> Result<Vec<Line>> {
    let contestant = |server: &Server| {
        let question = server.question(rows);
        Contestant::new(server.who.clone(), move || {
            let asked = question.ask_for(ROUND, CONNECTIONS, None)?;
            Ok(asked.seconds / (asked.latencies.len() * rows.len()) as f64)
        })
    };
    let standings = alternate(servers.iter().map(contestant).collect(), ROUNDS)?;
    let what = format!("serving, rows a request: {}; {CONNECTIONS} connections", rows.len());
    Ok(lines(&what, &standings, |seconds| rate(seconds, "rows"), target))
}

/// The time that one answer in a hundred takes at least, where each is asked so often.
fn tail(servers: &[Server], rows: &[FeatureVector], a_second: f64) -> Result<Vec<Line>> {
    let contestant = |server: &Server| {
        let question = server.question(rows);
        Contestant::new(server.who.clone(), move || {
            let asked = question.ask_for(TAIL_ROUND, CONNECTIONS, Some(a_second))?;
            Ok(quantile(asked.latencies, 0.99))
        })
    };
    let standings = alternate(servers.iter().map(contestant).collect(), ROUNDS)?;
    let what = format!("serving, rows a request: {}; {a_second} requests/s, p99", rows.len());
    Ok(lines(&what, &standings, duration, target))
}

fn target(peer: &str) -> Option<f64> {
    Some(if peer.starts_with("BentoML") { 5.0 } else { 3.0 })
}

fn memory(servers: &[Server]) -> Result<Vec<Line>> {
    let megabytes = |server: &Server| -> Result<String> {
        let bytes = memory_of(server.child.id())?;
        Ok(format!("{} MB", short(bytes / 1e6)))
    };
    let Some((ours, peers)) = servers.split_first() else { return Ok(Vec::new()) };
    let own = megabytes(ours)?;
    let line = |peer: &Server| {
        let theirs = megabytes(peer)?;
        Ok(fixed("memory of the server after that", own.clone(), &peer.who, &theirs, "–", Met::NoTarget))
    };
    peers.iter().map(line).collect()
}

/// What a process and all it started hold, in bytes; what several share counts once.
fn memory_of(process: u32) -> Result<f64> {
    let parents = parents()?;
    let mut family = vec![process];
    let mut place = 0;
    while let Some(parent) = family.get(place).copied() {
        family.extend(parents.iter().filter(|(_, of)| **of == parent).map(|(child, _)| *child));
        place += 1;
    }
    let kilobytes = |process: &u32| -> Result<f64> {
        let path = format!("/proc/{process}/smaps_rollup");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss")?;
        line.trim().trim_end_matches("kB").trim().parse().context("Pss is no number")
    };
    family.iter().map(|process| Ok(kilobytes(process)? * 1024.0)).sum()
}

/// Each process's parent.
fn parents() -> Result<HashMap<u32, u32>> {
    let processes = fs::read_dir("/proc").context("cannot list processes")?.flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    Ok(numbers.filter_map(|process| Some((process, parent_of(process)?))).collect())
}

fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// This thread and those it starts on one processor, for as long as this lives.
struct OneProcessor {
    all: usize,
}

impl OneProcessor {
    fn take() -> Result<Self> {
        let all = thread::available_parallelism()?.get();
        if all < 2 {
            bail!("one processor for clients and servers compares nothing: two are needed");
        }
        pin(CLIENTS_PROCESSOR)?;
        Ok(OneProcessor { all })
    }
}

impl Drop for OneProcessor {
    fn drop(&mut self) {
        // What runs next would merely be slower.
        let _ = pin(&format!("0-{}", self.all - 1));
    }
}

fn pin(processors: &str) -> Result<()> {
    let own = std::process::id().to_string();
    let status = Command::new("taskset").args(["-cp", processors, &own]).stdout(Stdio::null()).status();
    if !status.context("cannot start taskset")?.success() {
        bail!("taskset could not choose processor {processors}");
    }
    Ok(())
}
