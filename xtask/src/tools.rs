//! Tools that come as Python packages: the emulator, SAM, the linters, and the libraries models are exchanged with, each set
//! in an environment of its own.
//!
//! Their dependencies exclude each other, hence several environments. They lie under `target/`, are made once, and are made
//! again only when the pinned versions change, so that a second run costs nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{self, project_folder};

/// A set of packages that are installed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolSet {
    /// ministack, cargo-lambda with its linker, and SAM's transform.
    Emulator,
    /// SAM's command line and cfn-lint.
    Sam,
    /// checkov.
    Checkov,
    /// XGBoost and ONNX Runtime, which read and write the same models, and moto, which stands in for SageMaker's control plane.
    Models,
    /// BentoML, which serves our ONNX files as services elsewhere do.
    BentoMl,
    /// Evidently, whose drift tests ours is held beside.
    Evidently,
}

impl ToolSet {
    const ALL: [ToolSet; 6] = [
        ToolSet::Emulator,
        ToolSet::Sam,
        ToolSet::Checkov,
        ToolSet::Models,
        ToolSet::BentoMl,
        ToolSet::Evidently,
    ];

    fn folder_name(self) -> &'static str {
        match self {
            ToolSet::Emulator => "emulator",
            ToolSet::Sam => "sam",
            ToolSet::Checkov => "checkov",
            ToolSet::Models => "models",
            ToolSet::BentoMl => "bentoml",
            ToolSet::Evidently => "evidently",
        }
    }

    /// The versions this project was tried with. ministack's is also held by digests: xtask/emulator/launch.py.
    fn packages(self) -> &'static [&'static str] {
        match self {
            ToolSet::Emulator => &[
                "ministack==1.5.33",
                "cargo-lambda==1.9.2",
                "ziglang==0.17.1",
                "aws-sam-translator==1.115.0",
            ],
            ToolSet::Sam => &["aws-sam-cli==1.170.0", "cfn-lint==1.58.0", "aws-sam-translator==1.115.0"],
            ToolSet::Checkov => &["checkov==3.3.30"],
            // The same XGBoost as `xgboost`, without 300 MB for graphics cards.
            ToolSet::Models => &[
                "xgboost-cpu==3.2.0",
                "onnxruntime==1.31.1",
                "onnx==1.23.2",
                "numpy==2.4.6",
                "moto==5.2.5",
                "flask==3.1.3",
                "flask-cors==6.0.5",
            ],
            ToolSet::BentoMl => &["bentoml==1.4.39", "onnxruntime==1.31.1", "numpy==2.4.6"],
            // It imports what pandas 3 does not have any more.
            ToolSet::Evidently => &["evidently==0.7.23", "pandas==2.3.3", "numpy==2.4.6", "scipy==1.17.1"],
        }
    }

    fn folder(self) -> PathBuf {
        project_folder().join("target/aws-tools").join(self.folder_name())
    }

    /// A program of the set.
    pub(crate) fn program(self, name: &str) -> PathBuf {
        self.folder().join("bin").join(name)
    }

    /// A command of the set, which finds the set's other programs before any of the machine's.
    pub(crate) fn command(self, name: &str) -> Result<Command> {
        let own = self.folder().join("bin");
        let others = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&others)))
            .context("the path has an entry that cannot be joined")?;
        let mut command = Command::new(self.program(name));
        command.env("PATH", path);
        Ok(command)
    }
}

/// Installs what is missing or of another version.
pub(crate) fn install() -> Result<()> {
    ToolSet::ALL.into_iter().try_for_each(install_set)
}

fn install_set(set: ToolSet) -> Result<()> {
    let wanted = set.packages().join("\n");
    let noted = set.folder().join("installed.txt");
    if std::fs::read_to_string(&noted).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    command::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(set.folder()))?;
    command::run(
        Command::new(set.program("python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(set.packages()),
    )?;
    note(&noted, &wanted)
}

/// Written last, so that an installation that was broken off is done again.
fn note(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_pinned_to_one_version() {
        for set in ToolSet::ALL {
            for package in set.packages() {
                let (_, version) = package.split_once("==").unwrap_or_default();
                assert!(version.starts_with(|first: char| first.is_ascii_digit()), "{package}");
            }
        }
    }
}
