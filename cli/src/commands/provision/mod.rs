//! `linkcast provision`: endpoints on SageMaker, made, changed, looked at and taken away.
//!
//! Nothing is kept here between calls: a command that was interrupted is called again and goes on from what it finds.

mod follow;
mod make;
mod show;
mod sweep;

use clap::{ArgGroup, Args, Subcommand};
use linkcast_aws::Endpoints;
use linkcast_domain::ports::PlaneError;
use linkcast_domain::{Hosting, SystemClock};
use linkcast_provisioning::{NameError, OrderError, Owner, Place, Site, Stuck};
use linkcast_scoring::TASK;

use super::Session;
use crate::exit::{ExitKind, Failure, chain};
use crate::store;

/// Make, change, look at and take away endpoints on SageMaker.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  linkcast provision --model-data s3://models/lab/link-health/v3/model.tar.gz --image IMAGE --role ARN --dry-run\n  linkcast provision --model-data s3://… --image IMAGE --role ARN --serverless --memory 4096 --max-concurrency 10\n  linkcast provision --model-data s3://… --image IMAGE --role ARN --realtime --instance ml.c7g.large --min 1 --max 5\n  linkcast provision --model-data s3://… --image IMAGE --role ARN --own-endpoint\n  linkcast provision status\n  linkcast provision delete --serverless\n  linkcast provision sweep --dry-run\n\nThe same call twice changes nothing. Interrupted, by Ctrl-C or a kill, it is called again and goes on. The account, the region and\nthe endpoint are those of the environment (AWS_REGION, AWS_ENDPOINT_URL). docs/PROVISIONING.md says how names are made."
)]
pub(crate) struct ProvisionArguments {
    #[command(subcommand)]
    command: Option<ProvisionCommand>,
    #[command(flatten)]
    make: make::MakeArguments,
}

#[derive(Debug, Subcommand)]
enum ProvisionCommand {
    /// Say how a task's endpoints are.
    Status(show::StatusArguments),
    /// List every endpoint of an owner.
    List(show::ListArguments),
    /// Take an endpoint away, and what was made for it.
    Delete(sweep::DeleteArguments),
    /// Delete models and configurations that no endpoint uses.
    Sweep(sweep::SweepArguments),
}

/// Whose endpoints.
#[derive(Args, Clone, Debug)]
struct SiteArguments {
    /// The fabric (default: LINKCAST_FABRIC).
    #[arg(long, value_name = "NAME")]
    fabric_name: Option<String>,
    /// The task.
    #[arg(long, value_name = "NAME", default_value = TASK)]
    task: String,
    /// Who answers for what is made; things of another owner are never touched.
    #[arg(long, value_name = "NAME", default_value = "linkcast")]
    owner: String,
}

/// How an endpoint is hosted.
#[derive(Args, Clone, Copy, Debug)]
#[command(group = ArgGroup::new("hosting").args(["serverless", "realtime"]).multiple(false))]
struct HostingArguments {
    /// On machines that come when asked (the default where one is made).
    #[arg(long)]
    serverless: bool,
    /// On machines that always run.
    #[arg(long)]
    realtime: bool,
}

impl HostingArguments {
    fn named(self) -> Option<Hosting> {
        match (self.serverless, self.realtime) {
            (true, _) => Some(Hosting::Serverless),
            (_, true) => Some(Hosting::Realtime),
            _ => None,
        }
    }
}

impl SiteArguments {
    fn fabric<'a>(&'a self, session: &'a Session<'_>) -> &'a str {
        self.fabric_name.as_deref().unwrap_or(&session.configuration.fabric)
    }

    fn owner(&self) -> Result<Owner, Failure> {
        Ok(Owner::new(&self.owner)?)
    }

    fn site(&self, hosting: Hosting, place: Place<'_>, session: &Session<'_>) -> Result<Site, Failure> {
        Ok(Site::new((self.fabric(session), &self.task), self.owner()?, hosting, place)?)
    }
}

/// Runs it.
pub(crate) fn execute(arguments: &ProvisionArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    match &arguments.command {
        None => make::make(&arguments.make, session),
        Some(ProvisionCommand::Status(arguments)) => show::status(arguments, session),
        Some(ProvisionCommand::List(arguments)) => show::list(arguments, session),
        Some(ProvisionCommand::Delete(arguments)) => sweep::delete(arguments, session),
        Some(ProvisionCommand::Sweep(arguments)) => sweep::sweep(arguments, session),
    }
}

fn connect() -> Result<Endpoints, Failure> {
    Ok(Endpoints::new(&store::connect()?, SystemClock))
}

/// The place in the list of a model's own endpoint, if one is named.
fn place(of_model: Option<&str>) -> Place<'_> {
    of_model.map_or(Place::Standing, |address| Place::OfModel { address })
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Failure::new(ExitKind::WrongUse, error)
            .with_next_step("give another name by --fabric-name, --task or --owner")
    }
}

impl From<OrderError> for Failure {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Name(error) => error.into(),
            OrderError::Settings(error) => Failure::new(ExitKind::WrongUse, error)
                .with_next_step("`linkcast provision --help` shows whole calls"),
        }
    }
}

impl From<PlaneError> for Failure {
    fn from(error: PlaneError) -> Self {
        Failure::new(ExitKind::Machine, chain(&error)).with_next_step(
            "see that AWS_REGION and the credentials are set and may do this; then call again",
        )
    }
}

impl From<Stuck> for Failure {
    fn from(stuck: Stuck) -> Self {
        let kind = match &stuck {
            Stuck::Taken { .. } | Stuck::Another { .. } => ExitKind::Refused,
            Stuck::Overdue { .. } => ExitKind::Unfinished,
            _ => ExitKind::Machine,
        };
        let step = stuck.next_step();
        Failure::new(kind, stuck).with_next_step(step)
    }
}
