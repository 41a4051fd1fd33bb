//! What insight is told by its environment.

use linkcast_aws::environment::{
    BUS, FABRIC, LOG_LEVEL, MODEL_BUCKET, MODEL_DIR, PREFIX, SHADOW_MODEL_DIR, TABLE, know_all,
};
use linkcast_lambda::{ConfigError, ConfigReader, Variables};

/// The configuration, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The table.
    pub table: String,
    /// The fabric.
    pub fabric: String,
    /// The bus.
    pub bus: String,
    /// A folder with a model, in the place of the one inside.
    pub model_dir: Option<String>,
    /// A folder with a model that judges beside the others and answers nothing.
    pub shadow_model_dir: Option<String>,
    /// The bucket of registered models, out of which a rollout's candidate judges beside the others.
    pub model_bucket: Option<String>,
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
        let (bus, model_dir) = (reader.required(&BUS), reader.optional(&MODEL_DIR));
        let (shadow, bucket) = (reader.optional(&SHADOW_MODEL_DIR), reader.optional(&MODEL_BUCKET));
        reader.or(&LOG_LEVEL, tracing::Level::INFO);
        reader.finish(PREFIX, || {
            let (table, fabric, bus) = (table?, fabric?, bus?);
            let (model_dir, shadow_model_dir, model_bucket) = (model_dir?, shadow?, bucket?);
            Some(Config { table, fabric, bus, model_dir, shadow_model_dir, model_bucket })
        })
    }

    /// How grave a line must be; a bad value is told by [`Config::read`].
    pub fn log_level(variables: &Variables) -> tracing::Level {
        ConfigReader::new(variables).or(&LOG_LEVEL, tracing::Level::INFO).unwrap_or(tracing::Level::INFO)
    }
}
