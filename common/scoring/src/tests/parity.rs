//! One answer, whichever way it is come by: walk, batch, tract's graph, packed form.

use proptest::prelude::*;

use super::files::{model_files, onnx};
use super::forests::{Row, ensemble, row, textbook};
use crate::forest::Forest;
use crate::packed::Packed;
use crate::ranks::Ranks;
use crate::trees::Ensemble;
use crate::{Graph, Model};
use linkcast_domain::FeatureVector;

fn packed_alone(ensemble: &Ensemble) -> (Ranks, Forest) {
    let ranks = Ranks::of(ensemble.splits()).unwrap();
    let forest = Forest::pack(ensemble, &ranks).unwrap();
    (ranks, forest)
}

fn bits(sums: &[f32]) -> Vec<u32> {
    sums.iter().map(|sum| sum.to_bits()).collect()
}

fn features(row: &Row) -> FeatureVector {
    FeatureVector(row.map(f64::from))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_walk_and_the_batch_give_the_textbooks_bits(
        ensemble in ensemble(11, 32, 7, 1..40),
        rows in proptest::collection::vec(row(), 1..70),
    ) {
        let (ranks, forest) = packed_alone(&ensemble);
        let slots: Vec<_> = rows.iter().map(|row| ranks.rank(row)).collect();
        let many = forest.sums_of_many(&slots);
        prop_assert_eq!(many.len(), rows.len());
        for ((row, slots), of_many) in rows.iter().zip(&slots).zip(&many) {
            let expected = bits(&textbook(&ensemble, row));
            prop_assert_eq!(bits(&forest.sums(slots)[..11]), expected.clone());
            prop_assert_eq!(bits(&of_many[..11]), expected);
        }
    }

    #[test]
    fn forests_too_deep_for_the_batch_give_the_textbooks_bits_all_the_same(
        ensemble in ensemble(3, 32, 10, 1..6),
        row in row(),
    ) {
        let (ranks, forest) = packed_alone(&ensemble);
        let slots = ranks.rank(&row);
        prop_assert_eq!(bits(&forest.sums(&slots)[..3]), bits(&textbook(&ensemble, &row)));
        prop_assert_eq!(bits(&forest.sums_of_many(&[slots])[0]), bits(&forest.sums(&slots)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_graph_in_tract_gives_the_textbooks_bits(
        ensemble in ensemble(4, 32, 5, 1..12),
        rows in proptest::collection::vec(row(), 1..5),
    ) {
        let graph = Graph::load("classifier.onnx", &onnx(&ensemble)).unwrap();
        let expected: Vec<f32> = rows.iter().flat_map(|row| textbook(&ensemble, row)).collect();
        prop_assert_eq!(bits(&graph.scores(&rows).unwrap()), bits(&expected));
    }

    #[test]
    fn the_packed_form_is_what_the_onnx_files_give_to_the_bit(
        classifier in ensemble(11, 32, 6, 1..20),
        regressor in ensemble(2, 32, 4, 1..8),
        rows in proptest::collection::vec(row(), 1..40),
    ) {
        let files = model_files(&classifier, &regressor);
        let from_onnx = Packed::of(&files.classifier, &files.regressor).unwrap();
        prop_assert_eq!(Packed::from_bytes(&files.packed).unwrap().to_bytes(), from_onnx.to_bytes());

        let slow = Model::load(&files.without_packed()).unwrap();
        let fast = Model::load(&files.all()).unwrap();
        let vectors: Vec<_> = rows.iter().map(features).collect();
        let (mut scores, mut batch) = (Vec::new(), Vec::new());
        scores.extend(vectors.iter().map(|vector| slow.score(vector)));
        fast.score_batch(&vectors, &mut batch);
        prop_assert_eq!(&scores, &batch);
        for (vector, score) in vectors.iter().zip(&scores) {
            prop_assert_eq!(fast.explain(vector, score), slow.explain(vector, score));
            prop_assert!((score.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert_eq!(score.confidence, score.probabilities[score.class.index()]);
        }
    }
}
