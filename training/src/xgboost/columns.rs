//! One tree as the file has it: checked once, then walked as it lies.
//!
//! The walk here is what an export is held against, so it reads the file's own columns and not the nodes that the export is
//! written from: a node lost or misplaced between the two shows in the answers.

use linkcast_domain::FEATURE_COUNT;

use super::XgboostError;
use super::document::TreeColumns;
use crate::forest::{Node, Tree};

/// Marks a leaf among the children.
const NO_CHILD: i64 = -1;

/// A tree's columns, of which every node that can be reached is sound.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Columns {
    /// The output the tree adds to.
    pub(super) output: usize,
    left: Vec<i64>,
    right: Vec<i64>,
    features: Vec<i64>,
    /// Thresholds of splits, values of leaves.
    conditions: Vec<f32>,
    default_left: Vec<bool>,
    covers: Vec<f32>,
    /// The nodes the root leads to, ascending; a pruned tree has others too.
    reached: Vec<usize>,
}

impl Columns {
    /// Checks the columns of the tree that `field` names.
    pub(super) fn new(columns: TreeColumns, output: usize, field: &str) -> Result<Self, XgboostError> {
        check_kind(&columns, field)?;
        let count = columns.left_children.len();
        let lengths = [
            ("right_children", columns.right_children.len()),
            ("split_indices", columns.split_indices.len()),
            ("split_conditions", columns.split_conditions.len()),
            ("default_left", columns.default_left.len()),
            ("sum_hessian", columns.sum_hessian.len()),
        ];
        for (name, length) in lengths {
            if length != count || count == 0 {
                let expected = format!("{} values, one a node", count.max(1));
                return Err(XgboostError::field(
                    format!("{field}.{name}"),
                    format!("{length} values"),
                    expected,
                ));
            }
        }
        let mut tree = Columns {
            output,
            left: columns.left_children,
            right: columns.right_children,
            features: columns.split_indices,
            conditions: columns.split_conditions,
            default_left: columns.default_left.iter().map(|flag| flag.0).collect(),
            covers: columns.sum_hessian,
            reached: Vec::new(),
        };
        tree.reached = tree.reach(field)?;
        Ok(tree)
    }

    /// What the tree adds for `row`.
    pub(super) fn leaf(&self, row: &[f32; FEATURE_COUNT]) -> f32 {
        let mut node = 0;
        loop {
            let condition = self.conditions.get(node).copied().unwrap_or(f32::NAN);
            let Some((left, right)) = self.children(node) else { return condition };
            let feature = self.features.get(node).copied().and_then(|feature| usize::try_from(feature).ok());
            let value = feature.and_then(|feature| row.get(feature)).copied().unwrap_or(f32::NAN);
            let goes_left = if value.is_nan() { self.absent_goes_left(node) } else { value < condition };
            node = if goes_left { left } else { right };
        }
    }

    /// The tree in our form: the nodes that can be reached, in the file's order, numbered without a gap.
    pub(super) fn to_tree(&self) -> Tree {
        let number = |node: usize| self.reached.binary_search(&node).unwrap_or(0) as u32;
        let nodes = self.reached.iter().map(|node| {
            let cover = self.covers.get(*node).copied().unwrap_or(0.0);
            let condition = self.conditions.get(*node).copied().unwrap_or(f32::NAN);
            match self.children(*node) {
                None => Node::Leaf { value: condition, cover },
                Some((left, right)) => Node::Split {
                    feature: self.features.get(*node).copied().unwrap_or(0) as u8,
                    threshold: condition,
                    absent_goes_left: self.absent_goes_left(*node),
                    left: number(left),
                    right: number(right),
                    cover,
                },
            }
        });
        Tree { output: self.output, nodes: nodes.collect() }
    }

    fn absent_goes_left(&self, node: usize) -> bool {
        self.default_left.get(node).copied().unwrap_or(false)
    }

    /// Both children of a split; none of a leaf.
    fn children(&self, node: usize) -> Option<(usize, usize)> {
        let child = |side: &[i64]| side.get(node).copied().and_then(|child| usize::try_from(child).ok());
        child(&self.left).zip(child(&self.right))
    }

    /// Every node the root leads to, each once and each sound.
    fn reach(&self, field: &str) -> Result<Vec<usize>, XgboostError> {
        let mut seen = vec![false; self.left.len()];
        let mut reached = Vec::with_capacity(seen.len());
        let mut open = vec![0];
        while let Some(node) = open.pop() {
            match seen.get_mut(node) {
                Some(seen) if !*seen => *seen = true,
                _ => {
                    let expected = "children within the tree, each of one parent";
                    return Err(XgboostError::field(
                        field,
                        format!("a way to node {node} that is none"),
                        expected,
                    ));
                }
            }
            reached.push(node);
            open.extend(self.check_node(node, field)?.into_iter().flat_map(|(left, right)| [right, left]));
        }
        reached.sort_unstable();
        Ok(reached)
    }

    fn check_node(&self, node: usize, field: &str) -> Result<Option<(usize, usize)>, XgboostError> {
        let wrong = |column: &str, found: String, expected: &str| {
            Err(XgboostError::field(format!("{field}.{column}[{node}]"), found, expected))
        };
        let at = |column: &[i64]| column.get(node).copied().unwrap_or(NO_CHILD);
        let (left, feature) = (at(&self.left), at(&self.features));
        let condition = self.conditions.get(node).copied().unwrap_or(f32::NAN);
        let cover = self.covers.get(node).copied().unwrap_or(f32::NAN);
        if !(cover.is_finite() && cover >= 0.0) {
            return wrong("sum_hessian", cover.to_string(), "a finite number, not below 0");
        }
        if left == NO_CHILD {
            if condition.is_finite() {
                return Ok(None);
            }
            return wrong("split_conditions", condition.to_string(), "a leaf's finite value");
        }
        if condition.is_nan() {
            return wrong("split_conditions", condition.to_string(), "a threshold");
        }
        if !(0..FEATURE_COUNT as i64).contains(&feature) {
            return wrong("split_indices", feature.to_string(), "the place of one of the forty features");
        }
        match self.children(node) {
            Some(children) => Ok(Some(children)),
            None => wrong("left_children", left.to_string(), "two children, or -1"),
        }
    }
}

fn check_kind(columns: &TreeColumns, field: &str) -> Result<(), XgboostError> {
    if let Some(node) = columns.split_type.iter().position(|kind| *kind != 0) {
        let field = format!("{field}.split_type[{node}]");
        return Err(XgboostError::field(field, "a split by category", "splits by a threshold only"));
    }
    match columns.tree_param.size_leaf_vector.as_str() {
        "" | "0" | "1" => Ok(()),
        size => Err(XgboostError::field(
            format!("{field}.tree_param.size_leaf_vector"),
            size,
            "leaves of one number (multi_strategy one_output_per_tree)",
        )),
    }
}
