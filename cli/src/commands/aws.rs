//! `linkcast aws`: looking after a deployment.

use clap::{Args, Subcommand};
use linkcast_aws::{Examined, Finding, Health, examine};
use linkcast_domain::SystemClock;
use serde_json::json;

use super::Session;
use crate::database::ready;
use crate::exit::{ExitKind, Failure};
use crate::model;
use crate::output::{Form, Table};
use crate::store;

/// Look after Linkcast on AWS.
#[derive(Args, Debug)]
pub(crate) struct AwsArguments {
    #[command(subcommand)]
    command: AwsCommand,
}

#[derive(Debug, Subcommand)]
enum AwsCommand {
    /// Check a deployment and say what to do about what is wrong.
    Doctor(DoctorArguments),
}

/// Check a deployment and say what to do about what is wrong.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast aws doctor --table linkcast-lab --queue linkcast-lab-prepare-failed\n  AWS_ENDPOINT_URL=http://127.0.0.1:4566 linkcast aws doctor --table linkcast-lab"
)]
struct DoctorArguments {
    /// The deployment's table.
    #[arg(long, value_name = "TABLE")]
    table: String,
    /// A queue of what functions gave up; may be given again.
    #[arg(long, value_name = "NAME")]
    queue: Vec<String>,
}

/// Runs it.
pub(crate) fn execute(arguments: &AwsArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let AwsCommand::Doctor(arguments) = &arguments.command;
    let (shared, store) = store::table(&arguments.table, &session.configuration.fabric)?;
    let own = model::load(None, None, session.configuration)?.identity().clone();
    let examined = Examined { queues: arguments.queue.clone(), model: Some(own) };
    let findings = ready(examine(&shared, &store, &examined, &SystemClock));
    print(&findings, session)?;
    if findings.iter().any(|finding| finding.health == Health::Ill) {
        return Err(Failure::new(ExitKind::Machine, "the deployment does not work as it is")
            .with_next_step("do what the lines marked ill say, and ask again"));
    }
    Ok(())
}

fn print(findings: &[Finding], session: &mut Session<'_>) -> Result<(), Failure> {
    let mut table = Table::new(&["health", "what", "found", "to do"]);
    for finding in findings {
        let health = match finding.health {
            Health::Well => "well",
            Health::Odd => "odd",
            Health::Ill => "ill",
        };
        let Finding { checked, found, advice, .. } = finding;
        match session.form {
            Form::JsonLines => session
                .output
                .json(&json!({ "health": health, "checked": checked, "found": found, "advice": advice }))?,
            Form::Text => table.row(vec![
                health.to_owned(),
                checked.clone(),
                found.clone(),
                advice.clone().unwrap_or_default(),
            ]),
        }
    }
    if session.form == Form::Text {
        table.lines().iter().try_for_each(|line| session.output.line(line))?;
    }
    Ok(())
}
