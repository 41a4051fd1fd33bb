//! One `TreeEnsembleClassifier` node of an ONNX graph, read into checked trees.
//!
//! tract's own reader takes some nodes silently wrong (`BRANCH_GTE` as a leaf) and drops `nodes_hitrates`, where
//! this project's training writes each node's cover; so the node is read here, strictly: whatever cannot be scored
//! exactly is refused with the node's place and what was expected.

use linkcast_domain::FEATURE_COUNT;
use tract_onnx::pb::{AttributeProto, NodeProto};

use crate::Refusal;
use crate::trees::{CLASS_LIMIT, Ensemble, Missing, Node, PostTransform, TREE_LIMIT, Tree};

/// The attributes this reader knows; any other would change what the node means.
const KNOWN: [&str; 17] = [
    "base_values",
    "class_ids",
    "class_nodeids",
    "class_treeids",
    "class_weights",
    "classlabels_int64s",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_nodeids",
    "nodes_treeids",
    "nodes_truenodeids",
    "nodes_values",
    "post_transform",
    "classlabels_strings",
];

/// Reads the node's trees.
pub(crate) fn read_ensemble(node: &NodeProto) -> Result<Ensemble, Refusal> {
    if let Some(unknown) = node.attribute.iter().find(|held| !KNOWN.contains(&held.name.as_str())) {
        return Err(Refusal::new("attributes", &unknown.name, "only those of ai.onnx.ml version 1"));
    }
    if attribute(node, "classlabels_strings").is_some_and(|held| !held.strings.is_empty()) {
        return Err(Refusal::new("classlabels_strings", "string labels", "classlabels_int64s"));
    }
    let labels = attribute(node, "classlabels_int64s").map(|held| held.ints.clone()).unwrap_or_default();
    if labels.is_empty() || labels.len() > CLASS_LIMIT {
        let found = format!("{} labels", labels.len());
        return Err(Refusal::new("classlabels_int64s", found, format!("1 to {CLASS_LIMIT}")));
    }
    let base = read_base(node, labels.len())?;
    let post_transform = read_post_transform(node)?;
    let mut columns = Columns::of(node)?;
    let trees = columns.trees(labels.len())?;
    let ensemble = Ensemble { trees, base, post_transform, labels };
    ensemble.depth()?;
    Ok(ensemble)
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|held| held.name == name)
}

fn read_base(node: &NodeProto, classes: usize) -> Result<Vec<f32>, Refusal> {
    let Some(held) = attribute(node, "base_values").filter(|held| !held.floats.is_empty()) else {
        return Ok(vec![0.0; classes]);
    };
    if held.floats.len() != classes || held.floats.iter().any(|value| !value.is_finite()) {
        return Err(Refusal::new(
            "base_values",
            format!("{:?}", held.floats),
            format!("{classes} finite values"),
        ));
    }
    Ok(held.floats.clone())
}

fn read_post_transform(node: &NodeProto) -> Result<PostTransform, Refusal> {
    let Some(held) = attribute(node, "post_transform") else { return Ok(PostTransform::None) };
    match held.s.as_slice() {
        b"NONE" => Ok(PostTransform::None),
        b"SOFTMAX" => Ok(PostTransform::Softmax),
        other => Err(Refusal::new("post_transform", String::from_utf8_lossy(other), "NONE or SOFTMAX")),
    }
}

/// The node's parallel arrays, all of one length, and the leaves' votes.
struct Columns<'a> {
    tree: &'a [i64],
    id: &'a [i64],
    feature: &'a [i64],
    mode: &'a [Vec<u8>],
    value: &'a [f32],
    left: &'a [i64],
    right: &'a [i64],
    missing_left: &'a [i64],
    cover: &'a [f32],
    votes: Votes,
}

/// Which leaf says what, in the nodes' order.
struct Votes {
    /// Tree, node, class and weight.
    rows: Vec<(i64, i64, i64, f32)>,
    next: usize,
}

/// One row of the columns.
#[derive(Clone, Copy)]
struct Row<'a> {
    tree: i64,
    id: i64,
    feature: i64,
    mode: &'a [u8],
    value: f32,
    left: i64,
    right: i64,
    missing_left: i64,
    cover: f32,
}

impl<'a> Columns<'a> {
    fn of(node: &'a NodeProto) -> Result<Self, Refusal> {
        let tree = attribute(node, "nodes_treeids").map_or(&[][..], |held| &held.ints);
        let count = tree.len();
        let ints = |name| exactly(name, attribute(node, name).map_or(&[][..], |held| &held.ints), count);
        let floats = |name| exactly(name, attribute(node, name).map_or(&[][..], |held| &held.floats), count);
        let modes = attribute(node, "nodes_modes").map_or(&[][..], |held| &held.strings);
        Ok(Columns {
            tree,
            id: ints("nodes_nodeids")?,
            feature: ints("nodes_featureids")?,
            mode: exactly("nodes_modes", modes, count)?,
            value: floats("nodes_values")?,
            left: ints("nodes_truenodeids")?,
            right: ints("nodes_falsenodeids")?,
            missing_left: ints("nodes_missing_value_tracks_true")?,
            cover: floats("nodes_hitrates")?,
            votes: Votes::of(node)?,
        })
    }

    fn rows(&self) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let ids = self.tree.iter().zip(self.id).zip(self.feature).zip(self.mode).zip(self.value);
        let rest = self.left.iter().zip(self.right).zip(self.missing_left).zip(self.cover);
        ids.zip(rest).map(|(((((tree, id), feature), mode), value), (((left, right), missing), cover))| Row {
            tree: *tree,
            id: *id,
            feature: *feature,
            mode,
            value: *value,
            left: *left,
            right: *right,
            missing_left: *missing,
            cover: *cover,
        })
    }

    /// The trees, which must stand in order: 0 to n, and in each the nodes from 0 on.
    fn trees(&mut self, classes: usize) -> Result<Vec<Tree>, Refusal> {
        let mut trees: Vec<Tree> = Vec::new();
        for row in self.rows() {
            if row.tree == trees.len() as i64 && trees.len() < TREE_LIMIT {
                trees.push(Tree { class: u8::MAX, nodes: Vec::new(), covers: Vec::new() });
            }
            let current = trees.len() as i64 - 1;
            let Some(tree) = trees.last_mut().filter(|_| row.tree == current) else {
                let expected = format!("tree ids from 0 on, in order, below {TREE_LIMIT}");
                return Err(Refusal::new("nodes_treeids", row.tree, expected));
            };
            if row.id != tree.nodes.len() as i64 {
                let place = format!("nodes_nodeids in tree {}", row.tree);
                return Err(Refusal::new(place, row.id, format!("{}, the next in order", tree.nodes.len())));
            }
            let node = match row.mode {
                b"LEAF" => self.votes.leaf(&row, classes, tree)?,
                mode => split(&row, mode)?,
            };
            tree.nodes.push(node);
            tree.covers.push(row.cover);
        }
        if trees.is_empty() {
            return Err(Refusal::new("nodes_treeids", "no tree", "at least one"));
        }
        self.votes.finish()?;
        Ok(trees)
    }
}

impl Votes {
    fn of(node: &NodeProto) -> Result<Self, Refusal> {
        let class = attribute(node, "class_ids").map_or(&[][..], |held| &held.ints);
        let ints =
            |name| exactly(name, attribute(node, name).map_or(&[][..], |held| &held.ints), class.len());
        let weights = attribute(node, "class_weights").map_or(&[][..], |held| &held.floats);
        let weights = exactly("class_weights", weights, class.len())?;
        let places = ints("class_treeids")?.iter().zip(ints("class_nodeids")?);
        let mut rows: Vec<_> = places
            .zip(class.iter().zip(weights))
            .map(|((tree, node), (class, weight))| (*tree, *node, *class, *weight))
            .collect();
        rows.sort_by_key(|row| (row.0, row.1));
        Ok(Votes { rows, next: 0 })
    }

    /// The leaf's one vote, which also says whose class the tree moves.
    fn leaf(&mut self, row: &Row<'_>, classes: usize, tree: &mut Tree) -> Result<Node, Refusal> {
        let place = || format!("leaf {} of tree {}", row.id, row.tree);
        let vote = self.rows.get(self.next).filter(|vote| (vote.0, vote.1) == (row.tree, row.id));
        let Some(&(_, _, class, value)) = vote else {
            return Err(Refusal::new(
                place(),
                "no vote, or several on the leaf before it",
                "one vote a leaf",
            ));
        };
        self.next += 1;
        let known = u8::try_from(class).ok().filter(|class| usize::from(*class) < classes);
        match known {
            Some(class) if tree.class == u8::MAX || tree.class == class => tree.class = class,
            _ => return Err(Refusal::new(place(), format!("class {class}"), "the one class its tree moves")),
        }
        Ok(Node::Leaf { value })
    }

    fn finish(&self) -> Result<(), Refusal> {
        match self.rows.get(self.next) {
            None => Ok(()),
            Some((tree, node, ..)) => {
                let found = format!("a vote of node {node} in tree {tree}");
                Err(Refusal::new("class_nodeids", found, "one vote for each leaf and none elsewhere"))
            }
        }
    }
}

/// A branch. `<=` becomes `<` against the next larger number, which is the same comparison for every f32.
fn split(row: &Row<'_>, mode: &[u8]) -> Result<Node, Refusal> {
    let place = |what: &str| format!("{what} of node {} in tree {}", row.id, row.tree);
    let threshold = match mode {
        b"BRANCH_LT" => row.value,
        b"BRANCH_LEQ" => row.value.next_up(),
        other => {
            let expected = "BRANCH_LT, BRANCH_LEQ or LEAF";
            return Err(Refusal::new(place("nodes_modes"), String::from_utf8_lossy(other), expected));
        }
    };
    let feature = u8::try_from(row.feature).ok().filter(|feature| usize::from(*feature) < FEATURE_COUNT);
    let feature = feature.ok_or_else(|| {
        Refusal::new(place("nodes_featureids"), row.feature, format!("0 to {}", FEATURE_COUNT - 1))
    })?;
    let child = |name: &str, id: i64| {
        u32::try_from(id).map_err(|_| Refusal::new(place(name), id, "the id of a node of its tree"))
    };
    Ok(Node::Split {
        feature,
        threshold,
        missing: if row.missing_left != 0 { Missing::Left } else { Missing::Right },
        left: child("nodes_truenodeids", row.left)?,
        right: child("nodes_falsenodeids", row.right)?,
    })
}

fn exactly<'a, T>(name: &str, found: &'a [T], expected: usize) -> Result<&'a [T], Refusal> {
    if found.len() == expected {
        return Ok(found);
    }
    let expected = format!("{expected}, as many as the ids beside them");
    Err(Refusal::new(name, format!("{} values", found.len()), expected))
}
