//! `linkcast models`: which models there are, which may be used, which is.

mod change;
mod compare;
mod list;
mod sync;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use linkcast_domain::{Alias, ModelName, ModelVersion, ParseModelVersionError};

use super::Session;
use crate::arguments::DatabaseArguments;
use crate::database;
use crate::exit::Failure;
use crate::registry::{FolderPlace, Models};

/// Register models, approve them, and say which one is used.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast models add model/ --db linkcast.db\n  linkcast models diff live 2026-11-22 --db linkcast.db\n  linkcast models approve 2026-11-22 --db linkcast.db\n  linkcast models alias live 2026-11-22 --expect 1 --db linkcast.db\n  linkcast run --model registry:live --source http://exporter:9315/metrics --db linkcast.db"
)]
pub(crate) struct ModelsArguments {
    #[command(subcommand)]
    command: ModelsCommand,
}

/// Where the registry lies.
#[derive(Args, Clone, Debug)]
struct RegistryArguments {
    #[command(flatten)]
    database: DatabaseArguments,
    /// Where models' files lie: a folder, or s3:BUCKET (default: LINKCAST_MODELS, or `models` beside the database file).
    #[arg(long, value_name = "PLACE")]
    models: Option<FolderPlace>,
    /// Who does this, as the registry remembers it (default: USER).
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Register the model in a folder. The same model again is none more; damaged files of it are mended.
    Add(AddArguments),
    /// List the versions, those added first first.
    List(RegistryArguments),
    /// Show all that is known of a version.
    Show(NamedArguments),
    /// Say in what two versions differ: card, lineage, parameters, metrics.
    Diff(DiffArguments),
    /// Approve a version: it may become live.
    Approve(NamedArguments),
    /// Reject a version: it loses its aliases and gets none.
    Reject(RejectArguments),
    /// Point an alias at a version. What was live becomes the previous one.
    Alias(AliasArguments),
    /// Read every file of a version again, or of all, check it, and load the model.
    Verify(VerifyArguments),
    /// Make this registry and SageMaker's Model Registry agree: versions, approvals and rejections, both ways.
    Sync(sync::SyncArguments),
}

/// One model.
#[derive(Args, Debug)]
struct NamedArguments {
    /// A version, or live, candidate or previous.
    #[arg(value_name = "MODEL")]
    model: ModelName,
    #[command(flatten)]
    registry: RegistryArguments,
}

/// Two models.
#[derive(Args, Debug)]
struct DiffArguments {
    /// The one compared with: a version, or live, candidate or previous.
    #[arg(value_name = "FIRST")]
    one: ModelName,
    /// The one compared.
    #[arg(value_name = "SECOND")]
    other: ModelName,
    #[command(flatten)]
    registry: RegistryArguments,
}

/// What is rejected and why.
#[derive(Args, Debug)]
struct RejectArguments {
    /// A version, or live, candidate or previous.
    #[arg(value_name = "MODEL")]
    model: ModelName,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    registry: RegistryArguments,
}

/// What is verified.
#[derive(Args, Debug)]
struct VerifyArguments {
    /// A version, or live, candidate or previous (default: every version).
    #[arg(value_name = "MODEL")]
    model: Option<ModelName>,
    #[command(flatten)]
    registry: RegistryArguments,
}

/// What is registered.
#[derive(Args, Debug)]
struct AddArguments {
    /// The model's folder, as `linkcast train --out` writes it.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The version of the data set it was trained on, where its card does not say.
    #[arg(long, value_name = "TEXT")]
    data_version: Option<String>,
    /// The revision of the code that trained it, where its card does not say.
    #[arg(long, value_name = "TEXT")]
    code_revision: Option<String>,
    #[command(flatten)]
    registry: RegistryArguments,
}

/// Which alias is pointed where.
#[derive(Args, Debug)]
struct AliasArguments {
    /// live, candidate or previous.
    #[arg(value_name = "ALIAS")]
    alias: Alias,
    /// The version, an alias that names it, or none.
    #[arg(value_name = "MODEL")]
    target: Target,
    /// Only if the alias names this version now, or none (default: whatever it names when the command begins).
    #[arg(long, value_name = "VERSION")]
    expect: Option<Target>,
    #[command(flatten)]
    registry: RegistryArguments,
}

/// A model or none.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target(Option<ModelName>);

impl std::str::FromStr for Target {
    type Err = ParseModelVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" { Ok(Target(None)) } else { text.parse().map(|name| Target(Some(name))) }
    }
}

/// Runs it.
pub(crate) fn execute(arguments: &ModelsArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let registry = arguments.command.registry();
    let models = arguments.command.open(session)?;
    let by = registry.by.clone().unwrap_or_else(|| session.configuration.user.clone());
    match &arguments.command {
        ModelsCommand::Add(added) => change::add(added, &by, &models, session),
        ModelsCommand::List(_) => list::list(&models, session),
        ModelsCommand::Show(shown) => list::show(&shown.model, &models, session),
        ModelsCommand::Diff(both) => compare::diff(&both.one, &both.other, &models, session),
        ModelsCommand::Approve(approved) => change::approve(&approved.model, &by, &models, session),
        ModelsCommand::Reject(rejected) => {
            change::reject(&rejected.model, &rejected.reason, &by, &models, session)
        }
        ModelsCommand::Alias(alias) => change::point(alias, &by, &models, session),
        ModelsCommand::Verify(verified) => compare::verify(verified.model.as_ref(), &models, session),
        ModelsCommand::Sync(synced) => sync::sync(synced, &by, &models, session),
    }
}

impl ModelsCommand {
    fn registry(&self) -> &RegistryArguments {
        match self {
            ModelsCommand::Add(arguments) => &arguments.registry,
            ModelsCommand::List(registry) => registry,
            ModelsCommand::Show(arguments) | ModelsCommand::Approve(arguments) => &arguments.registry,
            ModelsCommand::Diff(arguments) => &arguments.registry,
            ModelsCommand::Reject(arguments) => &arguments.registry,
            ModelsCommand::Alias(arguments) => &arguments.registry,
            ModelsCommand::Verify(arguments) => &arguments.registry,
            ModelsCommand::Sync(arguments) => &arguments.registry,
        }
    }

    /// Only a model that is to be registered makes a database that is not there.
    fn open(&self, session: &Session<'_>) -> Result<Models, Failure> {
        let (configuration, registry) = (session.configuration, self.registry());
        let place = registry.database.place(configuration).ok_or_else(database::unnamed)?;
        let store = match self {
            ModelsCommand::Add(_) => database::open(&place, configuration)?,
            _ => database::open_place(&place, configuration)?,
        };
        Models::new(store, &place, registry.models.as_ref(), configuration)
    }
}

/// The version a name stands for.
fn version_of(name: &ModelName, models: &Models) -> Result<ModelVersion, Failure> {
    match name {
        ModelName::Version(version) => Ok(version.clone()),
        ModelName::Alias(_) => Ok(models.find(name)?.0.facts.version),
    }
}
