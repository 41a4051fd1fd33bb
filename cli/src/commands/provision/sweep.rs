//! Taking away: an endpoint with what was made for it, or what nothing uses any more.

use std::time::Duration;

use clap::Args;
use linkcast_domain::ports::{EndpointPlane, Kind};
use linkcast_domain::{Clock, Hosting, SystemClock};
use linkcast_provisioning::{Aim, Scope, leftovers};
use serde_json::json;

use super::follow::follow;
use super::{HostingArguments, SiteArguments, connect, place};
use crate::commands::Session;
use crate::database::ready;
use crate::exit::{ExitKind, Failure};
use crate::interval::Interval;
use crate::output::Form;

/// The longest one call may take.
const CALL: Duration = Duration::from_secs(20);

/// Take an endpoint away, and what was made for it.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast provision delete --serverless\n  linkcast provision delete --serverless --of-model s3://models/lab/link-health/v3/model.tar.gz\n\nThe archives in S3 stay."
)]
pub(super) struct DeleteArguments {
    #[command(flatten)]
    site: SiteArguments,
    #[command(flatten)]
    hosting: HostingArguments,
    /// The endpoint of this model's own, in place of the standing one.
    #[arg(long, value_name = "S3 ADDRESS")]
    of_model: Option<String>,
    /// How long to go on; called again it goes on from where it is.
    #[arg(long, value_name = "TIME", default_value = "20m")]
    timeout: Interval,
}

/// Delete models and configurations that no endpoint uses.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast provision sweep --dry-run\n  linkcast provision sweep --grace 1d\n  linkcast provision sweep --all --owner team-west"
)]
pub(super) struct SweepArguments {
    #[command(flatten)]
    site: SiteArguments,
    /// Of every fabric and task of the owner.
    #[arg(long)]
    all: bool,
    /// Leave alone what is younger: somebody may just be making its endpoint.
    #[arg(long, value_name = "TIME", default_value = "1h")]
    grace: Interval,
    /// Say what would be deleted, and delete nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn delete(arguments: &DeleteArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let hosting = arguments.hosting.named().ok_or_else(|| {
        Failure::new(ExitKind::WrongUse, "which endpoint: expected --serverless or --realtime")
            .with_next_step("`linkcast provision status` shows which there are")
    })?;
    let site = arguments.site.site(hosting, place(arguments.of_model.as_deref()), session)?;
    let (plane, endpoint) = (connect()?, site.endpoint.clone());
    let made = follow(&plane, &Aim::Gone(site), arguments.timeout.duration(), session.notes)?;
    match session.form {
        Form::JsonLines => {
            session.output.json(&json!({"endpoint": endpoint, "status": "none", "changes": made.len()}))?;
        }
        Form::Text if made.is_empty() => session.output.line(&format!("there is no {endpoint}"))?,
        Form::Text => session.output.line(&format!("{endpoint} is gone, with what was made for it"))?,
    }
    Ok(())
}

pub(super) fn sweep(arguments: &SweepArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let plane = connect()?;
    let scope = if arguments.all {
        Scope::of_owner(&arguments.site.owner()?)
    } else {
        Scope::of_task(&arguments.site.site(Hosting::Serverless, place(None), session)?)
    };
    let scope = scope.older_than(SystemClock.now().minus(arguments.grace.duration()));
    let found = ready(leftovers(&plane, &scope, &|| CALL))?;
    for leftover in &found {
        if !arguments.dry_run {
            ready(plane.change(&leftover.removal(), CALL))?;
        }
        let kind = if leftover.kind == Kind::Model { "model" } else { "configuration" };
        let done = if arguments.dry_run { "would delete" } else { "deleted" };
        match session.form {
            Form::JsonLines => session.output.json(&json!({
                "kind": kind,
                "name": leftover.name,
                "created": leftover.created,
                "deleted": !arguments.dry_run,
            }))?,
            Form::Text => session.output.line(&format!("{done} the {kind} {}", leftover.name))?,
        }
    }
    if found.is_empty() && session.form == Form::Text {
        session.output.line("nothing is left over")?;
    }
    Ok(())
}
