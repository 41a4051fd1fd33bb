//! Folders of models as objects: `models/<fabric>/<task>/<digest>/<file>`.
//!
//! A bucket renames nothing, so a folder may be there in part. Nobody reads it then: a registry names a folder only once all of
//! it is written, and whoever reads knows the digest of every file.

use std::sync::Arc;

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use linkcast_domain::ports::{FolderFile, ModelFolders, StoreError};

use crate::client::Shared;
use linkcast_domain::plain_name;

/// Objects on their way at once.
const SIDE_BY_SIDE: usize = 4;

/// Folders of one fabric's models in a bucket.
#[derive(Clone, Debug)]
pub struct BucketFolders {
    client: aws_sdk_s3::Client,
    bucket: Arc<str>,
    fabric: Arc<str>,
}

impl BucketFolders {
    /// Those of `fabric` in `bucket`. Path-style addresses, which emulators and buckets with dots in their names need.
    pub fn new(shared: &Shared, bucket: &str, fabric: &str) -> Self {
        let config = aws_sdk_s3::config::Builder::from(&shared.config).force_path_style(true).build();
        let client = aws_sdk_s3::Client::from_conf(config);
        BucketFolders { client, bucket: bucket.into(), fabric: fabric.into() }
    }

    /// A name in lower case, with runs of anything but letters and digits as one hyphen, is part of the key.
    fn key(&self, task: &str, digest: &str, name: &str) -> String {
        format!("models/{}/{}/{digest}/{name}", plain_name(&self.fabric), plain_name(task))
    }

    async fn put(&self, key: String, bytes: Vec<u8>) -> Result<(), StoreError> {
        let body = ByteStream::from(bytes);
        let sent = self.client.put_object().bucket(&*self.bucket).key(&key).body(body).send().await;
        sent.map(|_| ()).map_err(|error| self.failed("write a model", &key, error))
    }

    async fn get(&self, key: String) -> Result<Option<Vec<u8>>, StoreError> {
        const ATTEMPT: &str = "read a model";
        let object = match self.client.get_object().bucket(&*self.bucket).key(&key).send().await {
            Ok(object) => object,
            Err(SdkError::ServiceError(error)) if error.err().is_no_such_key() => return Ok(None),
            Err(error) => return Err(self.failed(ATTEMPT, &key, error)),
        };
        match object.body.collect().await {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(error) => {
                let store = format!("s3://{}/{key}", self.bucket);
                Err(StoreError::Busy { store, attempt: ATTEMPT, source: error.into() })
            }
        }
    }

    fn failed<E>(&self, attempt: &'static str, key: &str, error: SdkError<E>) -> StoreError
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let store = format!("s3://{}/{key}", self.bucket);
        match &error {
            SdkError::TimeoutError(_) | SdkError::ResponseError(_) => {
                StoreError::Busy { store, attempt, source: error.into() }
            }
            _ => StoreError::Failed { store, attempt, source: error.into() },
        }
    }
}

impl ModelFolders for BucketFolders {
    fn place(&self, task: &str, digest: &str) -> String {
        format!("s3://{}/{}", self.bucket, self.key(task, digest, ""))
    }

    async fn put_folder(&self, task: &str, digest: &str, files: &[FolderFile]) -> Result<(), StoreError> {
        let puts: Vec<_> = files
            .iter()
            .map(|file| self.put(self.key(task, digest, &file.name), file.bytes.clone()))
            .collect();
        stream::iter(puts).buffer_unordered(SIDE_BY_SIDE).try_collect().await
    }

    async fn files(
        &self,
        task: &str,
        digest: &str,
        names: &[&str],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let gets: Vec<_> = names.iter().map(|name| self.get(self.key(task, digest, name))).collect();
        stream::iter(gets).buffered(SIDE_BY_SIDE).try_collect().await
    }
}
