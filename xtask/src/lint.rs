//! Lints the template and what SAM makes of it: SAM's own validation, cfn-lint, checkov, and the project's rules.
//!
//! On SAM's short forms the linters miss much, so both are linted. A finding of checkov may be accepted, with its reason, in
//! xtask/accepted-findings.toml; one that is not there fails, and so does an acceptance nothing asks for any more.

mod findings;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{self, capture, project_folder};
use crate::template::{Template, rules};
use crate::tools::{self, ToolSet};

/// The template, from the project's folder.
pub(crate) const SOURCE: &str = "sam-template.yaml";

/// Runs every linter on both forms.
pub(crate) fn run() -> Result<()> {
    tools::install()?;
    let transformed = transform()?;
    let forms = [project_folder().join(SOURCE), transformed];
    command::run(offline(ToolSet::Sam.command("sam")?.args(["validate", "--lint", "--template", SOURCE])))?;
    for form in &forms {
        command::run(offline(ToolSet::Sam.command("cfn-lint")?.arg(form)))?;
        check_rules(form)?;
    }
    findings::check(&forms)
}

/// Writes what SAM makes of the template and says where.
pub(crate) fn transform() -> Result<PathBuf> {
    let path = project_folder().join("target/aws-tools/transformed.json");
    let text = capture(offline(&mut ToolSet::Emulator.command("python")?).args([
        "-B",
        "xtask/emulator/transform.py",
        SOURCE,
    ]))?;
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// No linter needs an account, and SAM tells nobody that it ran.
fn offline(command: &mut Command) -> &mut Command {
    command.env("AWS_DEFAULT_REGION", "us-east-1").env("SAM_CLI_TELEMETRY", "0")
}

fn check_rules(form: &Path) -> Result<()> {
    let text = std::fs::read_to_string(form).with_context(|| format!("cannot read {}", form.display()))?;
    let template = Template::read(&text).with_context(|| format!("cannot read {}", form.display()))?;
    let faults = rules::faults(&template);
    if faults.is_empty() {
        return Ok(());
    }
    bail!("{} breaks the project's rules:\n{}", form.display(), faults.join("\n"))
}
