//! Running a diagnostic program.
//!
//! The program gets its own process group, killed whole on timeout: `ibqueryerrors` wrapped in a script leaves
//! grandchildren that hold the pipe open long after the script is gone. Output is bounded, and standard error is kept
//! only so far as a person would read it.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// The most a program may print.
const LARGEST_OUTPUT_BYTES: u64 = 512 << 20;
/// How much of standard error is kept.
const KEPT_ERROR_BYTES: u64 = 4096;

/// What a program can do instead of printing telemetry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// Not there, or not allowed.
    #[error("starting {program:?}: expected a program on the path that may be run")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Not in time; killed with all it started.
    #[error("{program} did not finish within {:.1} s and was killed with all it started{}", timeout.as_secs_f64(), said(stderr))]
    Slow {
        /// The program.
        program: String,
        /// The time it had.
        timeout: Duration,
        /// What it said.
        stderr: String,
    },
    /// Failed by its own word.
    #[error("{program} failed ({status}){}", said(stderr))]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        stderr: String,
    },
    /// Nothing printed and no error: what the tools do when the subnet manager does not answer.
    #[error(
        "{program} printed nothing: expected counters, so the subnet manager may not answer{}",
        said(stderr)
    )]
    Empty {
        /// The program.
        program: String,
        /// What it said.
        stderr: String,
    },
    /// Beyond the bound.
    #[error("{program} printed more than {limit} bytes and was killed")]
    TooLarge {
        /// The program.
        program: String,
        /// The bound.
        limit: u64,
    },
    /// The pipe broke.
    #[error("reading what {program} prints")]
    Pipe {
        /// The program.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// What a program printed.
#[derive(Debug)]
pub(crate) struct Printed {
    /// Standard output, not empty.
    pub(crate) stdout: Vec<u8>,
}

/// Runs `words` and gives what it printed. Exit status 1 with output is how `ibqueryerrors` says that it found errors
/// beyond threshold, and is fine; any other failure is one.
pub(crate) fn run(words: &[String], timeout: Duration) -> Result<Printed, CommandError> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(CommandError::Start {
            program: String::new(),
            source: io::Error::other("no program named"),
        });
    };
    let start_failed = |source| CommandError::Start { program: program.clone(), source };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(start_failed)?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let _running = Registered::new(group);
    let stdout = drain(child.stdout.take(), LARGEST_OUTPUT_BYTES);
    let stderr = drain(child.stderr.take(), KEPT_ERROR_BYTES);
    let ended = wait_for(child);
    let deadline = Instant::now() + timeout;
    let received = stdout.recv_timeout(timeout);
    let is_flood = matches!(&received, Ok(Ok(bytes)) if bytes.len() as u64 > LARGEST_OUTPUT_BYTES);
    let status = match &received {
        Ok(_) if !is_flood => ended.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok(),
        _ => None,
    };
    // Whatever the program left running holds its pipes; it ends with it.
    kill_group(group);
    if is_flood {
        return Err(CommandError::TooLarge { program: program.clone(), limit: LARGEST_OUTPUT_BYTES });
    }
    let stderr = text_of(&stderr);
    let (Ok(printed), Some(Ok(status))) = (received, status) else {
        return Err(CommandError::Slow { program: program.clone(), timeout, stderr });
    };
    let stdout = printed.map_err(|source| CommandError::Pipe { program: program.clone(), source })?;
    judge(program, status, stdout, stderr)
}

fn judge(
    program: &str,
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: String,
) -> Result<Printed, CommandError> {
    let is_empty = stdout.iter().all(u8::is_ascii_whitespace);
    match status.code() {
        Some(0) if is_empty => Err(CommandError::Empty { program: program.to_owned(), stderr }),
        Some(0) => Ok(Printed { stdout }),
        Some(1) if !is_empty => Ok(Printed { stdout }),
        _ => Err(CommandError::Failed { program: program.to_owned(), status, stderr }),
    }
}

/// Reads a pipe to its end on a thread of its own, keeping at most `limit` bytes and one more; what comes beyond is
/// read and dropped, so that a program never blocks on a full pipe.
fn drain(pipe: Option<impl Read + Send + 'static>, limit: u64) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = pipe.map_or(Ok(()), |mut pipe| {
            Read::by_ref(&mut pipe).take(limit + 1).read_to_end(&mut bytes)?;
            if limit == KEPT_ERROR_BYTES {
                io::copy(&mut pipe, &mut io::sink())?;
            }
            Ok(())
        });
        // The receiver is gone only where nobody wants the bytes.
        let _ = sender.send(read.map(|()| bytes));
    });
    receiver
}

/// Waits for the program itself, which closes its output a moment before it ends, on a thread of its own.
fn wait_for(mut child: Child) -> Receiver<io::Result<ExitStatus>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let _ = sender.send(child.wait());
    });
    receiver
}

/// The process groups of programs that run now, so that the end of this program ends them too.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// A group's entry among those that run.
struct Registered(Option<Pid>);

impl Registered {
    fn new(group: Option<Pid>) -> Self {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).extend(group);
        Registered(group)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|group| Some(*group) != self.0);
    }
}

/// Ends every program that still runs, with all it started.
pub(crate) fn kill_running_programs() {
    for group in RUNNING.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        kill_group(Some(group));
    }
}

/// Ends the program's whole group. A group that is gone already is what was wanted.
fn kill_group(group: Option<Pid>) {
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

fn text_of(stderr: &Receiver<io::Result<Vec<u8>>>) -> String {
    let bytes = stderr.recv_timeout(Duration::from_millis(500)).ok().and_then(Result::ok).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// The first line of standard error, as the end of a message.
fn said(stderr: &str) -> String {
    stderr
        .lines()
        .next()
        .map_or_else(String::new, |line| format!("; it said: {}", line.chars().take(200).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, timeout: Duration) -> Result<Printed, CommandError> {
        run(&["sh".into(), "-c".into(), script.into()], timeout)
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn exit_status_one_with_output_is_an_answer() {
        assert_eq!(shell("echo counters; exit 1", LONG).unwrap().stdout, b"counters\n");
    }

    #[test]
    fn another_exit_status_is_a_failure_with_what_the_program_said() {
        let error = shell("echo half; echo 'no such lid' >&2; exit 255", LONG).unwrap_err();
        assert!(matches!(error, CommandError::Failed { .. }), "{error}");
        assert!(error.to_string().contains("no such lid"), "{error}");
    }

    #[test]
    fn nothing_printed_and_status_zero_is_a_failed_scrape() {
        let error = shell("echo 'Query SA failed: Connection timed out' >&2", LONG).unwrap_err();
        assert!(matches!(error, CommandError::Empty { .. }), "{error}");
        assert!(error.to_string().contains("Query SA failed"), "{error}");
    }

    #[test]
    fn a_slow_program_is_killed_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("grandchild");
        let script = format!("sleep 60 & echo $! > {}; wait", file.display());
        let begun = Instant::now();
        let error = shell(&script, Duration::from_millis(400)).unwrap_err();
        assert!(matches!(error, CommandError::Slow { .. }), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(10));
        let grandchild = std::fs::read_to_string(file).unwrap();
        let patience = Instant::now() + LONG;
        while !is_gone(grandchild.trim()) {
            assert!(Instant::now() < patience, "{grandchild} still runs");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Killed and, where nobody has reaped it yet, a zombie. A kill is carried out when the process is next
    /// scheduled, so a busy machine may show it running for a moment.
    fn is_gone(process: &str) -> bool {
        std::fs::read_to_string(format!("/proc/{process}/stat")).map_or(true, |stat| stat.contains(") Z "))
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(&["no-such-program".into()], LONG).unwrap_err();
        assert!(error.to_string().contains("no-such-program"), "{error}");
    }
}
