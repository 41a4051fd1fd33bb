//! The shipped model, remade from nothing.
//!
//! The recipe is the one documented command; the comparison proves that what is committed is what that command makes.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::command::{self, cargo, project_folder};

/// Where the shipped model lies.
const SHIPPED: &str = "models/link-health";

/// Where it is remade.
const REMADE: &str = "target/remade-model";

/// Trains the shipped model again and compares every file of it byte for byte.
pub(crate) fn remake_and_compare() -> Result<()> {
    let binary = ["run", "--release", "--locked", "--package", "linkcast-cli", "--"];
    command::run(cargo(&binary).args(["train", "--simulate", "--out", REMADE]))?;
    let shipped = project_folder().join(SHIPPED);
    let remade = project_folder().join(REMADE);
    for entry in std::fs::read_dir(&shipped).with_context(|| format!("cannot list {SHIPPED}"))? {
        let name = entry?.file_name();
        compare(&shipped.join(&name), &remade.join(&name))?;
    }
    eprintln!("the remade model equals {SHIPPED} byte for byte");
    Ok(())
}

fn compare(shipped: &Path, remade: &Path) -> Result<()> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let name = shipped.file_name().unwrap_or_default().to_string_lossy();
    if read(shipped)? == read(remade)? { Ok(()) } else { bail!("{name} of the remade model differs") }
}
