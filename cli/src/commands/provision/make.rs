//! Making an endpoint, or changing it to another model or other machines.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use linkcast_domain::ports::ModelData;
use linkcast_domain::{Clock, Hosting, NanoDollars, SystemClock};
use linkcast_provisioning::{
    Aim, Desired, Difference, Estimate, HostingSettings, InstanceCounts, InstanceType, MaxConcurrency,
    MemoryMb, Order, OrderError, PRICES, Place, SettingsError, Traffic, container, diff, estimate, observe,
};
use serde_json::json;

use super::follow::follow;
use super::{HostingArguments, SiteArguments, connect};
use crate::commands::Session;
use crate::database::ready;
use crate::exit::{ExitKind, Failure};
use crate::interval::Interval;
use crate::output::Form;

/// The longest one look may take before anything is done.
const LOOK: Duration = Duration::from_secs(20);

/// What is to stand there.
#[derive(Args, Debug)]
pub(super) struct MakeArguments {
    /// The model's archive in S3; with --multi-model what the archives' addresses begin with.
    #[arg(long, value_name = "S3 ADDRESS", required = true)]
    model_data: Option<String>,
    /// The image that serves it, in ECR.
    #[arg(long, value_name = "IMAGE", required = true)]
    image: Option<String>,
    /// The role the container takes on.
    #[arg(long, value_name = "ARN", required = true)]
    role: Option<String>,
    /// A variable of the container; may be given again.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    environment: Vec<(String, String)>,
    #[command(flatten)]
    site: SiteArguments,
    #[command(flatten)]
    hosting: HostingArguments,
    /// Memory of a serverless endpoint, MB: 1024 to 6144 in steps of 1024.
    #[arg(long, value_name = "MB", default_value_t = 4_096, conflicts_with = "realtime")]
    memory: u32,
    /// Requests a serverless endpoint answers at once, 1 to 200.
    #[arg(long, value_name = "COUNT", default_value_t = 10, conflicts_with = "realtime")]
    max_concurrency: u32,
    /// The machines' type.
    #[arg(long, value_name = "TYPE", default_value = "ml.c7g.large", requires = "realtime")]
    instance: String,
    /// The fewest machines.
    #[arg(long, value_name = "COUNT", default_value_t = 1, requires = "realtime")]
    min: u32,
    /// The most machines; as many as --min unless given.
    #[arg(long, value_name = "COUNT", requires = "realtime")]
    max: Option<u32>,
    /// Requests a minute that each machine is to have, where they scale.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, requires = "realtime", value_parser = clap::value_parser!(u32).range(1..))]
    requests_per_instance: u32,
    /// An endpoint of the model's own beside the standing one, for a canary.
    #[arg(long)]
    own_endpoint: bool,
    /// Several models in one container, which a request chooses from; the container must know how.
    #[arg(long, requires = "realtime", conflicts_with = "own_endpoint")]
    multi_model: bool,
    /// Say what would be done and what it would cost, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// How long to go on; called again it goes on from where it is.
    #[arg(long, value_name = "TIME", default_value = "40m")]
    timeout: Interval,
    /// For the estimate: how long a request takes, milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 50)]
    request_ms: u64,
    /// For the estimate: requests a month.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    requests_a_month: u64,
    /// For the estimate: the price of an hour of one machine, in dollars, in place of the table's.
    #[arg(long, value_name = "DOLLARS", value_parser = dollars)]
    instance_hour: Option<NanoDollars>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let parts = parts.map(|(name, value)| (name.to_owned(), value.to_owned()));
    parts.ok_or_else(|| format!("{text:?}: expected NAME=VALUE"))
}

fn dollars(text: &str) -> Result<NanoDollars, String> {
    let number = text.parse::<f64>().ok().filter(|dollars| (0.0..=1e6).contains(dollars));
    let nanos = number.map(|dollars| NanoDollars((dollars * 1e9).round() as u64));
    nanos.ok_or_else(|| format!("{text:?}: expected dollars, as 0.115"))
}

/// Makes it, or says what would be done.
pub(super) fn make(arguments: &MakeArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let desired = arguments.desired(session)?;
    let plane = connect()?;
    let aim = Aim::Stand(Box::new(desired.clone()));
    let observed = ready(observe(&plane, &aim, &|| LOOK))?;
    let differences = diff(&aim, &observed, SystemClock.now())?;
    let estimate = arguments.estimate(&desired);
    if arguments.dry_run {
        return tell(&desired, (&differences, &estimate), session);
    }
    if !differences.is_empty() {
        session.notes.inform(told(&estimate));
    }
    let made = follow(&plane, &aim, arguments.timeout.duration(), session.notes)?;
    let endpoint = &desired.site.endpoint;
    match session.form {
        Form::JsonLines => session.output.json(&json!({
            "endpoint": endpoint,
            "model": desired.model,
            "config": desired.config,
            "status": "InService",
            "changes": made.len(),
        }))?,
        Form::Text if made.is_empty() => {
            session.output.line(&format!("{endpoint} is in service as ordered; nothing was changed"))?;
        }
        Form::Text => session.output.line(&format!(
            "{endpoint} is in service with {}\nnext: name it as a variant's target, see `linkcast routing --help`",
            desired.model
        ))?,
    }
    Ok(())
}

fn tell(
    desired: &Desired,
    (differences, estimate): (&[Difference], &Estimate),
    session: &mut Session<'_>,
) -> Result<(), Failure> {
    let endpoint = &desired.site.endpoint;
    if session.form == Form::JsonLines {
        session.output.json(&json!({
            "endpoint": endpoint,
            "model": desired.model,
            "config": desired.config,
            "differences": differences,
            "estimate": estimate,
        }))?;
        return Ok(());
    }
    if differences.is_empty() {
        session.output.line(&format!("{endpoint} is as ordered: nothing would be changed"))?;
    }
    differences.iter().try_for_each(|difference| session.output.line(&difference.line()))?;
    session.output.line(&told(estimate))?;
    Ok(())
}

/// The estimate as one line.
fn told(estimate: &Estimate) -> String {
    let dollars = |price: Option<NanoDollars>, digits: usize| match price {
        Some(price) => format!("${:.digits$}", price.dollars()),
        None => "no price is known (--instance-hour gives one)".to_owned(),
    };
    let month = dollars(estimate.month, 2);
    let what = match estimate.thousand_requests {
        Some(_) => format!("{} a thousand requests, {month} a month", dollars(estimate.thousand_requests, 4)),
        None => {
            let (min, max) = (dollars(estimate.hour_min, 3), dollars(estimate.hour_max, 3));
            format!("{min} to {max} an hour, {month} a month at the fewest machines")
        }
    };
    format!("cost: {what} (prices: {})", estimate.source)
}

impl MakeArguments {
    fn desired(&self, session: &Session<'_>) -> Result<Desired, Failure> {
        let given = self.model_data.clone().zip(self.image.as_deref()).zip(self.role.as_deref());
        let ((address, image), role) = given
            .ok_or_else(|| Failure::new(ExitKind::WrongUse, "expected --model-data, --image and --role"))?;
        let data = if self.multi_model {
            ModelData::Several(address.clone())
        } else {
            ModelData::One(address.clone())
        };
        let environment: BTreeMap<_, _> = self.environment.iter().cloned().collect();
        let container = container(data, image, role, environment).map_err(OrderError::from)?;
        let hosting = self.settings().map_err(OrderError::from)?;
        let place = if self.own_endpoint { Place::OfModel { address: &address } } else { Place::Standing };
        let (fabric, task, owner) = (self.site.fabric(session), &self.site.task, self.site.owner()?);
        Ok(Desired::new(Order { fabric, task, owner, place, container, hosting })?)
    }

    fn settings(&self) -> Result<HostingSettings, SettingsError> {
        match self.hosting.named().unwrap_or(Hosting::Serverless) {
            Hosting::Serverless => Ok(HostingSettings::Serverless {
                memory: MemoryMb::new(self.memory)?,
                max_concurrency: MaxConcurrency::new(self.max_concurrency)?,
            }),
            Hosting::Realtime => Ok(HostingSettings::Realtime {
                instance: InstanceType::new(&self.instance)?,
                counts: InstanceCounts::new(self.min, self.max.unwrap_or(self.min))?,
                requests_per_instance: self.requests_per_instance,
            }),
        }
    }

    fn estimate(&self, desired: &Desired) -> Estimate {
        let traffic = Traffic { request_ms: self.request_ms, requests_a_month: self.requests_a_month };
        estimate((&desired.machines, desired.scaling), traffic, &PRICES, self.instance_hour)
    }
}
