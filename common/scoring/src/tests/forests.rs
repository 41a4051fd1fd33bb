//! Random forests and rows for the tests, and the textbook's walk.
//!
//! Thresholds come from a small set and rows from the same set, one step below and above it, infinities and NaN: the
//! places where a wrong comparison shows.

use linkcast_domain::FEATURE_COUNT;
use proptest::prelude::*;

use crate::trees::{Ensemble, Missing, Node, PostTransform, Tree};

pub(super) type Row = [f32; FEATURE_COUNT];

/// A tree that is not yet numbered.
#[derive(Clone, Debug)]
enum Shape {
    Leaf(f32, f32),
    Split(u8, f32, bool, Box<Shape>, Box<Shape>),
}

fn threshold() -> impl Strategy<Value = f32> {
    let whole = (-3i8..3).prop_map(f32::from);
    prop_oneof![Just(0.0f32), Just(-0.0), Just(1e-40), Just(f32::MAX), Just(-1.5), whole]
}

/// A value at, just below or just above some threshold, or one no threshold equals.
fn value() -> impl Strategy<Value = f32> {
    (threshold(), 0..6u8).prop_map(|(threshold, step)| match step {
        0 => threshold.next_down(),
        1 => threshold.next_up(),
        2 => f32::NAN,
        3 => f32::INFINITY,
        4 => f32::NEG_INFINITY,
        _ => threshold,
    })
}

pub(super) fn row() -> impl Strategy<Value = Row> {
    proptest::array::uniform32(value()).prop_map(|values| {
        let mut row = [0.5; FEATURE_COUNT];
        row.iter_mut().zip(values).for_each(|(place, value)| *place = value);
        row
    })
}

fn shape(features: u8, depth: u32) -> impl Strategy<Value = Shape> {
    let leaf =
        (-8i8..8, 1u8..100).prop_map(|(value, cover)| Shape::Leaf(f32::from(value) * 0.37, f32::from(cover)));
    leaf.prop_recursive(depth, 1 << depth, 2, move |below| {
        (0..features, threshold(), any::<bool>(), below.clone(), below).prop_map(
            |(feature, threshold, missing_left, left, right)| {
                Shape::Split(feature, threshold, missing_left, Box::new(left), Box::new(right))
            },
        )
    })
}

fn number(shape: &Shape, tree: &mut Tree) -> f32 {
    let index = tree.nodes.len();
    tree.nodes.push(Node::Leaf { value: 0.0 });
    tree.covers.push(0.0);
    let (node, cover) = match shape {
        Shape::Leaf(value, cover) => (Node::Leaf { value: *value }, *cover),
        Shape::Split(feature, threshold, missing_left, left, right) => {
            let first = tree.nodes.len() as u32;
            let of_left = number(left, tree);
            let second = tree.nodes.len() as u32;
            let of_right = number(right, tree);
            let missing = if *missing_left { Missing::Left } else { Missing::Right };
            let (feature, threshold) = (*feature, *threshold);
            (Node::Split { feature, threshold, missing, left: first, right: second }, of_left + of_right)
        }
    };
    tree.nodes[index] = node;
    tree.covers[index] = cover;
    cover
}

/// Forests of `classes` classes over the first `features` features.
pub(super) fn ensemble(
    classes: u8,
    features: u8,
    depth: u32,
    trees: std::ops::Range<usize>,
) -> impl Strategy<Value = Ensemble> {
    let tree = (shape(features, depth), 0..classes).prop_map(|(shape, class)| {
        let mut tree = Tree { class, nodes: Vec::new(), covers: Vec::new() };
        number(&shape, &mut tree);
        tree
    });
    proptest::collection::vec(tree, trees).prop_map(move |trees| Ensemble {
        trees,
        base: (0..classes).map(|class| f32::from(class) * 0.25).collect(),
        post_transform: PostTransform::None,
        labels: (0..i64::from(classes)).collect(),
    })
}

/// The walk as a textbook has it; sums in the contract's order.
pub(super) fn textbook(ensemble: &Ensemble, row: &Row) -> Vec<f32> {
    let mut sums = vec![0.0f32; ensemble.base.len()];
    for tree in &ensemble.trees {
        let mut index = 0;
        loop {
            match tree.nodes[index] {
                Node::Leaf { value } => {
                    sums[usize::from(tree.class)] += value;
                    break;
                }
                Node::Split { feature, threshold, missing, left, right } => {
                    let held = row[usize::from(feature)];
                    let goes_left = if held.is_nan() { missing == Missing::Left } else { held < threshold };
                    index = if goes_left { left } else { right } as usize;
                }
            }
        }
    }
    sums.iter().zip(&ensemble.base).map(|(sum, base)| sum + base).collect()
}
