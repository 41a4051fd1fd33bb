//! checkov's findings against those that were accepted with a reason.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::command::{capture, project_folder};
use crate::tools::ToolSet;

const ACCEPTED: &str = "xtask/accepted-findings.toml";

/// A finding that stays, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    /// checkov's id of the check.
    check: String,
    /// The resources it is accepted for, by their names in the template.
    resources: BTreeSet<String>,
    /// Why it stays.
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    accepted: Vec<Acceptance>,
}

/// A check and the resource that does not pass it.
type Finding = (String, String);

/// Fails with each finding nobody accepted and each acceptance without a finding.
pub(crate) fn check(forms: &[PathBuf]) -> Result<()> {
    let path = project_folder().join(ACCEPTED);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {ACCEPTED}"))?;
    let accepted: Accepted = toml::from_str(&text).with_context(|| format!("cannot read {ACCEPTED}"))?;
    let mut found = BTreeSet::new();
    for form in forms {
        found.extend(ask_checkov(form)?);
    }
    let faults = faults(&accepted.accepted, &found);
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("\n")) }
}

fn ask_checkov(form: &PathBuf) -> Result<BTreeSet<Finding>> {
    let mut command = ToolSet::Checkov.command("checkov")?;
    command.args(["--skip-download", "--quiet", "--compact", "--soft-fail", "--output", "json", "--file"]);
    let printed = capture(command.arg(form))?;
    findings(&printed).with_context(|| format!("cannot read what checkov says of {}", form.display()))
}

fn findings(printed: &str) -> Result<BTreeSet<Finding>> {
    let report: Value = serde_json::from_str(printed).context("checkov did not print JSON")?;
    // One report for each framework that found something to look at, or that report alone.
    let reports = report.as_array().map_or_else(|| vec![&report], |all| all.iter().collect());
    let mut found = BTreeSet::new();
    let mut passed = 0;
    for report in reports {
        passed += report.pointer("/summary/passed").and_then(Value::as_u64).unwrap_or_default();
        let failed = report.pointer("/results/failed_checks").and_then(Value::as_array);
        for check in failed.into_iter().flatten() {
            let id = check["check_id"].as_str().context("a finding without an id")?;
            let resource = check["resource"].as_str().context("a finding without a resource")?;
            let name = resource.rsplit('.').next().unwrap_or(resource);
            found.insert((id.to_owned(), name.to_owned()));
        }
    }
    if passed == 0 {
        bail!("checkov passed no check at all: it did not understand the template");
    }
    Ok(found)
}

fn faults(accepted: &[Acceptance], found: &BTreeSet<Finding>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut known = BTreeSet::new();
    for acceptance in accepted {
        if acceptance.reason.split_whitespace().count() < 5 {
            faults.push(format!("{ACCEPTED}: {} is accepted without a reason", acceptance.check));
        }
        let pair = |resource: &String| (acceptance.check.clone(), resource.clone());
        known.extend(acceptance.resources.iter().map(pair));
    }
    let new = found.difference(&known);
    faults.extend(new.map(|(check, resource)| format!("checkov {check} finds fault with {resource}")));
    let stale = known.difference(found);
    faults.extend(
        stale.map(|(check, resource)| format!("{ACCEPTED}: {check} no longer finds fault with {resource}")),
    );
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acceptance(reason: &str) -> Acceptance {
        Acceptance { check: "C1".to_owned(), resources: ["A".to_owned()].into(), reason: reason.to_owned() }
    }

    const REASON: &str = "there is a good reason here";

    #[test]
    fn what_is_accepted_and_found_is_no_fault() {
        assert!(faults(&[acceptance(REASON)], &[("C1".to_owned(), "A".to_owned())].into()).is_empty());
    }

    #[test]
    fn what_nobody_accepted_is_a_fault_and_so_is_what_nobody_finds() {
        let found = [("C1".to_owned(), "B".to_owned())].into();
        assert_eq!(faults(&[acceptance(REASON)], &found).len(), 2);
    }

    #[test]
    fn an_acceptance_must_give_a_reason() {
        assert_eq!(faults(&[acceptance("fine")], &[("C1".to_owned(), "A".to_owned())].into()).len(), 1);
    }

    #[test]
    fn a_report_that_passed_nothing_is_no_report() {
        assert!(findings(r#"{"results": {"failed_checks": []}, "summary": {"passed": 0}}"#).is_err());
    }
}
