//! What can be asked of an endpoint, parsed into types that hold only what SageMaker takes.

use std::collections::BTreeMap;

use linkcast_domain::Hosting;
use linkcast_domain::ports::{Container, Machines, ModelData, Scaling};

/// A setting that SageMaker would refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {given:?}: expected {expected}")]
pub struct SettingsError {
    /// The setting.
    pub name: &'static str,
    /// What was given.
    pub given: String,
    /// What would do.
    pub expected: &'static str,
}

fn refused<T>(name: &'static str, given: impl ToString, expected: &'static str) -> Result<T, SettingsError> {
    Err(SettingsError { name, given: given.to_string(), expected })
}

/// Memory of a serverless endpoint, MB: 1024 to 6144 in steps of 1024 (API_ProductionVariantServerlessConfig).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryMb(u32);

impl MemoryMb {
    /// So many MB.
    ///
    /// # Errors
    /// Another number.
    pub fn new(mb: u32) -> Result<Self, SettingsError> {
        if (1_024..=6_144).contains(&mb) && mb.is_multiple_of(1_024) {
            return Ok(MemoryMb(mb));
        }
        refused("memory", mb, "1024, 2048, 3072, 4096, 5120 or 6144 (MB)")
    }
}

/// Requests a serverless endpoint answers at once: 1 to 200 (the same).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxConcurrency(u32);

impl MaxConcurrency {
    /// So many.
    ///
    /// # Errors
    /// Another number.
    pub fn new(count: u32) -> Result<Self, SettingsError> {
        if (1..=200).contains(&count) {
            return Ok(MaxConcurrency(count));
        }
        refused("max-concurrency", count, "1 to 200")
    }
}

/// A machine's type, as `ml.c7g.large`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceType(String);

impl InstanceType {
    /// The type called `name`. Which there are SageMaker knows; its form is looked at.
    ///
    /// # Errors
    /// What cannot be one.
    pub fn new(name: &str) -> Result<Self, SettingsError> {
        let parts: Vec<&str> = name.split('.').collect();
        let is_word = |part: &&str| {
            let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !part.is_empty() && part.bytes().all(fits)
        };
        match parts.as_slice() {
            ["ml", rest @ ..] if rest.len() == 2 && rest.iter().all(is_word) => {
                Ok(InstanceType(name.to_owned()))
            }
            _ => refused("instance", name, "a type of SageMaker's, as ml.c7g.large"),
        }
    }
}

/// How many machines: the fewest and the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceCounts {
    min: u32,
    max: u32,
}

impl InstanceCounts {
    /// Between `min` and `max`; the same number twice means that nothing scales.
    ///
    /// # Errors
    /// None at all, or fewer at most than at least.
    pub fn new(min: u32, max: u32) -> Result<Self, SettingsError> {
        if (1..=max).contains(&min) && max <= 1_000 {
            return Ok(InstanceCounts { min, max });
        }
        refused("min and max", format!("{min} and {max}"), "1 ≤ min ≤ max ≤ 1000")
    }
}

/// How an endpoint is to be hosted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostingSettings {
    /// On machines that come when asked.
    Serverless {
        /// The memory of each.
        memory: MemoryMb,
        /// How many at once.
        max_concurrency: MaxConcurrency,
    },
    /// On machines that always run.
    Realtime {
        /// Their type.
        instance: InstanceType,
        /// How many.
        counts: InstanceCounts,
        /// Requests a minute that each is to have, where they scale.
        requests_per_instance: u32,
    },
}

impl HostingSettings {
    /// Which way that is.
    pub fn hosting(&self) -> Hosting {
        match self {
            HostingSettings::Serverless { .. } => Hosting::Serverless,
            HostingSettings::Realtime { .. } => Hosting::Realtime,
        }
    }

    /// The machines of the configuration.
    pub(crate) fn machines(&self) -> Machines {
        match self {
            HostingSettings::Serverless { memory, max_concurrency } => {
                Machines::Serverless { memory_mb: memory.0, max_concurrency: max_concurrency.0 }
            }
            HostingSettings::Realtime { instance, counts, .. } => {
                Machines::Realtime { instance: instance.0.clone(), count: counts.min }
            }
        }
    }

    /// How they scale, if they do.
    pub(crate) fn scaling(&self) -> Option<Scaling> {
        match self {
            HostingSettings::Realtime { counts, requests_per_instance, .. } if counts.min < counts.max => {
                Some(Scaling {
                    min: counts.min,
                    max: counts.max,
                    requests_per_instance: *requests_per_instance,
                })
            }
            _ => None,
        }
    }
}

/// The container that serves `data` from `image` in the role `role`.
///
/// # Errors
/// An address, image or role that cannot be one.
pub fn container(
    data: ModelData,
    image: &str,
    role: &str,
    environment: BTreeMap<String, String>,
) -> Result<Container, SettingsError> {
    let (address, expected) = match &data {
        ModelData::One(address) => (address, "s3://BUCKET/…/model.tar.gz"),
        ModelData::Several(address) => (address, "s3://BUCKET/…/, of several models, with a slash behind"),
    };
    let object = address.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).unwrap_or(("", ""));
    let ends = match &data {
        ModelData::One(_) => object.1.ends_with(".tar.gz"),
        ModelData::Several(_) => address.ends_with('/'),
    };
    if object.0.is_empty() || !ends || address.len() > 1_024 || address.contains(char::is_whitespace) {
        return refused("model-data", address, expected);
    }
    if image.is_empty() || image.len() > 255 || image.contains(char::is_whitespace) {
        return refused("image", image, "an image in ECR, as ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG");
    }
    let is_role = role.starts_with("arn:aws")
        && role.contains(":iam::")
        && role.contains(":role/")
        && !role.contains(char::is_whitespace);
    if !is_role {
        return refused("role", role, "arn:aws:iam::ACCOUNT:role/NAME");
    }
    Ok(Container { image: image.to_owned(), data, environment, role: role.to_owned() })
}
