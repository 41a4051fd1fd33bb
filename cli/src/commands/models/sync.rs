//! `linkcast models sync`: our registry and SageMaker's Model Registry, made to agree.

use std::time::Duration;

use clap::Args;
use linkcast_aws::SageMaker;
use linkcast_domain::{Clock, Decision, SyncAction, SyncStep, SystemClock};
use linkcast_scoring::TASK;
use linkcast_training::job::managed_image;
use linkcast_training::package::{ServingImage, group_name};
use serde::Serialize;

use super::{RegistryArguments, Session};
use crate::exit::{ExitKind, Failure};
use crate::interval::Interval;
use crate::output::{Form, Output};
use crate::registry::{FolderPlace, Mode, Models, Outcome, Patience, Strangers, Sync};
use crate::store;

/// How long all of it may take unless told.
const DEADLINE: Duration = Duration::from_secs(300);

/// Both sides, and how packages are made.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast models sync --dry-run --bucket s3://BUCKET --db linkcast.db\n  linkcast models sync --bucket s3://BUCKET --store dynamodb:linkcast --models s3:BUCKET\n  linkcast models sync --image ours --image-uri ACCOUNT.dkr.ecr.REGION.amazonaws.com/linkcast:1 --bucket s3://BUCKET --db linkcast.db\n\nExit code 7 says that there is a conflict: neither side was changed, and a line says what to decide."
)]
pub(super) struct SyncArguments {
    /// The model package group (default: linkcast-FABRIC-link-health).
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// The bucket that archives go to, s3://BUCKET (default: that of LINKCAST_MODELS or --models).
    #[arg(long, value_name = "BUCKET")]
    bucket: Option<FolderPlace>,
    /// Which image is to serve the packages: ours, or SageMaker's own for pytorch or xgboost.
    #[arg(long, value_name = "IMAGE", default_value = "xgboost")]
    image: ServingImage,
    /// The address of that image (default for xgboost: SageMaker's in the region).
    #[arg(long, value_name = "URI")]
    image_uri: Option<String>,
    /// Register versions that only SageMaker has and that carry our digests.
    #[arg(long)]
    import: bool,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// How long all of it may take (default: 5m); the next call goes on where it ended.
    #[arg(long, value_name = "TIME")]
    deadline: Option<Interval>,
    #[command(flatten)]
    pub(super) registry: RegistryArguments,
}

#[derive(Serialize)]
struct SyncLine<'a> {
    version: &'a str,
    package: Option<&'a str>,
    action: &'static str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'a Decision>,
    #[serde(skip_serializing_if = "Option::is_none")]
    over: Option<&'a Decision>,
    #[serde(skip_serializing_if = "String::is_empty")]
    told: String,
}

/// How many steps ended how.
#[derive(Default)]
struct Counts {
    taken: usize,
    conflicts: usize,
    failed: usize,
}

/// Makes them agree.
pub(super) fn sync(
    arguments: &SyncArguments,
    by: &str,
    models: &Models,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let configuration = session.configuration;
    // What is wrong with the arguments is told before anybody is asked anything.
    let (bucket, image) = (bucket(arguments, session)?, named_image(arguments)?);
    let platform = SageMaker::new(&store::connect()?, SystemClock);
    let sync = Sync {
        platform: &platform,
        models,
        patience: Patience {
            clock: SystemClock,
            until: SystemClock.now().plus(arguments.deadline.map_or(DEADLINE, |told| told.duration())),
            pause: std::thread::sleep,
        },
        group: arguments.group.clone().unwrap_or_else(|| group_name(&configuration.fabric, TASK)),
        fabric: &configuration.fabric,
        bucket,
        image: arguments.image,
        image_address: image.map_or_else(|| image_of_region(platform.region()), Ok)?,
        by,
        mode: if arguments.dry_run { Mode::DryRun } else { Mode::Act },
        strangers: if arguments.import { Strangers::Import } else { Strangers::Leave },
        notes: session.notes,
    };
    let (form, output) = (session.form, &mut session.output);
    let mut counts = Counts::default();
    sync.run(|step, outcome| {
        match outcome {
            Outcome::Conflict => counts.conflicts += 1,
            Outcome::Failed(_) => counts.failed += 1,
            _ => counts.taken += 1,
        }
        tell(step, outcome, form, output)
    })?;
    if form == Form::Text && counts.taken + counts.conflicts + counts.failed == 0 {
        session.output.line(&format!("{} agrees with the registry", sync.group))?;
    }
    session.output.flush()?;
    ended(&counts)
}

fn ended(counts: &Counts) -> Result<(), Failure> {
    let Counts { conflicts, failed, .. } = counts;
    if *failed > 0 {
        return Err(Failure::new(ExitKind::Machine, format!("{failed} steps failed"))
            .with_next_step("call again: what is done is not done again"));
    }
    if *conflicts > 0 {
        return Err(Failure::new(
            ExitKind::Refused,
            format!("{conflicts} conflicts, which neither side wins"),
        )
        .with_next_step("decide each as its line says, then call again"));
    }
    Ok(())
}

fn tell(step: &SyncStep, outcome: &Outcome, form: Form, output: &mut Output) -> Result<(), Failure> {
    let (action, decision, over) = match &step.action {
        SyncAction::Create => ("create", None, None),
        SyncAction::Carry { decision, over } => ("carry", Some(decision), over.as_ref()),
        SyncAction::Rule { decision, over } => ("rule", Some(decision), over.as_ref()),
        SyncAction::Import { decision } => ("import", decision.as_ref(), None),
        SyncAction::Conflict(_) => ("conflict", None, None),
    };
    let (outcome, told) = match (outcome, &step.action) {
        (_, SyncAction::Conflict(conflict)) => ("conflict", conflict.to_string()),
        (Outcome::Done(told), _) => ("done", told.clone()),
        (Outcome::Planned, _) => ("planned", String::new()),
        (Outcome::Left(why), _) => ("left", why.clone()),
        (Outcome::Failed(why), _) => ("failed", why.clone()),
        (Outcome::Conflict, _) => ("conflict", String::new()),
    };
    let (version, package) = (step.version.as_str(), step.package.as_deref());
    if form == Form::JsonLines {
        return Ok(output.json(&SyncLine { version, package, action, outcome, decision, over, told })?);
    }
    let what = sentence(&step.action);
    let told = if told.is_empty() { String::new() } else { format!(": {told}") };
    Ok(output.line(&format!("version {version}: {what} ({outcome}){told}"))?)
}

/// What a step does, for people.
fn sentence(action: &SyncAction) -> String {
    let ruled = |decision: &Decision| match &decision.ruling {
        linkcast_domain::Ruling::Approved => format!("approved by {} at {}", decision.by, decision.at),
        linkcast_domain::Ruling::Rejected { reason } => {
            format!("rejected by {} at {} ({reason})", decision.by, decision.at)
        }
    };
    let beside = |over: &Option<Decision>| match over {
        Some(over) => format!(", over {}", ruled(over)),
        None => String::new(),
    };
    match action {
        SyncAction::Create => "make its package".to_owned(),
        SyncAction::Carry { decision, over } => {
            format!("tell SageMaker: {}{}", ruled(decision), beside(over))
        }
        SyncAction::Rule { decision, over } => {
            format!("take from SageMaker: {}{}", ruled(decision), beside(over))
        }
        SyncAction::Import { .. } => "take over from SageMaker".to_owned(),
        SyncAction::Conflict(_) => "agree on it".to_owned(),
    }
}

fn bucket(arguments: &SyncArguments, session: &Session<'_>) -> Result<String, Failure> {
    let named = [
        arguments.bucket.as_ref(),
        arguments.registry.models.as_ref(),
        session.configuration.models.as_ref(),
    ];
    let bucket = named.into_iter().flatten().find_map(|place| match place {
        FolderPlace::Bucket(bucket) => Some(bucket.clone()),
        FolderPlace::Local(_) => None,
    });
    bucket.ok_or_else(|| {
        Failure::new(ExitKind::WrongUse, "no bucket named for the archives of packages")
            .with_next_step("give --bucket s3://BUCKET, or set LINKCAST_MODELS to s3:BUCKET")
    })
}

/// The address that was given; none where the region says it.
fn named_image(arguments: &SyncArguments) -> Result<Option<String>, Failure> {
    match (&arguments.image_uri, arguments.image) {
        (Some(address), _) => Ok(Some(address.clone())),
        (None, ServingImage::XgBoost) => Ok(None),
        (None, image) => Err(unnamed_image(format!("the address of the image for {image} is not known"))),
    }
}

fn image_of_region(region: Option<&str>) -> Result<String, Failure> {
    let region = region.ok_or_else(|| {
        Failure::new(ExitKind::WrongUse, "no region is set").with_next_step("set AWS_REGION")
    })?;
    managed_image(region).map_err(|error| unnamed_image(error.to_string()))
}

fn unnamed_image(told: String) -> Failure {
    Failure::new(ExitKind::WrongUse, told)
        .with_next_step("give --image-uri ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG")
}
