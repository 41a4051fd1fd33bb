//! `linkcast ports`: which streams the database knows, and what it knows of them.

use clap::Args;
use linkcast_domain::ports::{PipelineStore, StreamRecord};
use linkcast_domain::{PortState, Timestamp};
use serde::Serialize;

use super::Session;
use crate::arguments::DatabaseArguments;
use crate::database::{open_existing, wait};
use crate::exit::Failure;
use crate::output::{Form, Table};

/// List the ports in a database.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast ports --db linkcast.db --name leaf-r01\n  linkcast ports --db linkcast.db --json"
)]
pub(crate) struct PortsArguments {
    #[command(flatten)]
    database: DatabaseArguments,
    /// Only ports whose stream or node name holds this text.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Only ports trained below what both ends are capable of.
    #[arg(long)]
    below_capability: bool,
}

/// Streams read from the database at once.
const PAGE: usize = 10_000;

#[derive(Serialize)]
struct Line<'a> {
    stream: &'a str,
    #[serde(flatten)]
    facts: &'a linkcast_domain::PortFacts,
    last_sample: Option<Timestamp>,
}

/// Prints them.
pub(crate) fn execute(arguments: &PortsArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(&arguments.database, session.configuration)?;
    let mut table = Table::new(&["stream", "node", "peer", "rate", "capable", "state", "last sample"]);
    let mut after = None;
    loop {
        let page = wait(store.streams(after.as_ref(), PAGE))?;
        for record in page.iter().filter(|record| arguments.wants(record)) {
            match session.form {
                Form::JsonLines => session.output.json(&line(record))?,
                Form::Text => table.row(row(record)),
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.stream.clone()),
            _ => break,
        }
    }
    if session.form == Form::Text {
        table.lines().iter().try_for_each(|line| session.output.line(line))?;
    }
    Ok(())
}

impl PortsArguments {
    fn wants(&self, record: &StreamRecord) -> bool {
        let named = self.name.as_ref().is_none_or(|text| {
            record.stream.as_str().contains(text.as_str())
                || record.facts.node_name.as_ref().is_some_and(|name| name.contains(text.as_str()))
        });
        let is_below =
            record.facts.rate.zip(record.facts.capable).is_some_and(|(rate, capable)| rate < capable);
        named && (is_below || !self.below_capability)
    }
}

fn line(record: &StreamRecord) -> Line<'_> {
    Line {
        stream: record.stream.as_str(),
        facts: &record.facts,
        last_sample: record.state.as_ref().map(|state| state.last_time),
    }
}

fn row(record: &StreamRecord) -> Vec<String> {
    let facts = &record.facts;
    let rate = |rate: Option<linkcast_domain::LinkRate>| {
        rate.map_or_else(String::new, |rate| rate.gbps().to_string())
    };
    let state = match facts.state {
        Some(PortState::Active) => "active",
        Some(PortState::Down) => "down",
        Some(PortState::Training) => "training",
        None => "",
    };
    let peer = facts.peer_name.clone().or_else(|| facts.peer.map(|peer| peer.to_string()));
    vec![
        record.stream.to_string(),
        facts.node_name.clone().unwrap_or_default(),
        peer.unwrap_or_default(),
        rate(facts.rate),
        rate(facts.capable),
        state.into(),
        record.state.as_ref().map_or_else(String::new, |state| state.last_time.to_string()),
    ]
}
