//! Our registry and SageMaker's Model Registry, as moto keeps it: what one knows the other comes to know, both ways.
//!
//! moto keeps groups and packages as AWS does, with who changed them and when; what a person does in SageMaker is done here by
//! the same calls that SageMaker's console makes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use linkcast_tests::{Moto, REGION, binary, field, project_folder};
use serde_json::{Value, json};

const GROUP: &str = "linkcast-test-lab-link-health";

/// moto, and one registry beside it.
struct Lab {
    folder: tempfile::TempDir,
    moto: Moto,
}

/// What a call printed and how it ended.
struct Called {
    code: Option<i32>,
    lines: Vec<Value>,
    said: String,
}

impl Called {
    /// What the lines say of action and outcome.
    fn steps(&self) -> Vec<(&str, &str)> {
        let text = |line, name| field(line, name).as_str().unwrap_or_default();
        self.lines.iter().map(|line| (text(line, "action"), text(line, "outcome"))).collect()
    }
}

impl Lab {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let moto = Moto::start(folder.path())?;
        moto.put("lab", b"")?;
        Ok(Lab { folder, moto })
    }

    fn command(&self, database: &str, words: &[&str]) -> Result<Command> {
        let mut command = Command::new(binary("linkcast")?);
        command
            .args(["models"])
            .args(words)
            .args(["--json", "--by", "ada", "--db"])
            .arg(self.folder.path().join(database).join("linkcast.db"))
            .env("AWS_ENDPOINT_URL", self.moto.url())
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("LINKCAST_FABRIC", "Test_Lab")
            .env_remove("LINKCAST_MODELS");
        Ok(command)
    }

    fn call_in(&self, database: &str, words: &[&str]) -> Result<Called> {
        let output = self.command(database, words)?.output().context("cannot start linkcast")?;
        let lines = String::from_utf8(output.stdout)?;
        Ok(Called {
            code: output.status.code(),
            lines: lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?,
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// A call on the registry here that must succeed.
    fn ours(&self, words: &[&str]) -> Result<Vec<Value>> {
        let called = self.call_in("here", words)?;
        ensure!(called.code == Some(0), "{words:?}: {}", called.said);
        Ok(called.lines)
    }

    fn sync(&self, more: &[&str]) -> Result<Called> {
        self.call_in("here", &[&["sync", "--bucket", "s3://lab"], more].concat())
    }

    /// Registers a version of the shipped model.
    fn add(&self, version: &str) -> Result<()> {
        std::fs::create_dir_all(self.folder.path().join("here"))?;
        let model = model(self.folder.path(), version)?;
        self.ours(&["add", model.to_str().context("no text")?])?;
        Ok(())
    }

    /// Every package of the group, as SageMaker describes it.
    fn packages(&self) -> Result<Vec<Value>> {
        let listed = self
            .moto
            .sagemaker("ListModelPackages", &json!({"ModelPackageGroupName": GROUP, "MaxResults": 100}))?;
        let listed = field(&listed, "ModelPackageSummaryList").as_array().context("no list")?;
        let describe = |package: &Value| {
            let body = json!({"ModelPackageName": field(package, "ModelPackageArn")});
            self.moto.sagemaker("DescribeModelPackage", &body)
        };
        listed.iter().map(describe).collect()
    }

    fn only_package(&self) -> Result<Value> {
        let mut packages = self.packages()?;
        ensure!(packages.len() == 1, "{} packages", packages.len());
        packages.pop().context("no package")
    }

    /// What somebody does in SageMaker's console.
    fn rule_there(&self, status: &str, reason: &str) -> Result<()> {
        let package = self.only_package()?;
        let body = json!({
            "ModelPackageArn": field(&package, "ModelPackageArn"),
            "ModelApprovalStatus": status,
            "ApprovalDescription": reason,
            "CustomerMetadataProperties": field(&package, "CustomerMetadataProperties"),
        });
        self.moto.sagemaker("UpdateModelPackage", &body).map(drop)
    }

    fn decisions(&self) -> Result<Value> {
        let shown = self.ours(&["show", "7"])?;
        Ok(field(shown.first().context("nothing shown")?, "decisions").clone())
    }
}

fn model(folder: &Path, version: &str) -> Result<PathBuf> {
    let (shipped, copy) =
        (project_folder().join("models/link-health"), folder.join(format!("model-{version}")));
    std::fs::create_dir(&copy)?;
    for name in ["classifier.onnx", "regressor.onnx", "model.packed"] {
        std::fs::copy(shipped.join(name), copy.join(name))?;
    }
    let mut card: Value = serde_json::from_slice(&std::fs::read(shipped.join("card.json"))?)?;
    let card_object = card.as_object_mut().context("no card")?;
    card_object.insert("model_version".to_owned(), version.into());
    std::fs::write(copy.join("card.json"), serde_json::to_vec(&card)?)?;
    Ok(copy)
}

#[test]
fn versions_and_decisions_go_there_and_come_back() -> Result<()> {
    let lab = Lab::new()?;
    lab.add("7")?;
    let planned = lab.sync(&["--dry-run"])?;
    ensure!(planned.steps() == [("create", "planned")], "{:?} {}", planned.lines, planned.said);
    ensure!(lab.packages()?.is_empty(), "a dry run made a package");

    let made = lab.sync(&[])?;
    ensure!(made.steps() == [("create", "done")], "{:?} {}", made.lines, made.said);
    let package = lab.only_package()?;
    let at = |pointer: &str| package.pointer(pointer).cloned().unwrap_or_default();
    ensure!(at("/ModelApprovalStatus") == "PendingManualApproval", "{package}");
    ensure!(at("/CustomerMetadataProperties/linkcast.version") == "7", "{package}");
    ensure!(at("/CustomerMetadataProperties/linkcast.feature_schema") == "1", "{package}");
    ensure!(at("/CustomerMetadataProperties/linkcast.metric.classifier.accuracy").is_string(), "{package}");
    let container = "/InferenceSpecification/Containers/0";
    ensure!(at(&format!("{container}/Environment/SAGEMAKER_PROGRAM")) == "inference.py", "{package}");
    let archive = at(&format!("{container}/ModelDataUrl"));
    let archive = archive.as_str().and_then(|url| url.strip_prefix("s3://")).context("no archive")?;
    ensure!(lab.moto.get(archive)?.starts_with(&[31, 139]), "no archive lies at {archive}");

    ensure!(lab.sync(&[])?.lines.is_empty(), "the same twice");
    lab.ours(&["approve", "7"])?;
    ensure!(lab.sync(&[])?.steps() == [("carry", "done")]);
    ensure!(*field(&lab.only_package()?, "ModelApprovalStatus") == "Approved");
    ensure!(lab.sync(&[])?.lines.is_empty(), "what was carried comes back");

    lab.rule_there("Rejected", "too many alarms")?;
    let ruled = lab.sync(&[])?;
    ensure!(ruled.steps() == [("rule", "done")], "{:?} {}", ruled.lines, ruled.said);
    let decisions = lab.decisions()?;
    let last = decisions.as_array().and_then(|all| all.last()).context("no decision")?;
    ensure!(*field(last, "approval") == "rejected" && *field(last, "reason") == "too many alarms", "{last}");
    ensure!(*field(last, "by") == "fake-user-profile-name", "{last}");
    ensure!(lab.sync(&[])?.lines.is_empty(), "what was taken goes back");
    lab.ours(&["approve", "7"])?;
    ensure!(lab.sync(&[])?.steps() == [("carry", "done")]);
    ensure!(lab.packages()?.len() == 1);
    Ok(())
}

#[test]
fn what_cannot_be_settled_is_told_and_neither_side_is_touched() -> Result<()> {
    let lab = Lab::new()?;
    lab.add("7")?;
    lab.ours(&["approve", "7"])?;
    lab.ours(&["alias", "live", "7"])?;
    lab.sync(&[])?;
    lab.rule_there("Rejected", "too many alarms")?;
    let before = (lab.decisions()?, lab.only_package()?);
    let conflict = lab.sync(&[])?;
    ensure!(conflict.code == Some(7), "{}", conflict.said);
    let told = conflict.lines.first().map(|line| field(line, "told").to_string()).unwrap_or_default();
    ensure!(told.contains("it answers here"), "{told}");
    lab.rule_there("PendingManualApproval", "")?;
    ensure!(lab.sync(&[])?.code == Some(7));
    lab.rule_there("Rejected", "too many alarms")?;
    ensure!(lab.decisions()? == before.0, "a conflict changed the registry");
    let now = lab.only_package()?;
    for name in ["ModelApprovalStatus", "CustomerMetadataProperties"] {
        ensure!(field(&now, name) == field(&before.1, name), "a conflict changed the package");
    }
    lab.ours(&["alias", "live", "none"])?;
    ensure!(lab.sync(&[])?.steps() == [("rule", "done")]);
    Ok(())
}

#[test]
fn another_registry_takes_over_what_sagemaker_has_when_it_is_told_to() -> Result<()> {
    let lab = Lab::new()?;
    lab.add("7")?;
    lab.ours(&["approve", "7"])?;
    lab.sync(&[])?;
    std::fs::create_dir(lab.folder.path().join("elsewhere"))?;
    let elsewhere = |words: &[&str]| lab.call_in("elsewhere", words);
    let other = model(lab.folder.path(), "8")?;
    elsewhere(&["add", other.to_str().context("no text")?])?;
    let sync = ["sync", "--bucket", "s3://lab"];
    let left = elsewhere(&[&sync[..], &["--dry-run"]].concat())?;
    ensure!(left.steps() == [("import", "left"), ("create", "planned")], "{:?}", left.lines);
    let taken = elsewhere(&[&sync[..], &["--import"]].concat())?;
    ensure!(taken.steps() == [("import", "done"), ("create", "done")], "{:?} {}", taken.lines, taken.said);
    let shown = elsewhere(&["show", "7"])?;
    ensure!(
        shown.lines.first().is_some_and(|line| *field(line, "approval") == "approved"),
        "{:?}",
        shown.lines
    );
    let verified = elsewhere(&["verify"])?;
    ensure!(verified.code == Some(0), "{}", verified.said);
    ensure!(elsewhere(&sync)?.lines.is_empty());
    // And back: the first registry learns of the second's version.
    ensure!(lab.sync(&["--import"])?.steps() == [("import", "done")]);
    Ok(())
}

#[test]
fn two_syncs_at_once_make_one_package_or_say_that_there_are_two() -> Result<()> {
    let lab = Lab::new()?;
    lab.add("7")?;
    let start = || -> Result<Child> {
        let mut command = lab.command("here", &["sync", "--bucket", "s3://lab"])?;
        Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
    };
    let both = [start()?, start()?];
    for child in both {
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(matches!(output.status.code(), Some(0 | 7)), "{said}");
    }
    let packages = lab.packages()?.len();
    let after = lab.sync(&[])?;
    match packages {
        1 => ensure!(after.lines.is_empty(), "{:?}", after.lines),
        _ => ensure!(after.code == Some(7) && packages == 2, "{:?} {}", after.lines, after.said),
    }
    Ok(())
}

#[test]
fn a_group_of_several_pages_is_read_to_its_end() -> Result<()> {
    let lab = Lab::new()?;
    lab.moto.sagemaker("CreateModelPackageGroup", &json!({"ModelPackageGroupName": GROUP}))?;
    for _ in 0..101 {
        lab.moto.sagemaker("CreateModelPackage", &json!({"ModelPackageGroupName": GROUP}))?;
    }
    lab.add("7")?;
    ensure!(lab.sync(&[])?.steps() == [("create", "done")]);
    ensure!(lab.sync(&[])?.lines.is_empty(), "the package on the second page was not seen");
    Ok(())
}
