//! `linkcast package`: a model as the archive that SageMaker's images serve.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use linkcast_aws::SageMaker;
use linkcast_domain::SystemClock;
use linkcast_domain::ports::{FolderFile, ModelArchives, Stored};
use linkcast_scoring::TASK;
use linkcast_training::package::{ARCHIVE_FILE, Package, PackageError, ServingImage, package, package_key};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Session;
use crate::arguments::DatabaseArguments;
use crate::database::{self, ready};
use crate::exchange::write;
use crate::exit::{ExitKind, Failure};
use crate::output::Form;
use crate::registry::{FolderPlace, ModelChoice, Models, packages_failure, read_folder};
use crate::store;

/// Pack a model as the model.tar.gz that SageMaker unpacks at /opt/ml/model.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast package model/ --out model.tar.gz\n  linkcast package registry:live --db linkcast.db --image pytorch --out model.tar.gz\n  linkcast package registry:live --store dynamodb:linkcast --models s3:BUCKET --image xgboost --upload s3://BUCKET\n\nThe same model and image give the same bytes. docs/PACKAGING.md says what each image needs in its environment."
)]
pub(crate) struct PackageArguments {
    /// The model's folder, or registry:NAME, as registry:live.
    #[arg(value_name = "MODEL")]
    model: ModelChoice,
    /// Where the archive goes (default: model.tar.gz, unless it is uploaded).
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Which image is to serve it: ours, or SageMaker's own for pytorch or xgboost.
    #[arg(long, value_name = "IMAGE", default_value = "ours")]
    image: ServingImage,
    /// Put it into this bucket, s3://BUCKET, or without one into that of LINKCAST_MODELS, unless it lies there already.
    #[arg(long, value_name = "BUCKET", num_args = 0..=1)]
    upload: Option<Option<FolderPlace>>,
    #[command(flatten)]
    database: DatabaseArguments,
    /// Where registered models' files lie: a folder, or s3:BUCKET (default: LINKCAST_MODELS, or `models` beside the database file).
    #[arg(long, value_name = "PLACE")]
    models: Option<FolderPlace>,
}

#[derive(Serialize)]
struct PackageLine<'a> {
    model_version: &'a str,
    image: &'static str,
    sha256: &'a str,
    bytes: usize,
    files: &'a [String],
    environment: Map<String, Value>,
    file: Option<&'a Path>,
    address: Option<&'a str>,
    is_new: Option<bool>,
}

/// Packs it, and puts it where it was asked to go.
pub(crate) fn execute(arguments: &PackageArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let bucket = arguments.upload.as_ref().map(|named| bucket(named.as_ref(), session)).transpose()?;
    let packed = package(&files(arguments, session)?, arguments.image).map_err(unpackable)?;
    let unsaid = bucket.is_none().then(|| PathBuf::from(ARCHIVE_FILE));
    let file = arguments.out.clone().or(unsaid);
    if let Some(file) = &file {
        write(file, &packed.bytes)?;
    }
    let uploaded = bucket.map(|bucket| upload(&packed, &bucket, session)).transpose()?;
    tell(arguments, (&packed, file.as_deref(), uploaded.as_ref()), session)
}

fn tell(
    arguments: &PackageArguments,
    (packed, file, uploaded): (&Package, Option<&Path>, Option<&(String, Stored)>),
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let image = arguments.image;
    let environment = image.environment();
    if session.form == Form::JsonLines {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
        session.output.json(&PackageLine {
            model_version: &packed.model_version,
            image: image.name(),
            sha256: &packed.sha256,
            bytes: packed.bytes.len(),
            files: &packed.files,
            environment: environment.collect(),
            file,
            address: uploaded.map(|(address, _)| address.as_str()),
            is_new: uploaded.map(|(_, stored)| *stored == Stored::New),
        })?;
        return Ok(());
    }
    let Package { model_version, sha256, bytes, .. } = packed;
    let places = file.map(|file| file.display().to_string()).into_iter();
    let places = places.chain(uploaded.map(|(address, stored)| match stored {
        Stored::New => address.clone(),
        Stored::Known => format!("{address} (there before)"),
    }));
    for place in places {
        let told =
            format!("{place}: version {model_version} for {image}, {} bytes, sha256 {sha256}", bytes.len());
        session.output.line(&told)?;
    }
    if !environment.is_empty() {
        let needed: Vec<String> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        session.output.line(&format!("its container needs {}", needed.join(" ")))?;
    }
    Ok(())
}

/// The model's files, of a folder that holds nothing else, or registered and checked.
fn files(arguments: &PackageArguments, session: &Session<'_>) -> Result<Vec<FolderFile>, Failure> {
    match &arguments.model {
        ModelChoice::Folder(folder) => {
            no_links(folder)?;
            read_folder(folder)
        }
        ModelChoice::Registered(name) => {
            let configuration = session.configuration;
            let place = arguments.database.place(configuration).ok_or_else(database::unnamed)?;
            let opened = database::open_place(&place, configuration)?;
            let models = Models::new(opened, &place, arguments.models.as_ref(), configuration)?;
            models.files(&models.find(name)?.0)
        }
    }
}

/// A link is not followed: what it points at may be no part of the model.
fn no_links(folder: &Path) -> Result<(), Failure> {
    // A folder that cannot be listed is told of by whoever reads it.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
            let told = format!("{} is a link: expected a file", entry.path().display());
            return Err(Failure::new(ExitKind::UnusableInput, told)
                .with_next_step("put the file itself in its place, for what a link points at may change"));
        }
    }
    Ok(())
}

fn upload(packed: &Package, bucket: &str, session: &Session<'_>) -> Result<(String, Stored), Failure> {
    let key = package_key(&session.configuration.fabric, TASK, &packed.sha256);
    let address = format!("s3://{bucket}/{key}");
    let archives = SageMaker::new(&store::connect()?, SystemClock);
    let stored = ready(archives.put_archive(&address, &packed.bytes, &packed.sha256));
    Ok((address, stored.map_err(packages_failure)?))
}

/// The bucket that was named, or that of the environment.
fn bucket(named: Option<&FolderPlace>, session: &Session<'_>) -> Result<String, Failure> {
    match named.or(session.configuration.models.as_ref()) {
        Some(FolderPlace::Bucket(bucket)) => Ok(bucket.clone()),
        other => {
            let found = other.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            Err(Failure::new(ExitKind::WrongUse, format!("--upload: found {found}, expected a bucket"))
                .with_next_step("give --upload s3://BUCKET, or set LINKCAST_MODELS to s3:BUCKET"))
        }
    }
}

/// Why a model is not packed.
pub(crate) fn unpackable(error: PackageError) -> Failure {
    let kind = match error {
        PackageError::Model(_) | PackageError::Regressor(_) => ExitKind::Model,
        PackageError::Name { .. } | PackageError::Twice { .. } | PackageError::TooLarge { .. } => {
            ExitKind::UnusableInput
        }
        PackageError::Unwritten(_) => ExitKind::Machine,
    };
    Failure::new(kind, error)
        .with_next_step("name a folder that `linkcast train --out DIR` wrote, and nothing besides in it")
}
