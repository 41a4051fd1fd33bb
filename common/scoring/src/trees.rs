//! Trees as a file describes them, checked: the one form both the ONNX reader fills and the kernels are packed from.
//!
//! Whatever is accepted here can be walked without looking again: every child exists, every node but the root has
//! one parent, no path is longer than [`DEPTH_LIMIT`], and every number is one a comparison or a sum can take.

use crate::Refusal;

/// The longest path from a root to a leaf that is served: beyond it the padded layout of the kernels grows too large.
pub(crate) const DEPTH_LIMIT: u32 = 10;

/// How many trees are served.
pub(crate) const TREE_LIMIT: usize = 1 << 14;

/// How many classes are served.
pub(crate) const CLASS_LIMIT: usize = 16;

/// How large a leaf's value may be: sums of [`TREE_LIMIT`] such values are far from f32's end.
const LEAF_LIMIT: f32 = 1e6;

/// Where a row goes that lacks the feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Left,
    Right,
}

/// One node; its children are indexes into its tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Node {
    /// Left where the feature is below the threshold.
    Split { feature: u8, threshold: f32, missing: Missing, left: u32, right: u32 },
    /// What the tree says.
    Leaf { value: f32 },
}

/// One tree: it moves one class's score. Node 0 is the root.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tree {
    pub(crate) class: u8,
    pub(crate) nodes: Vec<Node>,
    /// Each node's weight in training (its sum of hessians), which exact attributions need.
    pub(crate) covers: Vec<f32>,
}

/// What is done to the sums of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PostTransform {
    None,
    Softmax,
}

/// A sum of trees for each class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ensemble {
    pub(crate) trees: Vec<Tree>,
    /// Added to each class's sum, after the trees.
    pub(crate) base: Vec<f32>,
    pub(crate) post_transform: PostTransform,
    /// What the graph calls each class.
    pub(crate) labels: Vec<i64>,
}

impl Ensemble {
    /// The longest path of all trees, at least 1.
    pub(crate) fn depth(&self) -> Result<u32, Refusal> {
        let mut deepest = 1;
        for (number, tree) in self.trees.iter().enumerate() {
            deepest = deepest.max(tree.check(number)?);
        }
        Ok(deepest)
    }

    /// Every split's feature and threshold.
    pub(crate) fn splits(&self) -> impl Iterator<Item = (u8, f32)> + '_ {
        self.trees.iter().flat_map(|tree| &tree.nodes).filter_map(|node| match *node {
            Node::Split { feature, threshold, .. } => Some((feature, threshold)),
            Node::Leaf { .. } => None,
        })
    }
}

impl Tree {
    /// Walks the whole tree once; its depth, or what is wrong with it.
    fn check(&self, number: usize) -> Result<u32, Refusal> {
        let mut seen = vec![false; self.nodes.len()];
        let mut to_visit = vec![(0u32, 0u32)];
        let mut deepest = 0;
        while let Some((index, depth)) = to_visit.pop() {
            let place = || format!("node {index} of tree {number}");
            let Some((node, seen)) = self.nodes.get(index as usize).zip(seen.get_mut(index as usize)) else {
                return Err(Refusal::new(place(), "nothing", "a node, for another names it as its child"));
            };
            if std::mem::replace(seen, true) {
                return Err(Refusal::new(place(), "a second parent, or itself below itself", "one parent"));
            }
            deepest = deepest.max(depth);
            if deepest > DEPTH_LIMIT {
                let expected = format!("at most {DEPTH_LIMIT}");
                return Err(Refusal::new(place(), format!("depth {depth}"), expected));
            }
            if let Node::Split { left, right, .. } = *node {
                to_visit.extend([(left, depth + 1), (right, depth + 1)]);
            }
            check_numbers(node).map_err(|(found, expected)| Refusal::new(place(), found, expected))?;
        }
        self.check_covers(number)?;
        match seen.iter().position(|seen| !seen) {
            Some(lost) => {
                Err(Refusal::new(format!("node {lost} of tree {number}"), "no parent", "a way from the root"))
            }
            None => Ok(deepest),
        }
    }

    fn check_covers(&self, number: usize) -> Result<(), Refusal> {
        let usable = |cover: f32| cover.is_finite() && cover >= 0.0;
        match self.covers.iter().position(|cover| !usable(*cover)) {
            None => Ok(()),
            Some(node) => {
                let place = format!("cover of node {node} of tree {number}");
                Err(Refusal::new(place, format!("{:?}", self.covers.get(node)), "a finite number, 0 or more"))
            }
        }
    }
}

fn check_numbers(node: &Node) -> Result<(), (String, &'static str)> {
    match *node {
        Node::Split { threshold, .. } if !threshold.is_finite() => {
            Err((format!("threshold {threshold}"), "a finite threshold"))
        }
        Node::Leaf { value } if value.is_nan() || value.abs() > LEAF_LIMIT => {
            Err((format!("value {value}"), "a value within a million of 0"))
        }
        _ => Ok(()),
    }
}
