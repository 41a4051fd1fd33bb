//! `linkcast verify`: a real trained model goes the whole way in one command, and nothing is left of it.
//!
//! Each step is done as people do it: this program is called for what is a command, and the server is asked by the client that
//! functions ask with. docs/VERIFY.md says what each line means.

use std::net::{Ipv4Addr, SocketAddr};

use clap::Args;

use super::Session;
use crate::arguments::DatabaseArguments;
use crate::exit::{ExitKind, Failure};
use crate::registry::ModelChoice;
use crate::verifying::{Checklist, Ended, Folder, Plan, Program, Step, clean_up, run, told_to_stop};

/// Go a model's whole way once: train, register, serve, ask, break, recover, stop.
#[derive(Args, Debug)]
#[command(
    after_help = "Steps, each with its own time:\n  model      train a small model on a simulated fabric, or take the one named\n  evaluate   judge it on another\n  register   add, approve and make it live, in a store of its own\n  serve      start `linkcast serve --model registry:live`\n  health     /ping; the version and the card that /models names\n  answers    thousands of rows through the functions' client: equal to the bit to what the model says here\n  latency    p50 and p99 of single rows, rows a second of large questions\n  breaker    kill the server: embedded answers, the breaker opens\n  recovery   start it again at its address: it is asked again, and answers the same\n  stop       SIGTERM, exit code 0\n  clean up   no process and no folder is left, whatever failed before\n\nThe exit code is that of the step that failed. Everything that is learnt and asked is synthetic.\n\nExamples:\n  linkcast verify\n  linkcast verify --json | jq -r 'select(.outcome == \"failed\")'\n  linkcast verify --model model/ --listen 127.0.0.1:8080\n  linkcast verify --model registry:live --db linkcast.db --keep"
)]
pub(crate) struct VerifyArguments {
    /// Verify this model, a folder or registry:NAME, in place of training one. A registry is only read.
    #[arg(long, value_name = "MODEL")]
    model: Option<ModelChoice>,
    #[command(flatten)]
    database: DatabaseArguments,
    /// Where the server listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    listen: SocketAddr,
    /// The seed of every simulation.
    #[arg(long, value_name = "S", default_value_t = 77)]
    seed: u64,
    /// The most rows that are asked about.
    #[arg(long, value_name = "N", default_value_t = 4_000, value_parser = rows)]
    rows: usize,
    /// Keep the folder with the model, the store and the models' files, and say where it is.
    #[arg(long)]
    keep: bool,
}

fn rows(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|rows| (1..=1_000_000).contains(rows));
    number.ok_or_else(|| format!("{text:?}: expected 1 to 1000000"))
}

/// Verifies.
pub(crate) fn execute(arguments: &VerifyArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let made = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = made.map_err(|error| Failure::new(ExitKind::Machine, error))?;
    let ended = runtime.block_on(verify(arguments, session));
    // A simulation that was on its way when the word to stop came is not waited for.
    runtime.shutdown_background();
    ended
}

async fn verify(arguments: &VerifyArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    // Heard from here on: nothing is made before.
    let stop = told_to_stop().map_err(|error| Failure::new(ExitKind::Machine, error))?;
    let folder = tempfile::Builder::new().prefix("linkcast-verify-").tempdir().map_err(|error| {
        Failure::new(ExitKind::Machine, format!("making a temporary folder: {error}"))
            .with_next_step("see that TMPDIR names a folder that may be written")
    })?;
    let (plan, program) = (arguments.plan(session), Program::this()?);
    let path = folder.path().to_owned();
    let mut checklist = Checklist::new(session);
    let ended = tokio::select! {
        biased;
        told = stop => Err(told),
        ended = run(&plan, &program, &path, &mut checklist) => ended,
    };
    if let Err(failure) = &ended {
        checklist.close(failure)?;
    }
    let fate = if arguments.keep { Folder::Kept } else { Folder::Removed };
    let cleaned = checklist.step(Step::CleanUp, async { clean_up(folder, fate, &program) }).await;
    checklist.finish(&Ended { folder: arguments.keep.then_some(path.as_path()) })?;
    ended.and(cleaned)
}

impl VerifyArguments {
    fn plan(&self, session: &Session<'_>) -> Plan {
        Plan {
            model: self.model.clone(),
            store: self.database.place(session.configuration),
            listen: self.listen,
            seed: self.seed,
            rows: self.rows,
        }
    }
}
