//! This same program, called as a user calls it.
//!
//! Every call has its own process group, so that Ctrl-C on a terminal reaches this program alone, which then ends what it started
//! in order. A call that is dropped is killed and waited for: the time a step has, the word to stop and a failure end it alike.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::exit::{ExitKind, Failure};

/// The most a call may print, bytes.
const LARGEST_OUTPUT: u64 = 256 << 20;
/// How much of standard error is kept, bytes.
const KEPT_ERROR: u64 = 64 << 10;
/// How often a call is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Variables that would have a call look elsewhere than where it is told to.
const VARIABLES: [&str; 6] = [
    crate::configuration::DATABASE_VARIABLE,
    crate::configuration::MODELS_VARIABLE,
    crate::configuration::LISTEN_VARIABLE,
    crate::configuration::MODEL_FOLDER_VARIABLE,
    crate::configuration::LOG_VARIABLE,
    crate::configuration::BIND_PORT_VARIABLE,
];

/// This program, to be called.
pub(crate) struct Program {
    path: PathBuf,
    started: Mutex<Vec<Pid>>,
}

/// A call that runs.
pub(crate) struct Running {
    name: String,
    child: Child,
    lines: UnboundedReceiver<String>,
    said: UnboundedReceiver<String>,
}

impl Program {
    /// The program that runs here.
    ///
    /// # Errors
    /// The system does not say which that is.
    pub(crate) fn this() -> Result<Self, Failure> {
        let path = env::current_exe().map_err(|error| {
            Failure::new(ExitKind::Machine, format!("finding this program's own file: {error}"))
        })?;
        Ok(Program { path, started: Mutex::new(Vec::new()) })
    }

    /// Calls it and gives what it printed.
    ///
    /// # Errors
    /// It cannot be started, or it ends with anything but 0: its own words, and its own exit kind.
    pub(crate) async fn call(&self, arguments: &[&OsStr]) -> Result<String, Failure> {
        let mut running = self.start(arguments)?;
        let mut printed = String::new();
        while let Some(line) = running.lines.recv().await {
            printed.push_str(&line);
        }
        let status = running.ended().await?;
        if status.success() { Ok(printed) } else { Err(running.failure(status).await) }
    }

    /// Starts it.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(&self, arguments: &[&OsStr]) -> Result<Running, Failure> {
        let words: Vec<OsString> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let name = words.first().map_or_else(String::new, |word| word.to_string_lossy().into_owned());
        let mut command = Command::new(&self.path);
        VARIABLES.iter().for_each(|variable| {
            command.env_remove(variable);
        });
        let child = command
            .args(&words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn();
        let mut child = child.map_err(|error| {
            Failure::new(ExitKind::Machine, format!("starting {}: {error}", self.path.display()))
        })?;
        if let Some(process) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            self.started.lock().unwrap_or_else(PoisonError::into_inner).push(process);
        }
        let lines = lines_of(child.stdout.take(), LARGEST_OUTPUT);
        let said = lines_of(child.stderr.take(), KEPT_ERROR);
        Ok(Running { name: format!("linkcast {name}"), child, lines, said })
    }

    /// How many calls were made, and how many of them run still.
    pub(crate) fn calls(&self) -> (usize, usize) {
        let started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        (started.len(), started.iter().filter(|process| test_kill_process(**process).is_ok()).count())
    }
}

impl Running {
    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line it prints.
    ///
    /// # Errors
    /// It ended and printed none.
    pub(crate) async fn line(&mut self) -> Result<String, Failure> {
        match self.lines.recv().await {
            Some(line) => Ok(line),
            None => {
                let status = self.ended().await?;
                Err(self.failure(status).await)
            }
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// The system cannot say how it ended.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus, Failure> {
        loop {
            let looked = self.child.try_wait().map_err(|error| {
                Failure::new(ExitKind::Machine, format!("waiting for {}: {error}", self.name))
            })?;
            match looked {
                Some(status) => return Ok(status),
                None => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Asks it to end, as an orchestrator does: SIGTERM.
    ///
    /// # Errors
    /// The system does not deliver it.
    pub(crate) fn tell_to_stop(&self) -> Result<(), Failure> {
        let sent = match i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            Some(process) => kill_process(process, Signal::TERM).map_err(io::Error::from),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        sent.map_err(|error| {
            Failure::new(ExitKind::Machine, format!("sending SIGTERM to {}: {error}", self.name))
        })
    }

    /// Everything it said on standard error; it has ended.
    pub(crate) async fn words(&mut self) -> String {
        let mut words = String::new();
        while let Some(line) = self.said.recv().await {
            words.push_str(&line);
        }
        words
    }

    /// Its own words on why it failed, of its own exit kind.
    pub(crate) async fn failure(&mut self, status: ExitStatus) -> Failure {
        let words = self.words().await;
        let after = |mark: &str| words.lines().find_map(|line| line.trim_start().strip_prefix(mark));
        let last = || words.lines().rev().find(|line| !line.trim().is_empty());
        let why = after("error: ").or_else(last).unwrap_or("it said nothing");
        let kind = status.code().and_then(ExitKind::of_code).unwrap_or(ExitKind::Machine);
        let failure = Failure::new(kind, format!("{} ended with {status}: {why}", self.name));
        match after("next: ") {
            Some(step) => failure.with_next_step(step),
            None => failure,
        }
    }
}

/// Nothing that was started outlives who started it.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a pipe with their ends, at most `most` bytes of them; what comes beyond is read and dropped, so that nobody blocks
/// on a full pipe.
fn lines_of(pipe: Option<impl Read + Send + 'static>, most: u64) -> UnboundedReceiver<String> {
    let (sender, receiver) = unbounded_channel();
    if let Some(pipe) = pipe {
        thread::spawn(move || {
            let mut reader = BufReader::new(pipe);
            let mut line = Vec::new();
            let mut kept = reader.by_ref().take(most);
            while kept.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
                line.clear();
            }
            drop(sender);
            let _ = io::copy(&mut reader, &mut io::sink());
        });
    }
    receiver
}
