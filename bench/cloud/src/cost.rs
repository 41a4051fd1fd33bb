//! docs/COST.md: dollars, from counts and the list prices.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use linkcast_aws::Usage;
use serde::Deserialize;

/// What one function consumed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stage {
    pub(crate) requests: u64,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
}

impl Stage {
    pub(crate) fn add(&mut self, usage: Usage) {
        self.requests += usage.requests;
        self.read_units += usage.read_units;
        self.write_units += usage.write_units;
    }
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) samples: u64,
    pub(crate) questions: u64,
    pub(crate) insights: u64,
    pub(crate) events: u64,
    pub(crate) collect: Stage,
    pub(crate) prepare: Stage,
    pub(crate) insight: Stage,
}

/// List prices.
#[derive(Clone, Debug, Deserialize)]
struct Prices {
    date: String,
    region: String,
    write_unit: f64,
    read_unit: f64,
    lambda_request: f64,
    lambda_gb_second: f64,
    event: f64,
    bedrock_insight: f64,
    endpoint_insight: f64,
}

/// Samples of one port in a month, swept twice a minute.
const SAMPLES_A_PORT_MONTH: f64 = 2.0 * 60.0 * 24.0 * 30.0;

/// Records one invocation of prepare takes, and of insight.
const RECORDS_A_BATCH: f64 = 500.0;

/// What an invocation takes beside its table's calls: seconds for a thousand samples, on half a gigabyte.
const SECONDS_A_THOUSAND: f64 = 1.0;
const GIGABYTES: f64 = 0.5;

pub(crate) fn write_page(counts: &Counts) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let prices = std::fs::read_to_string(folder.join("prices.toml")).context("cannot read prices.toml")?;
    let prices: Prices = toml::from_str(&prices).context("prices.toml is not what was expected")?;
    let path = folder.join("../../docs/COST.md");
    std::fs::write(&path, page(counts, &prices)).with_context(|| format!("cannot write {}", path.display()))
}

fn page(counts: &Counts, prices: &Prices) -> String {
    let samples = counts.samples.max(1) as f64;
    let stage = |stage: &Stage| {
        (stage.write_units * prices.write_unit + stage.read_units * prices.read_unit) / samples * 1e6
    };
    let (collect, prepare, insight) =
        (stage(&counts.collect), stage(&counts.prepare), stage(&counts.insight));
    // Three functions see a thousand samples two, two and fewer times; each for at most a second of half a gigabyte.
    let invocations = 3.0 / RECORDS_A_BATCH * 1e6;
    let lambda = invocations * prices.lambda_request
        + 1e3 * 3.0 * SECONDS_A_THOUSAND * GIGABYTES * prices.lambda_gb_second;
    let events = counts.events as f64 / samples * 1e6 * prices.event;
    let million = collect + prepare + insight + lambda + events;
    let per_insight = counts.insights as f64 / samples;
    let mut page = String::new();
    let _ = write!(
        page,
        "# What Linkcast costs on AWS\n\n\
         Made by `linkcast-bench-cloud units` from what the table counted for {} samples of a simulated fabric, and from the list\n\
         prices of {}, {}, in `bench/cloud/prices.toml`.\n\n\
         | for a million samples | write units | read units | requests | dollars |\n|---|---|---|---|---|\n",
        counts.samples, prices.date, prices.region
    );
    for (name, counted, dollars) in [
        ("collect", &counts.collect, collect),
        ("prepare", &counts.prepare, prepare),
        ("insight", &counts.insight, insight),
    ] {
        let per = 1e6 / samples;
        let _ = writeln!(
            page,
            "| {name}, the table | {:.0} | {:.0} | {:.0} | {dollars:.3} |",
            counted.write_units * per,
            counted.read_units * per,
            counted.requests as f64 * per
        );
    }
    let _ = writeln!(page, "| Lambda, three functions | | | {invocations:.0} | {lambda:.3} |");
    let _ = writeln!(page, "| EventBridge | | | {:.0} | {events:.3} |", events / prices.event);
    let _ = writeln!(page, "| **all** | | | | **{million:.2}** |\n");
    let _ = writeln!(
        page,
        "Lambda is counted at {SECONDS_A_THOUSAND} s of {GIGABYTES} GB for a thousand samples in each function, which is the limit and not \
         the measure.\n\n{:.2} insights come of a thousand samples.\n\n\
         | ports, swept twice a minute | samples a month | dollars a month | dollars an insight | Bedrock for every insight | an endpoint for every insight |\n\
         |---|---|---|---|---|---|",
        per_insight * 1e3
    );
    for ports in [1_000.0, 10_000.0, 200_000.0] {
        let month = ports * SAMPLES_A_PORT_MONTH;
        let dollars = month / 1e6 * million;
        let insights = (month * per_insight).max(1.0);
        let _ = writeln!(
            page,
            "| {ports:.0} | {:.0} million | {dollars:.0} | {:.6} | + {:.0} ({}) | + {:.0} ({}) |",
            month / 1e6,
            dollars / insights,
            insights * prices.bedrock_insight,
            prices.bedrock_insight,
            insights * prices.endpoint_insight,
            prices.endpoint_insight,
        );
    }
    page
}
