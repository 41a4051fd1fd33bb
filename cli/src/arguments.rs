//! The command line.
//!
//! What each option means stands here, once, in the words `--help` prints; what a command does with it stands in the
//! command's own file.

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, Parser, Subcommand};
use linkcast_domain::NodeGuid;
use linkcast_domain::ports::{MaintenanceWindow, PipelineStore};
use linkcast_features::Calendar;
use linkcast_pipeline::{AlertPolicy, Settings};
use linkcast_scoring::Model;
use linkcast_telemetry::Topology;

use crate::capture::{FormatChoice, Reader};
use crate::commands::{
    Session, alerts, aws, bootstrap, completions, cost, dataset, demo, deploy, evaluate, events, export_rows,
    export_xgboost, features, feedback, import, insights, inspect, models, monitor, package, ports, predict,
    provision, replay, retrain, review, rollout, routing, run, score_events, score_nab, score_notifications,
    serve, simulate, stand_in, task, train, verify,
};
use crate::configuration::Configuration;
use crate::database;
use crate::engine::Parts;
use crate::exit::{ExitKind, Failure};
use crate::interval::Interval;
use crate::maintenance;
use crate::model;
use crate::output::Form;
use crate::registry::ModelChoice;
use crate::sink::{
    Alertmanager, Channel, ChannelKind, JsonLinesFile, LeastSeverity, Reminder, Webhook, least_of,
};
use crate::store::StorePlace;

/// What `--help` says of exit codes and the environment.
const AFTER_HELP: &str = "\
Exit codes:
  0  done; where some of the input was unusable, a warning counts it
  1  the machine failed: no permission, disk full
  2  wrong use: arguments or environment
  3  unusable input: nothing of it could be read
  4  the database is damaged, or newer than this program
  5  the model is damaged, or of another feature schema
  6  run --once: no source gave anything usable
  7  the rules do not allow it, or somebody else was first: models, routing, rollout, provision; retrain: a guard refuses
  8  monitor --fail-on: something named is so
  9  provision: not done in time; the same call goes on
  130, 143  verify, provision: stopped by Ctrl-C or SIGTERM

Environment:
  LINKCAST_LOG        quiet, normal (default) or verbose: how much is told on standard error
  LINKCAST_DB         the database where --db is not given
  LINKCAST_FABRIC     the fabric's name in insights and alerts (default: fabric)
  LINKCAST_TIME_ZONE  the fabric's time zone, an IANA name (default: UTC)
  LINKCAST_MODELS     where registered models' files lie: a folder, or s3:BUCKET (default: models beside the database)
  LINKCAST_LISTEN     serve: the address where --listen is not given (default: 127.0.0.1:8080)
  LINKCAST_MODEL_DIR  serve: the model's folder where --model is not given (default: the model inside)
  SAGEMAKER_BIND_TO_PORT  serve: the port, where --listen is not given
  LINKCAST_CODE_REVISION  the code's revision, for the cards of models trained here (default: none is said)

Start with:
  linkcast demo
  linkcast inspect capture/
  linkcast run --source http://exporter:9315/metrics --db linkcast.db
  linkcast insights --store dynamodb:linkcast";

/// Forecasts trouble on InfiniBand and RDMA links: counters in, insights and alerts out.
#[derive(Debug, Parser)]
#[command(name = "linkcast", version, after_help = AFTER_HELP, max_term_width = 110)]
pub(crate) struct Arguments {
    /// Print results as JSON lines.
    #[arg(long, global = true)]
    json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// Who reads the results.
    pub(crate) fn form(&self) -> Form {
        if self.json { Form::JsonLines } else { Form::Text }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Simulate a fabric with faults, forecast them, and write a report.
    Demo(demo::DemoArguments),
    /// Watch live sources.
    Run(Box<run::RunArguments>),
    /// Run recorded captures through the same pipeline, in time order.
    Replay(Box<replay::ReplayArguments>),
    /// Compute the forty features of every sample.
    Features(features::FeaturesArguments),
    /// Make data sets for training.
    Dataset(dataset::DatasetArguments),
    /// Write a simulated fabric's telemetry, and the truth about its faults.
    Simulate(simulate::SimulateArguments),
    /// Train a model.
    Train(train::TrainArguments),
    /// Look at a training task.
    Task(task::TaskArguments),
    /// Take over a model that XGBoost trained.
    Import(import::ImportArguments),
    /// Write labelled rows as CSV for a trainer elsewhere.
    ExportRows(export_rows::ExportRowsArguments),
    /// Write a model's forests as XGBoost's JSON.
    ExportXgboost(export_xgboost::ExportXgboostArguments),
    /// Pack a model as the model.tar.gz that SageMaker unpacks at /opt/ml/model.
    Package(package::PackageArguments),
    /// Judge the whole system by event on a simulated fabric.
    Evaluate(evaluate::EvaluateArguments),
    /// From a folder of telemetry to a first model that answers.
    Bootstrap(Box<bootstrap::BootstrapArguments>),
    /// Register models, approve them, and say which one is used.
    Models(models::ModelsArguments),
    /// Bring a registered model to an endpoint of its own, and its rollout on its way.
    Deploy(Box<deploy::DeployArguments>),
    /// Make, change, look at and take away endpoints on SageMaker.
    Provision(Box<provision::ProvisionArguments>),
    /// See and change who answers: weights, order of fallback, breakers.
    Routing(routing::RoutingArguments),
    /// Train a model anew, and hand it on if it is better than the live one.
    Retrain(retrain::RetrainArguments),
    /// Bring a candidate from a shadow to all streams, step by step, and back when it harms.
    Rollout(rollout::RolloutArguments),
    /// Say what was true of insights, and see how right each variant was.
    Feedback(feedback::FeedbackArguments),
    /// Look once at how the variants do, at drift, and at how often insights were right.
    Monitor(monitor::MonitorArguments),
    /// Say what the insights cost, by variant and by useful insight.
    Cost(cost::CostArguments),
    /// Give verdicts on samples that ask for them.
    Review(review::ReviewArguments),
    /// Score what is seen without a model in the Numenta Anomaly Benchmark.
    ScoreNab(score_nab::ScoreNabArguments),
    /// Score how soon an injected fault is seen without a model.
    ScoreEvents(score_events::ScoreEventsArguments),
    /// Score how often people would be told of labelled incidents.
    ScoreNotifications(Box<score_notifications::ScoreNotificationsArguments>),
    /// Judge every sample of a capture with a model.
    Predict(predict::PredictArguments),
    /// Answer over HTTP with one model or several, as a SageMaker container does.
    Serve(serve::ServeArguments),
    /// Stand in for SageMaker's or Bedrock's runtime on this machine, and fail as told.
    StandIn(stand_in::StandInArguments),
    /// Go a model's whole way once: train, register, serve, ask, break, recover, stop.
    Verify(verify::VerifyArguments),
    /// List the insights in a database.
    Insights(insights::InsightsArguments),
    /// List the alerts in a database.
    Alerts(alerts::AlertsArguments),
    /// Follow what people were told: alerts, and notices about models.
    Events(events::EventsArguments),
    /// List the ports in a database.
    Ports(ports::PortsArguments),
    /// Say what a capture holds, and what of it cannot be used and why.
    Inspect(inspect::InspectArguments),
    /// Look after Linkcast on AWS.
    Aws(aws::AwsArguments),
    /// Print a shell's completion script.
    Completions(completions::CompletionsArguments),
}

/// How captures are read.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReadingArguments {
    /// The capture's format; found from the content unless named (see `linkcast inspect`).
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    format: FormatChoice,
    /// A column map (TOML) for CSV files of other makers.
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Links, names and rates: the output of ibnetdiscover -p or iblinkinfo.
    #[arg(long, value_name = "FILE")]
    topology: Option<PathBuf>,
    /// Names of nodes: lines of 0xGUID "name".
    #[arg(long, value_name = "FILE")]
    node_name_map: Option<PathBuf>,
    /// The GUID of the node whose ports a perfquery output without one shows.
    #[arg(long, value_name = "GUID")]
    guid: Option<NodeGuid>,
}

impl ReadingArguments {
    /// A reader that knows all this.
    pub(crate) fn reader(&self) -> Result<Reader, Failure> {
        let reader = Reader::new(self.format, self.guid)
            .with_map(self.map.as_deref())?
            .with_fabric(self.node_name_map.as_deref(), NODE_NAMES)?
            .with_fabric(self.topology.as_deref(), LINKS)?;
        Ok(reader)
    }
}

/// Where the database lies.
#[derive(Args, Clone, Debug)]
pub(crate) struct DatabaseArguments {
    /// The database file (default: LINKCAST_DB); the same as --store sqlite:FILE.
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    db: Option<PathBuf>,
    /// The store: sqlite:FILE, or dynamodb:TABLE with the account, region and endpoint of the environment.
    #[arg(long, value_name = "STORE")]
    store: Option<StorePlace>,
}

impl DatabaseArguments {
    /// The store named by the command line or the environment.
    pub(crate) fn place(&self, configuration: &Configuration) -> Option<StorePlace> {
        let file = || self.db.clone().or_else(|| configuration.database.clone());
        self.store.clone().or_else(|| file().map(StorePlace::File))
    }
}

/// Which task, in which store.
#[derive(Args, Clone, Debug)]
pub(crate) struct TaskStoreArguments {
    #[command(flatten)]
    pub(crate) database: DatabaseArguments,
    /// The task.
    #[arg(long, value_name = "TASK", default_value = linkcast_scoring::TASK)]
    pub(crate) task: String,
}

/// Who is told of alerts.
#[derive(Args, Clone, Debug)]
pub(crate) struct TellingArguments {
    /// Tell alerts to the Alertmanager at this address.
    #[arg(long, value_name = "URL")]
    alertmanager: Option<String>,
    /// Post each alert as JSON to this address.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Append each alert as a JSON line to this file.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Tell notices about models from this severity on, everywhere or on one channel: critical, or webhook=warning (default: info;
    /// Alertmanager fires from warning on). May be given several times.
    #[arg(long = "notices", value_name = "[CHANNEL=]SEVERITY")]
    notices: Vec<LeastSeverity>,
}

impl TellingArguments {
    /// The channels asked for, beside `store`, whose messages they tell.
    pub(crate) fn channels(&self, store: &impl PipelineStore) -> Result<Vec<Channel>, Failure> {
        let mut channels = Vec::new();
        if let Some(path) = &self.output {
            let committed = database::wait(store.resume())?.last_sequence;
            let least = least_of(ChannelKind::Output, &self.notices);
            let file = JsonLinesFile::open(path, committed, least).map_err(|error| {
                Failure::new(ExitKind::Machine, format!("opening {}: {error}", path.display()))
            })?;
            channels.push(Channel::File(file));
        }
        let webhook = |url: &str| Webhook::new(url, least_of(ChannelKind::Webhook, &self.notices));
        channels.extend(self.webhook.as_deref().map(|url| Channel::Webhook(webhook(url))));
        let manager = |url: &str| Alertmanager::new(url, least_of(ChannelKind::Alertmanager, &self.notices));
        channels.extend(self.alertmanager.as_deref().map(|url| Channel::Alertmanager(manager(url))));
        Ok(channels)
    }

    /// Who is to be told again and again of what is firing.
    pub(crate) fn reminder(&self) -> Option<Reminder> {
        self.alertmanager.as_deref().map(|url| Reminder::new(url, Instant::now()))
    }
}

/// What is known of the fabric beside its telemetry.
#[derive(Args, Clone, Debug)]
pub(crate) struct FabricArguments {
    /// Links, names and rates: the output of ibnetdiscover -p or iblinkinfo.
    #[arg(long, value_name = "FILE")]
    topology: Option<PathBuf>,
    /// Names of nodes: lines of 0xGUID "name".
    #[arg(long, value_name = "FILE")]
    node_name_map: Option<PathBuf>,
    /// Announced work, as JSON lines: {"streams": […], "start": …, "end": …, "reason": …}, or with "scope" and "of".
    #[arg(long, value_name = "FILE")]
    maintenance: Option<PathBuf>,
}

impl FabricArguments {
    /// What the files say of links and names.
    pub(crate) fn topology(&self) -> Result<Topology, Failure> {
        let reader = Reader::default()
            .with_fabric(self.node_name_map.as_deref(), NODE_NAMES)?
            .with_fabric(self.topology.as_deref(), LINKS)?;
        Ok(reader.topology().clone())
    }

    /// The announced work.
    pub(crate) fn windows(&self) -> Result<Vec<MaintenanceWindow>, Failure> {
        match &self.maintenance {
            Some(path) => Ok(maintenance::read(path)?),
            None => Ok(Vec::new()),
        }
    }
}

const NODE_NAMES: &str = "node names: expected lines of 0xGUID \"name\"";
const LINKS: &str = "links: expected the output of ibnetdiscover -p or iblinkinfo";

/// How insights and alerts are made.
#[derive(Args, Clone, Debug)]
pub(crate) struct PipelineArguments {
    /// The model's folder, or registry:NAME, as registry:live; the shipped model unless given.
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<ModelChoice>,
    /// The fabric's name in insights and alerts (default: LINKCAST_FABRIC).
    #[arg(long, value_name = "NAME")]
    pub(crate) fabric_name: Option<String>,
    /// The fabric's time zone, an IANA name (default: LINKCAST_TIME_ZONE, or UTC).
    #[arg(long, value_name = "ZONE")]
    pub(crate) time_zone: Option<String>,
    /// How long a cause must be clear before its alert resolves (default: 15 to 30 min, by cause).
    #[arg(long, value_name = "TIME")]
    pub(crate) resolve_after: Option<Interval>,
    /// Alerts are told from this risk on, 0 to 100.
    #[arg(long, value_name = "RISK", value_parser = risk, default_value_t = AlertPolicy::default().minimum_risk)]
    pub(crate) alert_risk: f64,
}

fn risk(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|risk| (0.0..=100.0).contains(risk));
    number.ok_or_else(|| format!("{text:?}: expected a risk from 0 to 100"))
}

impl PipelineArguments {
    /// The model asked for. A registered one is looked for in `store`.
    pub(crate) fn model(&self, store: Option<&StorePlace>, session: &Session<'_>) -> Result<Model, Failure> {
        model::load(self.model.as_ref(), store, session.configuration)
    }

    /// A pipeline's parts as asked for, with nobody to tell and no work announced. A registered model is looked for in `store`.
    pub(crate) fn parts(&self, store: Option<&StorePlace>, session: &Session<'_>) -> Result<Parts, Failure> {
        let configuration = session.configuration;
        let mut settings = Settings {
            fabric: self.fabric_name.clone().unwrap_or_else(|| configuration.fabric.clone()),
            ..Settings::default()
        };
        settings.alerts.minimum_risk = self.alert_risk;
        if let Some(clear) = self.resolve_after {
            settings.conditions.causes.iter_mut().for_each(|cause| cause.clear_after = clear.duration());
        }
        let zone = self.time_zone.as_deref().or(configuration.time_zone.as_deref());
        let calendar = zone.map_or_else(|| Ok(Calendar::utc()), Calendar::named);
        Ok(Parts {
            settings,
            calendar: calendar.map_err(|error| Failure::new(ExitKind::WrongUse, error))?,
            model: self.model(store, session)?,
            channels: Vec::new(),
            windows: Vec::new(),
        })
    }
}
