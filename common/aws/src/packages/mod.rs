//! SageMaker's Model Registry: the calls that two registries need to agree, and the archives that packages name.
//!
//! What the calls hold stands in [`document`], to be compared with AWS's reference. Nothing is tried again here: whoever
//! compares two registries knows how long that may take.

mod document;
#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_types::byte_stream::ByteStream;
use linkcast_domain::ports::{
    ModelArchives, ModelPackages, NewPackage, PackagePage, PackageRuling, PackagesError, SeenPackage, Stored,
};
use linkcast_domain::{Clock, Retry};
use serde_json::{Value, json};

use crate::SageMaker;
use crate::control_plane::{BUSY, Refused};

/// The longest a call of the control plane may take.
const LONGEST_CALL: Duration = Duration::from_secs(20);
/// Packages of a page: the most that SageMaker gives.
const PAGE: u32 = 100;
/// The name under which an archive's sha256 is kept beside it.
const DIGEST: &str = "sha256";
/// The content type of an archive.
const GZIP: &str = "application/gzip";

impl From<Refused> for PackagesError {
    fn from(refused: Refused) -> Self {
        let Refused { attempt, code, message, retry } = refused;
        if BUSY.contains(&code.as_str()) {
            return PackagesError::Throttled { attempt };
        }
        // Two that change the same thing at once: SageMaker refuses one, which may come again.
        let retry = if code == "ConflictException" { Retry::Later } else { retry };
        let text = if code.is_empty() { message } else { format!("{code}: {message}") };
        PackagesError::Failed { attempt, retry, source: text.into() }
    }
}

impl<C: Clock> SageMaker<C> {
    async fn ask(&self, name: &str, body: &Value, attempt: String) -> Result<Value, Refused> {
        self.plane.call(name, body, attempt, LONGEST_CALL).await
    }
}

impl<C: Clock> ModelPackages for SageMaker<C> {
    async fn has_group(&self, group: &str) -> Result<bool, PackagesError> {
        let attempt = format!("look at the model package group {group}");
        let body = json!({"ModelPackageGroupName": group});
        match self.ask("DescribeModelPackageGroup", &body, attempt).await {
            Ok(_) => Ok(true),
            Err(refused) if refused.says_not_found() => Ok(false),
            Err(refused) => Err(refused.into()),
        }
    }

    async fn make_group(&self, group: &str, description: &str) -> Result<(), PackagesError> {
        let attempt = format!("make the model package group {group}");
        let body = json!({"ModelPackageGroupName": group, "ModelPackageGroupDescription": description});
        match self.ask("CreateModelPackageGroup", &body, attempt).await {
            Ok(_) => Ok(()),
            Err(refused) if refused.says_it_exists() => Ok(()),
            Err(refused) => Err(refused.into()),
        }
    }

    async fn page(&self, group: &str, from: Option<&str>) -> Result<PackagePage, PackagesError> {
        let attempt = format!("list the packages of {group}");
        let mut body = json!({
            "ModelPackageGroupName": group,
            "MaxResults": PAGE,
            "SortBy": "CreationTime",
            "SortOrder": "Ascending",
        });
        if let (Some(from), Some(body)) = (from, body.as_object_mut()) {
            body.insert("NextToken".to_owned(), from.into());
        }
        Ok(document::page(&self.ask("ListModelPackages", &body, attempt).await?))
    }

    async fn package(&self, reference: &str) -> Result<SeenPackage, PackagesError> {
        let attempt = format!("look at the package {reference}");
        let body = json!({"ModelPackageName": reference});
        document::package(&self.ask("DescribeModelPackage", &body, attempt).await?)
    }

    async fn make_package(&self, package: &NewPackage) -> Result<String, PackagesError> {
        let attempt = format!("make a package of {} in {}", package.archive, package.group);
        let answer = self.ask("CreateModelPackage", &document::new_package(package), attempt.clone()).await?;
        let reference = answer.get("ModelPackageArn").and_then(Value::as_str).map(str::to_owned);
        reference.ok_or_else(|| document::unexpected(attempt, "the answer names no package".to_owned()))
    }

    async fn rule(&self, reference: &str, ruling: &PackageRuling) -> Result<(), PackagesError> {
        let attempt = format!("change the approval of {reference}");
        self.ask("UpdateModelPackage", &document::ruling(reference, ruling), attempt).await?;
        Ok(())
    }
}

impl<C: Clock> ModelArchives for SageMaker<C> {
    async fn put_archive(&self, address: &str, bytes: &[u8], sha256: &str) -> Result<Stored, PackagesError> {
        let (bucket, key) = bucket_and_key(address)?;
        let looked = self.objects.head_object().bucket(bucket).key(key).send().await;
        match looked {
            Ok(found) => {
                let digest = found.metadata().and_then(|metadata| metadata.get(DIGEST));
                let is_whole = found.content_length() == i64::try_from(bytes.len()).ok();
                if is_whole && digest.is_some_and(|digest| digest == sha256) {
                    return Ok(Stored::Known);
                }
            }
            Err(SdkError::ServiceError(error)) if error.err().is_not_found() => {}
            Err(error) => return Err(failed(format!("look at {address}"), error)),
        }
        let put = self.objects.put_object().bucket(bucket).key(key).content_type(GZIP);
        let body = ByteStream::from(bytes.to_vec());
        let sent = put.metadata(DIGEST, sha256).body(body).send().await;
        sent.map(|_| Stored::New).map_err(|error| failed(format!("write {address}"), error))
    }

    async fn archive(&self, address: &str, limit: usize) -> Result<Vec<u8>, PackagesError> {
        let attempt = format!("read {address}");
        let (bucket, key) = bucket_and_key(address)?;
        let answer = self.objects.get_object().bucket(bucket).key(key).send().await;
        let mut body = answer.map_err(|error| failed(attempt.clone(), error))?.body;
        let mut bytes = Vec::new();
        let broken = |retry, source| PackagesError::Failed { attempt: attempt.clone(), retry, source };
        while let Some(part) = body.next().await {
            bytes.extend_from_slice(&part.map_err(|error| broken(Retry::Later, error.into()))?);
            if bytes.len() > limit {
                return Err(broken(Retry::Never, format!("it holds more than {limit} bytes").into()));
            }
        }
        Ok(bytes)
    }
}

fn bucket_and_key(address: &str) -> Result<(&str, &str), PackagesError> {
    let rest = address.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    rest.filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty()).ok_or_else(|| {
        let told = "it is no address of an object: expected s3://bucket/key".to_owned();
        document::unexpected(format!("find {address}"), told)
    })
}

/// S3's failures; what the SDK has tried often enough may still be heard later.
fn failed<E>(attempt: String, error: SdkError<E>) -> PackagesError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let retry = match &error {
        SdkError::ServiceError(service) if service.raw().status().is_server_error() => Retry::Later,
        SdkError::ServiceError(_) | SdkError::ConstructionFailure(_) => Retry::Never,
        _ => Retry::Later,
    };
    PackagesError::Failed { attempt, retry, source: error.into() }
}
