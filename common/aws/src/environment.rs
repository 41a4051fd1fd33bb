//! What the environment tells every function, by name: one list, so that a misspelt variable is seen.
//!
//! A function reads what it needs and knows the rest by name: the template may set a variable for all of them at once.

use linkcast_domain::Severity;
use linkcast_lambda::{ConfigReader, Setting};

/// Every variable begins so.
pub const PREFIX: &str = "LINKCAST_";

/// The table's name.
pub const TABLE: Setting<String> = Setting::new("LINKCAST_TABLE", "a table's name", text);
/// The fabric's name, as in insights.
pub const FABRIC: Setting<String> = Setting::new("LINKCAST_FABRIC", "the fabric's name", text);
/// The time zone of hours and weekends.
pub const TIME_ZONE: Setting<String> =
    Setting::new("LINKCAST_TIME_ZONE", "a time zone as Europe/Berlin", text);
/// The bus events are told on.
pub const BUS: Setting<String> = Setting::new("LINKCAST_BUS", "a bus's name or ARN", text);
/// Exporters to scrape.
pub const TARGETS: Setting<Vec<String>> =
    Setting::new("LINKCAST_TARGETS", "http:// or https:// addresses, separated by commas", addresses);
/// The secret that holds the bearer token of remote write.
pub const TOKEN_SECRET: Setting<String> =
    Setting::new("LINKCAST_TOKEN_SECRET", "a secret's ARN or name", text);
/// The topic alerts are told on.
pub const TOPIC_ARN: Setting<String> = Setting::new("LINKCAST_TOPIC_ARN", "a topic's ARN, arn:…:sns:…", arn);
/// Alertmanager's address.
pub const ALERTMANAGER_URL: Setting<String> =
    Setting::new("LINKCAST_ALERTMANAGER_URL", "an http:// or https:// address", address);
/// From which severity on notices are told on the topic.
pub const TOPIC_NOTICES: Setting<Severity> =
    Setting::new("LINKCAST_TOPIC_NOTICES", "info, warning or critical", |text| text.parse().ok());
/// From which severity on notices fire in Alertmanager.
pub const ALERTMANAGER_NOTICES: Setting<Severity> =
    Setting::new("LINKCAST_ALERTMANAGER_NOTICES", "info, warning or critical", |text| text.parse().ok());
/// A folder with a model, in the place of the one inside.
pub const MODEL_DIR: Setting<String> = Setting::new("LINKCAST_MODEL_DIR", "a folder", text);
/// A folder with a model that judges beside the others and answers nothing.
pub const SHADOW_MODEL_DIR: Setting<String> =
    Setting::new("LINKCAST_SHADOW_MODEL_DIR", "a folder with a model", text);
/// The bucket of registered models' files.
pub const MODEL_BUCKET: Setting<String> = Setting::new("LINKCAST_MODEL_BUCKET", "a bucket's name", text);
/// The pipeline that retrains, by name.
pub const PIPELINE: Setting<String> = Setting::new("LINKCAST_PIPELINE", "a SageMaker pipeline's name", text);
/// The machines its steps run on, for the estimate of what a run costs.
pub const PIPELINE_INSTANCE: Setting<String> =
    Setting::new("LINKCAST_PIPELINE_INSTANCE", "an instance type as ml.m5.xlarge", text);
/// What runs of one month may be modelled to cost together.
pub const RETRAIN_MONTHLY_DOLLARS: Setting<f64> =
    Setting::new("LINKCAST_RETRAIN_MONTHLY_DOLLARS", "dollars, 0 or more, as 25", dollars);
/// Labels that must be newer than the live model's data.
pub const RETRAIN_LEAST_LABELS: Setting<u64> =
    Setting::new("LINKCAST_RETRAIN_LEAST_LABELS", "a whole number, as 50", |text| text.trim().parse().ok());
/// How grave a line of the log must be.
pub const LOG_LEVEL: Setting<tracing::Level> =
    Setting::new("LINKCAST_LOG_LEVEL", "error, warn, info, debug or trace", |text| text.parse().ok());

const ALL: [&str; 18] = [
    TABLE.name,
    FABRIC.name,
    TIME_ZONE.name,
    BUS.name,
    TARGETS.name,
    TOKEN_SECRET.name,
    TOPIC_ARN.name,
    ALERTMANAGER_URL.name,
    TOPIC_NOTICES.name,
    ALERTMANAGER_NOTICES.name,
    MODEL_DIR.name,
    SHADOW_MODEL_DIR.name,
    MODEL_BUCKET.name,
    PIPELINE.name,
    PIPELINE_INSTANCE.name,
    RETRAIN_MONTHLY_DOLLARS.name,
    RETRAIN_LEAST_LABELS.name,
    LOG_LEVEL.name,
];

/// Knows every variable there is, so that one a function does not need is no fault.
pub fn know_all(reader: &mut ConfigReader<'_>) {
    for name in ALL {
        reader.know(name);
    }
}

/// Text; the template cannot leave a variable out, so one that is empty counts as left out where that is allowed.
fn text(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

fn dollars(found: &str) -> Option<f64> {
    found.trim().parse().ok().filter(|dollars: &f64| (0.0..=1e6).contains(dollars))
}

fn address(found: &str) -> Option<String> {
    let found = text(found)?;
    (found.starts_with("http://") || found.starts_with("https://")).then_some(found)
}

fn addresses(found: &str) -> Option<Vec<String>> {
    found.split(',').map(address).collect()
}

fn arn(found: &str) -> Option<String> {
    text(found).filter(|found| found.starts_with("arn:") && found.contains(":sns:"))
}
