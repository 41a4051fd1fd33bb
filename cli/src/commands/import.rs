//! `linkcast import`: a model that XGBoost trained, anywhere, made into one that this program serves.

use std::path::PathBuf;

use clap::Args;
use linkcast_training::xgboost::Booster;
use linkcast_training::{Imported, TrainedModel, TrainingConfig, TrainingError, import};

use super::Session;
use crate::exchange::{make_folder, read_booster, write};
use crate::exit::{ExitKind, Failure};
use crate::labelled::labelled_rows;
use crate::learning::{FailureRows, Telling};
use crate::output::Form;

/// Take over a model that XGBoost trained.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  linkcast import --classifier classifier.json --regressor regressor.ubj --data fabric/ --out model/\n  linkcast import --classifier model.tar.gz --dataset dataset/ --out model/\n  linkcast predict --model model/ capture/\n\nThe files are what xgboost's save_model wrote, or SageMaker's model.tar.gz. Rows for calibration and figures come from\n--data or --dataset: give the folder that the models were trained on through `linkcast export-rows`, whose files leave those\nrows out."
)]
pub(crate) struct ImportArguments {
    /// The eleven-class classifier: multi:softprob or multi:softmax.
    #[arg(long, value_name = "FILE")]
    classifier: PathBuf,
    /// The regressor of the risk, 0 to 100: reg:squarederror. Without it one is grown here from the same rows.
    #[arg(long, value_name = "FILE")]
    regressor: Option<PathBuf>,
    /// A folder that `linkcast simulate` wrote: telemetry, and the truth beside it.
    #[arg(long, visible_alias = "calibrate-on", value_name = "DIR", required_unless_present = "dataset")]
    data: Option<PathBuf>,
    /// A data set that `linkcast dataset build` made; its split is kept.
    #[arg(long, value_name = "DIR", conflicts_with = "data")]
    dataset: Option<PathBuf>,
    /// Where the model's files go.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The version that the model's insights will name.
    #[arg(long, value_name = "TEXT")]
    version: Option<String>,
}

/// Takes the model over and writes it.
pub(crate) fn execute(arguments: &ImportArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let imported = Imported {
        classifier: read_booster(&arguments.classifier)?,
        regressor: arguments.regressor.as_deref().map(read_booster).transpose()?,
    };
    tell_rounds("classifier", &imported.classifier, session);
    if let Some(regressor) = &imported.regressor {
        tell_rounds("regressor", regressor, session);
    }
    let mut config = TrainingConfig::default();
    config.origin.code_revision.clone_from(&session.configuration.code_revision);
    let places = (arguments.data.as_deref(), arguments.dataset.as_deref());
    let set = labelled_rows(places, FailureRows::None, &mut config, session.notes)?.set;
    if let Some(version) = &arguments.version {
        config.version.clone_from(version);
    }
    let model = take_over(imported, &set, &config, session)?;
    make_folder(&arguments.out)?;
    for file in model.files() {
        write(&arguments.out.join(file.name), &file.bytes)?;
    }
    tell(&model, arguments, session)
}

fn tell_rounds(forest: &str, booster: &Booster, session: &Session<'_>) {
    let (version, rounds) = (booster.version(), booster.rounds());
    session.notes.inform(format!("{forest}: written by XGBoost {version}, {rounds} rounds"));
    let after = booster.rounds_after_best();
    if after > 0 {
        session.notes.warn(format!(
            "the {forest} was stopped early: its last {after} rounds, after the best one, are left out"
        ));
    }
}

fn take_over(
    imported: Imported,
    set: &linkcast_training::TrainingSet,
    config: &TrainingConfig,
    session: &Session<'_>,
) -> Result<TrainedModel, Failure> {
    let mut tell = Telling::new(session.notes);
    import(imported, set, config, &mut tell).map_err(|error| match error {
        TrainingError::OtherQuestion { .. } => Failure::new(ExitKind::WrongUse, error),
        TrainingError::Parity(_) | TrainingError::Load(_) => Failure::new(ExitKind::Model, error),
        other => Failure::new(ExitKind::UnusableInput, other).with_next_step(
            "give rows of more hours, ports or faults, so that every part has some of every class",
        ),
    })
}

fn tell(model: &TrainedModel, arguments: &ImportArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let out = arguments.out.display();
    match session.form {
        Form::JsonLines => session.output.json(model.card())?,
        Form::Text => session.output.line(&format!(
            "model {} taken over: {out}\nits figures stand in {out}/MODEL_CARD.md",
            model.card().model_version
        ))?,
    }
    Ok(())
}
