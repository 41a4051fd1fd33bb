//! From a task and its rows to a job: which image, which addresses, and a name that says it all.
//!
//! The name ends in a digest of everything that decides the result, rows included, so the same order is the same job however
//! often it is given, and another one never meets it.

use std::collections::BTreeMap;

use linkcast_domain::ports::{JobChannel, TrainingJob};
use sha2::{Digest, Sha256};

use crate::task::SageMakerSettings;
use crate::{Aim, Channel};

/// The managed image's version: XGBoost 3.0, which keeps its models as UBJSON.
const IMAGE: &str = "sagemaker-xgboost:3.0-5";

/// The account that holds the managed image in each region, as the SageMaker Python SDK lists them (its
/// `image_uri_config/xgboost.json`), read on 2026-11-22. China's and the isolated regions' hosts end otherwise and are not here.
const ACCOUNTS: [(&str, &str); 29] = [
    ("af-south-1", "510948584623"),
    ("ap-east-1", "651117190479"),
    ("ap-northeast-1", "354813040037"),
    ("ap-northeast-2", "366743142698"),
    ("ap-northeast-3", "867004704886"),
    ("ap-south-1", "720646828776"),
    ("ap-south-2", "628508329040"),
    ("ap-southeast-1", "121021644041"),
    ("ap-southeast-2", "783357654285"),
    ("ap-southeast-3", "951798379941"),
    ("ap-southeast-4", "106583098589"),
    ("ca-central-1", "341280168497"),
    ("eu-central-1", "492215442770"),
    ("eu-central-2", "680994064768"),
    ("eu-north-1", "662702820516"),
    ("eu-south-1", "978288397137"),
    ("eu-south-2", "104374241257"),
    ("eu-west-1", "141502667606"),
    ("eu-west-2", "764974769150"),
    ("eu-west-3", "659782779980"),
    ("il-central-1", "898809789911"),
    ("me-central-1", "272398656194"),
    ("me-south-1", "801668240914"),
    ("sa-east-1", "737474898029"),
    ("us-east-1", "683313688378"),
    ("us-east-2", "257758044811"),
    ("us-gov-east-1", "237065988967"),
    ("us-west-1", "746614075791"),
    ("us-west-2", "246618743249"),
];

/// A region in which the managed image's account is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no account is known that holds {IMAGE} in region {region:?}: give training.parameters.sagemaker.image"
)]
pub struct UnknownRegionError {
    /// The region.
    pub region: String,
}

/// The managed XGBoost image of a region.
///
/// # Errors
///
/// A region that is not in the table.
pub fn managed_image(region: &str) -> Result<String, UnknownRegionError> {
    let account = ACCOUNTS.iter().find(|(known, _)| *known == region).map(|(_, account)| account);
    let account = account.ok_or_else(|| UnknownRegionError { region: region.to_owned() })?;
    Ok(format!("{account}.dkr.ecr.{region}.amazonaws.com/{IMAGE}"))
}

/// What one forest's job is made of.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Which forest.
    pub aim: Aim,
    /// What the task says of SageMaker.
    pub settings: &'a SageMakerSettings,
    /// What XGBoost is told.
    pub hyperparameters: &'a BTreeMap<String, String>,
    /// The rows' digest.
    pub rows_digest: &'a str,
    /// The image.
    pub image: &'a str,
    /// 1, or more after an attempt that came to nothing: a name is never used twice.
    pub attempt: u32,
}

/// The job that fills `order`.
pub fn order(order: &Order<'_>) -> TrainingJob {
    let Order { aim, settings, hyperparameters, rows_digest, image, attempt } = *order;
    let place = format!("s3://{}/{}", settings.bucket, settings.prefix);
    let rows: String = rows_digest.chars().take(16).collect();
    // What one machine reads whole is dealt among several, or each would train on all of it.
    let rows = format!("{place}/rows/{rows}-{}", settings.instance_count);
    let channels = Channel::ALL.map(|channel| JobChannel {
        name: channel.name().to_owned(),
        address: format!("{rows}/{}/{}/", aim.name(), channel.name()),
        content_type: "text/csv".to_owned(),
    });
    let mut job = TrainingJob {
        name: String::new(),
        image: image.to_owned(),
        role: settings.role.clone(),
        hyperparameters: hyperparameters.clone(),
        channels: channels.to_vec(),
        output: format!("{place}/models/"),
        instance_type: settings.instance_type.clone(),
        instance_count: settings.instance_count,
        volume_gb: settings.volume_gb,
        longest_run: settings.longest_run,
        tags: settings.tags.clone(),
    };
    let digest = Sha256::digest(format!("{attempt} {rows_digest} {job:?}"));
    let digest: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    job.name = format!("linkcast-{}-{digest}-{attempt}", aim.name());
    job
}
