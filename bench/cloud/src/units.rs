//! What the table charges for a fabric: collect, prepare and insight on a real table, counted by the table itself.

use anyhow::{Context, Result};
use linkcast_aws::{DynamoStore, Usage, connect, create_table};
use linkcast_domain::ports::{ArrivalRecord, Bus, BusEvent, NotifyError, Questions};
use linkcast_domain::{SystemClock, Timestamp};
use linkcast_features::Calendar;
use linkcast_pipeline::Settings;
use linkcast_pipeline::apart::{Answering, Collect, insight, prepare};
use linkcast_pipeline::steps::Steps;
use linkcast_scoring::Model;

use crate::cost::{Counts, Stage, write_page};
use crate::fabric::{collect, fabric, next_sweep};

const PORTS: usize = 400;
const SWEEPS: usize = 60;
/// Sweeps before counting: first readings and first facts are written once in a fabric's life.
const COLD_SWEEPS: usize = 10;

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

async fn count(store: &DynamoStore) -> Result<Counts> {
    let (settings, calendar, use_case) = (Settings::default(), Calendar::utc(), Collect::default());
    let steps = Steps { settings: &settings, calendar: &calendar };
    let (model, bus) = (linkcast_insight::shipped_model()?, Counted::default());
    let (mut fabric, mut counts, mut after) = (fabric(PORTS)?, Counts::default(), Timestamp::EARLIEST);
    for number in 0..SWEEPS {
        if number == COLD_SWEEPS {
            counts = Counts::default();
            bus.0.store(0, std::sync::atomic::Ordering::Relaxed);
        }
        let sweep = next_sweep(&mut fabric)?;
        let time = sweep.time;
        store.take_usage();
        let arrivals = {
            // Reading the arrivals back is the bench's own and counted with nobody.
            let reader = store.clone();
            let arrivals = collect((&reader, &use_case), &settings, sweep, after).await;
            let usage = store.take_usage();
            counts.collect.add(Usage { read_units: 0.0, ..usage });
            arrivals?
        };
        counts.samples += arrivals.iter().filter(|arrival| arrival.sample.is_some()).count() as u64;
        prepared(store, &steps, &arrivals).await?;
        counts.prepare.add(store.take_usage());
        judged(store, &steps, (&model, &bus), (&arrivals, after), &mut counts).await?;
        after = time;
    }
    counts.events = bus.0.into_inner();
    Ok(counts)
}

async fn prepared(store: &DynamoStore, steps: &Steps<'_>, arrivals: &[ArrivalRecord]) -> Result<()> {
    for batch in arrivals.chunks(500) {
        for outcome in prepare(store, steps, batch).await {
            outcome.map_err(|error| anyhow::anyhow!("{error}"))?;
        }
    }
    Ok(())
}

async fn judged(
    store: &DynamoStore,
    steps: &Steps<'_>,
    (model, bus): (&Model, &Counted),
    (arrivals, after): (&[ArrivalRecord], Timestamp),
    counts: &mut Counts,
) -> Result<()> {
    let mut questions = Vec::new();
    for arrival in arrivals {
        let until = Timestamp::from_millis(arrival.time.millis() + 1);
        questions.extend(store.questions(&arrival.stream, after, until).await?);
    }
    store.take_usage();
    counts.questions += questions.len() as u64;
    let answering = Answering { steps, judge: model, clock: &SystemClock };
    for batch in questions.chunks(100) {
        let (outcomes, news) = insight((store, bus), &answering, batch).await;
        counts.insights += news.insights;
        for outcome in outcomes {
            outcome.map_err(|error| anyhow::anyhow!("{error}"))?;
        }
    }
    counts.insight.add(store.take_usage());
    Ok(())
}

fn print(counts: &Counts) {
    let thousand = |stage: &Stage| {
        let per = 1_000.0 / counts.samples.max(1) as f64;
        (stage.write_units * per, stage.read_units * per, stage.requests as f64 * per)
    };
    for (name, stage) in
        [("collect", &counts.collect), ("prepare", &counts.prepare), ("insight", &counts.insight)]
    {
        let (writes, reads, requests) = thousand(stage);
        println!(
            "{name}: {writes:.0} write units, {reads:.0} read units, {requests:.0} requests for 1000 samples"
        );
    }
    println!(
        "{} samples, {} questions, {} insights, {} events",
        counts.samples, counts.questions, counts.insights, counts.events
    );
}
