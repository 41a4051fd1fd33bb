//! What of a rollout is shown: where it is, what it is judged by, what was done.

use linkcast_domain::{Clock, SystemClock};
use linkcast_routing::rollout::{
    Change, Decision, Held, Leaning, Rollout, RolloutPhase, RolloutVerdict, Step,
};
use serde::Serialize;

use super::{LookArguments, Session, desk, refused};
use crate::arguments::TaskStoreArguments;
use crate::database::{open_existing, ready};
use crate::exit::Failure;
use crate::output::{Form, Table};

#[derive(Serialize)]
struct StatusLine<'a> {
    rollout: &'a Rollout,
    verdict: &'a RolloutVerdict,
}

/// `linkcast rollout status`.
pub(super) fn status(arguments: &LookArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(&arguments.task.database, session.configuration)?;
    let desk = desk(&store, &arguments.task, session);
    let quality = arguments.confirmed(&desk)?;
    let verdict = ready(desk.look(SystemClock.now(), &quality)).map_err(refused)?;
    let Some(found) = ready(desk.current()).map_err(refused)? else { return Ok(()) };
    let rollout = &found.value;
    match session.form {
        Form::JsonLines => session.output.json(&StatusLine { rollout, verdict: &verdict })?,
        Form::Text => {
            session.output.line(&headline(rollout))?;
            session.output.line(&bar(rollout))?;
            for line in standing(rollout).into_iter().chain(verdict_lines(&verdict)) {
                session.output.line(&line)?;
            }
        }
    }
    Ok(())
}

/// `linkcast rollout look`.
pub(super) fn look(arguments: &LookArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(&arguments.task.database, session.configuration)?;
    let desk = desk(&store, &arguments.task, session);
    let quality = arguments.confirmed(&desk)?;
    let verdict = ready(desk.look(SystemClock.now(), &quality)).map_err(refused)?;
    match session.form {
        Form::JsonLines => session.output.json(&verdict)?,
        Form::Text => {
            verdict_lines(&verdict).iter().try_for_each(|line| session.output.line(line))?;
        }
    }
    Ok(())
}

/// `linkcast rollout history`.
pub(super) fn history(arguments: &TaskStoreArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(&arguments.database, session.configuration)?;
    let changes = ready(desk(&store, arguments, session).history()).map_err(refused)?;
    match session.form {
        Form::JsonLines => changes.iter().try_for_each(|change| session.output.json(change))?,
        Form::Text => {
            let mut table = Table::new(&["when", "what", "step", "by", "policy", "why"]);
            changes.iter().for_each(|change| table.row(row(change)));
            table.lines().iter().try_for_each(|line| session.output.line(line))?;
        }
    }
    Ok(())
}

/// A rollout after a change.
pub(super) fn rollout(rollout: &Rollout, session: &mut Session<'_>) -> Result<(), Failure> {
    match session.form {
        Form::JsonLines => session.output.json(rollout)?,
        Form::Text => {
            session.output.line(&headline(rollout))?;
            session.output.line(&bar(rollout))?;
            standing(rollout).iter().try_for_each(|line| session.output.line(line))?;
        }
    }
    Ok(())
}

/// Who, beside whom, since when.
pub(super) fn headline(rollout: &Rollout) -> String {
    format!(
        "rollout {} of {} beside {}: {} at {} since {}",
        rollout.id,
        rollout.plan.text().candidate.name,
        rollout.live,
        rollout.standing.phase.name(),
        percent(rollout.step()),
        rollout.standing.since
    )
}

/// The steps, those that were taken marked: `[shadow]=[10]=(25)-(50)-(100)`.
fn bar(rollout: &Rollout) -> String {
    let is_back = matches!(rollout.standing.phase, RolloutPhase::Aborted { .. });
    let mut text = String::new();
    for (place, step) in rollout.plan.steps().iter().enumerate() {
        let is_taken = !is_back && place <= rollout.standing.step;
        if place > 0 {
            text.push_str(if is_taken { "===" } else { "---" });
        }
        text.push_str(&if is_taken { format!("[{step}]") } else { format!("({step})") });
    }
    text
}

/// What a person should know of where it stands.
fn standing(rollout: &Rollout) -> Vec<String> {
    let mut lines = match &rollout.standing.phase {
        RolloutPhase::Running => Vec::new(),
        RolloutPhase::Paused { at, changed, .. } => {
            let mut lines = vec![format!("PAUSED BY A PERSON at {at}: the policy was changed by hand")];
            lines.extend(changed.iter().map(|changed| format!("  {changed}")));
            lines.push("go on from there with `linkcast rollout resume`, or `abort`".to_owned());
            lines
        }
        RolloutPhase::Finished { at } => {
            let until = at.plus(rollout.plan.kept());
            vec![format!("{} is live; `abort` brings the previous policy back until {until}", name(rollout))]
        }
        RolloutPhase::Aborted { .. } => {
            vec![format!("the policy of revision {} is in force again", rollout.pinned.revision)]
        }
    };
    if let Some(change) = &rollout.pending {
        let told = format!("under way since {}: {}; `advance` carries it on", change.at, change.what.name());
        lines.push(told);
    }
    lines
}

fn name(rollout: &Rollout) -> &linkcast_routing::VariantName {
    &rollout.plan.text().candidate.name
}

/// A verdict with its numbers.
pub(super) fn verdict_lines(verdict: &RolloutVerdict) -> Vec<String> {
    let decision = match &verdict.decision {
        Decision::Promote { to } => format!("PROMOTE: {} may follow", percent(*to)),
        Decision::Abort { guardrail } => format!("ABORT: it harms by {}", guardrail.name()),
        Decision::Hold { because } if because.is_empty() => "HOLD".to_owned(),
        Decision::Hold { because } => {
            let because: Vec<String> = because.iter().map(ToString::to_string).collect();
            format!("HOLD: {}", because.join("; "))
        }
    };
    let mut lines =
        vec![format!("{decision}; {} of {} questions in this step", verdict.questions, verdict.needed)];
    let headings = ["guardrail", "candidate", "beside", "excess", "harm", "unacceptable"];
    let mut table = Table::new(&headings);
    verdict.guardrails.iter().for_each(|held| table.row(held_row(held)));
    lines.extend(table.lines());
    lines
}

fn held_row(held: &Held) -> Vec<String> {
    let share = |wrong: u64, of: u64, low: f64, high: f64| {
        format!("{wrong} of {of} ({:.1} to {:.1} %)", low * 100.0, high * 100.0)
    };
    let (seen, own, other) = (&held.seen, &held.candidate_interval, &held.other_interval);
    let harm = held.harm.map_or("-".to_owned(), |harm| format!("{:.2} of {}", harm.evidence, harm.stop_at));
    let test = held.test.map_or("-".to_owned(), |test| {
        let says = match test.leaning {
            Leaning::Acceptable => "ruled out",
            Leaning::Unacceptable => "likelier",
            Leaning::Undecided => "open",
        };
        format!(
            "{:.2} % {says} ({:.2} in {:.2} to {:.2})",
            test.unacceptable_rate * 100.0,
            test.log_likelihood_ratio,
            test.acceptable_at,
            test.unacceptable_at
        )
    });
    vec![
        held.guardrail.name().to_owned(),
        share(seen.candidate_wrong, seen.candidate, own.low, own.high),
        format!("{} {}", held.other, share(seen.other_wrong, seen.other, other.low, other.high)),
        format!("{:+.2} %", held.excess * 100.0),
        harm,
        test,
    ]
}

fn row(change: &Change) -> Vec<String> {
    let revision = change.after.policy.revision;
    vec![
        change.at.to_string(),
        change.what.name().to_owned(),
        percent(change.step),
        change.by.clone(),
        format!("revision {revision}"),
        change.reason.clone(),
    ]
}

fn percent(step: Step) -> String {
    match step {
        Step::Shadow => step.to_string(),
        Step::Weight(_) => format!("{step} %"),
    }
}
