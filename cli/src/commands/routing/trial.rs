//! `linkcast routing simulate`: a policy tried on the store's streams, or on ports that could be.

use std::path::PathBuf;

use clap::Args;
use linkcast_domain::ports::PipelineStore;
use linkcast_domain::{NodeGuid, PortId, StreamId};
use linkcast_pipeline::RoutingDesk;
use linkcast_routing::{Simulation, simulate};

use super::{Session, policy_in, refused};
use crate::arguments::TaskStoreArguments;
use crate::database::{open_existing, ready, wait};
use crate::exit::{ExitKind, Failure};
use crate::output::{Form, Table};
use crate::store::AnyStore;

/// Ports of each node that is made up.
const PORTS_OF_A_NODE: u64 = 40;
/// Streams read of a store at once.
const PAGE: usize = 10_000;

/// Say which streams would go where, and how many would move.
#[derive(Args, Debug)]
pub(super) struct SimulateArguments {
    /// The policy, as JSON; the one in the store, if none is named.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The policy before it; the one in the store, if none is named.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Try it on so many ports that are made up, in place of the store's streams.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    ports: Option<u64>,
    #[command(flatten)]
    task: TaskStoreArguments,
}

pub(super) fn execute(arguments: &SimulateArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let needs_store = arguments.file.is_none() || arguments.ports.is_none();
    let is_named = arguments.task.database.place(session.configuration).is_some();
    let store = match needs_store || is_named {
        true => Some(open_existing(&arguments.task.database, session.configuration)?),
        false => None,
    };
    let stored = match &store {
        Some(store) => ready(RoutingDesk::new(store, &arguments.task.task).policy()).map_err(refused)?,
        None => None,
    };
    let stored = stored.map(|stored| stored.value);
    let nothing = || {
        Failure::new(ExitKind::UnusableInput, "no policy is written and none is named")
            .with_next_step("name one: linkcast routing simulate FILE --ports 200000")
    };
    let policy = match &arguments.file {
        Some(file) => policy_in(file)?,
        None => stored.clone().ok_or_else(nothing)?,
    };
    let earlier = match &arguments.from {
        Some(file) => Some(policy_in(file)?),
        None => stored.filter(|_| arguments.file.is_some()),
    };
    let streams = match (arguments.ports, &store) {
        (Some(ports), _) => made_up(ports),
        (None, Some(store)) => streams_of(store)?,
        (None, None) => Vec::new(),
    };
    let seen = simulate(&policy, earlier.as_ref(), &streams);
    match session.form {
        Form::JsonLines => session.output.json(&seen)?,
        Form::Text => lines(&seen).iter().try_for_each(|line| session.output.line(line))?,
    }
    Ok(())
}

/// Every stream of a store.
pub(super) fn streams_of(store: &AnyStore) -> Result<Vec<StreamId>, Failure> {
    let mut streams: Vec<StreamId> = Vec::new();
    loop {
        let page = wait(store.streams(streams.last(), PAGE))?;
        let is_last = page.len() < PAGE;
        streams.extend(page.into_iter().map(|record| record.stream));
        if is_last {
            return Ok(streams);
        }
    }
}

fn made_up(ports: u64) -> Vec<StreamId> {
    let port = |number: u64| PortId {
        node: NodeGuid(0xb859_9f03_0012_0000 + number / PORTS_OF_A_NODE * 4),
        port: (number % PORTS_OF_A_NODE + 1) as u16,
    };
    (0..ports).map(|number| StreamId::from(port(number))).collect()
}

/// What a policy does, for people.
pub(super) fn lines(seen: &Simulation) -> Vec<String> {
    let mut table = Table::new(&["variant", "weight", "streams", "share"]);
    for share in &seen.shares {
        table.row(vec![
            share.variant.to_string(),
            format!("{} %", share.weight),
            share.streams.to_string(),
            format!("{:.2} %", share.percent),
        ]);
    }
    let mut lines = table.lines();
    for one in &seen.moves {
        lines.push(format!(
            "{} of {} streams move from {} to {}",
            one.streams, seen.streams, one.from, one.to
        ));
    }
    if seen.moved_back > 0 {
        lines.push(format!(
            "{} of them leave a variant whose weight does not fall: keep the variants' order and the salt to avoid that",
            seen.moved_back
        ));
    }
    lines
}
