//! Rules a reader of the tree relies on: every file says what it is, none is long, every room keeps the lints.
//!
//! They are checked by machine because rules that are only written down are argued about; see CONTRIBUTING.md.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::command::{capture, project_folder};

/// Lines a Rust file may have at most.
const LONGEST_FILE_LINES: usize = 500;

/// Module names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] =
    &["utils.rs", "util.rs", "helpers.rs", "helper.rs", "manager.rs", "common.rs", "misc.rs"];

/// Fails with every breach of the house rules.
pub(crate) fn check() -> Result<()> {
    let mut faults = Vec::new();
    for path in tracked("*.rs")? {
        let text = read(&path)?;
        faults.extend(faults_of_source(&path, &text));
    }
    for path in tracked("*Cargo.toml")? {
        let text = read(&path)?;
        faults.extend(faults_of_manifest(&path, &text));
    }
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("\n")) }
}

fn tracked(pattern: &str) -> Result<Vec<PathBuf>> {
    let mut git = std::process::Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", pattern]);
    let listed = capture(&mut git)?;
    Ok(listed.lines().map(PathBuf::from).filter(|path| project_folder().join(path).is_file()).collect())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(project_folder().join(path))
        .with_context(|| format!("cannot read {}", path.display()))
}

fn faults_of_source(path: &Path, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |what: &str| faults.push(format!("{}: {what}", path.display()));
    if !text.starts_with("//!") {
        fault("does not open with //! saying what it is and why");
    }
    let lines = text.lines().count();
    if lines > LONGEST_FILE_LINES {
        fault(&format!(
            "has {lines} lines, at most {LONGEST_FILE_LINES} are allowed: split it by what it does"
        ));
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if EMPTY_NAMES.contains(&name) {
        fault("has a name that does not tell what is inside");
    }
    for banned in ["#[ignore", "#[should_panic"] {
        if text.lines().any(|line| line.trim_start().starts_with(banned)) {
            fault(&format!("uses {banned}]: a test runs and says what it expects, or does not exist"));
        }
    }
    faults
}

fn faults_of_manifest(path: &Path, text: &str) -> Vec<String> {
    let is_room = text.contains("[package]") && !path.starts_with("fuzz");
    let keeps_lints = text.contains("[lints]\nworkspace = true");
    if is_room && !keeps_lints {
        return vec![format!("{}: lacks `[lints] workspace = true`", path.display())];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_does_not_say_what_it_is_is_refused() {
        assert_eq!(faults_of_source(Path::new("a.rs"), "fn a() {}\n").len(), 1);
        assert!(faults_of_source(Path::new("a.rs"), "//! What, then why.\n").is_empty());
    }

    #[test]
    fn a_file_that_is_too_long_is_refused() {
        let long = format!("//! What.\n{}", "//\n".repeat(LONGEST_FILE_LINES));
        assert_eq!(faults_of_source(Path::new("a.rs"), &long).len(), 1);
    }

    #[test]
    fn a_sleeping_test_and_an_empty_name_are_refused() {
        let ignored = format!("//! What.\n#[{}]\nfn a() {{}}\n", "ignore");
        assert_eq!(faults_of_source(Path::new("a.rs"), &ignored).len(), 1);
        assert_eq!(faults_of_source(Path::new("src/utils.rs"), "//! What.\n").len(), 1);
    }

    #[test]
    fn a_room_without_the_lints_is_refused() {
        assert_eq!(faults_of_manifest(Path::new("x/Cargo.toml"), "[package]\nname = \"x\"\n").len(), 1);
        assert!(faults_of_manifest(Path::new("Cargo.toml"), "[workspace]\n").is_empty());
    }
}
