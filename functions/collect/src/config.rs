//! What collect is told by its environment.

use linkcast_aws::environment::{FABRIC, LOG_LEVEL, PREFIX, TABLE, TARGETS, TOKEN_SECRET, know_all};
use linkcast_lambda::{ConfigError, ConfigReader, Variables};

/// The configuration, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The table.
    pub table: String,
    /// The fabric.
    pub fabric: String,
    /// Exporters to scrape.
    pub targets: Vec<String>,
    /// The secret that holds the bearer token, if remote write may come with one.
    pub token_secret: Option<String>,
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
        let (targets, token_secret) = (reader.or(&TARGETS, Vec::new()), reader.optional(&TOKEN_SECRET));
        reader.or(&LOG_LEVEL, tracing::Level::INFO);
        reader.finish(PREFIX, || {
            Some(Config { table: table?, fabric: fabric?, targets: targets?, token_secret: token_secret? })
        })
    }

    /// How grave a line must be; a bad value is told by [`Config::read`].
    pub fn log_level(variables: &Variables) -> tracing::Level {
        ConfigReader::new(variables).or(&LOG_LEVEL, tracing::Level::INFO).unwrap_or(tracing::Level::INFO)
    }
}
