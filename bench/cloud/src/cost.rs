//! docs/COST.md: dollars, from counts and the list prices.
//!
//! What the table charges is counted by the table itself; how often functions are called follows from the template's
//! batches; how long a call takes is measured. Prices stand in one file, with date and region.

use std::fmt::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use linkcast_aws::Usage;
use serde::Deserialize;

/// What one function consumed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stage {
    pub(crate) usage: Usage,
    pub(crate) seconds: f64,
}

impl Stage {
    pub(crate) fn add(&mut self, usage: Usage, seconds: f64) {
        self.usage.requests += usage.requests;
        self.usage.read_units += usage.read_units;
        self.usage.write_units += usage.write_units;
        self.usage.read_bytes += usage.read_bytes;
        self.usage.written_bytes += usage.written_bytes;
        self.seconds += seconds;
    }
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) samples: u64,
    pub(crate) sample_bytes: u64,
    pub(crate) questions: u64,
    pub(crate) insights: u64,
    pub(crate) events: u64,
    pub(crate) collect: Stage,
    pub(crate) prepare: Stage,
    pub(crate) insight: Stage,
}

impl Counts {
    /// The functions with their names, and gigabytes of memory and records a call as the template has them.
    pub(crate) fn stages(&self) -> [(&'static str, &Stage, f64, f64); 3] {
        [
            ("collect", &self.collect, 0.5, 2_000.0),
            ("prepare", &self.prepare, 0.5, 1_000.0),
            ("insight", &self.insight, 1.0, 100.0),
        ]
    }
}

/// List prices.
#[derive(Clone, Debug, Deserialize)]
struct Prices {
    date: String,
    region: String,
    write_unit: f64,
    read_unit: f64,
    storage_gb_month: f64,
    backup_gb_month: f64,
    lambda_request: f64,
    lambda_gb_second: f64,
    event: f64,
    bedrock_insight: f64,
    endpoint_insight: f64,
}

/// Sweeps in a month of thirty days, at one every thirty seconds.
const SWEEPS_A_MONTH: f64 = 2.0 * 60.0 * 24.0 * 30.0;

/// Calls of the function alert in that month: its schedule, once a minute.
const ALERT_CALLS_A_MONTH: f64 = 60.0 * 24.0 * 30.0;

/// Days a sample is kept, of a month's thirty.
const MONTHS_KEPT: f64 = 1.0;

pub(crate) fn write_page(counts: &Counts) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let prices = std::fs::read_to_string(folder.join("prices.toml")).context("cannot read prices.toml")?;
    let prices: Prices = toml::from_str(&prices).context("prices.toml is not what was expected")?;
    let mut page = String::new();
    write_counts(&mut page, counts, &prices).context("cannot write the counts")?;
    write_months(&mut page, counts, &prices).context("cannot write the months")?;
    let path = folder.join("../../docs/COST.md");
    std::fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))
}

/// What a million samples cost, whatever the fabric's size.
struct Million {
    tables: [f64; 3],
    time: f64,
    events: f64,
    storage: f64,
}

impl Million {
    fn of(counts: &Counts, prices: &Prices) -> Self {
        let per = 1e6 / counts.samples.max(1) as f64;
        let table = |usage: &Usage| {
            (usage.write_units * prices.write_unit + usage.read_units * prices.read_unit) * per
        };
        let time = counts.stages().map(|(_, stage, gigabytes, _)| stage.seconds * gigabytes);
        let gigabytes = counts.sample_bytes as f64 * per / 1e9;
        Million {
            tables: counts.stages().map(|(_, stage, _, _)| table(&stage.usage)),
            time: time.iter().sum::<f64>() * per * prices.lambda_gb_second,
            events: counts.events as f64 * per * prices.event,
            storage: gigabytes * MONTHS_KEPT * (prices.storage_gb_month + prices.backup_gb_month),
        }
    }

    fn all(&self) -> f64 {
        self.tables.iter().sum::<f64>() + self.time + self.events + self.storage
    }
}

fn write_counts(page: &mut String, counts: &Counts, prices: &Prices) -> fmt::Result {
    let million = Million::of(counts, prices);
    let per = 1e6 / counts.samples.max(1) as f64;
    write!(
        page,
        "# What Linkcast costs on AWS\n\n\
         Made by `cargo xtask bench cloud`: what the table counted for {} samples of a simulated fabric, each port swept every\n\
         30 s, times the list prices of {}, {}, in `bench/cloud/prices.toml`.\n\n\
         | a million samples | write units | read units | requests | MB written | MB read | dollars |\n\
         |---|---|---|---|---|---|---|\n",
        counts.samples, prices.date, prices.region
    )?;
    for ((name, stage, _, _), dollars) in counts.stages().into_iter().zip(million.tables) {
        let usage = &stage.usage;
        writeln!(
            page,
            "| {name}, the table | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {dollars:.3} |",
            usage.write_units * per,
            usage.read_units * per,
            usage.requests as f64 * per,
            usage.written_bytes as f64 * per / 1e6,
            usage.read_bytes as f64 * per / 1e6,
        )?;
    }
    writeln!(page, "| Lambda's time | | | | | | {:.3} |", million.time)?;
    writeln!(page, "| EventBridge | | | {:.0} | | | {:.3} |", million.events / prices.event, million.events)?;
    writeln!(page, "| 30 days of samples kept, with backup | | | | | | {:.3} |", million.storage)?;
    writeln!(page, "| **all but Lambda's calls** | | | | | | **{:.2}** |\n", million.all())
}

fn write_months(page: &mut String, counts: &Counts, prices: &Prices) -> fmt::Result {
    let samples = counts.samples.max(1) as f64;
    let million = Million::of(counts, prices).all();
    write!(
        page,
        "Lambda's time is what each handler took here with the table on the same machine, the calls' waits among it. Its calls depend on\n\
         how full batches are, so they stand in the table below. Of a thousand samples {:.2} became questions and {:.2} insights.\n\n\
         | ports | million samples a month | dollars a month | of it Lambda's calls | dollars a million samples | dollars an insight |\n\
         |---|---|---|---|---|---|\n",
        counts.questions as f64 / samples * 1e3,
        counts.insights as f64 / samples * 1e3,
    )?;
    for ports in [1_000.0, 10_000.0, 200_000.0] {
        let month = ports * SWEEPS_A_MONTH;
        let calls = calls_a_month(counts, ports) * prices.lambda_request;
        let dollars = month / 1e6 * million + calls;
        writeln!(
            page,
            "| {ports:.0} | {:.1} | {dollars:.2} | {calls:.2} | {:.3} | {:.6} |",
            month / 1e6,
            dollars / month * 1e6,
            dollars / (month * counts.insights as f64 / samples),
        )?;
    }
    write!(
        page,
        "\nAn insight costs ${} more where Bedrock gives every one, and ${} more where an endpoint does: remote models answer\n\
         questions, not samples, so they are asked {:.1} times in a thousand samples.\n\n\
         Not in it: what does not grow with the fabric (alarms, the dashboard, custom metrics, keys), log lines, and data that leaves the region.\n",
        prices.bedrock_insight,
        prices.endpoint_insight,
        counts.questions as f64 / samples * 1e3,
    )
}

/// Calls of all functions: a sweep fills whole batches and at most one more.
fn calls_a_month(counts: &Counts, ports: f64) -> f64 {
    let questions = counts.questions as f64 / counts.samples.max(1) as f64;
    let calls = counts.stages().map(|(name, _, _, batch)| {
        let records = if name == "insight" { ports * questions } else { ports };
        // A sweep with less than one question calls insight now and then only.
        if records < 1.0 { records } else { (records / batch).ceil() }
    });
    calls.iter().sum::<f64>() * SWEEPS_A_MONTH + ALERT_CALLS_A_MONTH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_fabric_pays_for_calls_that_are_hardly_filled() {
        let counts = Counts { samples: 1_000, questions: 10, ..Counts::default() };
        let calls = |ports| calls_a_month(&counts, ports) - ALERT_CALLS_A_MONTH;
        assert_eq!(calls(50.0), 2.5 * SWEEPS_A_MONTH);
        assert_eq!(calls(10_000.0), (5.0 + 10.0 + 1.0) * SWEEPS_A_MONTH);
    }

    #[test]
    fn the_prices_file_is_what_the_page_expects() {
        let prices: Result<Prices, _> = toml::from_str(include_str!("../prices.toml"));
        assert!(prices.is_ok_and(|prices| prices.write_unit > prices.read_unit));
    }
}
