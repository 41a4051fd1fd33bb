//! The search as a whole, on a small made-up set.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use super::*;
use crate::tests::{made_up, small};
use crate::{Silent, TrainingEvent};

fn settings() -> SearchSettings {
    SearchSettings { trials: 5, folds: 2, ..SearchSettings::default() }
}

fn config(threads: usize) -> TrainingConfig {
    let mut config = TrainingConfig { threads: NonZeroUsize::new(threads), ..small() };
    config.classifier.rounds = 6;
    config
}

#[test]
fn threads_and_an_interruption_change_nothing() {
    let set = made_up(150);
    let mut whole = Vec::new();
    let report = search(&set, &config(1), &settings(), &mut whole, &mut Silent).unwrap();
    let header = SearchHeader::of(&set, &config(1), &settings());
    let mut on_three = Vec::new();
    assert_eq!(search(&set, &config(3), &settings(), &mut on_three, &mut Silent).unwrap(), report);
    assert_eq!(Records::settled(&header, &on_three), Records::settled(&header, &whole));
    for kept in [0, 1, 4, whole.len() - 1] {
        let mut journal = whole[..kept].to_vec();
        assert_eq!(search(&set, &config(2), &settings(), &mut journal, &mut Silent).unwrap(), report);
        assert_eq!(Records::settled(&header, &journal), Records::settled(&header, &whole), "after {kept}");
    }
}

#[test]
fn what_is_finished_is_not_done_again() {
    let set = made_up(150);
    let mut journal = Vec::new();
    let report = search(&set, &config(2), &settings(), &mut journal, &mut Silent).unwrap();
    let done = journal.len();
    assert_eq!(search(&set, &config(2), &settings(), &mut journal, &mut Silent).unwrap(), report);
    assert_eq!(journal.len(), done);
    // 5 drawn and the baseline; then 2 of them, the baseline and the planes.
    assert_eq!(done, 6 + 3 + 2);
}

#[test]
fn rows_that_calibrate_or_judge_are_never_seen() {
    let set = made_up(150);
    let report = search(&set, &config(2), &settings(), &mut Vec::new(), &mut Silent).unwrap();
    let split = crate::split::split(&set, &config(2).split, config(2).seed).unwrap();
    let mut seen: Vec<usize> = split.fit.iter().chain(&split.stop).copied().collect();
    seen.sort_unstable();
    // Every other row of the held-out streams is made wrong; the search must not notice.
    let mut spoilt = TrainingSet::default();
    for place in 0..set.len() {
        let mut row = set.row(place).unwrap();
        if split.test.contains(&place) || split.calibrate.contains(&place) {
            row.features = linkcast_domain::FeatureVector::default();
            row.risk = 50.0;
        }
        spoilt.push(&row).unwrap();
    }
    assert!(seen.len() < set.len());
    assert_eq!(search(&spoilt, &config(2), &settings(), &mut Vec::new(), &mut Silent).unwrap(), report);
}

#[test]
fn trees_beat_planes_where_what_tells_is_a_threshold() {
    let report = search(&made_up(150), &config(2), &settings(), &mut Vec::new(), &mut Silent).unwrap();
    assert!(report.best.loss <= report.baseline.loss);
    assert!(report.over_other_family.folds == 2 && !report.verdict().is_empty());
}

#[test]
fn progress_tells_the_best_so_far_and_can_stop_the_search() {
    let mut told = Vec::new();
    let mut journal = Vec::new();
    let error = search(&made_up(150), &config(1), &settings(), &mut journal, &mut |event: TrainingEvent| {
        if let TrainingEvent::Trial { done, best, .. } = event {
            told.push((done, best.is_some()));
        }
        if told.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap_err();
    assert!(matches!(error, TrainingError::Stopped { forest: "search", .. }), "{error}");
    assert_eq!(told, [(0, false), (1, true), (2, true)]);
    assert_eq!(journal.len(), 2, "what was finished is kept");
}

#[test]
fn one_class_alone_and_no_folds_are_refused() {
    let set = made_up(150);
    let mut quiet = TrainingSet::default();
    for place in 0..set.len() {
        let row = set.row(place).unwrap();
        quiet.push(&crate::LabelledRow { class: linkcast_domain::PredictionType::Normal, ..row }).unwrap();
    }
    let error = search(&quiet, &config(1), &settings(), &mut Vec::new(), &mut Silent).unwrap_err();
    assert!(matches!(error, TrainingError::PartTooSmall { classes: 1, .. }), "{error}");
    let settings = SearchSettings { folds: 1, ..settings() };
    let error = search(&set, &config(1), &settings, &mut Vec::new(), &mut Silent).unwrap_err();
    assert_eq!(error.to_string(), "setting folds is 1: expected 2 to 20");
}
