//! One file a command, and the way from the command line to it.

pub(crate) mod alerts;
pub(crate) mod aws;
pub(crate) mod bootstrap;
pub(crate) mod completions;
pub(crate) mod cost;
pub(crate) mod dataset;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod evaluate;
pub(crate) mod events;
pub(crate) mod export_rows;
pub(crate) mod export_xgboost;
pub(crate) mod features;
pub(crate) mod feedback;
pub(crate) mod import;
pub(crate) mod insights;
pub(crate) mod inspect;
pub(crate) mod models;
pub(crate) mod monitor;
pub(crate) mod package;
pub(crate) mod ports;
pub(crate) mod predict;
pub(crate) mod provision;
pub(crate) mod replay;
pub(crate) mod retrain;
pub(crate) mod review;
pub(crate) mod rollout;
pub(crate) mod routing;
pub(crate) mod run;
pub(crate) mod score_events;
pub(crate) mod score_nab;
pub(crate) mod score_notifications;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod stand_in;
pub(crate) mod task;
pub(crate) mod train;
pub(crate) mod verify;

use crate::arguments::{Arguments, Command};
use crate::configuration::Configuration;
use crate::exit::Failure;
use crate::output::{Form, Notes, Output};

/// What every command is handed beside its own arguments.
pub(crate) struct Session<'a> {
    /// What the environment says.
    pub(crate) configuration: &'a Configuration,
    /// Who reads the results.
    pub(crate) form: Form,
    /// Messages beside the results.
    pub(crate) notes: Notes,
    /// Standard output.
    pub(crate) output: Output,
}

/// Runs the command asked for.
pub(crate) fn execute(arguments: Arguments, configuration: &Configuration) -> Result<(), Failure> {
    let mut session = Session {
        configuration,
        form: arguments.form(),
        notes: Notes::new(configuration.verbosity),
        output: Output::lock(),
    };
    match arguments.command {
        Command::Demo(arguments) => demo::execute(&arguments, &mut session)?,
        Command::Run(arguments) => run::execute(&arguments, &mut session)?,
        Command::Replay(arguments) => replay::execute(&arguments, &mut session)?,
        Command::Dataset(arguments) => dataset::execute(&arguments, &mut session)?,
        Command::Features(arguments) => features::execute(&arguments, &mut session)?,
        Command::Simulate(arguments) => simulate::execute(&arguments, &mut session)?,
        Command::Train(arguments) => train::execute(&arguments, &mut session)?,
        Command::Task(arguments) => task::execute(&arguments, &mut session)?,
        Command::Import(arguments) => import::execute(&arguments, &mut session)?,
        Command::ExportRows(arguments) => export_rows::execute(&arguments, &mut session)?,
        Command::ExportXgboost(arguments) => export_xgboost::execute(&arguments, &mut session)?,
        Command::Evaluate(arguments) => evaluate::execute(&arguments, &mut session)?,
        Command::Package(arguments) => package::execute(&arguments, &mut session)?,
        Command::Bootstrap(arguments) => bootstrap::execute(&arguments, &mut session)?,
        Command::Deploy(arguments) => deploy::execute(&arguments, &mut session)?,
        Command::Models(arguments) => models::execute(&arguments, &mut session)?,
        Command::Provision(arguments) => provision::execute(&arguments, &mut session)?,
        Command::Routing(arguments) => routing::execute(&arguments, &mut session)?,
        Command::Rollout(arguments) => rollout::execute(&arguments, &mut session)?,
        Command::Feedback(arguments) => feedback::execute(&arguments, &mut session)?,
        Command::Monitor(arguments) => monitor::execute(&arguments, &mut session)?,
        Command::Cost(arguments) => cost::execute(&arguments, &mut session)?,
        Command::Retrain(arguments) => retrain::execute(&arguments, &mut session)?,
        Command::Review(arguments) => review::execute(&arguments, &mut session)?,
        Command::ScoreNab(arguments) => score_nab::execute(&arguments, &mut session)?,
        Command::ScoreEvents(arguments) => score_events::execute(&arguments, &mut session)?,
        Command::ScoreNotifications(arguments) => score_notifications::execute(&arguments, &mut session)?,
        Command::Predict(arguments) => predict::execute(&arguments, &mut session)?,
        Command::Serve(arguments) => serve::execute(&arguments, &mut session)?,
        Command::StandIn(arguments) => stand_in::execute(&arguments, &mut session)?,
        Command::Verify(arguments) => verify::execute(&arguments, &mut session)?,
        Command::Insights(arguments) => insights::execute(&arguments, &mut session)?,
        Command::Alerts(arguments) => alerts::execute(&arguments, &mut session)?,
        Command::Events(arguments) => events::execute(&arguments, &mut session)?,
        Command::Ports(arguments) => ports::execute(&arguments, &mut session)?,
        Command::Inspect(arguments) => inspect::execute(&arguments, &mut session)?,
        Command::Aws(arguments) => aws::execute(&arguments, &mut session)?,
        Command::Completions(arguments) => completions::execute(&arguments, &mut session)?,
    }
    session.output.flush()?;
    Ok(())
}
