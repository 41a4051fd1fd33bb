//! `linkcast run`: live sources, watched until told to stop.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use clap::Args;
use linkcast_domain::{Clock, SystemClock};
use linkcast_store::MemoryStore;
use tokio::runtime::Runtime;

use super::Session;
use crate::arguments::{DatabaseArguments, FabricArguments, PipelineArguments, TellingArguments};
use crate::database;
use crate::engine::{Engine, EngineStore, Kept};
use crate::exit::{ExitKind, Failure, chain};
use crate::interval::Interval;
use crate::live::{Joined, Joiner, SourceHealth};
use crate::printed;
use crate::sink::Reminder;
use crate::source::{Answer, Delivery, Event, Listener, PollSettings, SourceSpec, start_polling};

/// Watch live sources.
#[derive(Args, Debug)]
#[command(
    after_help = "Sources:\n  http://host:9315/metrics    an exporter (treydock, SckyzO, guilbaults, node_exporter) or UFM Telemetry; https too\n  sysfs:/sys                  this machine's own adapters\n  command:program arguments   a diagnostic program, run without a shell; commands asked together are joined by port\n  listen:address:port         receives Prometheus remote write at /api/v1/write\n\nExamples:\n  linkcast run --source http://exporter:9315/metrics --db linkcast.db\n  linkcast run --source 'command:ibqueryerrors --data --report-port' --alertmanager http://localhost:9093\n  linkcast run --source listen:0.0.0.0:9201 --webhook https://chat.example/hook --db linkcast.db"
)]
pub(crate) struct RunArguments {
    /// Where telemetry comes from; may be given several times.
    #[arg(long = "source", required = true, value_name = "SPEC")]
    sources: Vec<SourceSpec>,
    /// How often polled sources are asked.
    #[arg(long, value_name = "TIME", default_value = "30s")]
    interval: Interval,
    /// How long one answer may take (default: the interval, at most 20s).
    #[arg(long, value_name = "TIME")]
    timeout: Option<Interval>,
    /// Ask every source once, then end.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    database: DatabaseArguments,
    #[command(flatten)]
    telling: TellingArguments,
    #[command(flatten)]
    fabric: FabricArguments,
    #[command(flatten)]
    pipeline: PipelineArguments,
}

/// Events waiting for the pipeline: beyond this, listeners say that they are busy.
const WAITING_EVENTS: usize = 256;

/// Watches.
pub(crate) fn execute(arguments: &RunArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    match arguments.database.place(session.configuration) {
        Some(place) => watch(arguments, database::open(&place, session.configuration)?, session),
        None => watch(arguments, MemoryStore::new(), session),
    }
}

fn watch<S: EngineStore>(
    arguments: &RunArguments,
    store: S,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let topology = Arc::new(arguments.fabric.topology()?);
    let mut parts =
        arguments.pipeline.parts(arguments.database.place(session.configuration).as_ref(), session)?;
    parts.windows = arguments.fabric.windows()?;
    parts.channels = arguments.telling.channels(&store)?;
    let mut engine = Engine::open(store, parts)?.counting();
    engine.learn(&topology, SystemClock.now())?;
    let runtime = runtime()?;
    let (sender, events) = sync_channel(WAITING_EVENTS);
    watch_signals(&runtime, sender.clone());
    let polls = start_sources(arguments, &topology, &runtime, &sender)?;
    drop(sender);
    let mut watch = LiveWatch {
        joiner: Joiner::new(&arguments.sources, arguments.timeout().min(arguments.interval.duration()) / 2),
        health: arguments.sources.iter().map(SourceHealth::new).collect(),
        engine,
        unanswered: arguments.sources.iter().filter(|source| source.is_polled()).count(),
        is_once: arguments.once,
        any_answer: false,
        reminder: arguments.telling.reminder(),
    };
    let ended = watch.serve(&events, session);
    drop(polls);
    crate::source::kill_running_programs();
    ended?;
    let last = watch.engine.finish()?;
    printed::report(&last, session)?;
    watch.conclude(session)
}

impl RunArguments {
    fn timeout(&self) -> Duration {
        const LONGEST: Duration = Duration::from_secs(20);
        self.timeout.map_or_else(|| self.interval.duration().min(LONGEST), Interval::duration)
    }
}

fn runtime() -> Result<Runtime, Failure> {
    let made = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    made.map_err(|error| Failure::new(ExitKind::Machine, error))
}

/// SIGINT and SIGTERM end the watch cleanly.
fn watch_signals(runtime: &Runtime, events: SyncSender<Event>) {
    runtime.spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let signals =
            signal(SignalKind::interrupt()).and_then(|one| Ok((one, signal(SignalKind::terminate())?)));
        if let Ok((mut interrupt, mut terminate)) = signals {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            // The pipeline may be busy and the queue full: wait for room on a thread that may block.
            let _ = tokio::task::spawn_blocking(move || events.send(Event::Stop).is_ok()).await;
        }
    });
}

/// Starts every source; what is given back ends the polls when it is dropped.
fn start_sources(
    arguments: &RunArguments,
    topology: &Arc<linkcast_telemetry::Topology>,
    runtime: &Runtime,
    events: &SyncSender<Event>,
) -> Result<Vec<std::sync::mpsc::Sender<()>>, Failure> {
    let settings = PollSettings {
        interval: arguments.interval.duration(),
        timeout: arguments.timeout(),
        topology: Arc::clone(topology),
        is_once: arguments.once,
    };
    let mut polls = Vec::new();
    for (number, source) in arguments.sources.iter().enumerate() {
        match source {
            SourceSpec::Listen(address) => {
                let listener = Listener::new(number, *address, events.clone());
                runtime.block_on(listener.start()).map_err(|error| {
                    Failure::new(ExitKind::WrongUse, error).with_next_step("name another address or port")
                })?;
            }
            polled => polls.push(start_polling(number, polled.clone(), settings.clone(), events.clone())),
        }
    }
    Ok(polls)
}

/// Everything the one thread that owns the pipeline holds.
struct LiveWatch<S: EngineStore> {
    joiner: Joiner,
    health: Vec<SourceHealth>,
    engine: Engine<S>,
    /// With `--once`: polled sources that have not answered yet.
    unanswered: usize,
    is_once: bool,
    any_answer: bool,
    reminder: Option<Reminder>,
}

impl<S: EngineStore> LiveWatch<S> {
    fn serve(&mut self, events: &Receiver<Event>, session: &mut Session<'_>) -> Result<(), Failure> {
        loop {
            match events.recv_timeout(self.patience(Instant::now())) {
                Ok(Event::Answer(answer)) => self.take_answer(answer, session)?,
                Ok(Event::Delivery(delivery)) => self.take_delivery(delivery, session)?,
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            for joined in self.joiner.due(Instant::now()) {
                self.ingest(joined, session)?;
            }
            self.remind(session);
            if self.is_once && self.unanswered == 0 {
                break;
            }
        }
        for joined in self.joiner.rest() {
            self.ingest(joined, session)?;
        }
        Ok(())
    }

    /// How long there is nothing to do but wait for sources.
    fn patience(&self, now: Instant) -> Duration {
        let reminder = self.reminder.as_ref().map(|reminder| reminder.patience(now));
        self.joiner.patience(now).min(reminder.unwrap_or(Duration::MAX))
    }

    fn remind(&mut self, session: &Session<'_>) {
        let Some(reminder) = &mut self.reminder else { return };
        if let Err(error) = reminder.remind(self.engine.firing(), Instant::now()) {
            session.notes.detail(chain(&error));
        }
    }

    fn take_answer(&mut self, answer: Answer, session: &mut Session<'_>) -> Result<(), Failure> {
        self.unanswered = self.unanswered.saturating_sub(1);
        if let Some(health) = self.health.get_mut(answer.source) {
            match &answer.result {
                Ok((_, parsed)) => health.answered(parsed, session.notes),
                Err(error) => health.failed(&chain(error), answer.pause, session.notes),
            }
        }
        self.any_answer |= answer.result.is_ok();
        if answer.result.is_err() {
            // Silence is counted in time, and time passes only with sweeps: an empty one says that nothing was heard.
            let (name, now) = (self.joiner.name_of(answer.source), answer.asked);
            self.ingest(Joined::silence(name, now), session)?;
        }
        self.joiner.add(answer, Instant::now());
        Ok(())
    }

    fn take_delivery(&mut self, delivery: Delivery, session: &mut Session<'_>) -> Result<(), Failure> {
        self.any_answer = true;
        if let Some(health) = self.health.get_mut(delivery.source) {
            health.answered(&delivery.parsed, session.notes);
        }
        let joined = self.joiner.delivered(delivery.source, SystemClock.now(), delivery.parsed);
        if self.ingest(joined, session)? == Kept::Durable {
            // A client that went away hears nothing; its samples are stored all the same.
            let _ = delivery.done.send(());
        }
        Ok(())
    }

    /// Positions are epoch milliseconds, so that they rise over restarts; two sweeps of one instant still differ.
    fn ingest(&mut self, joined: Joined, session: &mut Session<'_>) -> Result<Kept, Failure> {
        let mut sweep = joined.into_sweep();
        let now = u64::try_from(SystemClock.now().millis()).unwrap_or(0);
        sweep.position = now.max(self.engine.position(&sweep.source) + 1);
        self.engine.ingest(sweep, session)
    }

    fn conclude(&self, session: &mut Session<'_>) -> Result<(), Failure> {
        let tally = self.engine.tally();
        session.notes.inform(format!(
            "{} readings of {} streams gave {} samples, {} insights and {} alert messages",
            tally.readings,
            self.engine.stream_count(),
            tally.samples,
            tally.insights,
            self.engine.alerts_told()
        ));
        if self.is_once && !self.any_answer {
            return Err(Failure::new(ExitKind::SourcesSilent, "no source gave anything usable")
                .with_next_step("the warnings above say why, source by source"));
        }
        Ok(())
    }
}
