//! Training the eleven-class classifier: ours against Python's XGBoost, the same rows, weights and settings, five seeds.
//!
//! 100,000 rows of 40 features with noise in their labels, 100 rounds, depth 6. Speed alone would be easy: the log loss of both
//! on rows that neither saw stands beside it, and is to be equal within what seeds alone move it.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::{Context, Result};
use linkcast_domain::{FEATURE_COUNT, Feature, FeatureVector, PredictionType, StreamId, Timestamp};
use linkcast_training::xgboost::Booster;
use linkcast_training::{
    Aim, Channel, LabelledRow, Lessons, Silent, SplitSettings, TrainingConfig, TrainingSet, hyperparameters,
};

use crate::contest::{Contestant, alternate, process_time};
use crate::python::Worker;
use crate::report::{Line, Met, fixed, lines};

/// Seeds that count; one more goes before them.
const SEEDS: usize = 5;
/// Of which the split leaves 100,045 rows to learn from.
const STREAMS: u64 = 977;
const MINUTES: u64 = 160;
/// How many of 25 labels are wrong.
const NOISE: u64 = 1;

/// Runs the comparison.
pub(crate) fn run() -> Result<Vec<Line>> {
    let folder = tempfile::tempdir().context("cannot make a folder for rows")?;
    let (mut worker, python) = Worker::start("training_peers.py", &[folder.path()])?;
    let losses = RefCell::new(Vec::new());
    let mut seed = 0;
    let mut peers_seed = 0;
    let contestants = vec![
        Contestant::new("linkcast", || {
            seed += 1;
            let (seconds, loss) = train_ours(seed, &folder.path().join(seed.to_string()))?;
            losses.borrow_mut().push(loss);
            Ok(seconds)
        }),
        Contestant::new(python, || {
            peers_seed += 1;
            worker.round(&peers_seed.to_string())
        }),
    ];
    let standings = alternate(contestants, SEEDS)?;
    let what = "training, 100K rows × 40 features × 11 classes, 100 rounds, one thread";
    let mut all = lines(what, &standings, |seconds| format!("{seconds:.1} s"), |_| Some(1.0));
    all.push(loss_line(&losses.borrow(), folder.path())?);
    Ok(all)
}

/// Seconds of processor time to grow our classifier, and its log loss on rows held out.
fn train_ours(seed: u64, folder: &Path) -> Result<(f64, f64)> {
    fs::create_dir(folder).context("cannot make a folder for rows")?;
    let config = config(seed);
    let lessons = Lessons::of(&rows(seed)?, &config).context("the rows make no lesson")?;
    write_rows(&lessons, Channel::Train, &folder.join("train.csv"))?;
    write_rows(&lessons, Channel::Validation, &folder.join("test.csv"))?;
    let told = serde_json::to_vec(&hyperparameters(Aim::Classifier, &config))?;
    fs::write(folder.join("hyperparameters.json"), told).context("cannot write the settings")?;
    let start = process_time();
    let grown = lessons.grow(Aim::Classifier, &mut Silent).context("cannot train")?;
    let seconds = (process_time() - start).as_secs_f64();
    let (features, classes) = lessons.rows(Channel::Validation);
    Ok((seconds, log_loss(&Booster::read(&grown)?, &features, classes)))
}

fn config(seed: u64) -> TrainingConfig {
    let mut config =
        TrainingConfig { seed, balance: 0.0, threads: NonZeroUsize::new(1), ..TrainingConfig::default() };
    config.split =
        SplitSettings { fit_streams: 0.8, fit_time: 0.8, stop_streams: 0.4, calibrate_streams: 0.3 };
    config.classifier.rounds = 100;
    config.classifier.depth = 6;
    config.classifier.eta = 0.1;
    config.classifier.features_per_tree = 1.0;
    config.classifier.patience = 0;
    config
}

fn write_rows(lessons: &Lessons, channel: Channel, path: &Path) -> Result<()> {
    let mut file = BufWriter::new(File::create(path).context("cannot make a file of rows")?);
    lessons.write(Aim::Classifier, channel, &mut file).context("cannot write rows")?;
    file.flush().context("cannot write rows")
}

/// Rows whose class three features give away, the more clearly the larger they are; one label in 25 is wrong.
fn rows(seed: u64) -> Result<TrainingSet> {
    let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut roll = move || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut set = TrainingSet::default();
    for stream in 0..STREAMS {
        let stream: StreamId = format!("p{stream}/1").parse()?;
        for minute in 0..MINUTES {
            let mut features = FeatureVector([0.0; FEATURE_COUNT]);
            Feature::ALL.iter().for_each(|feature| features.set(*feature, roll()));
            let truth = (roll() * PredictionType::COUNT as f64) as usize;
            for step in 0..3 {
                let place = 5 + (truth * 3 + step) % (FEATURE_COUNT - 5);
                if let Some(feature) = Feature::ALL.get(place) {
                    features.set(*feature, roll() + 0.5);
                }
            }
            let is_wrong = roll() * 25.0 < NOISE as f64;
            let class = if is_wrong { (roll() * PredictionType::COUNT as f64) as usize } else { truth };
            set.push(&LabelledRow {
                stream: stream.clone(),
                time: Timestamp::from_millis(minute as i64 * 60_000),
                features,
                class: PredictionType::ALL.get(class).copied().unwrap_or(PredictionType::Normal),
                risk: 0.0,
                weight: 1.0,
            })?;
        }
    }
    Ok(set)
}

fn log_loss(booster: &Booster, features: &[[f32; FEATURE_COUNT]], classes: &[PredictionType]) -> f64 {
    let margins = booster.margins(features);
    let rows = margins.chunks(PredictionType::COUNT).zip(classes);
    let losses = rows.map(|(margins, class)| {
        let highest = margins.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = margins.iter().map(|margin| f64::from(margin - highest).exp()).sum();
        let own = margins.get(class.index()).copied().unwrap_or(f32::NEG_INFINITY);
        sum.ln() - f64::from(own - highest)
    });
    losses.sum::<f64>() / classes.len().max(1) as f64
}

/// Both losses; they are equal if their mean difference is within two standard errors, or a thousandth.
fn loss_line(ours: &[f64], folder: &Path) -> Result<Line> {
    let mut theirs = Vec::new();
    for seed in 1..=ours.len() {
        let path = folder.join(seed.to_string()).join("loss.txt");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        theirs.push(text.parse::<f64>().context("the peer's loss is no number")?);
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let apart: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours - theirs).collect();
    let centre = mean(&apart);
    let spread = mean(&apart.iter().map(|one| (one - centre).powi(2)).collect::<Vec<_>>()).sqrt();
    let error = spread / (apart.len().max(2) as f64 - 1.0).sqrt();
    let met = if centre <= (2.0 * error).max(0.001) { Met::Yes } else { Met::No };
    Ok(fixed(
        "log loss of the same classifiers on rows held out, mean of the seeds",
        format!("{:.4}", mean(ours)),
        "xgboost",
        &format!("{:.4}", mean(&theirs)),
        "equal within noise",
        met,
    ))
}
