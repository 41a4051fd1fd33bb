//! Builds the functions and deploys the template, with the commands that one would use on AWS.
//!
//! cargo-lambda builds the functions against a C library old enough for Lambda; `sam deploy` uploads them and makes
//! the stack. Only what the emulator leaves out of the template is done here by hand: reserved concurrency and
//! the table's time to live.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::json;

use super::emulator::{Emulator, REGION, with_credentials};
use crate::command::{self, capture, cargo, project_folder};
use crate::lint::SOURCE;
use crate::template::Template;
use crate::tools::{self, ToolSet};

/// The stack's name.
pub(crate) const STACK: &str = "linkcast";

/// The functions, by their names in the template in lower case: packages are `linkcast-<name>`.
pub(crate) const FUNCTIONS: [&str; 6] = ["collect", "prepare", "insight", "alert", "retrain", "monitor"];

const BUCKET: &str = "linkcast-functions";

/// What the functions are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// Lambda: built now, by cargo-lambda.
    ForLambda,
    /// This machine: built by `cargo build --release`.
    ForThisMachine,
}

/// Builds, deploys and prints the outputs.
pub(crate) fn run(parameters: &[String], made: Made) -> Result<()> {
    tools::install()?;
    let emulator = Emulator::running()?;
    match made {
        Made::ForLambda => build_functions()?,
        Made::ForThisMachine => copy_functions()?,
    }
    emulator.put("s3", &format!("/{BUCKET}"), "")?;
    deploy(&emulator, parameters)?;
    let outputs = outputs(&emulator)?;
    reserve_concurrency(&emulator, &outputs)?;
    let table = outputs.get("TableName").context("the stack has no output TableName")?;
    let expiry =
        json!({"TableName": table, "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": true}});
    emulator.json("dynamodb", "DynamoDB_20120810.UpdateTimeToLive", &expiry)?;
    for (name, value) in &outputs {
        println!("{name:<24} {}", shown(&emulator, name, value));
    }
    println!("\n{}", emulator.exports());
    Ok(())
}

/// Two builds: insight alone reads ONNX, and what is built with it would carry the reader too.
pub(crate) fn build_functions() -> Result<()> {
    let (insight, others): (Vec<&str>, Vec<&str>) = FUNCTIONS.iter().partition(|name| **name == "insight");
    for functions in [others, insight] {
        let mut command = ToolSet::Emulator.command("cargo-lambda")?;
        command.args(["lambda", "build", "--profile", "function", "--locked"]);
        for function in functions {
            command.args(["--package", &format!("linkcast-{function}")]);
        }
        command::run(&mut command)?;
    }
    Ok(())
}

/// Puts what is built for this machine where the template looks for what is built for Lambda. The whole workspace is built, as
/// the tests do: a choice of packages has other features, and would compile its dependencies again.
fn copy_functions() -> Result<()> {
    command::run(&mut cargo(&["build", "--release", "--workspace", "--locked"]))?;
    let target = project_folder().join("target");
    for function in FUNCTIONS {
        let folder = target.join("lambda").join(function);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        std::fs::copy(target.join("release").join(function), folder.join("bootstrap"))
            .with_context(|| format!("cannot copy {function}"))?;
    }
    Ok(())
}

fn deploy(emulator: &Emulator, parameters: &[String]) -> Result<()> {
    let mut command = ToolSet::Sam.command("sam")?;
    command
        .args(["deploy", "--template-file", SOURCE, "--stack-name", STACK, "--s3-bucket", BUCKET])
        .args(["--region", REGION, "--capabilities", "CAPABILITY_IAM", "--no-resolve-s3"])
        .args(["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"])
        .args(["--parameter-overrides", "Emulated=yes"])
        .args(parameters)
        .env("AWS_ENDPOINT_URL", emulator.url())
        .env("SAM_CLI_TELEMETRY", "0");
    // SAM prints every change it makes; what matters is printed at the end, and all of it if it fails.
    capture(with_credentials(&mut command)).map(drop).context("the template was not deployed")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    output_key: String,
    output_value: String,
}

/// What the stack says of itself, by name.
pub(crate) fn outputs(emulator: &Emulator) -> Result<BTreeMap<String, String>> {
    let mut command = ToolSet::Sam.command("sam")?;
    command
        .args(["list", "stack-outputs", "--stack-name", STACK, "--region", REGION, "--output", "json"])
        .env("AWS_ENDPOINT_URL", emulator.url())
        .env("SAM_CLI_TELEMETRY", "0");
    let text = capture(with_credentials(&mut command)).context("nothing is deployed")?;
    let outputs: Vec<Output> = serde_json::from_str(&text).context("cannot read the stack's outputs")?;
    Ok(outputs.into_iter().map(|output| (output.output_key, output.output_value)).collect())
}

fn reserve_concurrency(emulator: &Emulator, outputs: &BTreeMap<String, String>) -> Result<()> {
    let text = std::fs::read_to_string(project_folder().join(SOURCE)).context("cannot read the template")?;
    for function in Template::read(&text)?.of_kind("AWS::Serverless::Function") {
        let reserved = function.properties.pointer("/ReservedConcurrentExecutions/Fn::If/1");
        let name = outputs.get(&format!("{}Function", function.name));
        let (Some(reserved), Some(name)) = (reserved, name) else {
            bail!("{} has no reserved concurrency or no output", function.name);
        };
        let path = format!("/2017-10-31/functions/{name}/concurrency");
        emulator.put("lambda", &path, &format!("{{\"ReservedConcurrentExecutions\": {reserved}}}"))?;
    }
    Ok(())
}

/// An output as it is reached on this machine.
pub(crate) fn shown(emulator: &Emulator, name: &str, value: &str) -> String {
    if name != "RemoteWriteUrl" {
        return value.to_owned();
    }
    // https://<id>.lambda-url.<region>.on.aws/ is answered by the emulator under a path of its own.
    let id = value.trim_start_matches("https://").split('.').next().unwrap_or_default();
    format!("{}/_aws/lambda-url/{id}/", emulator.url())
}
