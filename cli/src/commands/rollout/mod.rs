//! `linkcast rollout`: a candidate's way to live, looked at, carried on and taken back.

mod begin;
mod shown;

use std::time::Duration;

use clap::{Args, Subcommand};
use linkcast_aws::Endpoints;
use linkcast_domain::{Clock, RegistryError, SystemClock};
use linkcast_pipeline::{Advanced, FeedbackError, NoBus, RolloutDesk, RolloutError, RoutingError};
use linkcast_routing::Exposure;
use linkcast_routing::rollout::{Asked, Readiness, RolloutRefusal};
use serde::Serialize;

use super::Session;
use crate::arguments::TaskStoreArguments;
use crate::database::{self, open_existing, ready};
use crate::exit::{ExitKind, Failure};
use crate::output::Form;
use crate::store::{self, AnyStore, StorePlace};

/// The longest that a look at a candidate's endpoint may take.
const LOOK: Duration = Duration::from_secs(20);

/// Bring a candidate from a shadow to all streams, step by step, and back when it harms.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast rollout start --candidate v2 --endpoint linkcast-lab-link-health-2 --model 2026-11-22 --store dynamodb:linkcast-lab\n  linkcast rollout start --plan plan.json --by ada --reason 'better on the frozen set' --store dynamodb:linkcast-lab\n  linkcast rollout status --store dynamodb:linkcast-lab\n  linkcast rollout look --json --store dynamodb:linkcast-lab\n  linkcast rollout advance --store dynamodb:linkcast-lab\n  linkcast rollout abort --by ada --reason 'ports of rack 7 disagree' --store dynamodb:linkcast-lab\n  linkcast rollout history --store dynamodb:linkcast-lab\n\nExit codes: 3 where there is no rollout, or the plan cannot be followed; 7 where the rollout's rules do not allow it, or somebody else was first."
)]
pub(crate) struct RolloutArguments {
    #[command(subcommand)]
    command: RolloutCommand,
}

#[derive(Debug, Subcommand)]
enum RolloutCommand {
    /// Begin a rollout. The policy that is in force is kept, to the byte, for the way back.
    Start(Box<begin::StartArguments>),
    /// Show where the rollout is and the numbers it is judged by.
    Status(LookArguments),
    /// Judge what was seen by now. Changes nothing.
    Look(LookArguments),
    /// Let it go on by itself: abort, take the next step, or wait. The monitor does this every hour.
    Advance(LookArguments),
    /// Take the next step whatever the verdict is.
    Promote(PersonArguments),
    /// Bring the previous policy back, after the rollout's end too.
    Abort(PersonArguments),
    /// Let it go on from a policy that was changed by hand.
    Resume(PersonArguments),
    /// List everything that was done, with who did it and why.
    History(TaskStoreArguments),
}

/// What was found wrong afterwards.
#[derive(Args, Clone, Debug)]
struct LookArguments {
    /// What was found wrong of what was reviewed since the rollout began, in place of what feedback says: the candidate's, then the live
    /// variant's, as 3/40,20/360.
    #[arg(long, value_name = "WRONG/OF,WRONG/OF", value_parser = quality)]
    quality: Option<Exposure>,
    #[command(flatten)]
    task: TaskStoreArguments,
}

/// Who decides and why.
#[derive(Args, Clone, Debug)]
struct PersonArguments {
    /// Who does this, as the history remembers it (default: USER).
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    look: LookArguments,
}

fn quality(text: &str) -> Result<Exposure, String> {
    let counts = |text: &str| {
        let (wrong, of) = text.split_once('/')?;
        let (wrong, of): (u64, u64) = (wrong.parse().ok()?, of.parse().ok()?);
        (wrong <= of).then_some((wrong, of))
    };
    let both = text.split_once(',').and_then(|(own, others)| Some((counts(own)?, counts(others)?)));
    let ((candidate_wrong, candidate), (other_wrong, other)) =
        both.ok_or("expected the candidate's and the live variant's, as 3/40,20/360")?;
    Ok(Exposure { candidate, candidate_wrong, other, other_wrong })
}

type Desk<'a> = RolloutDesk<'a, AnyStore, NoBus>;

impl LookArguments {
    /// What was found wrong, as said by hand or by feedback.
    fn confirmed(&self, desk: &Desk<'_>) -> Result<Vec<Exposure>, Failure> {
        match self.quality {
            Some(quality) => Ok(vec![quality]),
            None => ready(desk.quality(SystemClock.now())).map_err(refused),
        }
    }
}

/// Runs it.
pub(crate) fn execute(arguments: &RolloutArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    match &arguments.command {
        RolloutCommand::Start(arguments) => begin::execute(arguments, session),
        RolloutCommand::Status(arguments) => shown::status(arguments, session),
        RolloutCommand::Look(arguments) => shown::look(arguments, session),
        RolloutCommand::Advance(arguments) => advance(arguments, session),
        RolloutCommand::Promote(arguments) => by_person(Deed::Promote, arguments, session),
        RolloutCommand::Abort(arguments) => by_person(Deed::Abort, arguments, session),
        RolloutCommand::Resume(arguments) => by_person(Deed::Resume, arguments, session),
        RolloutCommand::History(arguments) => shown::history(arguments, session),
    }
}

/// What a person may do.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Promote,
    Abort,
    Resume,
}

#[derive(Serialize)]
struct AdvancedLine<'a> {
    did: Option<&'static str>,
    step: String,
    phase: &'static str,
    verdict: Option<&'a linkcast_routing::rollout::RolloutVerdict>,
}

fn advance(arguments: &LookArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(&arguments.task.database, session.configuration)?;
    let desk = desk(&store, &arguments.task, session);
    let advanced = match arguments.quality {
        Some(quality) => {
            ready(desk.advance(SystemClock.now(), &[quality], &Readiness::Ready)).map_err(refused)?
        }
        None => tended(&desk, arguments, session)?,
    };
    let (did, rollout) = (advanced.did.map(linkcast_routing::rollout::What::name), &advanced.rollout);
    match session.form {
        Form::JsonLines => session.output.json(&AdvancedLine {
            did,
            step: rollout.step().to_string(),
            phase: rollout.standing.phase.name(),
            verdict: advanced.verdict.as_ref(),
        })?,
        Form::Text => {
            session.output.line(&shown::headline(rollout))?;
            session.output.line(&match did {
                Some(did) => format!("done: {did}"),
                None => "nothing was done".to_owned(),
            })?;
            for line in advanced.verdict.iter().flat_map(shown::verdict_lines) {
                session.output.line(&line)?;
            }
        }
    }
    Ok(())
}

/// As the monitor does it. A table's candidates stand behind endpoints, which are looked at; a file's are not asked by anybody.
fn tended(desk: &Desk<'_>, arguments: &LookArguments, session: &Session<'_>) -> Result<Advanced, Failure> {
    let is_table = matches!(arguments.task.database.place(session.configuration), Some(StorePlace::Table(_)));
    if !is_table {
        let quality = arguments.confirmed(desk)?;
        return ready(desk.advance(SystemClock.now(), &quality, &Readiness::Ready)).map_err(refused);
    }
    let plane = Endpoints::new(&store::connect()?, SystemClock);
    let advanced = ready(desk.tend(&plane, SystemClock.now(), LOOK)).map_err(refused)?;
    let absent = || RolloutError::NotUnderWay { task: arguments.task.task.clone() };
    advanced.ok_or_else(|| refused(absent()))
}

fn by_person(deed: Deed, arguments: &PersonArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let task = &arguments.look.task;
    let store = open_existing(&task.database, session.configuration)?;
    let desk = desk(&store, task, session);
    let quality = arguments.look.confirmed(&desk)?;
    let by = arguments.by.clone().unwrap_or_else(|| session.configuration.user.clone());
    let asked = Asked { by: &by, reason: &arguments.reason, at: SystemClock.now() };
    let rollout = match deed {
        Deed::Promote => ready(desk.promote(asked, &quality)),
        Deed::Abort => ready(desk.abort(asked, &quality)),
        Deed::Resume => ready(desk.resume(asked)),
    }
    .map_err(refused)?;
    shown::rollout(&rollout, session)
}

fn desk<'a>(store: &'a AnyStore, task: &'a TaskStoreArguments, session: &Session<'a>) -> Desk<'a> {
    RolloutDesk::new(store, &NoBus, (&session.configuration.fabric, &task.task))
}

/// What is wrong with a rollout, with what to do about it.
fn refused(error: RolloutError) -> Failure {
    let (kind, step) = match error {
        RolloutError::Store(error)
        | RolloutError::Feedback(FeedbackError::Store(error))
        | RolloutError::Routing(RoutingError::Store(error))
        | RolloutError::Registry(RegistryError::Store(error)) => return database::failure(error),
        RolloutError::NotUnderWay { .. } => {
            (ExitKind::UnusableInput, "see what was done with `linkcast rollout history`")
        }
        RolloutError::Absent { .. } => (ExitKind::UnusableInput, "begin one with `linkcast rollout start`"),
        RolloutError::NoPolicy { .. } => {
            (ExitKind::UnusableInput, "write a policy with `linkcast routing set FILE`")
        }
        RolloutError::Refused(RolloutRefusal::Value { .. } | RolloutRefusal::Plan(_)) => {
            (ExitKind::UnusableInput, "see docs/ROLLOUT.md for what a plan and its policy must be")
        }
        RolloutError::Refused(RolloutRefusal::Policy(_)) | RolloutError::Routing(_) => {
            (ExitKind::UnusableInput, "look at the policy with `linkcast routing show`")
        }
        RolloutError::ChangedByHand { .. } => (
            ExitKind::Refused,
            "run `linkcast rollout advance`, which says what was changed; then `resume` or `abort`",
        ),
        RolloutError::NotApproved { .. } => (ExitKind::Refused, "approve it with `linkcast models approve`"),
        RolloutError::Feedback(_) => (ExitKind::Database, "look at it with `linkcast feedback list`"),
        RolloutError::Refused(_) | RolloutError::Overtaken { .. } => {
            (ExitKind::Refused, "look at it with `linkcast rollout status`")
        }
        RolloutError::Registry(_) | RolloutError::OtherModel { .. } => {
            (ExitKind::Refused, "see the registered versions with `linkcast models list`")
        }
        RolloutError::Notice(_) => (ExitKind::Machine, "run it again: what is done is not done twice"),
        RolloutError::Damaged(_) => (ExitKind::Database, "restore the item from a copy"),
    };
    Failure::new(kind, error).with_next_step(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_wrong_is_two_counts_of_counts() {
        let seen = Exposure { candidate: 40, candidate_wrong: 3, other: 360, other_wrong: 20 };
        assert_eq!(quality("3/40,20/360"), Ok(seen));
        for text in ["", "3/40", "41/40,1/2", "a/b,c/d", "3,40,20,360"] {
            assert!(quality(text).is_err(), "{text}");
        }
    }
}
