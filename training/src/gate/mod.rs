//! The parity gate: the exported model must say what the trainer says, or there is no export.
//!
//! Converters of tree models have a history of silent damage: a starting score in the wrong space, a split read as
//! `<=`, rounds past the best one left in, absent values sent the wrong way. Each passes a glance at the accuracy.
//! So the gate looks twice.
//!
//! 1. **Numbers.** The written files are read back and every threshold, child, direction, leaf, cover and starting
//!    score is compared with the grown forest, to the bit.
//! 2. **Answers.** The serving code answers recorded rows, and for every split of every tree a row led to that split
//!    with the feature at the threshold, one unit in the last place below it, one above it, and absent. The trainer's
//!    own library answers the same rows. Sums of f32 in another order may differ by rounding, which is bounded by the
//!    sizes of the leaves; anything beyond that bound is a mismatch.
//!
//! A mismatch names forest, tree, node, feature and row.

mod mismatch;
mod numbers;
mod probe;
#[cfg(test)]
mod tests;

pub use mismatch::{Mismatch, Place};

use linkcast_domain::FEATURE_COUNT;

use crate::boost::Grown;
use crate::error::TrainingError;
use crate::forest::{Forest, Node};
use crate::onnx;
use probe::Probe;

/// What the serving code answers.
pub(crate) struct Served {
    /// `[row][class]`.
    pub(crate) classifier: Vec<f64>,
    /// `[row]`.
    pub(crate) regressor: Vec<f64>,
}

/// The files as they will ship, and how they answer.
pub(crate) struct Export<'a> {
    pub(crate) classifier_onnx: &'a [u8],
    pub(crate) regressor_onnx: &'a [u8],
    pub(crate) serve: &'a dyn Fn(&[[f32; FEATURE_COUNT]]) -> Served,
}

/// What was compared, once all of it agreed.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct ParityReport {
    /// Recorded rows.
    pub recorded_rows: usize,
    /// Rows made for a split.
    pub probes: usize,
    /// Numbers compared to the bit.
    pub numbers: usize,
}

/// Holds `export` against what was grown, on `recorded` rows and around every split.
///
/// # Errors
///
/// The first mismatch, or the booster's own error while predicting.
pub(crate) fn hold(
    export: &Export<'_>,
    classifier: &Grown,
    regressor: &Grown,
    recorded: &[[f32; FEATURE_COUNT]],
) -> Result<ParityReport, TrainingError> {
    let parity = |mismatch| TrainingError::Parity(Box::new(mismatch));
    let mut report = ParityReport { recorded_rows: recorded.len(), ..ParityReport::default() };
    for (grown, bytes) in [(classifier, export.classifier_onnx), (regressor, export.regressor_onnx)] {
        let written = onnx::read(grown.forest.name, bytes, grown.forest.base.len())
            .map_err(|source| parity(Mismatch::Unreadable(source)))?;
        report.numbers += numbers::compare(&grown.forest, &written).map_err(parity)?;
    }
    let rows: Vec<Probe> =
        recorded.iter().enumerate().map(|(row, values)| Probe::recorded(row, *values)).collect();
    compare_answers(export, classifier, regressor, &rows)?;
    for grown in [classifier, regressor] {
        for tree in 0..grown.forest.trees.len() {
            let probes = probe::around_splits(&grown.forest, tree, recorded);
            report.probes += probes.len();
            compare_answers(export, classifier, regressor, &probes)?;
        }
    }
    Ok(report)
}

/// Holds one forest of one output against its file and what serves it, as [`hold`] does with a model.
///
/// # Errors
///
/// The first mismatch, or the booster's own error while predicting.
pub(crate) fn hold_one(
    grown: &Grown,
    onnx: &[u8],
    serve: &dyn Fn(&[[f32; FEATURE_COUNT]]) -> Vec<f64>,
    recorded: &[[f32; FEATURE_COUNT]],
) -> Result<ParityReport, TrainingError> {
    let parity = |mismatch| TrainingError::Parity(Box::new(mismatch));
    let forest = &grown.forest;
    let written = onnx::read(forest.name, onnx, forest.base.len())
        .map_err(|source| parity(Mismatch::Unreadable(source)))?;
    let numbers = numbers::compare(forest, &written).map_err(parity)?;
    let rows = recorded.iter().enumerate().map(|(row, values)| Probe::recorded(row, *values));
    let around = (0..forest.trees.len()).flat_map(|tree| probe::around_splits(forest, tree, recorded));
    let probes: Vec<Probe> = rows.chain(around).collect();
    let values: Vec<_> = probes.iter().map(|probe| probe.values).collect();
    let (expected, found) = (grown.margins(&values)?, serve(&values));
    compare_forest(forest, &probes, &expected, &found, &rounding_bounds(forest)).map_err(parity)?;
    let recorded_rows = recorded.len();
    Ok(ParityReport { recorded_rows, probes: probes.len() - recorded_rows, numbers })
}

fn compare_answers(
    export: &Export<'_>,
    classifier: &Grown,
    regressor: &Grown,
    probes: &[Probe],
) -> Result<(), TrainingError> {
    let rows: Vec<_> = probes.iter().map(|probe| probe.values).collect();
    let served = (export.serve)(&rows);
    for (grown, answers) in [(classifier, &served.classifier), (regressor, &served.regressor)] {
        let expected = grown.margins(&rows)?;
        let bounds = rounding_bounds(&grown.forest);
        compare_forest(&grown.forest, probes, &expected, answers, &bounds)
            .map_err(|mismatch| TrainingError::Parity(Box::new(mismatch)))?;
    }
    Ok(())
}

fn compare_forest(
    forest: &Forest,
    probes: &[Probe],
    expected: &[f64],
    found: &[f64],
    bounds: &[f64],
) -> Result<(), Mismatch> {
    if expected.len() != found.len() {
        return Err(Mismatch::Count { forest: forest.name, expected: expected.len(), found: found.len() });
    }
    let outputs = bounds.len().max(1);
    let pairs = expected.chunks(outputs).zip(found.chunks(outputs)).zip(probes);
    for ((expected, found), probe) in pairs {
        for (output, ((expected, found), bound)) in expected.iter().zip(found).zip(bounds).enumerate() {
            // Written so that a NaN is a mismatch too.
            let agrees = (expected - found).abs() <= *bound;
            if !agrees {
                return Err(Mismatch::Answer {
                    forest: forest.name,
                    output,
                    place: probe.place,
                    expected: *expected,
                    found: *found,
                });
            }
        }
    }
    Ok(())
}

/// How far two sums of the same leaves may lie apart, by output: each of n additions rounds by at most half a unit
/// in the last place of a partial sum, which is at most the sum of the largest leaves.
fn rounding_bounds(forest: &Forest) -> Vec<f64> {
    let unit = f64::from(f32::EPSILON);
    let bound = |(output, base): (usize, &f32)| {
        let trees = forest.trees.iter().filter(|tree| tree.output == output);
        let largest = trees.clone().map(|tree| largest_leaf(&tree.nodes));
        let size = largest.sum::<f64>() + f64::from(base.abs());
        unit * size * (trees.count() + 1) as f64
    };
    forest.base.iter().enumerate().map(bound).collect()
}

fn largest_leaf(nodes: &[Node]) -> f64 {
    let leaves = nodes.iter().filter_map(|node| match node {
        Node::Leaf { value, .. } => Some(f64::from(value.abs())),
        Node::Split { .. } => None,
    });
    leaves.fold(0.0, f64::max)
}
