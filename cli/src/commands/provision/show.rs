//! How endpoints are.

use std::time::Duration;

use clap::Args;
use linkcast_aws::Endpoints;
use linkcast_domain::Hosting;
use linkcast_domain::ports::{EndpointPlane, Machines, SeenEndpoint};
use linkcast_provisioning::{every_endpoint, is_owned_by};
use serde_json::json;

use super::{SiteArguments, connect, place};
use crate::commands::Session;
use crate::database::ready;
use crate::exit::Failure;
use crate::output::{Form, Table};

/// The longest one call may take.
const CALL: Duration = Duration::from_secs(20);

/// Say how a task's endpoints are.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast provision status\n  linkcast provision status --of-model s3://models/lab/link-health/v3/model.tar.gz --json"
)]
pub(super) struct StatusArguments {
    #[command(flatten)]
    site: SiteArguments,
    /// The endpoints of this model's own, in place of the standing ones.
    #[arg(long, value_name = "S3 ADDRESS")]
    of_model: Option<String>,
}

/// List every endpoint of an owner.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast provision list\n  linkcast provision list --owner team-west --json"
)]
pub(super) struct ListArguments {
    /// Whose.
    #[arg(long, value_name = "NAME", default_value = "linkcast")]
    owner: String,
}

pub(super) fn status(arguments: &StatusArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let plane = connect()?;
    let mut found = Vec::new();
    for hosting in Hosting::ALL {
        let site = arguments.site.site(hosting, place(arguments.of_model.as_deref()), session)?;
        found.push((site.endpoint.clone(), ready(plane.endpoint(&site.endpoint, CALL))?));
    }
    print(&plane, found, session)
}

pub(super) fn list(arguments: &ListArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let owner = linkcast_provisioning::Owner::new(&arguments.owner)?;
    let plane = connect()?;
    let mut found = Vec::new();
    for listed in ready(every_endpoint(&plane, &|| CALL))? {
        let tags = ready(plane.tags(&listed.arn, CALL))?;
        if is_owned_by(&tags, &owner) {
            found.push((listed.name.clone(), ready(plane.endpoint(&listed.name, CALL))?));
        }
    }
    print(&plane, found, session)
}

fn print(
    plane: &Endpoints,
    found: Vec<(String, Option<SeenEndpoint>)>,
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let mut table = Table::new(&["endpoint", "status", "model", "machines", "changed", "remark"]);
    for (name, seen) in found {
        let config = match &seen {
            Some(seen) => ready(plane.config(&seen.config, CALL))?,
            None => None,
        };
        let status = seen.as_ref().map_or("none", |seen| seen.status.name());
        let model = config.as_ref().map(|config| config.models.join(", ")).unwrap_or_default();
        let machines =
            config.as_ref().and_then(|config| config.machines.as_ref()).map(told).unwrap_or_default();
        let changed = seen.as_ref().map(|seen| seen.changed.to_string()).unwrap_or_default();
        let remark = seen.as_ref().and_then(|seen| seen.failure.clone()).unwrap_or_default();
        match session.form {
            Form::JsonLines => session.output.json(&json!({
                "endpoint": name,
                "status": status,
                "config": seen.as_ref().map(|seen| &seen.config),
                "model": model,
                "machines": machines,
                "changed": changed,
                "failure": remark,
            }))?,
            Form::Text => {
                table.row(vec![name, status.to_owned(), model, machines, changed, remark]);
            }
        }
    }
    if session.form == Form::Text {
        table.lines().iter().try_for_each(|line| session.output.line(line))?;
    }
    Ok(())
}

fn told(machines: &Machines) -> String {
    match machines {
        Machines::Serverless { memory_mb, max_concurrency } => {
            format!("serverless, {memory_mb} MB × {max_concurrency}")
        }
        Machines::Realtime { instance, count } => format!("{instance} × {count}"),
    }
}
