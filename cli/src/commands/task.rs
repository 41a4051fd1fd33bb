//! `linkcast task`: a training task, looked at or carried out where it says.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use linkcast_aws::SageMaker;
use linkcast_domain::SystemClock;
use linkcast_training::job::{Order, managed_image};
use linkcast_training::task::{Deployment, Platform, SageMakerSettings, Task};
use linkcast_training::{
    Aim, Imported, Lessons, Silent, TrainedModel, TrainingConfig, TrainingSet, hyperparameters, import, train,
};
use serde_json::json;

use super::Session;
use crate::exchange::{Jobs, make_folder, read_booster, write};
use crate::exit::{ExitKind, Failure};
use crate::labelled::labelled_rows;
use crate::learning::FailureRows;
use crate::output::Form;
use crate::store;

/// Look at a training task, or carry it out.
#[derive(Args, Debug)]
pub(crate) struct TaskArguments {
    #[command(subcommand)]
    command: TaskCommand,
}

#[derive(Debug, Subcommand)]
enum TaskCommand {
    /// Read a task and say what it asks for, or everything that is wrong with it.
    Check(CheckArguments),
    /// Train as a task says, here or on SageMaker, and make the model's folder.
    Run(RunArguments),
}

/// Read a task and say what it asks for, or everything that is wrong with it.
#[derive(Args, Debug)]
#[command(after_help = A_WHOLE_TASK)]
struct CheckArguments {
    /// The task.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Train as a task says, here or on SageMaker, and make the model's folder.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast task run task.yaml --data fabric/ --out model/\n  linkcast task run task.yaml --dataset dataset/ --out model/\n\nOn SageMaker one job trains the classifier and one the regressor; how far they are is kept in OUT/jobs. Called again\nafter a kill it goes on; after a job that failed or was stopped it starts the next attempt."
)]
struct RunArguments {
    /// The task.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A folder that `linkcast simulate` wrote: telemetry, and the truth beside it.
    #[arg(long, value_name = "DIR", required_unless_present = "dataset")]
    data: Option<PathBuf>,
    /// A data set that `linkcast dataset build` made; its split is kept.
    #[arg(long, value_name = "DIR", conflicts_with = "data")]
    dataset: Option<PathBuf>,
    /// Where the model's files go.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

const A_WHOLE_TASK: &str = "\
Examples:
  linkcast task check task.yaml

A whole task:
  training:
    type: boosted_trees
    platform: sagemaker              # or local
    deployment_target: serverless    # or embedded, realtime
    endpoint: {memory_mb: 2048, max_concurrency: 5}
    parameters:
      classifier: {rounds: 100, depth: 6, eta: 0.1}
      sagemaker:
        role: arn:aws:iam::123456789012:role/train
        bucket: rows-and-models
        instance_type: ml.m5.2xlarge
        instance_count: 1
        max_minutes: 60";

/// Runs it.
pub(crate) fn execute(arguments: &TaskArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    match &arguments.command {
        TaskCommand::Check(arguments) => tell(&read(&arguments.file)?, session),
        TaskCommand::Run(arguments) => run(arguments, session),
    }
}

/// The task in `file`.
pub(crate) fn read(file: &Path) -> Result<Task, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::new(ExitKind::Machine, format!("reading {}: {error}", file.display())))?;
    Task::from_yaml(&text).map_err(|error| {
        Failure::new(ExitKind::WrongUse, format!("{} is no task:\n{error}", file.display()))
            .with_next_step("`linkcast task check --help` shows a whole one")
    })
}

fn tell(task: &Task, session: &mut Session<'_>) -> Result<(), Failure> {
    let (platform, machines) = match &task.platform {
        Platform::Local => ("local", String::new()),
        Platform::SageMaker(settings) => {
            ("sagemaker", format!(" on {} × {}", settings.instance_count, settings.instance_type))
        }
    };
    let target = match task.deployment {
        Deployment::Embedded => "embedded",
        Deployment::Serverless(_) => "serverless",
        Deployment::RealTime => "realtime",
    };
    let (classifier, regressor) = (task.config.classifier.rounds, task.config.regressor.rounds);
    match session.form {
        Form::JsonLines => session.output.json(
            &json!({"platform": platform, "deployment_target": target, "settings": task.config}),
        )?,
        Form::Text => session.output.line(&format!(
            "boosted trees, platform {platform}{machines}, deployment target {target}, at most {classifier} and \
             {regressor} rounds"
        ))?,
    }
    Ok(())
}

fn run(arguments: &RunArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut task = read(&arguments.file)?;
    task.config.origin.code_revision.clone_from(&session.configuration.code_revision);
    let places = (arguments.data.as_deref(), arguments.dataset.as_deref());
    let set = labelled_rows(places, FailureRows::None, &mut task.config, session.notes)?.set;
    let unusable = |error| Failure::new(ExitKind::UnusableInput, error);
    let model = match &task.platform {
        Platform::Local => train(&set, &task.config, &mut Silent).map_err(unusable)?,
        Platform::SageMaker(settings) => on_sagemaker(&task.config, settings, &set, &arguments.out, session)?,
    };
    make_folder(&arguments.out)?;
    for file in model.files() {
        write(&arguments.out.join(file.name), &file.bytes)?;
    }
    let out = arguments.out.display();
    match session.form {
        Form::JsonLines => session.output.json(model.card())?,
        Form::Text => session.output.line(&format!("model {}: {out}", model.card().model_version))?,
    }
    Ok(())
}

/// Has SageMaker train on `set`, going on with the jobs in `out`, and takes its models over.
pub(crate) fn on_sagemaker(
    config: &TrainingConfig,
    settings: &SageMakerSettings,
    set: &TrainingSet,
    out: &Path,
    session: &Session<'_>,
) -> Result<TrainedModel, Failure> {
    let unusable = |error| Failure::new(ExitKind::UnusableInput, error);
    let lessons = Lessons::of(set, config).map_err(unusable)?;
    let platform = SageMaker::new(&store::connect()?, SystemClock);
    let image = match (&settings.image, platform.region()) {
        (Some(image), _) => image.clone(),
        (None, Some(region)) => {
            managed_image(region).map_err(|error| Failure::new(ExitKind::WrongUse, error))?
        }
        (None, None) => {
            return Err(Failure::new(
                ExitKind::WrongUse,
                "no region is set: expected AWS_REGION, or a profile with one",
            ));
        }
    };
    let folder = out.join("jobs");
    let pause = std::thread::sleep;
    let jobs = Jobs { platform: &platform, lessons: &lessons, folder: &folder, notes: session.notes, pause };
    let told = Aim::ALL.map(|aim| hyperparameters(aim, config));
    let orders = Aim::ALL.iter().zip(&told).map(|(aim, told)| Order {
        aim: *aim,
        settings,
        hyperparameters: told,
        rows_digest: lessons.digest(),
        image: &image,
        attempt: 1,
    });
    let models = jobs.run(&orders.collect::<Vec<_>>())?;
    let [classifier, regressor] = models.as_slice() else {
        return Err(Failure::new(ExitKind::Machine, "a job gave no model: expected one of each"));
    };
    let imported =
        Imported { classifier: read_booster(classifier)?, regressor: Some(read_booster(regressor)?) };
    import(imported, set, config, &mut Silent).map_err(unusable)
}
