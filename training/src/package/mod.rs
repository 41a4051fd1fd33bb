//! A model as the archive that SageMaker unpacks at `/opt/ml/model`.
//!
//! `linkcast serve` reads the model's own files there. SageMaker's stock PyTorch and XGBoost images run a script instead, so for
//! them the archive carries one, with what it needs: the same requests, the same answers, from the same files. The bytes are a
//! function of the model and the image alone, so that an archive is named by its digest, and making it twice is making it once.

mod archive;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use linkcast_domain::plain_name;
use linkcast_domain::ports::FolderFile;
use linkcast_scoring::{REGRESSOR_FILE, digest};
use serde_json::json;

pub use archive::UnpackError;

use crate::onnx::{UnreadableError, read, write_single};
use crate::registry::{ModelFilesError, load};

/// The most that a model's files may hold together: what a serverless endpoint's smallest memory, 1 GB, could load.
pub const LARGEST_MODEL_BYTES: u64 = 1 << 30;

/// The archive's name, which SageMaker's own tools give it.
pub const ARCHIVE_FILE: &str = "model.tar.gz";

/// Where the stock images look for a script in it.
const CODE_FOLDER: &str = "code";
/// The script's name.
const SCRIPT: &str = "inference.py";

/// Which image is to serve the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServingImage {
    /// Ours, which is `linkcast serve`.
    Ours,
    /// SageMaker's own for PyTorch.
    PyTorch,
    /// SageMaker's own for XGBoost, in its script mode.
    XgBoost,
}

/// An image that is none of those.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no image to serve with: expected ours, pytorch or xgboost")]
pub struct UnknownImageError {
    found: String,
}

/// A packed model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// `model.tar.gz`.
    pub bytes: Vec<u8>,
    /// Its sha256, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// The version of the model in it.
    pub model_version: String,
    /// The names in it, in order.
    pub files: Vec<String>,
}

/// Why files cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// They are no model that can be served.
    #[error("the files are no model that can be packed")]
    Model(#[source] ModelFilesError),
    /// A name that could leave the folder it is unpacked into, or stand in the script's way.
    #[error("{name:?} cannot be a file of a package: expected a plain name of at most 100 bytes, not `code`")]
    Name {
        /// The name.
        name: String,
    },
    /// A name twice.
    #[error("{name:?} is there twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// Too much.
    #[error("the files hold {found} bytes, expected at most {LARGEST_MODEL_BYTES}")]
    TooLarge {
        /// How much.
        found: u64,
    },
    /// The regressor cannot be written for ONNX Runtime.
    #[error("the regressor cannot be written for onnx runtime")]
    Regressor(#[source] UnreadableError),
    /// The archive could not be written, which is this program's fault.
    #[error("the archive could not be written")]
    Unwritten(#[source] std::io::Error),
}

impl ServingImage {
    /// All, ours first.
    pub const ALL: [ServingImage; 3] = [ServingImage::Ours, ServingImage::PyTorch, ServingImage::XgBoost];

    /// Its name in commands.
    pub fn name(self) -> &'static str {
        match self {
            ServingImage::Ours => "ours",
            ServingImage::PyTorch => "pytorch",
            ServingImage::XgBoost => "xgboost",
        }
    }

    /// What the container must find in its environment to serve the archive: `Containers[].Environment` of SageMaker's calls.
    ///
    /// XGBoost's image takes a model for one of its built-in algorithm's unless it is told of a script.
    pub fn environment(self) -> &'static [(&'static str, &'static str)] {
        match self {
            ServingImage::Ours => &[],
            ServingImage::PyTorch | ServingImage::XgBoost => {
                &[("SAGEMAKER_PROGRAM", SCRIPT), ("SAGEMAKER_SUBMIT_DIRECTORY", "/opt/ml/model/code")]
            }
        }
    }

    /// What the script needs beside Python. Each image's own numpy stays where it is what others in the image were built with:
    /// 2.1.0 in XGBoost's (its docker/3.0-5), 1.26.4 in PyTorch's.
    fn requirements(self) -> Option<&'static str> {
        match self {
            ServingImage::Ours => None,
            ServingImage::PyTorch => Some(include_str!("requirements-pytorch.txt")),
            ServingImage::XgBoost => Some(include_str!("requirements-xgboost.txt")),
        }
    }
}

impl fmt::Display for ServingImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ServingImage {
    type Err = UnknownImageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = ServingImage::ALL.into_iter().find(|image| image.name() == text);
        found.ok_or_else(|| UnknownImageError { found: text.chars().take(64).collect() })
    }
}

/// The model in `files`, packed for `image`; the same bytes whatever the files' order.
///
/// # Errors
/// Files that are no model that can be served, names that have no place in an archive, or more than may be unpacked.
pub fn package(files: &[FolderFile], image: ServingImage) -> Result<Package, PackageError> {
    let found = files.iter().map(|file| file.bytes.len() as u64).sum();
    if found > LARGEST_MODEL_BYTES {
        return Err(PackageError::TooLarge { found });
    }
    if let Some(file) = files.iter().find(|file| !is_plain(&file.name)) {
        return Err(PackageError::Name { name: file.name.chars().take(120).collect() });
    }
    let model = load(files).map_err(PackageError::Model)?;
    let mut packed = files.to_vec();
    if let Some(requirements) = image.requirements() {
        packed.extend(code(files, requirements)?);
    }
    packed.sort_by(|one, other| one.name.cmp(&other.name));
    if let Some((file, _)) =
        packed.iter().zip(packed.iter().skip(1)).find(|(one, next)| one.name == next.name)
    {
        return Err(PackageError::Twice { name: file.name.clone() });
    }
    let bytes = archive::write(&packed).map_err(PackageError::Unwritten)?;
    Ok(Package {
        sha256: digest(&bytes),
        bytes,
        model_version: model.card().model_version.clone(),
        files: packed.into_iter().map(|file| file.name).collect(),
    })
}

/// The model's own files out of an archive, by name; what stands in `code/` is made anew with the next archive.
///
/// # Errors
/// What is no whole archive, or holds links, names that lead elsewhere, or more than may be unpacked.
pub fn unpack(archive: &[u8]) -> Result<Vec<FolderFile>, UnpackError> {
    let mut files = archive::read(archive, LARGEST_MODEL_BYTES)?;
    files.retain(|file| !file.name.strip_prefix("code/").is_some_and(is_plain));
    if let Some(file) = files.iter().find(|file| !is_plain(&file.name)) {
        return Err(UnpackError::Name { name: file.name.chars().take(120).collect() });
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

/// What stands in `code/`: the script, what it needs, and the regressor in the form that ONNX Runtime answers rightly.
fn code(files: &[FolderFile], requirements: &str) -> Result<Vec<FolderFile>, PackageError> {
    let regressor = files.iter().find(|file| file.name == REGRESSOR_FILE);
    let onnx = regressor.map_or(&[][..], |file| &file.bytes);
    let risk = write_single(&read("regressor", onnx, 1).map_err(PackageError::Regressor)?);
    let facts = json!({"risk_onnx": digest(&risk)}).to_string();
    let file = |name: &str, bytes: Vec<u8>| FolderFile { name: format!("{CODE_FOLDER}/{name}"), bytes };
    Ok(vec![
        file(SCRIPT, include_bytes!("inference.py").to_vec()),
        file("requirements.txt", requirements.as_bytes().to_vec()),
        file("risk.onnx", risk),
        file("package.json", facts.into_bytes()),
    ])
}

/// Whether the name stays in the folder it is unpacked into, whoever unpacks it.
fn is_plain(name: &str) -> bool {
    let letters = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    let is_safe = name.chars().all(letters) && !name.starts_with(['.', '-']);
    is_safe && (1..=100).contains(&name.len()) && !name.eq_ignore_ascii_case(CODE_FOLDER)
}

/// The place of an archive in a bucket, `models/{fabric}/{task}/{sha256}/model.tar.gz`. Named by what it holds, so that another
/// image's archive of the same model never takes its place.
pub fn package_key(fabric: &str, task: &str, sha256: &str) -> String {
    format!("models/{}/{}/{sha256}/{ARCHIVE_FILE}", plain_name(fabric), plain_name(task))
}

/// The model package group of a fabric's task, `linkcast-{fabric}-{task}`.
pub fn group_name(fabric: &str, task: &str) -> String {
    format!("linkcast-{}-{}", plain_name(fabric), plain_name(task))
}
