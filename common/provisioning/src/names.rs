//! What things are called, and by which tags their owner is known.
//!
//! A model's and a configuration's names end in two digests: eight hex digits of the MD5 of the model's S3 address, by which
//! everything made for a model is found, and six of everything else that cannot be changed later: of a model its image, role
//! and environment, of a configuration its model and its machines. So another image or memory size has another name, and what
//! has the same name is the same. MD5 keeps no secret here: it only tells apart.

use std::collections::BTreeMap;

use linkcast_domain::{Hosting, endpoint_stem, plain_name};
use md5::{Digest, Md5};

/// The longest name SageMaker takes.
pub const LONGEST_NAME: usize = 63;

/// Hex digits of the address in a name.
const ADDRESS_DIGITS: usize = 8;
/// Hex digits of everything else.
const OWN_DIGITS: usize = 6;

/// The tag that names the fabric.
pub(crate) const FABRIC_TAG: &str = "linkcast:fabric";
/// The tag that names the task.
pub(crate) const TASK_TAG: &str = "linkcast:task";
/// The tag that names the owner.
pub(crate) const OWNER_TAG: &str = "linkcast:owner";
/// The tag of models and configurations that names the endpoint they were made for.
pub(crate) const ENDPOINT_TAG: &str = "linkcast:endpoint";
/// The tag of a configuration that says when the endpoint was made that failed with it, epoch milliseconds.
pub(crate) const FAILED_TAG: &str = "linkcast:failed";

/// A name that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left of it once it is plain.
    #[error("{what} {given:?} holds no letter or digit: expected a name as \"lab\"")]
    Empty {
        /// What.
        what: &'static str,
        /// What was given.
        given: String,
    },
    /// Longer than SageMaker takes.
    #[error(
        "{name} has {} letters and SageMaker takes {LONGEST_NAME}: shorten the fabric's or the task's name by {}",
        name.len(), name.len() - LONGEST_NAME
    )]
    TooLong {
        /// The name.
        name: String,
    },
    /// Something a tag cannot hold.
    #[error("the owner {given:?} is no tag: expected 1 to 128 letters, digits, blanks or _ . : / = + - @")]
    Owner {
        /// What was given.
        given: String,
    },
}

/// Who answers for what is made: one of a deployment's own, so that two deployments in one account do not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// The owner called `name`.
    ///
    /// # Errors
    /// What a tag cannot hold.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || " _.:/=+-@".contains(letter);
        let is_tag = (1..=128).contains(&name.len()) && name.chars().all(fits);
        if is_tag { Ok(Owner(name.to_owned())) } else { Err(NameError::Owner { given: name.to_owned() }) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// Which of a task's endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// The one that answers by default: `linkcast-{fabric}-{task}-{hosting}`.
    Standing,
    /// One model's own, beside it, for a canary: the same with eight digits of the model's address.
    OfModel {
        /// The model's S3 address.
        address: &'a str,
    },
}

/// One endpoint's place: whose it is and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The fabric, plain.
    pub fabric: String,
    /// The task, plain.
    pub task: String,
    /// Who answers for it.
    pub owner: Owner,
    /// What every name of the fabric's task begins with.
    pub stem: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// How it is hosted.
    pub hosting: Hosting,
}

impl Site {
    /// The endpoint of `fabric`'s `task` that is hosted as `hosting`.
    ///
    /// # Errors
    /// Names of which nothing is left, or that become too long.
    pub fn new(
        (fabric, task): (&str, &str),
        owner: Owner,
        hosting: Hosting,
        place: Place<'_>,
    ) -> Result<Self, NameError> {
        for (what, given) in [("the fabric", fabric), ("the task", task)] {
            if plain_name(given).is_empty() {
                return Err(NameError::Empty { what, given: given.to_owned() });
            }
        }
        let stem = endpoint_stem(fabric, task);
        let endpoint = match place {
            Place::Standing => format!("{stem}-{}", hosting.name()),
            Place::OfModel { address } => {
                format!("{stem}-{}-{}", hosting.name(), digest(address, ADDRESS_DIGITS))
            }
        };
        let (fabric, task) = (plain_name(fabric), plain_name(task));
        Ok(Site { fabric, task, owner, stem, endpoint: fitting(endpoint)?, hosting })
    }

    /// What an endpoint of this place is labelled with.
    pub(crate) fn tags(&self) -> BTreeMap<String, String> {
        let tags = [(FABRIC_TAG, &self.fabric), (TASK_TAG, &self.task), (OWNER_TAG, &self.owner.0)];
        tags.into_iter().map(|(key, value)| (key.to_owned(), value.clone())).collect()
    }

    /// What a model or a configuration made for it is labelled with.
    pub(crate) fn own_tags(&self) -> BTreeMap<String, String> {
        let mut tags = self.tags();
        tags.insert(ENDPOINT_TAG.to_owned(), self.endpoint.clone());
        tags
    }

    /// The name of the model at `address` whose container is otherwise `own`.
    pub(crate) fn model_name(&self, address: &str, own: &str) -> Result<String, NameError> {
        self.hashed("model", address, own)
    }

    /// The name of the configuration for the model at `address` that is otherwise `own`.
    pub(crate) fn config_name(&self, address: &str, own: &str) -> Result<String, NameError> {
        self.hashed("config", address, own)
    }

    fn hashed(&self, what: &str, address: &str, own: &str) -> Result<String, NameError> {
        let (of_address, of_own) = (digest(address, ADDRESS_DIGITS), digest(own, OWN_DIGITS));
        fitting(format!("{}-{what}-{of_address}-{of_own}", self.stem))
    }
}

/// Whether these tags name `owner`.
pub fn is_owned_by(tags: &BTreeMap<String, String>, owner: &Owner) -> bool {
    tags.get(OWNER_TAG).is_some_and(|tag| *tag == owner.0)
}

/// Whether `name` is one that a model (`model`) or a configuration (`config`) is given here.
pub(crate) fn is_made_here(name: &str, what: &str) -> bool {
    let is_hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut parts = name.rsplitn(4, '-');
    let own = parts.next().is_some_and(|part| is_hex(part, OWN_DIGITS));
    let address = parts.next().is_some_and(|part| is_hex(part, ADDRESS_DIGITS));
    own && address && parts.next() == Some(what) && name.starts_with("linkcast-")
}

/// The first `digits` hex digits of `text`'s MD5.
pub fn digest(text: &str, digits: usize) -> String {
    let hex: String = Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    hex.chars().take(digits).collect()
}

fn fitting(name: String) -> Result<String, NameError> {
    if name.len() <= LONGEST_NAME { Ok(name) } else { Err(NameError::TooLong { name }) }
}
