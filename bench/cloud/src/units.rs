//! What the table charges for a fabric: collect, prepare and insight on a real table, counted by the table itself.

use std::time::Instant;

use anyhow::{Context, Result};
use linkcast_aws::{DynamoStore, bytes_of_arrival, connect, create_table};
use linkcast_domain::ports::{ArrivalRecord, Bus, BusEvent, NotifyError, Questions};
use linkcast_domain::{SystemClock, Timestamp};
use linkcast_features::Calendar;
use linkcast_pipeline::apart::{Answering, Collect, insight, prepare};
use linkcast_pipeline::steps::Steps;
use linkcast_pipeline::{OneJudge, Settings, Sweep};
use linkcast_scoring::Model;

use crate::cost::{Counts, Stage, write_page};
use crate::fabric::{arrivals_at, fabric, next_sweep, streams_of};

const PORTS: usize = 400;
const SWEEPS: usize = 60;
/// Sweeps before counting: first readings and first facts are written once in a fabric's life.
const COLD_SWEEPS: usize = 10;
/// Records one call gets, as the template's mappings have it.
const PREPARE_BATCH: usize = 1_000;
const INSIGHT_BATCH: usize = 100;

/// A bus that counts.
#[derive(Default)]
struct Counted(std::sync::atomic::AtomicU64);

impl Bus for Counted {
    async fn tell(&self, events: &[BusEvent]) -> Vec<Result<(), NotifyError>> {
        self.0.fetch_add(events.len() as u64, std::sync::atomic::Ordering::Relaxed);
        events.iter().map(|_| Ok(())).collect()
    }
}

pub(crate) async fn run() -> Result<()> {
    let shared = connect().await;
    let table = format!("bench-{}", std::process::id());
    let store = DynamoStore::new(&shared, &table, "bench");
    create_table(store.client(), &table).await.context("cannot make the table")?;
    let counts = count(&store).await?;
    store.client().delete_table().table_name(&table).send().await?;
    print(&counts);
    write_page(&counts)
}

/// A fabric's way through collect, prepare and insight on one table.
struct Run<'a> {
    store: &'a DynamoStore,
    steps: Steps<'a>,
    collect: Collect,
    model: Model,
    bus: Counted,
    counts: Counts,
}

async fn count(store: &DynamoStore) -> Result<Counts> {
    let (settings, calendar) = (Settings::default(), Calendar::utc());
    let steps = Steps { settings: &settings, calendar: &calendar };
    let (collect, model) = (Collect::default(), linkcast_insight::shipped_model()?);
    let mut run = Run { store, steps, collect, model, bus: Counted::default(), counts: Counts::default() };
    let mut fabric = fabric(PORTS)?;
    for number in 0..SWEEPS {
        if number == COLD_SWEEPS {
            run.counts = Counts::default();
            run.bus = Counted::default();
        }
        let sweep = next_sweep(&mut fabric)?;
        let (time, streams) = (sweep.time, streams_of(&sweep));
        run.collected(sweep).await?;
        let arrivals = arrivals_at(store, &streams, time).await?;
        run.counts.samples += arrivals.iter().filter(|arrival| arrival.sample.is_some()).count() as u64;
        run.counts.sample_bytes += arrivals.iter().map(bytes_of_arrival).sum::<u64>();
        run.prepared(&arrivals).await?;
        run.judged(&arrivals).await?;
    }
    run.counts.events = run.bus.0.into_inner();
    Ok(run.counts)
}

impl Run<'_> {
    async fn collected(&mut self, sweep: Sweep) -> Result<()> {
        self.store.take_usage();
        let started = Instant::now();
        self.collect.sweep(self.store, &self.steps, sweep).await.context("cannot collect")?;
        self.counts.collect.add(self.store.take_usage(), started.elapsed().as_secs_f64());
        Ok(())
    }

    async fn prepared(&mut self, arrivals: &[ArrivalRecord]) -> Result<()> {
        self.store.take_usage();
        let started = Instant::now();
        for batch in arrivals.chunks(PREPARE_BATCH) {
            for outcome in prepare(self.store, &self.steps, batch).await {
                outcome.context("cannot prepare")?;
            }
        }
        self.counts.prepare.add(self.store.take_usage(), started.elapsed().as_secs_f64());
        Ok(())
    }

    async fn judged(&mut self, arrivals: &[ArrivalRecord]) -> Result<()> {
        let mut questions = Vec::new();
        for arrival in arrivals {
            let (after, until) =
                (arrival.time.millis().saturating_sub(1), arrival.time.millis().saturating_add(1));
            let range = (Timestamp::from_millis(after), Timestamp::from_millis(until));
            questions.extend(self.store.questions(&arrival.stream, range.0, range.1).await?);
        }
        self.counts.questions += questions.len() as u64;
        self.store.take_usage();
        let started = Instant::now();
        let answering = Answering { steps: &self.steps, judges: &OneJudge(&self.model), clock: &SystemClock };
        for batch in questions.chunks(INSIGHT_BATCH) {
            let (outcomes, news) = insight((self.store, &self.bus), &answering, batch).await;
            self.counts.insights += news.insights;
            for outcome in outcomes {
                outcome.context("cannot judge")?;
            }
        }
        self.counts.insight.add(self.store.take_usage(), started.elapsed().as_secs_f64());
        Ok(())
    }
}

fn print(counts: &Counts) {
    let per = 1_000.0 / counts.samples.max(1) as f64;
    for (name, Stage { usage, seconds }, _, _) in counts.stages() {
        println!(
            "{name}, for 1000 samples: {:.0} write units, {:.0} read units, {:.0} requests, {:.0} kB written, {:.0} kB read, {:.0} ms",
            usage.write_units * per,
            usage.read_units * per,
            usage.requests as f64 * per,
            usage.written_bytes as f64 * per / 1e3,
            usage.read_bytes as f64 * per / 1e3,
            seconds * per * 1e3,
        );
    }
    println!(
        "{} samples of {} B stored, {} questions, {} insights, {} events",
        counts.samples,
        counts.sample_bytes / counts.samples.max(1),
        counts.questions,
        counts.insights,
        counts.events
    );
}
