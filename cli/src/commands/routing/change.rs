//! `linkcast routing set`: one conditional write, and what it moves.

use std::path::PathBuf;

use clap::Args;
use linkcast_domain::StreamId;
use linkcast_domain::ports::Revised;
use linkcast_pipeline::RoutingDesk;
use linkcast_routing::{Policy, VariantName, Weight, simulate};
use serde::Serialize;

use super::trial::{lines, streams_of};
use super::{Session, policy_in, refused};
use crate::arguments::TaskStoreArguments;
use crate::database::{open, ready, unnamed};
use crate::exit::{ExitKind, Failure};
use crate::output::Form;

/// Write a policy, or other weights into the one there is.
#[derive(Args, Debug)]
pub(super) struct SetArguments {
    /// The policy, as JSON.
    #[arg(value_name = "FILE", required_unless_present = "weight", conflicts_with = "weight")]
    file: Option<PathBuf>,
    /// A variant's new weight, percent; may be given again. All together are 100.
    #[arg(long, value_name = "NAME=PERCENT", value_parser = weight)]
    weight: Vec<(VariantName, Weight)>,
    /// Only if the policy is at this revision.
    #[arg(long, value_name = "REVISION")]
    expect: Option<u64>,
    #[command(flatten)]
    task: TaskStoreArguments,
}

#[derive(Serialize)]
struct SetLine<'a> {
    revision: u64,
    policy: &'a linkcast_routing::PolicyText,
    simulation: &'a linkcast_routing::Simulation,
}

fn weight(text: &str) -> Result<(VariantName, Weight), String> {
    let (name, percent) = text.split_once('=').ok_or("expected NAME=PERCENT")?;
    let name = name.parse::<VariantName>().map_err(|error| error.to_string())?;
    let percent: f64 = percent.parse().map_err(|_| format!("{percent:?}: expected a percentage"))?;
    Ok((name, Weight::of_percent(percent).map_err(|error| error.to_string())?))
}

pub(super) fn execute(arguments: &SetArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let place = arguments.task.database.place(session.configuration).ok_or_else(unnamed)?;
    let store = open(&place, session.configuration)?;
    let desk = RoutingDesk::new(&store, &arguments.task.task);
    // What is there may be no policy; who writes a whole one mends that.
    let found = match ready(desk.policy()) {
        Ok(found) => found,
        Err(error) if arguments.file.is_none() => return Err(refused(error)),
        Err(_) => None,
    };
    let revision = ready(desk.revision()).map_err(refused)?;
    let policy = wanted(arguments, found.as_ref())?;
    let written = ready(desk.put(&policy, arguments.expect.unwrap_or(revision))).map_err(refused)?;
    let streams: Vec<StreamId> = streams_of(&store)?;
    let seen = simulate(&policy, found.as_ref().map(|found| &found.value), &streams);
    match session.form {
        Form::JsonLines => {
            let line = SetLine { revision: written, policy: policy.text(), simulation: &seen };
            session.output.json(&line)?;
        }
        Form::Text => {
            session.output.line(&format!(
                "revision {written} is written; functions that run take it up within 30 seconds"
            ))?;
            lines(&seen).iter().try_for_each(|line| session.output.line(line))?;
        }
    }
    Ok(())
}

fn wanted(arguments: &SetArguments, found: Option<&Revised<Policy>>) -> Result<Policy, Failure> {
    if let Some(file) = &arguments.file {
        return policy_in(file);
    }
    let nothing = || {
        Failure::new(ExitKind::UnusableInput, "there is no policy to change the weights of")
            .with_next_step("write a whole one first with `linkcast routing set FILE`")
    };
    let mut text = found.ok_or_else(nothing)?.value.text().clone();
    for (name, weight) in &arguments.weight {
        let variant = text.variants.iter_mut().find(|variant| variant.name == *name);
        let unknown = || {
            Failure::new(ExitKind::WrongUse, format!("the policy has no variant {name}"))
                .with_next_step("see its variants with `linkcast routing show`")
        };
        variant.ok_or_else(unknown)?.weight = *weight;
    }
    Policy::of(text).map_err(|error| {
        Failure::new(ExitKind::WrongUse, error)
            .with_next_step("give every weight that changes; all variants' weights sum to 100")
    })
}
