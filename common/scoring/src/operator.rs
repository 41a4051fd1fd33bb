//! The tree operator that stands in tract's graph in place of tract's own.
//!
//! It is an ordinary pair of tract operators: an `Expansion` that the ONNX reader makes of a node, and the `TypedOp`
//! it becomes. It gives the two outputs the standard asks for, labels and scores.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use linkcast_domain::FEATURE_COUNT;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use crate::forest::Forest;
use crate::onnx::read_ensemble;
use crate::ranks::Ranks;
use crate::trees::{Ensemble, PostTransform};

/// A forest as tract's graph holds it.
#[derive(Clone, Debug)]
pub(crate) struct Trees {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    ensemble: Ensemble,
    ranks: Ranks,
    forest: Forest,
}

/// tract compares operators to merge equal nodes; a graph here has one.
impl PartialEq for Trees {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for Trees {}

impl Hash for Trees {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.inner).hash(state);
    }
}

/// Makes the operator of a node: what tract's register of operators calls.
pub(crate) fn read_node(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let ensemble = read_ensemble(node)?;
    let ranks = Ranks::of(ensemble.splits())?;
    let forest = Forest::pack(&ensemble, &ranks)?;
    Ok((expand(Trees { inner: Arc::new(Inner { ensemble, ranks, forest }) }), Vec::new()))
}

impl Trees {
    pub(crate) fn ensemble(&self) -> &Ensemble {
        &self.inner.ensemble
    }

    fn scores(&self, row: &[f32; FEATURE_COUNT]) -> Vec<f32> {
        let forest = &self.inner.forest;
        let sums = forest.sums(&self.inner.ranks.rank(row));
        let sums = sums.iter().copied().take(forest.class_count());
        match forest.post_transform {
            PostTransform::None => sums.collect(),
            PostTransform::Softmax => {
                let highest = sums.clone().fold(f32::NEG_INFINITY, f32::max);
                let weights: Vec<f32> = sums.map(|sum| (sum - highest).exp()).collect();
                let whole: f32 = weights.iter().sum();
                weights.iter().map(|weight| weight / whole).collect()
            }
        }
    }

    fn label(&self, scores: &[f32]) -> i64 {
        let best = scores.iter().enumerate().fold((0, f32::NEG_INFINITY), |best, (class, score)| {
            if *score > best.1 { (class, *score) } else { best }
        });
        self.inner.forest.labels.get(best.0).copied().unwrap_or_default()
    }
}

impl Expansion for Trees {
    fn name(&self) -> StaticName {
        "LinkcastTrees".into()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(2)
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let ([input], [labels, scores]) = (inputs, outputs) else {
            bail!("{} inputs and {} outputs, expected 1 and 2", inputs.len(), outputs.len())
        };
        solver.equals(&labels.datum_type, i64::datum_type())?;
        solver.equals(&scores.datum_type, f32::datum_type())?;
        solver.equals(&labels.rank, 1)?;
        solver.equals(&scores.rank, 2)?;
        solver.equals(&labels.shape[0], &input.shape[0])?;
        solver.equals(&scores.shape[0], &input.shape[0])?;
        solver.equals(&scores.shape[1], self.inner.forest.class_count().to_dim())
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        model.wire_node(prefix, self.clone(), inputs)
    }
}

impl Op for Trees {
    fn name(&self) -> StaticName {
        "LinkcastTrees".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Trees {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let input = inputs.first().context("the tree operator has no input")?;
        let rows = input.to_plain_array_view::<f32>()?.into_dimensionality::<tract_ndarray::Ix2>()?;
        let mut labels = Vec::with_capacity(rows.nrows());
        let mut scores = Vec::new();
        for row in rows.rows() {
            let row: Vec<f32> = row.iter().copied().collect();
            let of_row =
                self.scores(row.as_slice().try_into().context("a row is not of the schema's width")?);
            labels.push(self.label(&of_row));
            scores.extend(of_row);
        }
        let shape = (labels.len(), self.inner.forest.class_count());
        let scores = tract_ndarray::Array2::from_shape_vec(shape, scores)?;
        Ok(tvec!(tensor1(&labels).into_tvalue(), scores.into_tensor().into_tvalue()))
    }
}

impl TypedOp for Trees {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let input = inputs.first().context("the tree operator has no input")?;
        let batch = input.shape.first().context("the input has no rows")?;
        let classes = self.inner.forest.class_count().to_dim();
        Ok(tvec!(i64::fact([batch.clone()]), f32::fact([batch.clone(), classes])))
    }

    as_op!();
}
