//! Comparing forests number by number, to the bit.

use super::Mismatch;
use crate::forest::{Forest, Node};

/// How many numbers were compared, or the first that differs.
pub(super) fn compare(grown: &Forest, written: &Forest) -> Result<usize, Mismatch> {
    let counts = |expected: usize, found: usize| {
        let count = Mismatch::Count { forest: grown.name, expected, found };
        if expected == found { Ok(()) } else { Err(count) }
    };
    counts(grown.base.len(), written.base.len())?;
    for (output, (expected, found)) in grown.base.iter().zip(&written.base).enumerate() {
        if expected.to_bits() != found.to_bits() {
            return Err(Mismatch::Base { forest: grown.name, output, expected: *expected, found: *found });
        }
    }
    counts(grown.trees.len(), written.trees.len())?;
    let mut compared = grown.base.len();
    for (number, (expected, found)) in grown.trees.iter().zip(&written.trees).enumerate() {
        counts(expected.nodes.len(), found.nodes.len())?;
        for (node, pair) in expected.nodes.iter().zip(&found.nodes).enumerate() {
            compared += compare_nodes(grown.name, number, node, pair)?;
        }
        let outputs = Number { what: "output", expected: expected.output as u64, found: found.output as u64 };
        outputs.check(grown.name, number, 0, None)?;
    }
    Ok(compared)
}

fn compare_nodes(
    forest: &'static str,
    tree: usize,
    node: usize,
    (grown, written): (&Node, &Node),
) -> Result<usize, Mismatch> {
    let (expected, found) = (numbers(grown), numbers(written));
    let feature = match grown {
        Node::Split { feature, .. } => Some(*feature),
        Node::Leaf { .. } => None,
    };
    for ((what, expected), (_, found)) in expected.iter().zip(&found) {
        Number { what, expected: *expected, found: *found }.check(forest, tree, node, feature)?;
    }
    Ok(expected.len())
}

/// A node as named numbers; reals as their bits.
fn numbers(node: &Node) -> [(&'static str, u64); 7] {
    let real = |value: f32| u64::from(value.to_bits());
    match *node {
        Node::Split { feature, threshold, absent_goes_left, left, right, cover } => [
            ("kind", 0),
            ("feature", u64::from(feature)),
            ("threshold", real(threshold)),
            ("way of absent values", u64::from(absent_goes_left)),
            ("left child", u64::from(left)),
            ("right child", u64::from(right)),
            ("cover", real(cover)),
        ],
        Node::Leaf { value, cover } => [
            ("kind", 1),
            ("leaf value", real(value)),
            ("cover", real(cover)),
            ("", 0),
            ("", 0),
            ("", 0),
            ("", 0),
        ],
    }
}

struct Number {
    what: &'static str,
    expected: u64,
    found: u64,
}

impl Number {
    fn check(
        &self,
        forest: &'static str,
        tree: usize,
        node: usize,
        feature: Option<u8>,
    ) -> Result<(), Mismatch> {
        if self.expected == self.found {
            return Ok(());
        }
        let is_real = matches!(self.what, "threshold" | "leaf value" | "cover");
        let text = |number: u64| {
            if is_real { format!("{:?}", f32::from_bits(number as u32)) } else { number.to_string() }
        };
        Err(Mismatch::Number {
            forest,
            tree,
            node,
            feature,
            what: self.what,
            expected: text(self.expected),
            found: text(self.found),
        })
    }
}
