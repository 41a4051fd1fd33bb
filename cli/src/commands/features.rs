//! `linkcast features`: the forty features of every sample, as CSV or Parquet.

use std::path::{Path, PathBuf};

use clap::Args;
use linkcast_features::Calendar;

use super::Session;
use crate::arguments::ReadingArguments;
use crate::capture::for_each_featured;
use crate::exit::{ExitKind, Failure};
use crate::feature_file::{FeatureFile, FeatureFileError};
use crate::output::Form;
use crate::progress::Progress;

/// Compute the forty features of every sample.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast features samples.csv --out features.parquet\n  linkcast features captures/ --out features.csv\n  linkcast features --map leaf.toml leaf7.csv.gz --out features.csv"
)]
pub(crate) struct FeaturesArguments {
    /// Captures or sample files, or folders of them.
    #[arg(required = true, value_name = "IN")]
    paths: Vec<PathBuf>,
    /// Where the features go: a file that ends in .csv or .parquet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The fabric's time zone, an IANA name (default: LINKCAST_TIME_ZONE, or UTC).
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    #[command(flatten)]
    reading: ReadingArguments,
}

/// Writes them.
pub(crate) fn execute(arguments: &FeaturesArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let calendar = calendar(arguments.time_zone.as_deref(), session)?;
    let mut file = FeatureFile::create(&arguments.out)?;
    let mut progress = Progress::new(session.notes, "features", None);
    let reader = arguments.reading.reader()?;
    let read = for_each_featured(&arguments.paths, reader, &calendar, &mut progress, |sample, features| {
        file.write(&sample.stream, sample.time, features).map_err(Failure::from)
    })?;
    drop(progress);
    file.finish()?;
    read.tally.judge(read.samples, session.notes)?;
    tell(read.samples, read.stale, &arguments.out, session)
}

/// The calendar of the zone named on the command line or in the environment.
pub(super) fn calendar(zone: Option<&str>, session: &Session<'_>) -> Result<Calendar, Failure> {
    match zone.or(session.configuration.time_zone.as_deref()) {
        Some(name) => Calendar::named(name).map_err(|error| Failure::new(ExitKind::WrongUse, error)),
        None => Ok(Calendar::utc()),
    }
}

fn tell(samples: u64, stale: u64, out: &Path, session: &mut Session<'_>) -> Result<(), Failure> {
    if stale > 0 {
        session
            .notes
            .warn(format!("{stale} samples were not newer than their stream's last and were dropped"));
    }
    match session.form {
        Form::JsonLines => {
            session.output.json(&serde_json::json!({"rows": samples, "dropped": stale, "file": out}))?
        }
        Form::Text => session.output.line(&format!("{samples} rows of 40 features: {}", out.display()))?,
    }
    Ok(())
}

impl From<FeatureFileError> for Failure {
    fn from(error: FeatureFileError) -> Self {
        let kind = match error {
            FeatureFileError::Extension(_) => ExitKind::WrongUse,
            _ => ExitKind::Machine,
        };
        Failure::new(kind, error)
    }
}
