//! `linkcast events tail`: the stream printed, once or for as long as one looks.

use std::time::Duration;

use clap::Args;
use linkcast_domain::ports::Lookup;
use linkcast_domain::{Clock, SystemClock, Timestamp};
use linkcast_pipeline::{NoticeBoard, NoticeError, channel_logs};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::stream::{Event, EventKind, News, Printed, events};
use crate::arguments::DatabaseArguments;
use crate::commands::Session;
use crate::database::{self, open_existing, ready, wait};
use crate::exit::{ExitKind, Failure};
use crate::interval::Interval;
use crate::output::Form;
use crate::store::AnyStore;

/// Alerts read at each look, the newest.
const MOST_ALERTS: usize = 1_000;

/// Who follows looks so far back, and finds what was told late.
const LOOKED_BACK: Duration = Duration::from_secs(6 * 3600);

/// By how much another's clock may be ahead.
const AHEAD: Duration = Duration::from_secs(300);

/// What is printed.
#[derive(Args, Debug)]
pub(super) struct TailArguments {
    #[command(flatten)]
    database: DatabaseArguments,
    /// The task whose notices are wanted.
    #[arg(long, value_name = "TASK", default_value = linkcast_scoring::TASK)]
    task: String,
    /// Only what happened in this time before now.
    #[arg(long, value_name = "TIME", default_value = "1d")]
    since: Interval,
    /// Only these; may be given several times.
    #[arg(long = "kind", value_name = "KIND", value_enum)]
    kinds: Vec<EventKind>,
    /// Go on until Ctrl-C, and print what happens.
    #[arg(long)]
    follow: bool,
    /// With --follow: how often to look.
    #[arg(long, value_name = "TIME", default_value = "5s")]
    every: Interval,
}

/// Prints it.
pub(super) fn execute(arguments: &TailArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(&arguments.database, session.configuration)?;
    let since = SystemClock.now().minus(arguments.since.duration());
    if arguments.follow {
        return follow(arguments, (&store, since), session);
    }
    print(look(arguments, &store, since)?, &mut Printed::default(), session)
}

fn follow(
    arguments: &TailArguments,
    (store, since): (&AnyStore, Timestamp),
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let machine = |error| Failure::new(ExitKind::Machine, error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(machine)?;
    let mut signals = runtime.block_on(async { Signals::new() }).map_err(machine)?;
    let mut printed = Printed::default();
    print(look(arguments, store, since)?, &mut printed, session)?;
    while runtime.block_on(signals.next_look(arguments.every.duration())) == Next::Look {
        let since = since.max(SystemClock.now().minus(LOOKED_BACK));
        printed.forget_before(since);
        print(look(arguments, store, since)?, &mut printed, session)?;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Look,
    Stop,
}

/// SIGINT and SIGTERM, heard from the start: one that comes during a look ends the wait after it.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Signals { interrupt, terminate })
    }

    /// Waits until it is time to look again, or somebody asks to stop.
    async fn next_look(&mut self, every: Duration) -> Next {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => Next::Stop,
            _ = self.terminate.recv() => Next::Stop,
            () = tokio::time::sleep(every) => Next::Look,
        }
    }
}

fn look(arguments: &TailArguments, store: &AnyStore, since: Timestamp) -> Result<Vec<Event>, Failure> {
    let alerts = wait(store.alerts(None, MOST_ALERTS))?;
    let board = NoticeBoard::new(store, &arguments.task);
    let until = SystemClock.now().plus(AHEAD);
    let notices = ready(board.between(since, until)).map_err(failure)?;
    let logs = if notices.is_empty() {
        Vec::new()
    } else {
        ready(channel_logs(store, &arguments.task)).map_err(failure)?
    };
    let mut found = events(&alerts, &notices, &logs, since);
    found.retain(|event| arguments.kinds.is_empty() || arguments.kinds.contains(&event.kind));
    Ok(found)
}

fn print(found: Vec<Event>, printed: &mut Printed, session: &mut Session<'_>) -> Result<(), Failure> {
    for (event, news) in printed.news(found) {
        match (session.form, news) {
            (Form::JsonLines, _) => session.output.json(&event)?,
            (Form::Text, News::Event) => session.output.line(&event.line())?,
            (Form::Text, News::Telling) => {
                for told in &event.told {
                    let line = format!("{}  {:<8}  {}", told.at, "", told.words());
                    session.output.line(&format!("{line}: {}", event.summary))?;
                }
            }
        }
    }
    session.output.flush()?;
    Ok(())
}

fn failure(error: NoticeError) -> Failure {
    match error {
        NoticeError::Store(error) => database::failure(error),
        other => Failure::new(ExitKind::Database, other),
    }
}
