//! Where the files of models lie: a folder of this machine, or a bucket.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use linkcast_aws::BucketFolders;
use linkcast_domain::ports::{FolderFile, ModelFolders, StoreError};
use linkcast_store::LocalFolders;

use crate::configuration::{Configuration, MODELS_VARIABLE};
use crate::exit::{ExitKind, Failure};
use crate::store::{self, StorePlace};

/// The folder beside a database file.
const BESIDE: &str = "models";

/// Where files lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FolderPlace {
    /// On this machine.
    Local(PathBuf),
    /// In this bucket, as the environment's account and region have it.
    Bucket(String),
}

impl FromStr for FolderPlace {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.strip_prefix("s3:").map(|bucket| bucket.trim_start_matches('/')) {
            Some(bucket) if !bucket.is_empty() => {
                FolderPlace::Bucket(bucket.trim_end_matches('/').to_owned())
            }
            _ => FolderPlace::Local(text.into()),
        })
    }
}

impl fmt::Display for FolderPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FolderPlace::Local(path) => write!(f, "{}", path.display()),
            FolderPlace::Bucket(bucket) => write!(f, "s3:{bucket}"),
        }
    }
}

impl FolderPlace {
    /// The place that was named, or the one beside the store.
    pub(crate) fn of(
        named: Option<&FolderPlace>,
        store: &StorePlace,
        configuration: &Configuration,
    ) -> Result<Self, Failure> {
        match (named.or(configuration.models.as_ref()), store) {
            (Some(place), _) => Ok(place.clone()),
            (None, StorePlace::File(path)) => Ok(FolderPlace::Local(path.with_file_name(BESIDE))),
            (None, StorePlace::Table(_)) => {
                let unnamed = "no place for models' files named: a table keeps none";
                Err(Failure::new(ExitKind::WrongUse, unnamed).with_next_step(format!(
                    "give --models s3:BUCKET or --models DIR, or set {MODELS_VARIABLE}"
                )))
            }
        }
    }

    /// The folders there.
    pub(crate) fn open(&self, fabric: &str) -> Result<AnyFolders, Failure> {
        match self {
            FolderPlace::Local(path) => Ok(AnyFolders::Local(LocalFolders::new(path.clone()))),
            FolderPlace::Bucket(bucket) => {
                Ok(AnyFolders::Bucket(BucketFolders::new(&store::connect()?, bucket, fabric)))
            }
        }
    }
}

/// Either kind of folders.
pub(crate) enum AnyFolders {
    /// On this machine.
    Local(LocalFolders),
    /// In a bucket.
    Bucket(BucketFolders),
}

impl ModelFolders for AnyFolders {
    fn place(&self, task: &str, digest: &str) -> String {
        match self {
            AnyFolders::Local(folders) => folders.place(task, digest),
            AnyFolders::Bucket(folders) => folders.place(task, digest),
        }
    }

    async fn put_folder(&self, task: &str, digest: &str, files: &[FolderFile]) -> Result<(), StoreError> {
        match self {
            AnyFolders::Local(folders) => folders.put_folder(task, digest, files).await,
            AnyFolders::Bucket(folders) => folders.put_folder(task, digest, files).await,
        }
    }

    async fn files(
        &self,
        task: &str,
        digest: &str,
        names: &[&str],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        match self {
            AnyFolders::Local(folders) => folders.files(task, digest, names).await,
            AnyFolders::Bucket(folders) => folders.files(task, digest, names).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_folder_or_a_bucket() {
        let place = |text: &str| text.parse::<FolderPlace>().unwrap();
        assert_eq!(place("a/models"), FolderPlace::Local("a/models".into()));
        for text in ["s3:lab", "s3://lab", "s3://lab/"] {
            assert_eq!(place(text), FolderPlace::Bucket("lab".into()), "{text}");
        }
    }
}
