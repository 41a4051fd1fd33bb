//! An ONNX file through tract, with tract's tree operator replaced by this crate's.
//!
//! tract's own operator looks a leaf up in time that grows with its place in the file, so that a forest takes time
//! quadratic in its trees (150 ms a row where 10 µs will do), and it misreads some nodes. Here the graph is still
//! parsed, typed and optimised by tract; only the node is ours. A graph that is more than one such node is refused:
//! then what a model answers is exactly what its trees say, and the trees can be walked without tract's overhead.

use std::sync::Arc;

use linkcast_domain::FEATURE_COUNT;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Dimension;
use tract_onnx::pb::type_proto::Value as TypeValue;
use tract_onnx::pb::{GraphProto, ModelProto, ValueInfoProto};
use tract_onnx::tract_hir::internal::*;

use crate::operator::{Trees, read_node};
use crate::trees::Ensemble;
use crate::{LoadError, Refusal};

/// The largest ONNX file read: some twenty times the shipped model.
const FILE_LIMIT: usize = 64 << 20;

/// ONNX's number for f32.
const ONNX_FLOAT: i32 = 1;

/// An ONNX model as tract runs it: the reference that exported and packed trees are compared with.
#[derive(Debug)]
pub struct Graph {
    runnable: Arc<TypedRunnableModel>,
    trees: Trees,
}

impl Graph {
    /// Reads an ONNX file; `file` is its name in messages.
    ///
    /// # Errors
    /// When it is too large, damaged, or holds anything but one tree node that can be scored exactly.
    pub fn load(file: &'static str, bytes: &[u8]) -> Result<Self, LoadError> {
        if bytes.len() > FILE_LIMIT {
            return Err(LoadError::TooLarge { file, bytes: bytes.len(), limit: FILE_LIMIT });
        }
        let damaged = |error: TractError| LoadError::Damaged { file, source: error.into_boxed_dyn_error() };
        let mut reader = bytes;
        let proto = tract_onnx::onnx().proto_model_for_read(&mut reader).map_err(damaged)?;
        check_shape(&proto).map_err(|source| LoadError::Refused { file, source })?;
        let model = optimise(&proto).map_err(|error| match error.downcast::<Refusal>() {
            Ok(source) => LoadError::Refused { file, source },
            Err(error) => damaged(error),
        })?;
        let trees = only_operator(&model).map_err(|source| LoadError::Refused { file, source })?;
        let runnable = model.into_runnable().map_err(damaged)?;
        Ok(Graph { runnable, trees })
    }

    /// The graph's scores of these rows, one after another, each with one number a class.
    ///
    /// # Errors
    /// When tract cannot run the graph.
    pub fn scores(&self, rows: &[[f32; FEATURE_COUNT]]) -> Result<Vec<f32>, TractError> {
        let input = tract_ndarray::Array2::from_shape_vec(
            (rows.len(), FEATURE_COUNT),
            rows.iter().flatten().copied().collect(),
        )?;
        let outputs = self.runnable.run(tvec!(input.into_tensor().into_tvalue()))?;
        let scores = outputs.get(1).context("the graph has no second output")?;
        Ok(scores.to_plain_array_view::<f32>()?.iter().copied().collect())
    }

    pub(crate) fn ensemble(&self) -> &Ensemble {
        self.trees.ensemble()
    }
}

fn optimise(proto: &ModelProto) -> TractResult<TypedModel> {
    let mut onnx = tract_onnx::onnx();
    onnx.op_register.insert("TreeEnsembleClassifier", read_node);
    let mut model = onnx.model_for_proto_model(proto)?;
    let batch = model.symbols.sym("batch");
    model.set_input_fact(0, f32::fact([batch.to_dim(), FEATURE_COUNT.to_dim()]).into())?;
    model.into_optimized()
}

/// The one operator left once tract has typed and optimised the graph.
fn only_operator(model: &TypedModel) -> Result<Trees, Refusal> {
    let mut found = None;
    for node in model.nodes() {
        match node.op_as::<Trees>() {
            Some(trees) if found.is_none() => found = Some(trees.clone()),
            None if node.op_is::<tract_core::ops::source::TypedSource>() => {}
            _ => return Err(Refusal::new("optimised graph", &node.op, "one tree node and its input")),
        }
    }
    found.ok_or_else(|| Refusal::new("optimised graph", "no tree node", "one"))
}

/// Refuses whatever is not input, one tree node, labels and scores: tract trusts names in the file and would panic.
fn check_shape(proto: &ModelProto) -> Result<(), Refusal> {
    let graph = proto.graph.as_ref().ok_or_else(|| Refusal::new("file", "no graph", "an ONNX graph"))?;
    let [node] = graph.node.as_slice() else {
        return Err(Refusal::new(
            "graph",
            format!("{} nodes", graph.node.len()),
            "one TreeEnsembleClassifier",
        ));
    };
    if node.op_type != "TreeEnsembleClassifier" || node.domain != "ai.onnx.ml" {
        let found = format!("{} of domain {:?}", node.op_type, node.domain);
        return Err(Refusal::new("graph's node", found, "TreeEnsembleClassifier of domain ai.onnx.ml"));
    }
    if !graph.initializer.is_empty() || !graph.sparse_initializer.is_empty() || !graph.value_info.is_empty() {
        return Err(Refusal::new("graph", "initializers or value_info", "neither"));
    }
    let names = |values: &[ValueInfoProto]| values.iter().map(|value| value.name.clone()).collect::<Vec<_>>();
    let wired = names(&graph.input) == node.input && names(&graph.output) == node.output;
    if !wired || node.input.len() != 1 || node.output.len() != 2 {
        let found = format!("{:?} to {:?}", names(&graph.input), names(&graph.output));
        return Err(Refusal::new("graph's ends", found, "the node's one input and its labels and scores"));
    }
    let mut all: Vec<&String> = node.input.iter().chain(&node.output).collect();
    all.sort_unstable();
    all.dedup();
    if all.len() != 3 || all.iter().any(|name| name.is_empty()) {
        return Err(Refusal::new("graph's ends", "empty or repeated names", "three names"));
    }
    check_input(graph)
}

fn check_input(graph: &GraphProto) -> Result<(), Refusal> {
    let held =
        graph.input.first().and_then(|input| input.r#type.as_ref()).and_then(|held| held.value.as_ref());
    let Some(TypeValue::TensorType(tensor)) = held else {
        return Err(Refusal::new("graph's input", "no tensor type", "f32 rows of features"));
    };
    let shape = tensor.shape.as_ref().map(|shape| shape.dim.as_slice()).unwrap_or_default();
    let width = shape.get(1).and_then(|dimension| dimension.value.as_ref());
    let matches = matches!(width, Some(Dimension::DimValue(width)) if *width == FEATURE_COUNT as i64);
    if tensor.elem_type != ONNX_FLOAT || shape.len() != 2 || !matches {
        let found = format!("element type {}, width {width:?}", tensor.elem_type);
        return Err(Refusal::new("graph's input", found, format!("f32 rows of {FEATURE_COUNT} features")));
    }
    Ok(())
}
