//! Documents as XGBoost writes them, made small; each fault is put into one field and must be refused by its name.

use serde_json::{Value, json};

use linkcast_domain::FEATURE_COUNT;

use super::{Booster, Objective};
use crate::boost::{CLASSIFIER, Grown, Origin, REGRESSOR};
use crate::export::{self, Exported};
use crate::forest::{Forest, Node};
use crate::gate::Mismatch;
use crate::tests::{made_up, small};
use crate::train::{fit_calibration, judge, parts, recorded};
use crate::{Silent, TrainingError};

/// A stump on feature 30 at 0.5, absent values to the left.
fn stump(left: f64, right: f64) -> Value {
    json!({
        "base_weights": [0.0, left, right],
        "categories": [], "categories_nodes": [], "categories_segments": [], "categories_sizes": [],
        "default_left": [1, 0, 0], "id": 0,
        "left_children": [1, -1, -1], "right_children": [2, -1, -1],
        "loss_changes": [1.0, 0.0, 0.0], "parents": [2147483647, 0, 0],
        "split_conditions": [0.5, left, right], "split_indices": [30, 0, 0], "split_type": [0, 0, 0],
        "sum_hessian": [10.0, 4.0, 6.0],
        "tree_param": {"num_deleted": "0", "num_feature": "40", "num_nodes": "3", "size_leaf_vector": "1"},
    })
}

/// A classifier of `rounds` rounds.
fn classifier(rounds: usize) -> Value {
    let count = rounds * 11;
    json!({
        "learner": {
            "attributes": {},
            "feature_names": [], "feature_types": [],
            "gradient_booster": {
                "model": {
                    "cats": {"enc": [], "feature_segments": [], "sorted_idx": []},
                    "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": count.to_string()},
                    "iteration_indptr": (0..=count).step_by(11).collect::<Vec<_>>(),
                    "tree_info": (0..count).map(|tree| tree % 11).collect::<Vec<_>>(),
                    "trees": (0..count).map(|tree| stump(tree as f64 / 8.0, -0.25)).collect::<Vec<_>>(),
                },
                "name": "gbtree",
            },
            "learner_model_param": {
                "base_score": "[5E-1]", "boost_from_average": "1", "num_class": "11", "num_feature": "40",
                "num_target": "1",
            },
            "objective": {"name": "multi:softprob", "softmax_multiclass_param": {"num_class": "11"}},
        },
        "version": [3, 2, 0],
    })
}

fn read(document: &Value) -> Result<Booster, String> {
    Booster::read(document.to_string().as_bytes()).map_err(|error| match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}

/// Reads the sound classifier with `value` at `pointer`; the error must name the field.
fn check(pointer: &str, value: Value, expected: &str) {
    let mut document = classifier(2);
    *document.pointer_mut(pointer).unwrap() = value;
    let error = read(&document).unwrap_err();
    assert!(error.contains(expected), "{pointer}: {error}");
}

const TREE: &str = "/learner/gradient_booster/model/trees/3";

#[test]
fn a_sound_document_answers_as_its_columns_say() {
    let booster = read(&classifier(2)).unwrap();
    assert_eq!((booster.objective(), booster.rounds(), booster.version()), (Objective::Softmax, 2, "3.2.0"));
    let mut below = [0.0; FEATURE_COUNT];
    below[30] = 0.499;
    let mut at = below;
    at[30] = 0.5;
    let mut absent = below;
    absent[30] = f32::NAN;
    let margins = booster.margins(&[below, at, absent]);
    let class_1 = |row: usize| margins[row * 11 + 1];
    assert_eq!(class_1(0), 0.5 + 1.0 / 8.0 + 12.0 / 8.0);
    assert_eq!(class_1(1), 0.5 - 0.25 - 0.25, "a split sends what equals its threshold to the right");
    assert_eq!(class_1(2), class_1(0), "absent goes by default");
}

#[test]
fn what_our_form_cannot_hold_is_refused_by_the_fields_name() {
    check("/learner/gradient_booster/name", json!("dart"), "learner.gradient_booster.name is \"dart\"");
    check("/learner/gradient_booster/name", json!("gblinear"), "expected \"gbtree\"");
    check("/learner/objective/name", json!("rank:ndcg"), "learner.objective.name is \"rank:ndcg\"");
    check("/learner/learner_model_param/num_class", json!("7"), "num_class is 7: expected 11");
    check("/learner/learner_model_param/num_feature", json!("39"), "num_feature is 39: expected 40");
    check("/learner/learner_model_param/num_target", json!("2"), "num_target is 2: expected 1");
    check("/learner/feature_names", json!(["hour"]), "learner.feature_names[0] is hour: expected");
    check(&format!("{TREE}/split_type"), json!([1, 0, 0]), "trees[3].split_type[0] is a split by category");
    check(
        &format!("{TREE}/tree_param/size_leaf_vector"),
        json!("11"),
        "trees[3].tree_param.size_leaf_vector is 11",
    );
}

#[test]
fn a_damaged_tree_is_refused_by_the_fields_name() {
    check(&format!("{TREE}/left_children"), json!([0, -1, -1]), "trees[3] is a way to node 0 that is none");
    check(&format!("{TREE}/left_children"), json!([9, -1, -1]), "a way to node 9");
    check(&format!("{TREE}/right_children"), json!([1, -1, -1]), "a way to node 1");
    check(
        &format!("{TREE}/right_children"),
        json!([2, -1]),
        "trees[3].right_children is 2 values: expected 3",
    );
    check(&format!("{TREE}/right_children"), json!([-1, -1, -1]), "trees[3].left_children[0]");
    check(&format!("{TREE}/split_indices"), json!([40, 0, 0]), "trees[3].split_indices[0] is 40");
    check(&format!("{TREE}/split_conditions"), json!([0.5, "x", 0.1]), "trees[3].split_conditions[1]");
    check(&format!("{TREE}/default_left"), json!([2, 0, 0]), "trees[3].default_left[0]");
    check(&format!("{TREE}/sum_hessian"), json!([-1.0, 0.0, 0.0]), "trees[3].sum_hessian[0] is -1");
    check("/learner/gradient_booster/model/tree_info/4", json!(11), "tree_info[4] is 11: expected 0 to 10");
    check("/learner/gradient_booster/model/tree_info", json!([0]), "tree_info is 1 values: expected 22");
    check("/learner/gradient_booster/model/trees", json!([]), "model.trees is 0 trees");
    check("/learner/learner_model_param/base_score", json!(0.5), "learner.learner_model_param.base_score");
}

#[test]
fn rounds_after_the_best_one_do_not_count() {
    let mut document = classifier(5);
    document["learner"]["attributes"] = json!({"best_iteration": "2", "best_score": "0.5"});
    let stopped = read(&document).unwrap();
    assert_eq!((stopped.rounds(), stopped.rounds_after_best()), (3, 2));
    let rows = [[0.0; FEATURE_COUNT]];
    assert_eq!(stopped.margins(&rows), read(&classifier(3)).unwrap().margins(&rows));
    document["learner"]["attributes"] = json!({"best_iteration": "soon"});
    assert!(read(&document).unwrap_err().contains("best_iteration is \"soon\""));
}

#[test]
fn nodes_that_pruning_left_behind_are_not_taken_along() {
    let mut document = classifier(1);
    let tree = json!({
        "default_left": [true, false, false, false, false],
        "left_children": [3, -1, -1, -1, -1], "right_children": [4, -1, -1, -1, -1],
        "split_conditions": [0.5, 9.0, 9.0, 1.0, 2.0], "split_indices": [7, -1, -1, 0, 0],
        "sum_hessian": [3.0, 0.0, 0.0, 1.0, 2.0], "tree_param": {},
    });
    document["learner"]["gradient_booster"]["model"]["trees"][0] = tree;
    let forest = read(&document).unwrap().forest(CLASSIFIER);
    let Node::Split { left, right, .. } = forest.trees[0].nodes[0] else { panic!("a split") };
    assert_eq!((forest.trees[0].nodes.len(), left, right), (3, 1, 2));
    assert_eq!(forest.trees[0].nodes[2], Node::Leaf { value: 2.0, cover: 2.0 });
}

#[test]
fn other_forms_of_file_are_refused_by_what_they_are() {
    let forms: [(&[u8], &str); 6] = [
        (b"", "empty"),
        (b"\x80\x04\x95", "a pickle"),
        (b"binf\0\0\0?", "old binary form"),
        (b"\0\0\0?\x28\0\0\0", "old binary form"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"<html>", "not known"),
    ];
    for (bytes, expected) in forms {
        let error = Booster::read(bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// What Python's xgboost 3.2.0 wrote of one and the same model; see tests/python/fixture.py.
#[test]
fn json_and_ubjson_of_the_real_library_say_the_same() {
    let json = Booster::read(include_bytes!("fixtures/softprob-3.2.0.json")).unwrap();
    let ubjson = Booster::read(include_bytes!("fixtures/softprob-3.2.0.ubj")).unwrap();
    assert_eq!(json, ubjson);
    assert_eq!(json.rounds(), 2);
}

#[test]
fn every_cut_of_a_real_file_is_refused_and_none_panics() {
    let whole = include_bytes!("fixtures/softprob-3.2.0.ubj");
    for end in (0..whole.len()).step_by(7) {
        assert!(Booster::read(&whole[..end]).is_err(), "cut at {end}");
    }
    for place in (0..whole.len()).step_by(3) {
        let mut damaged = whole.to_vec();
        damaged[place] ^= 0x55;
        // Whatever comes of it, it is an answer and no panic.
        let _ = Booster::read(&damaged);
    }
}

/// What a converter's fault does: the forest that is written and served differs from the file it was taken from.
fn verdict_on(corrupt_regressor: bool, corrupt: impl Fn(&mut Forest)) -> Mismatch {
    let set = made_up(150);
    let parts = parts(&set, &small()).unwrap();
    let own = crate::train(&set, &small(), &mut Silent).unwrap();
    let files = super::to_xgboost(&own.to_model_files()).unwrap();
    let take = |bytes: &[u8], name, spoil: bool| {
        let booster = Booster::read(bytes).unwrap();
        let mut forest = booster.forest(name);
        if spoil {
            corrupt(&mut forest);
        }
        Grown::new(forest, Origin::Here, Box::new(booster))
    };
    let classifier = take(&files.classifier_json, CLASSIFIER, !corrupt_regressor);
    let regressor = take(&files.regressor_json, REGRESSOR, corrupt_regressor);
    let calibration = fit_calibration(&classifier, &parts.calibrate).unwrap();
    let judgement = judge(&classifier, &regressor, &calibration, &parts.test).unwrap();
    let exported = Exported {
        classifier: &classifier,
        regressor: &regressor,
        calibration,
        judgement,
        parts: &parts,
        search: None,
        forecasts: crate::forecast::Forecasts::default(),
    };
    match export::export(&exported, &set, &small(), &recorded(&set)) {
        Err(TrainingError::Parity(mismatch)) => *mismatch,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the gate let it pass"),
    }
}

#[test]
fn a_split_that_the_conversion_moved_by_one_unit_in_the_last_place_is_caught() {
    let mismatch = verdict_on(false, |forest| {
        let Node::Split { threshold, .. } = &mut forest.trees[5].nodes[0] else { panic!("a split") };
        *threshold = threshold.next_up();
    });
    assert!(matches!(mismatch, Mismatch::Answer { forest: "classifier", .. }), "{mismatch}");
}

#[test]
fn a_starting_score_that_the_conversion_took_for_a_probability_is_caught() {
    let mismatch = verdict_on(false, |forest| forest.base[3] = -libm::logf(1.0 / 0.55 - 1.0));
    assert!(matches!(mismatch, Mismatch::Answer { forest: "classifier", output: 3, .. }), "{mismatch}");
    let mismatch = verdict_on(true, |forest| forest.base[0] = 0.5);
    assert!(matches!(mismatch, Mismatch::Answer { forest: "regressor", .. }), "{mismatch}");
}

#[test]
fn rounds_after_the_best_one_that_were_left_in_are_caught() {
    let mismatch = verdict_on(false, |forest| forest.trees.push(forest.trees[0].clone()));
    assert!(matches!(mismatch, Mismatch::Answer { forest: "classifier", output: 0, .. }), "{mismatch}");
}
