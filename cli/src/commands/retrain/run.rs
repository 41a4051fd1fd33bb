//! `linkcast retrain run`: guards, then a run on this machine.

use std::path::PathBuf;

use clap::Args;
use linkcast_aws::SageMakerPipelines;
use linkcast_domain::{Clock, SystemClock, Timestamp};
use linkcast_pipeline::NoBus;
use linkcast_pipeline::retraining::{
    Answered, Asked, Circumstances, GuardSettings, Override, Run, RunCost, RunRequest, Stage, Trigger,
    Workplace as Place, begin, new_labels,
};
use linkcast_scoring::TASK;
use linkcast_training::TrainingConfig;
use linkcast_training::dataset::Thinning;
use serde_json::json;

use super::{PlaceArguments, Session, list};
use crate::commands::task;
use crate::database::{self, ready, wait};
use crate::exit::{ExitKind, Failure};
use crate::interval::Interval;
use crate::learning::read_truth;
use crate::output::Form;
use crate::registry::Models;
use crate::retraining::{LiveModel, Local, Workplace, desk, live_model, refused, version_of, work};
use crate::reviewing::AgreedLabels;
use crate::store::{self, StorePlace};

/// Where runs' work lies beside a database.
const BESIDE: &str = "retraining";
/// Ask the guards for a run and do it on this machine, or go on with one that was broken off here.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast retrain run --db linkcast.db --dry-run\n  linkcast retrain run --db linkcast.db --reason 'new cables in row 4'\n  linkcast retrain run --db linkcast.db --force --because 'the live model is of another fabric'\n  linkcast simulate --ports 500 --hours 10 --fault-rate 0.05 --out fabric/ && linkcast replay --db lab.db fabric/\n  linkcast retrain run --db lab.db --truth fabric/ --least-labels 20\n\nGuards: one run at a time; 7 days since the last one ended (2 for drift and quality, 6 hours after a failure); 50 labels newer\nthan the live model's data; 6 runs and $25 a month. A refusal ends with code 7 and says when it would pass. A model that is\nnot shown to be better is registered and not deployed, which is no error."
)]
pub(super) struct RunArguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The history to learn from, as `linkcast dataset export` wrote it (default: the store's own).
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The folder of the simulation that the history is of: its truth labels the rows and counts as labels that people gave.
    #[arg(long, value_name = "DIR")]
    truth: Option<PathBuf>,
    /// A .csv or .jsonl file of verdicts (default: the store's own).
    #[arg(long, value_name = "FILE")]
    reviews: Option<PathBuf>,
    /// How much of the store's history to learn from.
    #[arg(long, value_name = "LENGTH", default_value = "30d")]
    last: Interval,
    /// What asks: by_hand, schedule, drift or quality.
    #[arg(long, value_name = "TRIGGER", default_value = "by_hand")]
    trigger: Trigger,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "asked for by hand")]
    reason: String,
    /// Who asks (default: USER).
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Begin though cooldown, labels or budget refuse; a run that holds the task is never overridden.
    #[arg(long, requires = "because")]
    force: bool,
    /// Why the guards do not count this time.
    #[arg(long, value_name = "TEXT", requires = "force")]
    because: Option<String>,
    /// Say what the guards say and what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// How long a run that was asked for elsewhere is left to whoever asked.
    #[arg(long, value_name = "LENGTH", default_value = "2m")]
    left_alone: Interval,
    /// Time between the last run's end and this one (default: 7d, for drift and quality 2d).
    #[arg(long, value_name = "LENGTH")]
    cooldown: Option<Interval>,
    /// Labels that must be newer than the live model's data.
    #[arg(long, value_name = "N", default_value_t = GuardSettings::default().least_new_labels)]
    least_labels: u64,
    /// Training settings, as a task has them (see `linkcast task check --help`); its platform is not asked.
    #[arg(long, value_name = "FILE")]
    task: Option<PathBuf>,
    /// Keep every row, in place of one in 60 quiet ones, one in 6 suspicious ones and one in 4 of faults.
    #[arg(long)]
    keep_all: bool,
    /// Have this SageMaker pipeline do the run instead of this machine (see `linkcast retrain pipeline --help`).
    #[arg(long, value_name = "NAME", conflicts_with_all = ["data", "truth", "reviews", "task", "work", "keep_all"])]
    pipeline: Option<String>,
    /// What the pipeline's steps run on, for the estimate of what the run costs.
    #[arg(long, value_name = "TYPE", default_value = "ml.m5.xlarge", requires = "pipeline")]
    instance: String,
    /// Where the runs' work lies (default: retraining beside the database, or here for a table).
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
}

pub(super) fn execute(arguments: &RunArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let models = arguments.place.open(session)?;
    let guards = arguments.guards();
    let live = live_model(&models, session)?;
    let circumstances = arguments.circumstances(&models, &live)?;
    if arguments.dry_run {
        return try_out(arguments, (&models, guards), (&live, &circumstances), session);
    }
    if let Some(pipeline) = &arguments.pipeline {
        return elsewhere(arguments, pipeline, (&models, guards), &circumstances, session);
    }
    let local_place = Workplace::take(&arguments.work_folder(session)?)?;
    let begun = match broken_off((&local_place, arguments.left_alone), &models, session)? {
        Some(run) => {
            session.notes.inform(format!("going on with the run of {}", run.run));
            run
        }
        None => {
            let request = arguments.request(session, SystemClock.now());
            let desk = desk(&models, &session.configuration.fabric, guards);
            match ready(desk.ask(&request, &circumstances, SystemClock.now())).map_err(refused)? {
                Asked::Begun(run) => *run,
                Asked::Refused(answer) => return Err(refusal(&answer)),
            }
        }
    };
    let local = Local {
        place: &local_place,
        history: arguments.data.as_deref(),
        truth: arguments.truth.as_deref(),
        reviews: arguments.reviews.as_deref(),
        last: arguments.last.duration(),
        thinning: if arguments.keep_all { Thinning::NONE } else { Thinning::default() },
        config: match &arguments.task {
            Some(file) => task::read(file)?.config,
            None => TrainingConfig::default(),
        },
    };
    let ended = work(&begun, &local, &models, session)?;
    list::tell(&ended, session)?;
    if session.form == Form::Text && ended.stage() == Stage::Deployed {
        let version = version_of(ended.run);
        session.output.line(&format!(
            "next: linkcast models diff live {version}, then linkcast deploy {version} --image-uri IMAGE --role ARN"
        ))?;
    }
    Ok(())
}

/// Has a pipeline do it; its events, and its own steps, write down what becomes of the run.
fn elsewhere(
    arguments: &RunArguments,
    pipeline: &str,
    (models, guards): (&Models, GuardSettings),
    circumstances: &Circumstances,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let now = SystemClock.now();
    let request = arguments.request(session, now);
    let desk = desk(models, &session.configuration.fabric, guards);
    let platform = SageMakerPipelines::new(&store::connect()?, SystemClock);
    let asked = begin((&desk, &NoBus), Some((&platform, pipeline)), (&request, circumstances), now);
    match ready(asked).map_err(refused)? {
        Asked::Begun(run) if run.stage() == Stage::Failed => {
            let told = run.outcome.clone().unwrap_or_default();
            Err(Failure::new(ExitKind::Machine, format!("the run of {} came to nothing: {told}", run.run))
                .with_next_step(
                    "put right what it names; `linkcast retrain pipeline --apply` makes the pipeline",
                ))
        }
        Asked::Begun(run) => list::tell(&run, session),
        Asked::Refused(answer) => Err(refusal(&answer)),
    }
}

/// The run that an earlier process left in this workplace, or that was asked for and found no trainer.
fn broken_off(
    (place, left_alone): (&Workplace, Interval),
    models: &Models,
    session: &Session<'_>,
) -> Result<Option<Run>, Failure> {
    let desk = desk(models, &session.configuration.fabric, GuardSettings::default());
    let now = SystemClock.now();
    let holder = ready(desk.holder(now)).map_err(refused)?;
    let is_ours = |run: &Run| match &run.trainer {
        Some(trainer) => *trainer == place.trainer(),
        None => place.of_run(run.run).exists() || now.since(run.run) > left_alone.duration(),
    };
    Ok(holder.filter(is_ours))
}

fn try_out(
    arguments: &RunArguments,
    (models, guards): (&Models, GuardSettings),
    (live, circumstances): (&LiveModel, &Circumstances),
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let now = SystemClock.now();
    let request = arguments.request(session, now);
    let desk = desk(models, &session.configuration.fabric, guards);
    let verdict = ready(desk.would(&request, circumstances, now)).map_err(refused)?;
    let work = arguments.work_folder(session)?;
    if session.form == Form::JsonLines {
        let line = json!({
            "would_begin": verdict.is_ok(),
            "refusal": verdict.as_ref().err(),
            "live": live.version,
            "new_labels": circumstances.new_labels,
            "estimate_usd": circumstances.estimate.dollars(),
            "work": work,
        });
        session.output.json(&line)?;
    } else {
        let told = verdict.as_ref().map_or_else(ToString::to_string, |()| "a run would begin".to_owned());
        session.output.line(&told)?;
        session.output.line(&format!(
            "live model {}; {} labels newer than its data; work in {}",
            live.version,
            circumstances.new_labels,
            work.display()
        ))?;
    }
    match verdict {
        Ok(()) => Ok(()),
        Err(refusal) => Err(Failure::new(ExitKind::Refused, refusal.to_string())),
    }
}

fn refusal(answer: &Answered) -> Failure {
    let told = answer.refusal.as_ref().map(ToString::to_string).unwrap_or_default();
    let step = match &answer.refusal {
        Some(refusal) if refusal.guard() == "lock" => {
            "see `linkcast retrain list`; `linkcast retrain stop RUN --because …` ends one that nobody works on"
        }
        Some(refusal) if refusal.guard() == "new_labels" => {
            "give verdicts with `linkcast review next`, or override with --force --because …"
        }
        _ => "wait, or override with --force --because …",
    };
    Failure::new(ExitKind::Refused, told).with_next_step(step)
}

impl RunArguments {
    fn guards(&self) -> GuardSettings {
        let usual = GuardSettings { least_new_labels: self.least_labels, ..GuardSettings::default() };
        match self.cooldown {
            None => usual,
            Some(cooldown) => GuardSettings {
                cooldown: cooldown.duration(),
                cooldown_of_alarm: cooldown.duration(),
                cooldown_after_failure: cooldown.duration(),
                ..usual
            },
        }
    }

    fn request(&self, session: &Session<'_>, now: Timestamp) -> RunRequest {
        let by = self.by.clone().unwrap_or_else(|| session.configuration.user.clone());
        let over = self.because.clone().map(|because| Override { by: by.clone(), because });
        RunRequest {
            task: TASK.to_owned(),
            trigger: self.trigger,
            reason: self.reason.clone(),
            request: format!("cli:{by}:{}", now.millis()),
            over,
        }
    }

    /// What is known before: labels since the live model's data, and what the machines cost. This one is there anyway.
    fn circumstances(&self, models: &Models, live: &LiveModel) -> Result<Circumstances, Failure> {
        let since = live.data_until;
        let is_new = |time: Timestamp| since.is_none_or(|since| time > since);
        let mut labels = match &self.reviews {
            None => wait(new_labels(models.store(), since))?,
            Some(file) => {
                let agreed = AgreedLabels::of_rows(file)?;
                agreed.labels.values().flat_map(|times| times.keys()).filter(|time| is_new(**time)).count()
                    as u64
            }
        };
        if let Some(folder) = &self.truth {
            labels += read_truth(folder)?.iter().filter(|episode| is_new(episode.onset)).count() as u64;
        }
        let place = match &self.pipeline {
            Some(_) => Place::SageMaker { instance_type: self.instance.clone() },
            None => Place::Local,
        };
        Ok(Circumstances { new_labels: labels, estimate: RunCost::default().at(&place) })
    }

    fn work_folder(&self, session: &Session<'_>) -> Result<PathBuf, Failure> {
        if let Some(folder) = &self.work {
            return Ok(folder.clone());
        }
        let place = self.place.database.place(session.configuration).ok_or_else(database::unnamed)?;
        Ok(match place {
            StorePlace::File(path) => path.with_file_name(BESIDE),
            StorePlace::Table(_) => PathBuf::from(BESIDE),
        })
    }
}
