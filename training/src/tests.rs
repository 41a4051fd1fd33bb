//! Training as a whole, on a small made-up set whose faults can be learnt.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use linkcast_domain::ports::FolderFile;
use linkcast_domain::{Feature, FeatureVector, PredictionType, StreamId, Timestamp};
use linkcast_scoring::{Model, ModelFiles};

use crate::registry::{self, Provenance, describe};
use crate::{
    Additions, Failure, Happening, LabelledRow, Outcomes, Silent, TrainedModel, TrainingConfig,
    TrainingError, TrainingEvent, TrainingSet, train, train_with,
};

/// A generator of numbers in 0..1 that is the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The feature that gives each class away.
fn telling(class: PredictionType) -> Feature {
    let place = class.index() + 24;
    Feature::ALL[place]
}

/// Streams of 120 minutes; two thirds of them show a fault of one class now and then, more and more strongly.
pub(crate) fn made_up(streams: usize) -> TrainingSet {
    let mut dice = Dice(7);
    let mut set = TrainingSet::default();
    for number in 0..streams {
        let stream: StreamId = format!("port{number}/1").parse().unwrap();
        let class = PredictionType::ALL[number % 15 % 11];
        for minute in 0..120 {
            let progress = (minute % 20) as f64 / 20.0;
            let is_faulty = class != PredictionType::Normal && minute % 40 >= 20;
            let mut features = FeatureVector::default();
            for feature in Feature::ALL {
                if dice.roll() < 0.9 {
                    features.set(feature, dice.roll());
                }
            }
            if is_faulty {
                features.set(telling(class), 0.6 + progress + dice.roll());
            }
            set.push(&LabelledRow {
                stream: stream.clone(),
                time: Timestamp::from_millis(minute * 60_000),
                features,
                class: if is_faulty { class } else { PredictionType::Normal },
                risk: if is_faulty { 40.0 + 60.0 * progress } else { 0.0 },
                weight: 1.0,
            })
            .unwrap();
        }
    }
    set
}

pub(crate) fn small() -> TrainingConfig {
    let mut config = TrainingConfig { threads: NonZeroUsize::new(1), ..TrainingConfig::default() };
    config.classifier.rounds = 12;
    config.classifier.depth = 3;
    config.classifier.min_child_weight = 1.0;
    config.regressor.rounds = 30;
    config.regressor.depth = 4;
    config
}

/// A model's files as a registry takes them.
fn folder(model: &TrainedModel) -> Vec<FolderFile> {
    let files = model.files().into_iter();
    files.map(|file| FolderFile { name: file.name.to_owned(), bytes: file.bytes }).collect()
}

#[test]
fn a_card_says_where_its_model_comes_from_as_far_as_that_was_told() {
    let set = made_up(150);
    let mut config = small();
    let untold = train(&set, &config, &mut Silent).unwrap();
    let told = |model: &TrainedModel, name: &str| model.card().training.get(name).cloned();
    assert_eq!((told(&untold, "data_version"), told(&untold, "code_revision")), (None, None));
    config.origin.data_version = Some("0123456789ab".into());
    config.origin.code_revision = Some("4f2a".into());
    let model = train(&set, &config, &mut Silent).unwrap();
    assert_eq!(told(&model, "data_version"), Some("0123456789ab".into()));
    assert_eq!(told(&model, "code_revision"), Some("4f2a".into()));
    assert_eq!(told(&model, "settings"), told(&untold, "settings"), "it is no setting");
    let forests = |model: &TrainedModel| model.card().digests.classifier_onnx.clone();
    assert_eq!(forests(&model), forests(&untold));
    let facts = describe(&folder(&model), &Provenance::default(), ("ada", Timestamp::EPOCH)).unwrap();
    assert_eq!(facts.lineage.data_version.as_deref(), Some("0123456789ab"));
    assert_eq!(facts.lineage.code_revision.as_deref(), Some("4f2a"));
}

#[test]
fn the_same_rows_give_the_same_bytes_with_one_thread_and_with_two() {
    let set = made_up(150);
    let one = train(&set, &small(), &mut Silent).unwrap();
    let two = train(&set, &TrainingConfig { threads: NonZeroUsize::new(2), ..small() }, &mut Silent).unwrap();
    for (one, two) in one.files().iter().zip(two.files()) {
        assert!(one.bytes == two.bytes, "{} differs", one.name);
    }
    let another = train(&set, &TrainingConfig { seed: 1, ..small() }, &mut Silent).unwrap();
    assert_ne!(one.files(), another.files());
}

#[test]
fn a_trained_model_loads_and_has_learnt_what_there_was_to_learn() {
    let trained = train(&made_up(300), &small(), &mut Silent).unwrap();
    let model = Model::load(&trained.to_model_files()).unwrap();
    assert_eq!(model.identity().model_version, small().version);
    let mut features = FeatureVector([0.3; 40]);
    let well = model.score(&features);
    assert_eq!(well.class, PredictionType::Normal);
    features.set(telling(PredictionType::RdmaTimeout), 2.2);
    let sick = model.score(&features);
    assert_eq!(sick.class, PredictionType::RdmaTimeout);
    assert!(sick.risk > well.risk + 20.0, "{} against {}", sick.risk, well.risk);
    let figures = &trained.card().metrics["classifier"];
    assert!(figures["macro_f1"].as_f64().unwrap() > 0.7, "{figures}");
    assert!(trained.parity().probes > 1000);
}

#[test]
fn the_cards_say_what_the_data_was_and_hold_nothing_of_the_machine() {
    let trained = train(&made_up(150), &small(), &mut Silent).unwrap();
    let texts =
        trained.files().into_iter().filter(|file| file.name == "card.json" || file.name.ends_with(".md"));
    for file in texts {
        let text = String::from_utf8_lossy(&file.bytes).into_owned();
        assert!(text.contains("ynthetic"), "{} does not say the data is synthetic", file.name);
        for trace in ["/root", "/home", "/tmp", "threads"] {
            assert!(!text.contains(trace), "{} holds {trace}", file.name);
        }
    }
}

#[test]
fn a_model_with_a_head_forecasts_and_one_without_has_the_card_it_always_had() {
    let set = made_up(400);
    let at = |minute: i64| Timestamp::from_millis(minute * 300_000);
    let (mut before, mut happened) = (TrainingSet::default(), Vec::new());
    for place in 0..set.len() {
        let row = set.row(place).unwrap();
        let minute = row.time.millis() / 60_000;
        if row.class != PredictionType::Normal && minute % 40 == 39 {
            happened.push((row.stream.clone(), at(minute + 1), Happening::Failed { how: Failure::Down }));
        }
        before.push(&LabelledRow { time: at(minute), ..row }).unwrap();
    }
    before.answer_failures(&Outcomes::new(at(119), happened));
    let additions = Additions { failures: Some(&before), ..Additions::default() };
    let trained = train_with(&set, &small(), additions, &mut Silent).unwrap();
    let files = trained.files();
    let read = |path: &std::path::Path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let file = files.iter().find(|file| file.name == name);
        file.map(|file| file.bytes.clone()).ok_or_else(|| std::io::ErrorKind::NotFound.into())
    };
    let model = Model::in_folder(std::path::Path::new("model"), read).unwrap();
    let forecast = model.forecast(&FeatureVector([0.3; 40])).unwrap();
    assert!(forecast.within_1h.is_some_and(|likely| (0.0..=1.0).contains(&likely)), "{forecast:?}");
    assert_eq!(forecast.within_24h, None, "ten hours are no day");
    assert!(trained.forecasts()[1].left_out.is_some());
    let registered = registry::load(&folder(&trained)).unwrap();
    assert_eq!(registered.forecast(&FeatureVector([0.3; 40])), Some(forecast), "a registry loses no head");
    let plain = train(&set, &small(), &mut Silent).unwrap();
    let (with, without) = (trained.to_model_files(), plain.to_model_files());
    assert!(with.classifier_onnx == without.classifier_onnx && with.regressor_onnx == without.regressor_onnx);
    assert_eq!(with.packed, without.packed);
    assert!(!String::from_utf8_lossy(without.card_json).contains("forecast"));
    let model = Model::load(&without).unwrap();
    assert_eq!(model.forecast(&FeatureVector([0.3; 40])), None);
}

#[test]
fn a_damaged_file_does_not_load() {
    let trained = train(&made_up(150), &small(), &mut Silent).unwrap();
    let files = trained.to_model_files();
    let cut = &files.classifier_onnx[..files.classifier_onnx.len() / 2];
    let error = Model::load(&ModelFiles { classifier_onnx: cut, packed: None, ..files }).unwrap_err();
    assert!(error.to_string().contains("classifier.onnx"), "{error}");
}

#[test]
fn progress_is_told_and_can_stop_training() {
    let mut rounds = 0;
    let error = train(&made_up(150), &small(), &mut |event: TrainingEvent| {
        if matches!(event, TrainingEvent::Round { .. }) {
            rounds += 1;
        }
        if rounds == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap_err();
    assert!(matches!(error, TrainingError::Stopped { forest: "classifier", round: 3 }), "{error}");
}

#[test]
fn a_set_too_small_to_be_split_is_refused_by_part() {
    let error = train(&made_up(3), &small(), &mut Silent).unwrap_err();
    assert!(matches!(error, TrainingError::PartTooSmall { .. }), "{error}");
}
