//! The shipped model against ONNX Runtime and XGBoost, all walking the same trees, one thread each.
//!
//! Ours includes calibration, class and risk; the peers give raw sums. Before any timing all three must agree on the
//! rows' sums, so that nobody is timed for another model's work.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use linkcast_domain::{FEATURE_COUNT, FeatureVector, PredictionType};
use linkcast_scoring::{CARD_FILE, CLASSIFIER_FILE, Model, ModelFiles, PACKED_FILE, REGRESSOR_FILE, Score};

use crate::contest::{Contestant, Standing, alternate, processor_seconds, quantile};
use crate::fabric::feature_rows;
use crate::peers::onnxruntime::{Runtime, Session};
use crate::peers::xgboost::{Booster, Rows, XgBoost};
use crate::python::{ask, project_folder};
use crate::report::{Line, duration, lines, rate};

const ROUNDS: usize = 9;
const SINGLE_ROWS: usize = 2_000;
const BATCH_ROWS: usize = 8_192;
const CLASSES: usize = PredictionType::COUNT;
/// The regressor is exported as a classifier of two classes, the second of which is the risk.
const RISK_SCORES: usize = 2;
/// Sums of hundreds of f32 leaves, added in another order.
const TOLERANCE: f32 = 1e-3;

/// Where the model lies, unless a variable names another folder.
const SHIPPED: &str = "models/link-health";
const MODEL: &str = "LINKCAST_BENCH_MODEL";

struct Files {
    classifier: Vec<u8>,
    regressor: Vec<u8>,
    packed: Option<Vec<u8>>,
    card: Vec<u8>,
}

/// The peers, open.
struct Peers<'a> {
    onnx: [Session<'a>; 2],
    boosters: [Booster<'a>; 2],
}

/// Who is compared, by the names the page shows.
struct Names {
    onnxruntime: String,
    xgboost: String,
}

/// Runs the comparison.
pub(crate) fn run() -> Result<Vec<Line>> {
    let folder = model_folder();
    let files = Files::read(&folder)?;
    let scratch = tempfile::tempdir().context("cannot make a folder for the peers' models")?;
    let told = ask("scoring_peers.py", &[&folder, scratch.path()])?;
    let [runtime, library, version, classifier, regressor, regressor_onnx] = told.as_slice() else {
        bail!("scoring_peers.py said {told:?}, not six lines")
    };
    let boosters = [fs::read(classifier)?, fs::read(regressor)?];
    let onnx = [files.classifier.clone(), fs::read(regressor_onnx)?];
    let runtime = Runtime::open(Path::new(runtime)).map_err(|fault| anyhow!(fault))?;
    let xgboost = XgBoost::open(Path::new(library))?;
    let names = Names {
        onnxruntime: format!("onnxruntime {}, C API", runtime.version),
        xgboost: format!("xgboost {version}, C API"),
    };
    let model = Model::load(&files.for_scoring())?;
    let peers =
        Peers { onnx: open_sessions(&runtime, &onnx)?, boosters: open_boosters(&xgboost, &boosters)? };
    let rows = feature_rows(BATCH_ROWS)?;
    let values: Vec<f32> = rows.iter().flat_map(FeatureVector::to_model_input).collect();
    agree(&model, &peers, &rows, &values)?;
    let mut all = one_row(&model, &peers, &names, &rows, &values)?;
    all.extend(batch(&model, &peers, &names, &rows, &values)?);
    all.extend(load(&files, (&runtime, &onnx), (&xgboost, &boosters), &names)?);
    Ok(all)
}

fn model_folder() -> PathBuf {
    std::env::var_os(MODEL).map_or_else(|| project_folder().join(SHIPPED), PathBuf::from)
}

/// The shipped model, loaded.
pub(crate) fn load_shipped() -> Result<Model> {
    Ok(Model::load(&Files::read(&model_folder())?.for_scoring())?)
}

impl Files {
    fn read(folder: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).with_context(|| format!("cannot read the model's {}", path.display()))
        };
        Ok(Files {
            classifier: read(CLASSIFIER_FILE)?,
            regressor: read(REGRESSOR_FILE)?,
            packed: folder.join(PACKED_FILE).exists().then(|| read(PACKED_FILE)).transpose()?,
            card: read(CARD_FILE)?,
        })
    }

    fn for_scoring(&self) -> ModelFiles<'_> {
        ModelFiles {
            classifier_onnx: &self.classifier,
            regressor_onnx: &self.regressor,
            packed: self.packed.as_deref(),
            card_json: &self.card,
        }
    }
}

fn session<'a>(runtime: &'a Runtime, onnx: &[u8]) -> Result<Session<'a>> {
    runtime.session(onnx, "features", "scores").map_err(|fault| anyhow!(fault))
}

fn open_sessions<'a>(
    runtime: &'a Runtime,
    [classifier, regressor]: &[Vec<u8>; 2],
) -> Result<[Session<'a>; 2]> {
    Ok([session(runtime, classifier)?, session(runtime, regressor)?])
}

fn open_boosters<'a>(xgboost: &'a XgBoost, models: &[Vec<u8>; 2]) -> Result<[Booster<'a>; 2]> {
    let [classifier, regressor] = models;
    Ok([xgboost.booster(classifier)?, xgboost.booster(regressor)?])
}

impl Peers<'_> {
    fn run_onnx(&self, values: &mut [f32], mut read: impl FnMut(&[f32])) -> Result<()> {
        let [classifier, regressor] = &self.onnx;
        for (session, scores) in [(classifier, CLASSES), (regressor, RISK_SCORES)] {
            session.run(values, (FEATURE_COUNT, scores), &mut read).map_err(|fault| anyhow!(fault))?;
        }
        Ok(())
    }

    fn run_xgboost(&self, [classes, risk]: &[Rows<'_>; 2], mut read: impl FnMut(&[f32])) -> Result<()> {
        let [classifier, regressor] = &self.boosters;
        classifier.margins(classes, &mut read)?;
        regressor.margins(risk, &mut read)
    }
}

fn xgboost_rows(values: &[f32]) -> Result<[Rows<'_>; 2]> {
    Ok([Rows::new(values, FEATURE_COUNT, CLASSES)?, Rows::new(values, FEATURE_COUNT, 1)?])
}

/// All three give the same sums, up to the constants that the peers' copies leave out.
fn agree(model: &Model, peers: &Peers<'_>, rows: &[FeatureVector], values: &[f32]) -> Result<()> {
    let mut constants: Option<Vec<f32>> = None;
    for (features, row) in rows.iter().zip(values.chunks(FEATURE_COUNT)).step_by(37) {
        let sums = model.sums(features);
        let ours: Vec<f32> = sums.margins.into_iter().chain([sums.output]).collect();
        let (mut onnx, mut boosted) = (Vec::new(), Vec::new());
        peers.run_onnx(&mut row.to_vec(), |scores| onnx.extend_from_slice(scores))?;
        // The first of the regressor's two classes says nothing.
        onnx.remove(CLASSES);
        peers.run_xgboost(&xgboost_rows(row)?, |margins| boosted.extend_from_slice(margins))?;
        let theirs: Vec<f32> = onnx.iter().chain(&boosted).copied().collect();
        let apart: Vec<f32> =
            ours.iter().chain(&ours).zip(&theirs).map(|(ours, theirs)| ours - theirs).collect();
        let constants = constants.get_or_insert_with(|| apart.clone());
        let is_near =
            apart.iter().zip(constants).all(|(apart, constant)| (apart - *constant).abs() < TOLERANCE);
        if theirs.len() != 2 * ours.len() || !is_near {
            bail!("the contestants disagree: ours {ours:?}, onnxruntime {onnx:?}, xgboost {boosted:?}");
        }
    }
    Ok(())
}

fn one_row(
    model: &Model,
    peers: &Peers<'_>,
    names: &Names,
    rows: &[FeatureVector],
    values: &[f32],
) -> Result<Vec<Line>> {
    let single = rows.get(..SINGLE_ROWS).unwrap_or(rows);
    let mut row_values: Vec<Vec<f32>> =
        values.chunks(FEATURE_COUNT).take(SINGLE_ROWS).map(<[f32]>::to_vec).collect();
    let held = row_values.clone();
    let descriptions: Vec<_> = held.iter().map(|row| xgboost_rows(row)).collect::<Result<_>>()?;
    let mut all = Vec::new();
    for (what, share, target) in
        [("scoring one row, p50", 0.5, Some(3.0)), ("scoring one row, p99", 0.99, None)]
    {
        let standings = alternate(
            vec![
                Contestant::new("linkcast", || {
                    quantile_of_each(single, share, |features| {
                        std::hint::black_box(model.score(features));
                        Ok(())
                    })
                }),
                Contestant::new(&names.onnxruntime, || {
                    quantile_of_each(&mut row_values, share, |row| peers.run_onnx(row, observe))
                }),
                Contestant::new(&names.xgboost, || {
                    quantile_of_each(&descriptions, share, |row| peers.run_xgboost(row, observe))
                }),
            ],
            ROUNDS,
        )?;
        all.extend(lines(what, &standings, duration, |_| target));
    }
    Ok(all)
}

/// Wall time, for this is what waits: the quantile over rows, each called by itself.
fn quantile_of_each<T>(
    rows: impl IntoIterator<Item = T>,
    share: f64,
    mut score: impl FnMut(T) -> Result<()>,
) -> Result<f64> {
    let mut seconds = Vec::with_capacity(SINGLE_ROWS);
    for row in rows {
        let start = Instant::now();
        score(row)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(quantile(seconds, share))
}

fn observe(scores: &[f32]) {
    std::hint::black_box(scores);
}

fn batch(
    model: &Model,
    peers: &Peers<'_>,
    names: &Names,
    rows: &[FeatureVector],
    values: &[f32],
) -> Result<Vec<Line>> {
    let description = xgboost_rows(values)?;
    let mut held = values.to_vec();
    let mut scores: Vec<Score> = Vec::new();
    let standings = alternate(
        vec![
            Contestant::new("linkcast", || {
                Ok(processor_seconds(|| model.score_batch(rows, &mut scores)) / rows.len() as f64)
            }),
            Contestant::new(&names.onnxruntime, || timed(rows.len(), || peers.run_onnx(&mut held, observe))),
            Contestant::new(&names.xgboost, || {
                timed(rows.len(), || peers.run_xgboost(&description, observe))
            }),
        ],
        ROUNDS,
    )?;
    Ok(lines("scoring 8,192 rows at once, one thread", &standings, |s| rate(s, "rows"), |_| None))
}

fn load(
    files: &Files,
    (runtime, onnx): (&Runtime, &[Vec<u8>; 2]),
    (xgboost, boosters): (&XgBoost, &[Vec<u8>; 2]),
    names: &Names,
) -> Result<Vec<Line>> {
    let standings: Vec<Standing> = alternate(
        vec![
            Contestant::new("linkcast", || timed(1, || Ok(Model::load(&files.for_scoring())?))),
            Contestant::new(&names.onnxruntime, || timed(1, || open_sessions(runtime, onnx))),
            Contestant::new(&names.xgboost, || timed(1, || open_boosters(xgboost, boosters))),
        ],
        ROUNDS,
    )?;
    let target = |who: &str| who.starts_with("onnxruntime").then_some(10.0);
    Ok(lines("loading the model (ours: with its digests checked)", &standings, duration, target))
}

/// Processor seconds a unit of fallible work.
fn timed<T>(units: usize, work: impl FnOnce() -> Result<T>) -> Result<f64> {
    let mut made = None;
    let seconds = processor_seconds(|| made = Some(work()));
    match made {
        Some(Err(error)) => Err(error),
        _ => Ok(seconds / units as f64),
    }
}
