//! What is refused, and in which words.

use proptest::prelude::*;
use tract_onnx::pb::{AttributeProto, NodeProto};

use super::files::{Files, encode, model_files, node, onnx};
use crate::trees::{Ensemble, Missing, Node, PostTransform, Tree};
use crate::{Graph, LoadError, Model, ModelCard, digest};

/// A forest of stumps, one a class.
fn stumps(classes: u8) -> Ensemble {
    let stump = |class| Tree {
        class,
        nodes: vec![
            Node::Split { feature: 24, threshold: 1e-14, missing: Missing::Left, left: 1, right: 2 },
            Node::Leaf { value: -0.5 },
            Node::Leaf { value: f32::from(class) },
        ],
        covers: vec![10.0, 9.0, 1.0],
    };
    Ensemble {
        trees: (0..classes).map(stump).collect(),
        base: vec![0.0; usize::from(classes)],
        post_transform: PostTransform::None,
        labels: (0..i64::from(classes)).collect(),
    }
}

fn files() -> Files {
    model_files(&stumps(11), &stumps(2))
}

fn with_card(mut files: Files, change: impl Fn(&mut ModelCard)) -> Files {
    let mut card: ModelCard = serde_json::from_slice(&files.card).unwrap();
    change(&mut card);
    files.card = serde_json::to_vec(&card).unwrap();
    files
}

/// The error and its cause, as someone would read them.
fn words(error: &LoadError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

fn refused(files: &Files) -> String {
    words(&Model::load(&files.all()).unwrap_err())
}

/// What a stump's node is refused with once changed.
fn refused_node(change: impl Fn(&mut NodeProto)) -> String {
    let mut changed = node(&stumps(3));
    change(&mut changed);
    words(&Graph::load("classifier.onnx", &encode(changed)).unwrap_err())
}

fn attribute<'a>(node: &'a mut NodeProto, name: &str) -> &'a mut AttributeProto {
    node.attribute.iter_mut().find(|held| held.name == name).unwrap()
}

#[test]
fn a_card_for_another_task_schema_feature_or_class_list_is_refused_by_name() {
    let check = |change: &dyn Fn(&mut ModelCard), expected: &str| {
        let found = refused(&with_card(files(), change));
        assert_eq!(found, expected);
    };
    check(&|card| card.task = "weather".into(), r#"card.json names task "weather", expected "link-health""#);
    check(&|card| card.feature_schema = 2, "card.json names feature schema 2, expected 1");
    check(
        &|card| card.features.swap(0, 1),
        r#"card.json names "utilization" as feature 1, expected "latency_p99""#,
    );
    check(
        &|card| card.classes.truncate(10),
        r#"card.json names nothing as class 10, expected "rdma_timeout""#,
    );
    check(
        &|card| card.reference.truncate(3),
        "card.json cannot be used: reference: found 3 values, expected 40, one a feature",
    );
    check(
        &|card| card.calibration.temperature = -1.0,
        "card.json cannot be used: calibration.temperature: found -1, expected a number above 0",
    );
}

#[test]
fn a_card_that_is_no_card_is_refused_with_its_place() {
    let files = Files { card: b"{\n\"task\": 3}".to_vec(), ..files() };
    assert!(refused(&files).starts_with("card.json is not a model card: invalid type: integer `3`"));
}

#[test]
fn a_file_the_card_does_not_name_is_refused_with_both_digests() {
    let mut changed = files();
    changed.packed.push(0);
    let expected =
        format!("model.packed has sha256 {}, expected {}", digest(&changed.packed), digest(&files().packed));
    assert!(refused(&changed).starts_with(&expected));
    let mut changed = files();
    changed.regressor[20] ^= 1;
    let error = Model::load(&changed.without_packed()).unwrap_err();
    assert!(matches!(error, LoadError::Digest { file: "regressor.onnx", .. }));
}

#[test]
fn a_packed_form_of_other_trees_than_the_cards_is_refused() {
    let other = files();
    let foreign = model_files(&stumps(11), &{
        let mut changed = stumps(2);
        changed.base[1] = 7.0;
        changed
    });
    let mixed = Files { packed: foreign.packed, ..other };
    let mixed = with_card(Files { ..mixed }, |card| card.digests.model_packed = None);
    let packed_digest = digest(&mixed.packed);
    let mixed = with_card(mixed, |card| card.digests.model_packed = Some(packed_digest.clone()));
    assert!(refused(&mixed).starts_with("model.packed is refused: digest of regressor.onnx: found"));
}

#[test]
fn a_classifier_in_the_regressors_place_is_refused() {
    let swapped = model_files(&stumps(2), &stumps(2));
    assert!(refused(&swapped).contains("classifier.onnx is refused: classlabels_int64s: found [0, 1]"));
}

#[test]
fn nodes_that_would_be_scored_wrongly_are_refused_with_their_place() {
    let gte = refused_node(|node| attribute(node, "nodes_modes").strings[3] = b"BRANCH_GTE".to_vec());
    assert_eq!(
        gte,
        "classifier.onnx is refused: nodes_modes of node 0 in tree 1: found BRANCH_GTE, expected BRANCH_LT, BRANCH_LEQ or LEAF"
    );
    let cyclic = refused_node(|node| attribute(node, "nodes_truenodeids").ints[0] = 0);
    assert!(cyclic.contains("node 0 of tree 0: found a second parent, or itself below itself"), "{cyclic}");
    let outside = refused_node(|node| attribute(node, "nodes_falsenodeids").ints[3] = 9);
    assert!(outside.contains("node 9 of tree 1: found nothing"), "{outside}");
    let feature = refused_node(|node| attribute(node, "nodes_featureids").ints[0] = 40);
    assert!(
        feature.contains("nodes_featureids of node 0 in tree 0: found 40, expected 0 to 39"),
        "{feature}"
    );
    let threshold = refused_node(|node| attribute(node, "nodes_values").floats[0] = f32::NAN);
    assert!(threshold.contains("threshold NaN"), "{threshold}");
    let short = refused_node(|node| attribute(node, "nodes_hitrates").floats.clear());
    assert!(short.contains("nodes_hitrates: found 0 values, expected 9"), "{short}");
    let votes = refused_node(|node| attribute(node, "class_ids").ints[1] = 2);
    assert!(
        votes.contains("leaf 2 of tree 0: found class 2, expected the one class its tree moves"),
        "{votes}"
    );
}

#[test]
fn graphs_of_another_kind_are_refused_in_words() {
    let strings = refused_node(|node| {
        node.attribute.push(AttributeProto {
            name: "classlabels_strings".into(),
            strings: vec![b"normal".to_vec()],
            ..Default::default()
        });
    });
    assert!(strings.contains("classlabels_strings: found string labels"), "{strings}");
    let transform = refused_node(|node| attribute(node, "post_transform").s = b"PROBIT".to_vec());
    assert!(transform.contains("post_transform: found PROBIT, expected NONE or SOFTMAX"), "{transform}");
    let regressor = refused_node(|node| node.op_type = "TreeEnsembleRegressor".into());
    assert!(regressor.contains("graph's node: found TreeEnsembleRegressor"), "{regressor}");
    let wired = refused_node(|node| node.output[1] = "elsewhere".into());
    assert!(wired.contains("graph's ends"), "{wired}");
}

#[test]
fn a_less_or_equal_split_compares_as_written() {
    let mut changed = node(&stumps(3));
    for mode in &mut attribute(&mut changed, "nodes_modes").strings {
        if mode == b"BRANCH_LT" {
            *mode = b"BRANCH_LEQ".to_vec();
        }
    }
    let graph = Graph::load("classifier.onnx", &encode(changed)).unwrap();
    let mut rows = [[0.0; 40]; 3];
    for (row, value) in rows.iter_mut().zip([1e-14f32, 1e-14f32.next_up(), f32::NAN]) {
        row[24] = value;
    }
    assert_eq!(graph.scores(&rows).unwrap(), [-0.5, -0.5, -0.5, 0.0, 1.0, 2.0, -0.5, -0.5, -0.5]);
}

#[test]
fn an_explanation_names_the_feature_that_decided_and_what_to_do() {
    let files = with_card(files(), |card| card.reference[24] = Some(5e-15));
    let model = Model::load(&files.all()).unwrap();
    let mut features = linkcast_domain::FeatureVector::default();
    features.set(linkcast_domain::Feature::SymbolBer12m, 2e-13);
    let score = model.score(&features);
    let explanation = model.explain(&features, &score);
    assert_eq!(score.class, linkcast_domain::PredictionType::RdmaTimeout);
    assert_eq!(explanation.influencers.len(), 3);
    assert_eq!(explanation.influencers[0].feature, "symbol_ber_12m");
    assert!((explanation.influencers[0].contribution - 0.9 * 10.5).abs() < 1e-6);
    assert_eq!(
        explanation.sentence,
        "symbol errors over 12 minutes are 40x the usual (2.0e-13 per bit against 5.0e-15 usual), which points to \
         requests whose acknowledgements do not come in time; retries will run out and connections will break"
    );
    assert!(explanation.recommendations[0].contains("swap the cable"));
}

proptest! {
    #[test]
    fn damaged_files_are_refused_or_answer_and_never_panic(
        cut in any::<prop::sample::Index>(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let files = files();
        for whole in [&files.packed, &onnx(&stumps(11))] {
            let mut damaged = whole[..=cut.index(whole.len())].to_vec();
            for (place, value) in &flips {
                let place = place.index(damaged.len());
                damaged[place] = *value;
            }
            if let Ok(packed) = crate::packed::Packed::from_bytes(&damaged) {
                let slots = packed.ranks.rank(&[f32::NAN; 40]);
                packed.classifier.sums(&slots);
                packed.classifier.sums_of_many(&[slots; 3]);
            }
            if let Ok(graph) = Graph::load("classifier.onnx", &damaged) {
                prop_assert!(graph.scores(&[[0.0; 40]]).is_ok());
            }
        }
    }
}
