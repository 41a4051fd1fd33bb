//! One function on its own, as a developer runs it: cargo-lambda plays Lambda, and a committed event starts it.
//!
//! The function is the one that was built before, started by hand as a debugger would; that `watch` can build it too is
//! cargo-lambda's own affair.

use std::process::Command;

use anyhow::{Context, Result, bail};
use linkcast_tests::{
    Deployed, REGION, Running, binary, cargo_lambda, free_address, project_folder, wait_for_listener,
};

#[test]
fn a_committed_event_starts_a_function_that_cargo_lambda_plays_lambda_to() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let deployed = Deployed::start(folder.path(), &[])?;
    let address = free_address()?;
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let mut watch = Command::new(cargo_lambda());
    watch.args(["lambda", "watch", "--only-lambda-apis", "-A", &host, "-P", &port]);
    let _watch = Running::start(watch.current_dir(project_folder()), &folder.path().join("watch.log"))?;
    wait_for_listener(address)?;

    let mut function = Command::new(binary("retrain")?);
    // A function refuses variables of ours that it does not know, and tests are told things by some.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LINKCAST_")) {
        function.env_remove(name);
    }
    function.envs([
        ("AWS_LAMBDA_RUNTIME_API", format!("http://{address}/.rt").as_str()),
        ("AWS_LAMBDA_FUNCTION_NAME", "_"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_ENDPOINT_URL", deployed.emulator.url()),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("LINKCAST_TABLE", deployed.output("TableName")?),
        ("LINKCAST_FABRIC", "fabric"),
        ("LINKCAST_BUS", deployed.output("BusName")?),
    ]);
    let function = Running::start(&mut function, &folder.path().join("retrain.log"))?;
    let answer = invoke(&host, &port, "events/retrain-call.json").with_context(|| function.log())?;
    assert!(answer.contains("\"outcome\":\"begun\""), "{answer}");
    assert_eq!(deployed.items("run#")?.len(), 1, "the run is recorded: {}", function.log());
    Ok(())
}

/// What the function answers to a file's event.
fn invoke(host: &str, port: &str, file: &str) -> Result<String> {
    // Of itself it would wait for ever for a function that never started.
    let mut command = Command::new("timeout");
    command.arg("60").arg(cargo_lambda()).args([
        "lambda",
        "invoke",
        "_",
        "-A",
        host,
        "-P",
        port,
        "--data-file",
        file,
    ]);
    let output = command.current_dir(project_folder()).output().context("cannot run cargo-lambda")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
