//! `linkcast dataset build`: rows of a history, labelled by whoever knows best, and questions about those nobody knows.
//!
//! The data set is whole before anybody is asked, and what is asked is keyed by its sample: called again, the command asks the
//! same once more, and nothing is there twice.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use clap::Args;
use linkcast_domain::{Asked, ReviewDesk};
use linkcast_scoring::Model;
use linkcast_training::dataset::{Asking, DealSettings, Manifest, Thinning};
use serde::Serialize;
use serde_json::json;

use super::Session;
use crate::database::{open_place, wait};
use crate::dataset::{Build, build};
use crate::exit::{ExitKind, Failure};
use crate::model;
use crate::output::Form;
use crate::progress::Progress;
use crate::registry::ModelChoice;
use crate::reviewing::{AgreedLabels, ReviewPlace};
use crate::store::{AnyStore, StorePlace};

/// How many samples reviewers are asked about unless told otherwise: some hours of one person's work.
const ASKED: usize = 200;

/// Make rows of an exported history: features, labels and what followed, split for training.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast dataset build --history history/ --out dataset/\n  linkcast dataset build --history history/ --truth fabric/ --out dataset/\n  linkcast dataset build --history history/ --reviews linkcast.db --ask 50 --out dataset/\n\nCalled again with the same --out it goes on where it was broken off. The same inputs give the same bytes."
)]
pub(super) struct BuildArguments {
    /// The folder that `linkcast dataset export` wrote.
    #[arg(long, value_name = "DIR")]
    history: PathBuf,
    /// The folder of the simulation that the history is of: its truth labels the rows in place of the rules.
    #[arg(long, value_name = "DIR")]
    truth: Option<PathBuf>,
    /// More of what happened, one JSON object a line: links that were isolated, replaced or found faulty.
    #[arg(long, value_name = "FILE")]
    outcomes: Vec<PathBuf>,
    /// Where verdicts of reviewers are, which label rows before anything else does: a database file, sqlite:FILE or
    /// dynamodb:TABLE, or a .csv or .jsonl file that `linkcast review export` wrote.
    #[arg(long, value_name = "REVIEWS")]
    reviews: Option<ReviewPlace>,
    /// Ask reviewers there about at most so many samples that the rules are not sure of (default: 200; 0 asks nobody).
    #[arg(long, value_name = "N", requires = "reviews")]
    ask: Option<usize>,
    /// Also ask where this model contradicts the rules: a folder, or registry:NAME. It is shown every sample.
    #[arg(long, value_name = "MODEL", requires = "reviews")]
    model: Option<ModelChoice>,
    /// The folder to write; it is made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The fabric's time zone, as Europe/Berlin (default: LINKCAST_TIME_ZONE, or UTC).
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Keep every row, in place of one in 60 quiet ones, one in 6 suspicious ones and one in 4 of faults.
    #[arg(long)]
    keep_all: bool,
    /// Decides which streams are on which side of the split.
    #[arg(long, value_name = "S", default_value_t = DealSettings::default().seed)]
    seed: u64,
    /// Groups of streams worked on at once; the result does not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// A desk where reviewers are asked.
struct Desk {
    place: StorePlace,
    store: AnyStore,
}

/// What is told of it, as JSON.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    manifest: &'a Manifest,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<serde_json::Value>,
}

/// Builds it, and asks.
pub(super) fn execute(arguments: &BuildArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let calendar = crate::commands::features::calendar(arguments.time_zone.as_deref(), session)?;
    let zone = arguments.time_zone.clone().or_else(|| session.configuration.time_zone.clone());
    let (reviews, desk) = arguments.reviews(session)?;
    let model = arguments.model(desk.as_ref(), session)?;
    let most = arguments.ask.unwrap_or(ASKED);
    let asking = desk.as_ref().filter(|_| most > 0).map(|_| Asking { most, model: model.as_ref() });
    let build_plan = Build {
        history: &arguments.history,
        truth: arguments.truth.as_deref(),
        outcomes: &arguments.outcomes,
        reviews: reviews.as_ref(),
        asking,
        out: &arguments.out,
        calendar,
        time_zone: zone.unwrap_or_else(|| "UTC".into()),
        thinning: if arguments.keep_all { Thinning::NONE } else { Thinning::default() },
        deal: DealSettings { seed: arguments.seed, ..DealSettings::default() },
        judges: &BTreeSet::new(),
        threads: arguments
            .threads
            .or_else(|| thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN),
    };
    let mut progress = Progress::new(session.notes, "groups", None);
    let built = build(&build_plan, &mut progress)?;
    drop(progress);
    if built.groups_before > 0 {
        session.notes.inform(format!("{} groups were there before", built.groups_before));
    }
    let asked = match (&desk, asking) {
        (Some(desk), Some(_)) => Some(wait(ReviewDesk::new(&desk.store).ask(&built.questions))?),
        _ => None,
    };
    tell(&built.manifest, asked, &arguments.out, session)
}

impl BuildArguments {
    /// What reviewers agree on, and where more of them are asked.
    fn reviews(&self, session: &Session<'_>) -> Result<(Option<AgreedLabels>, Option<Desk>), Failure> {
        match &self.reviews {
            None => Ok((None, None)),
            Some(ReviewPlace::Rows(file)) if self.ask.is_some_and(|most| most > 0) => {
                let wrong =
                    format!("nobody can be asked in {}: expected a store in --reviews", file.display());
                Err(Failure::new(ExitKind::WrongUse, wrong)
                    .with_next_step("name a database, or leave --ask out"))
            }
            Some(ReviewPlace::Rows(file)) => Ok((Some(AgreedLabels::of_rows(file)?), None)),
            Some(ReviewPlace::Store(place)) => {
                let store = open_place(place, session.configuration)?;
                let labels = AgreedLabels::of_store(&store)?;
                Ok((Some(labels), Some(Desk { place: place.clone(), store })))
            }
        }
    }

    /// The model whose opinion is heard; a registered one is looked for where the reviews are.
    fn model(&self, desk: Option<&Desk>, session: &Session<'_>) -> Result<Option<Model>, Failure> {
        let Some(choice) = &self.model else { return Ok(None) };
        let place = desk.map(|desk| &desk.place);
        model::load(Some(choice), place, session.configuration).map(Some)
    }
}

fn tell(
    manifest: &Manifest,
    asked: Option<Asked>,
    folder: &Path,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    if session.form == Form::JsonLines {
        let asked = asked.map(|Asked { new, known }| json!({"new": new, "known": known}));
        return Ok(session.output.json(&Told { manifest, asked })?);
    }
    session.output.line(&format!("data set {}: {}", manifest.version, folder.display()))?;
    session.output.line(&format!(
        "{} samples; {} whose label nobody is sure of, {} rows on neither side of the split",
        manifest.samples, manifest.unsure, manifest.left_out
    ))?;
    for (side, counts) in &manifest.sides {
        let classes: Vec<String> =
            counts.classes.iter().map(|(class, rows)| format!("{class} {rows}")).collect();
        session.output.line(&format!(
            "{:<11} {} rows of {} streams: {}",
            side.name(),
            counts.rows,
            counts.streams,
            classes.join(", ")
        ))?;
    }
    if let Some(coverage) = manifest.rules.coverage() {
        session.output.line(&format!("the rules are sure of {:.1} % of the samples", coverage * 100.0))?;
    }
    if let Some(Asked { new, known }) = asked {
        session.output.line(&format!("reviewers are asked about {new} samples more and {known} again"))?;
    }
    Ok(())
}
