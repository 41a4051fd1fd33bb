//! Each corruption is made in the forest that is written, never in the one that was grown; the gate must see it.

use linkcast_domain::FEATURE_COUNT;

use super::{Export, Mismatch, Place, Served, hold};
use crate::boost::{Grown, Lesson, grow_classifier, grow_regressor};
use crate::forest::{Forest, Node};
use crate::progress::Silent;
use crate::tests::{made_up, small};
use crate::{TrainingError, onnx};

struct Pair {
    classifier: Grown,
    regressor: Grown,
    recorded: Vec<[f32; FEATURE_COUNT]>,
}

fn pair() -> Pair {
    let set = made_up(60);
    let weights = vec![1.0; set.len()];
    let lesson = Lesson { fit: &set, fit_weights: &weights, stop: &set, stop_weights: &weights };
    Pair {
        classifier: grow_classifier(&lesson, &small(), &mut Silent).unwrap(),
        regressor: grow_regressor(&lesson, &small(), &mut Silent).unwrap(),
        recorded: set.features()[..500].to_vec(),
    }
}

/// A plain walk of `forest`, in another order of addition than the trainer's: what a server may do.
fn answers(forest: &Forest, rows: &[[f32; FEATURE_COUNT]]) -> Vec<f64> {
    let mut answers = Vec::new();
    for row in rows {
        let mut sums = vec![0.0f32; forest.base.len()];
        for tree in &forest.trees {
            let mut place = 0;
            sums[tree.output] += loop {
                match tree.nodes[place] {
                    Node::Leaf { value, .. } => break value,
                    Node::Split { feature, threshold, absent_goes_left, left, right, .. } => {
                        let value = row[usize::from(feature)];
                        let goes_left = if value.is_nan() { absent_goes_left } else { value < threshold };
                        place = if goes_left { left } else { right } as usize;
                    }
                }
            };
        }
        answers.extend(sums.iter().zip(&forest.base).map(|(sum, base)| f64::from(sum + base)));
    }
    answers
}

/// The gate's verdict when `written` is what the files hold and `served` what the server walks.
fn verdict(pair: &Pair, written: &Forest, served: &Forest) -> Result<(), Mismatch> {
    let is_classifier = written.name == "classifier";
    let of = |forest: &Forest, grown: &Grown, takes: bool| {
        if takes { forest.clone() } else { grown.forest.clone() }
    };
    let classifier_onnx = onnx::write_classifier(&of(written, &pair.classifier, is_classifier));
    let regressor_onnx = onnx::write_regressor(&of(written, &pair.regressor, !is_classifier));
    let served_classifier = of(served, &pair.classifier, is_classifier);
    let served_regressor = of(served, &pair.regressor, !is_classifier);
    let serve = |rows: &[[f32; FEATURE_COUNT]]| Served {
        classifier: answers(&served_classifier, rows),
        regressor: answers(&served_regressor, rows),
    };
    let export = Export { classifier_onnx: &classifier_onnx, regressor_onnx: &regressor_onnx, serve: &serve };
    match hold(&export, &pair.classifier, &pair.regressor, &pair.recorded) {
        Ok(_) => Ok(()),
        Err(TrainingError::Parity(mismatch)) => Err(*mismatch),
        Err(other) => panic!("{other}"),
    }
}

/// `corrupt` must be seen in the files' numbers, and, served from sound files, in the answers.
fn check(pair: &Pair, grown: &Forest, corrupt: impl Fn(&mut Forest)) -> (Mismatch, Mismatch) {
    let mut corrupted = grown.clone();
    corrupt(&mut corrupted);
    assert_eq!(verdict(pair, grown, grown), Ok(()));
    let in_numbers = verdict(pair, &corrupted, grown).unwrap_err();
    let in_answers = verdict(pair, grown, &corrupted).unwrap_err();
    assert!(matches!(in_answers, Mismatch::Answer { .. }), "{in_answers}");
    (in_numbers, in_answers)
}

fn first_leaf(forest: &Forest, tree: usize) -> usize {
    forest.trees[tree].nodes.iter().position(|node| matches!(node, Node::Leaf { .. })).unwrap()
}

#[test]
fn a_threshold_one_unit_in_the_last_place_off_is_caught() {
    let pair = pair();
    let (in_numbers, in_answers) = check(&pair, &pair.classifier.forest.clone(), |forest| {
        let Node::Split { threshold, .. } = &mut forest.trees[5].nodes[0] else { panic!("a split") };
        *threshold = threshold.next_up();
    });
    let text = in_numbers.to_string();
    assert!(text.starts_with("threshold of node 0 in tree 5 of the classifier, feature "), "{text}");
    let Mismatch::Answer { place: Place::AtSplit { tree, node, .. }, .. } = in_answers else {
        panic!("{in_answers}")
    };
    assert_eq!((tree, node), (5, 0));
}

#[test]
fn a_corrupted_leaf_is_caught() {
    let pair = pair();
    let grown = pair.regressor.forest.clone();
    let place = first_leaf(&grown, 3);
    let (in_numbers, _) = check(&pair, &grown, |forest| {
        let Node::Leaf { value, .. } = &mut forest.trees[3].nodes[place] else { panic!("a leaf") };
        *value += 0.01;
    });
    assert!(matches!(in_numbers, Mismatch::Number { what: "leaf value", tree: 3, .. }), "{in_numbers}");
}

#[test]
fn a_corrupted_starting_score_is_caught() {
    let pair = pair();
    let (in_numbers, _) = check(&pair, &pair.regressor.forest.clone(), |forest| forest.base[0] += 0.5);
    assert!(matches!(in_numbers, Mismatch::Base { output: 0, .. }), "{in_numbers}");
    let (in_numbers, _) = check(&pair, &pair.classifier.forest.clone(), |forest| forest.base[7] = 0.5);
    assert!(matches!(in_numbers, Mismatch::Base { output: 7, .. }), "{in_numbers}");
}

#[test]
fn absent_values_sent_the_wrong_way_are_caught() {
    let pair = pair();
    check(&pair, &pair.classifier.forest.clone(), |forest| {
        let Node::Split { absent_goes_left, .. } = &mut forest.trees[0].nodes[0] else { panic!("a split") };
        *absent_goes_left = !*absent_goes_left;
    });
}

#[test]
fn rounds_left_out_are_caught() {
    let pair = pair();
    let (in_numbers, _) = check(&pair, &pair.regressor.forest.clone(), |forest| {
        forest.trees.pop();
    });
    assert!(matches!(in_numbers, Mismatch::Count { .. }), "{in_numbers}");
}
