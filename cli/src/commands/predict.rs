//! `linkcast predict`: every sample of a capture, judged by a model.

use std::path::PathBuf;

use clap::Args;
use linkcast_domain::Sample;
use linkcast_scoring::{Explanation, Score};
use serde::Serialize;

use super::Session;
use super::features::calendar;
use crate::arguments::ReadingArguments;
use crate::capture::for_each_featured;
use crate::exit::Failure;
use crate::model;
use crate::output::Form;
use crate::progress::Progress;

/// Judge every sample of a capture with a model.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast predict --model model/ samples.csv --min-risk 60\n  linkcast predict --model model/ captures/ --json | jq -r .explanation"
)]
pub(crate) struct PredictArguments {
    /// Captures or sample files, or folders of them.
    #[arg(required = true, value_name = "IN")]
    paths: Vec<PathBuf>,
    /// The model's folder.
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
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
}

/// Prints the judgements.
pub(crate) fn execute(arguments: &PredictArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let model = model::load(arguments.model.as_deref())?;
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
        match form {
            Form::JsonLines => output.json(&line(sample, &score, &explanation))?,
            Form::Text => output.line(&sentence(sample, &score, &explanation))?,
        }
        Ok(())
    })?;
    drop(progress);
    output.flush()?;
    read.tally.judge(read.samples, notes)
}

fn line<'a>(sample: &'a Sample, score: &Score, explanation: &'a Explanation) -> Line<'a> {
    Line {
        stream: sample.stream.as_str(),
        timestamp: sample.time,
        prediction_type: score.class.name(),
        risk_score: score.risk,
        confidence: score.confidence,
        explanation: &explanation.sentence,
        influencers: &explanation.influencers,
    }
}

fn sentence(sample: &Sample, score: &Score, explanation: &Explanation) -> String {
    format!(
        "{}  {}  {} ({:.2})  risk {:.0}  {}",
        sample.time, sample.stream, score.class, score.confidence, score.risk, explanation.sentence
    )
}
