//! `linkcast predict`: every sample of a capture, judged by a model.

use std::path::PathBuf;

use clap::Args;
use linkcast_domain::Sample;
use linkcast_scoring::{Explanation, Forecast, Score};
use serde::Serialize;

use super::Session;
use super::features::calendar;
use crate::arguments::{DatabaseArguments, ReadingArguments};
use crate::capture::for_each_featured;
use crate::exit::Failure;
use crate::model;
use crate::output::Form;
use crate::progress::Progress;
use crate::registry::ModelChoice;

/// Judge every sample of a capture with a model.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast predict --model model/ samples.csv --min-risk 60\n  linkcast predict --model model/ captures/ --json | jq -r .explanation"
)]
pub(crate) struct PredictArguments {
    /// Captures or sample files, or folders of them.
    #[arg(required = true, value_name = "IN")]
    paths: Vec<PathBuf>,
    /// The model's folder, or registry:NAME, as registry:live; the shipped model unless given.
    #[arg(long, value_name = "MODEL")]
    model: Option<ModelChoice>,
    #[command(flatten)]
    database: DatabaseArguments,
    /// Only with at least this risk, 0 to 100.
    #[arg(long, value_name = "RISK", default_value_t = 0.0)]
    min_risk: f64,
    /// The fabric's time zone, an IANA name (default: LINKCAST_TIME_ZONE, or UTC).
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    #[command(flatten)]
    reading: ReadingArguments,
}

#[derive(Serialize)]
struct Line<'a> {
    stream: &'a str,
    timestamp: linkcast_domain::Timestamp,
    prediction_type: &'a str,
    risk_score: f64,
    confidence: f64,
    explanation: &'a str,
    influencers: &'a [linkcast_domain::Influencer],
    /// How likely the link fails; only of models with heads that say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Forecast>,
}

/// What a model makes of a sample.
struct Judged {
    score: Score,
    explanation: Explanation,
    forecast: Option<Forecast>,
}

/// Prints the judgements.
pub(crate) fn execute(arguments: &PredictArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let place = arguments.database.place(session.configuration);
    let model = model::load(arguments.model.as_ref(), place.as_ref(), session.configuration)?;
    let calendar = calendar(arguments.time_zone.as_deref(), session)?;
    let reader = arguments.reading.reader()?;
    let mut progress = Progress::new(session.notes, "predicting", None);
    let (form, notes) = (session.form, session.notes);
    let output = &mut session.output;
    let read = for_each_featured(&arguments.paths, reader, &calendar, &mut progress, |sample, features| {
        let score = model.score(features);
        if score.risk < arguments.min_risk {
            return Ok(());
        }
        let explanation = model.explain(features, &score);
        let judged = Judged { score, explanation, forecast: model.forecast(features) };
        match form {
            Form::JsonLines => output.json(&line(sample, &judged))?,
            Form::Text => output.line(&sentence(sample, &judged))?,
        }
        Ok(())
    })?;
    drop(progress);
    output.flush()?;
    read.tally.judge(read.samples, notes)
}

fn line<'a>(sample: &'a Sample, judged: &'a Judged) -> Line<'a> {
    let Judged { score, explanation, forecast } = judged;
    Line {
        stream: sample.stream.as_str(),
        timestamp: sample.time,
        prediction_type: score.class.name(),
        risk_score: score.risk,
        confidence: score.confidence,
        explanation: &explanation.sentence,
        influencers: &explanation.influencers,
        failure: *forecast,
    }
}

fn sentence(sample: &Sample, judged: &Judged) -> String {
    let Judged { score, explanation, forecast } = judged;
    format!(
        "{}  {}  {} ({:.2})  risk {:.0}  {}{}",
        sample.time,
        sample.stream,
        score.class,
        score.confidence,
        score.risk,
        forecast.as_ref().map(fails).unwrap_or_default(),
        explanation.sentence
    )
}

/// How likely the link fails, within each horizon that the model looks ahead.
fn fails(forecast: &Forecast) -> String {
    let horizons = [("1h", forecast.within_1h), ("24h", forecast.within_24h)];
    let said = horizons.into_iter().filter_map(|(name, chance)| Some((name, chance?)));
    let said: Vec<String> = said.map(|(name, chance)| format!("{name} {:.1} %", chance * 100.0)).collect();
    format!("fails within {}  ", said.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_tells_the_horizons_it_has() {
        let both = Forecast { within_1h: Some(0.0312), within_24h: Some(0.5) };
        assert_eq!(fails(&both), "fails within 1h 3.1 %, 24h 50.0 %  ");
        assert_eq!(fails(&Forecast { within_1h: None, ..both }), "fails within 24h 50.0 %  ");
    }
}
