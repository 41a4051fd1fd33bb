//! `linkcast feedback add`: one word on one insight.

use clap::Args;
use linkcast_domain::{
    Clock, Feedback, FeedbackGiver, FeedbackNote, FeedbackSource, FeedbackStanding, FeedbackVerdict,
    FeedbackWord, InsightId, PredictionType, SystemClock, VerdictWord, WordTaken,
};
use linkcast_pipeline::FeedbackDesk;
use serde::Serialize;

use super::{Session, refused};
use crate::arguments::TaskStoreArguments;
use crate::database::{open_existing, ready};
use crate::exit::{ExitKind, Failure};
use crate::output::Form;

/// Say whether an insight was right.
#[derive(Args, Debug)]
pub(super) struct AddArguments {
    /// The insight's id, as `linkcast insights` shows it.
    #[arg(value_name = "INSIGHT")]
    insight: InsightId,
    /// confirmed, false_positive, or corrected with --type, --severity or both.
    #[arg(long, value_name = "VERDICT")]
    verdict: VerdictWord,
    /// The class it should have had.
    #[arg(long = "type", value_name = "CLASS")]
    class: Option<PredictionType>,
    /// The risk it should have had, 0 to 100.
    #[arg(long, value_name = "RISK")]
    severity: Option<f64>,
    /// In your words, at most 1,000 bytes.
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: FeedbackNote,
    /// Who says it (default: the user who calls).
    #[arg(long, value_name = "NAME")]
    by: Option<FeedbackGiver>,
    #[command(flatten)]
    task: TaskStoreArguments,
}

#[derive(Serialize)]
struct Line<'a> {
    outcome: WordTaken,
    standing: Option<FeedbackStanding>,
    #[serde(flatten)]
    feedback: &'a Feedback,
}

pub(super) fn execute(arguments: &AddArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let wrong = |error| {
        Failure::new(ExitKind::WrongUse, error).with_next_step(
            "give --verdict corrected with --type, --severity or both; the other verdicts take neither",
        )
    };
    let verdict =
        FeedbackVerdict::of(arguments.verdict, arguments.class, arguments.severity).map_err(wrong)?;
    let by = match &arguments.by {
        Some(by) => by.clone(),
        None => session.configuration.user.parse().map_err(|error| {
            Failure::new(ExitKind::WrongUse, error).with_next_step("say who you are with --by NAME")
        })?,
    };
    let (source, note) = (FeedbackSource::Person, arguments.note.clone());
    let word = FeedbackWord { by, source, at: SystemClock.now(), verdict, note };
    let store = open_existing(&arguments.task.database, session.configuration)?;
    let desk = FeedbackDesk::new(&store, &arguments.task.task);
    let (outcome, feedback) = ready(desk.add(&arguments.insight, &word)).map_err(refused)?;
    let standing = feedback.standing().map(|(standing, _)| standing);
    match session.form {
        Form::JsonLines => session.output.json(&Line { outcome, standing, feedback: &feedback })?,
        Form::Text => session.output.line(&told(outcome, standing, &feedback))?,
    }
    Ok(())
}

fn told(outcome: WordTaken, standing: Option<FeedbackStanding>, feedback: &Feedback) -> String {
    let happened = match outcome {
        WordTaken::Added => "taken",
        WordTaken::Replaced => "taken in place of what you said before, which is kept",
        WordTaken::Unchanged => "unchanged: you had said the same",
        WordTaken::Full => "not taken",
    };
    let Feedback { variant, model_version, .. } = feedback;
    let counts = match standing {
        Some(FeedbackStanding::Contested) => {
            "people differ about it, so that it counts for nobody until one more speaks or a review agrees"
                .to_owned()
        }
        Some(standing) => format!("it counts as {} for {variant}, model {model_version}", standing.name()),
        None => "nobody has spoken".to_owned(),
    };
    format!("{happened}; {counts}")
}
