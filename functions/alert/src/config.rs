//! What alert is told by its environment.

use linkcast_aws::environment::{
    ALERTMANAGER_NOTICES, ALERTMANAGER_URL, FABRIC, LOG_LEVEL, PREFIX, TABLE, TOPIC_ARN, TOPIC_NOTICES,
    know_all,
};
use linkcast_domain::Severity;
use linkcast_lambda::{ConfigError, ConfigReader, Variables};

/// The configuration, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The table.
    pub table: String,
    /// The fabric.
    pub fabric: String,
    /// The topic, if alerts are told on one.
    pub topic: Option<String>,
    /// Alertmanager, if alerts are told to one.
    pub alertmanager: Option<String>,
    /// From which severity on notices are told on the topic; all, if nothing is said.
    pub topic_notices: Severity,
    /// From which severity on notices fire in Alertmanager; warnings, if nothing is said.
    pub alertmanager_notices: Severity,
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
        let (topic, alertmanager) = (reader.optional(&TOPIC_ARN), reader.optional(&ALERTMANAGER_URL));
        let topic_notices = reader.or(&TOPIC_NOTICES, Severity::Info);
        let alertmanager_notices = reader.or(&ALERTMANAGER_NOTICES, Severity::Warning);
        reader.or(&LOG_LEVEL, tracing::Level::INFO);
        reader.finish(PREFIX, || {
            Some(Config {
                table: table?,
                fabric: fabric?,
                topic: topic?,
                alertmanager: alertmanager?,
                topic_notices: topic_notices?,
                alertmanager_notices: alertmanager_notices?,
            })
        })
    }

    /// How grave a line must be; a bad value is told by [`Config::read`].
    pub fn log_level(variables: &Variables) -> tracing::Level {
        ConfigReader::new(variables).or(&LOG_LEVEL, tracing::Level::INFO).unwrap_or(tracing::Level::INFO)
    }
}
