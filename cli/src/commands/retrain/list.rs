//! What runs there were, and how each did.

use clap::Args;
use linkcast_domain::{Clock, SystemClock};
use linkcast_pipeline::retraining::{GuardSettings, Run, Trainer};
use serde_json::json;

use super::{PlaceArguments, Session};
use crate::database::ready;
use crate::exit::Failure;
use crate::interval::Interval;
use crate::output::{Form, Table};
use crate::retraining::{desk, refused};

/// List runs, and requests that were refused.
#[derive(Args, Debug)]
pub(super) struct ListArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// How far to look back.
    #[arg(long, value_name = "LENGTH", default_value = "90d")]
    last: Interval,
}

pub(super) fn execute(arguments: &ListArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let models = arguments.place.open(session)?;
    let now = SystemClock.now();
    let desk = desk(&models, &session.configuration.fabric, GuardSettings::default());
    // One whose time is up is ended before it is listed.
    ready(desk.holder(now)).map_err(refused)?;
    let runs = ready(desk.runs(now.minus(arguments.last.duration()), now)).map_err(refused)?;
    let ledger = ready(desk.ledger()).map_err(refused)?;
    let refusals = || ledger.answers.iter().filter(|answer| answer.refusal.is_some());
    if session.form == Form::JsonLines {
        for run in &runs {
            session.output.json(run)?;
        }
        for answer in refusals() {
            session.output.json(&json!({"refused": answer}))?;
        }
        return Ok(());
    }
    let mut table = Table::new(&["run", "stage", "asked by", "candidate", "why it ended so"]);
    for run in &runs {
        let candidate = run.candidate.as_ref().map_or("–", |candidate| candidate.version.as_str());
        table.row(vec![
            run.run.to_string(),
            run.stage().name().to_owned(),
            run.trigger.name().to_owned(),
            candidate.to_owned(),
            run.outcome.clone().unwrap_or_else(|| run.reason.clone()),
        ]);
    }
    table.lines().iter().try_for_each(|line| session.output.line(line))?;
    for answer in refusals() {
        let told = answer.refusal.as_ref().map(ToString::to_string).unwrap_or_default();
        session.output.line(&format!("refused at {}: {told}", answer.at))?;
    }
    Ok(())
}

/// One run, whole.
pub(super) fn tell(run: &Run, session: &mut Session<'_>) -> Result<(), Failure> {
    if session.form == Form::JsonLines {
        return Ok(session.output.json(run)?);
    }
    for line in lines(run) {
        session.output.line(&line)?;
    }
    Ok(())
}

fn lines(run: &Run) -> Vec<String> {
    let mut lines = vec![format!("run {}: {}", run.run, run.stage().name())];
    lines.extend(run.outcome.as_ref().map(|outcome| format!("  {outcome}")));
    lines.push(format!("  asked for by {} ({}): {}", run.requested_by, run.trigger.name(), run.reason));
    lines.extend(
        run.over.as_ref().map(|over| format!("  guards overridden by {}: {}", over.by, over.because)),
    );
    lines.extend(run.trainer.as_ref().map(|trainer| match trainer {
        Trainer::SagemakerPipeline { execution } => format!("  trained by {execution}"),
        Trainer::Local { machine, folder } => format!("  trained on {machine} in {folder}"),
    }));
    lines.extend(run.data.as_ref().map(|data| {
        let frozen =
            data.frozen.as_ref().map_or("none is pinned", |digest| digest.get(..12).unwrap_or(digest));
        format!(
            "  data set {} until {}, {} new labels; frozen set {frozen}",
            data.version, data.until, run.new_labels
        )
    }));
    lines.extend(run.live.as_ref().map(|live| format!("  held against {live}")));
    lines.extend(
        run.candidate
            .as_ref()
            .map(|candidate| format!("  candidate {} ({})", candidate.version, candidate.digest)),
    );
    lines.extend(run.stages.iter().map(|entry| format!("  {} {}", entry.at, entry.stage.name())));
    lines
}
