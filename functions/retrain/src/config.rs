//! What retrain is told by its environment.

use linkcast_aws::environment::{
    BUS, FABRIC, LOG_LEVEL, PIPELINE, PIPELINE_INSTANCE, PREFIX, RETRAIN_LEAST_LABELS,
    RETRAIN_MONTHLY_DOLLARS, TABLE, know_all,
};
use linkcast_domain::NanoDollars;
use linkcast_lambda::{ConfigError, ConfigReader, Variables};
use linkcast_pipeline::retraining::{GuardSettings, RunCost, Workplace};

/// What a pipeline's steps run on unless it is said.
const INSTANCE: &str = "ml.m5.xlarge";

/// The configuration, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The table.
    pub table: String,
    /// The fabric.
    pub fabric: String,
    /// The bus.
    pub bus: String,
    /// The pipeline that trains; without one, whoever hears the bus does.
    pub pipeline: Option<String>,
    /// How strict the guards are.
    pub guards: GuardSettings,
    /// What a run is modelled to cost.
    pub estimate: NanoDollars,
}

impl Config {
    /// Reads it.
    ///
    /// # Errors
    /// Every fault there is.
    pub fn read(variables: &Variables) -> Result<Self, ConfigError> {
        let mut reader = ConfigReader::new(variables);
        know_all(&mut reader);
        let (table, fabric) = (reader.required(&TABLE), reader.required(&FABRIC));
        let bus = reader.required(&BUS);
        let pipeline = reader.optional(&PIPELINE);
        let instance_type = reader.or(&PIPELINE_INSTANCE, INSTANCE.to_owned());
        let usual = GuardSettings::default();
        let labels = reader.or(&RETRAIN_LEAST_LABELS, usual.least_new_labels);
        let dollars = reader.or(&RETRAIN_MONTHLY_DOLLARS, usual.cost_a_month.dollars());
        reader.or(&LOG_LEVEL, tracing::Level::INFO);
        reader.finish(PREFIX, || {
            let pipeline = pipeline?;
            let place = match &pipeline {
                Some(_) => Workplace::SageMaker { instance_type: instance_type? },
                None => Workplace::Local,
            };
            let cost_a_month = NanoDollars((dollars? * 1e9).round() as u64);
            let guards = GuardSettings { least_new_labels: labels?, cost_a_month, ..usual };
            let estimate = RunCost::default().at(&place);
            Some(Config { table: table?, fabric: fabric?, bus: bus?, pipeline, guards, estimate })
        })
    }

    /// How grave a line must be; a bad value is told by [`Config::read`].
    pub fn log_level(variables: &Variables) -> tracing::Level {
        ConfigReader::new(variables).or(&LOG_LEVEL, tracing::Level::INFO).unwrap_or(tracing::Level::INFO)
    }
}
