//! Rows that stand on a split's edge.
//!
//! A recorded row is led down to the split by moving only the features tested on the way, each to the nearest value
//! that takes the right turn; then the split's own feature is set to the threshold, its two neighbours and nothing.
//! Where one feature is tested twice in ways no number satisfies (a path only absent values take) the feature is
//! made absent. A row that still does not arrive is compared all the same: it is one more row.

use linkcast_domain::FEATURE_COUNT;

use super::Place;
use crate::forest::{Forest, Node, Tree};

/// A row and what it was made for.
pub(super) struct Probe {
    pub(super) values: [f32; FEATURE_COUNT],
    pub(super) place: Place,
}

impl Probe {
    pub(super) fn recorded(row: usize, values: [f32; FEATURE_COUNT]) -> Self {
        Probe { values, place: Place::Recorded { row } }
    }
}

/// Up to four rows for each split of tree number `tree`.
pub(super) fn around_splits(forest: &Forest, tree: usize, recorded: &[[f32; FEATURE_COUNT]]) -> Vec<Probe> {
    let Some(grown) = forest.trees.get(tree) else { return Vec::new() };
    let blank = [f32::NAN; FEATURE_COUNT];
    let mut probes = Vec::with_capacity(grown.nodes.len() * 2);
    for (node, turns) in ways(grown) {
        let Some(Node::Split { feature, threshold, .. }) = grown.nodes.get(node).copied() else { continue };
        let row = (tree * 131 + node) % recorded.len().max(1);
        let led = lead(recorded.get(row).copied().unwrap_or(blank), &turns);
        let edges = [threshold, threshold.next_down(), threshold.next_up()];
        // A split of present from absent may stand at the end of the numbers, beyond which no feature lies.
        for value in edges.into_iter().filter(|edge| edge.is_finite()).chain([f32::NAN]) {
            let mut values = led;
            set(&mut values, feature, value);
            let place = Place::AtSplit { forest: forest.name, tree, node, feature, value, row };
            probes.push(Probe { values, place });
        }
    }
    probes
}

/// A test passed on the way down.
#[derive(Clone, Copy)]
struct Turn {
    feature: u8,
    threshold: f32,
    side: Side,
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Below,
    AtOrAbove,
}

/// Every node with the turns that lead to it.
fn ways(tree: &Tree) -> Vec<(usize, Vec<Turn>)> {
    let mut ways = Vec::with_capacity(tree.nodes.len());
    let mut open: Vec<(usize, Vec<Turn>)> = vec![(0, Vec::new())];
    while let Some((node, turns)) = open.pop() {
        if let Some(Node::Split { feature, threshold, left, right, .. }) = tree.nodes.get(node).copied() {
            for (child, side) in [(left, Side::Below), (right, Side::AtOrAbove)] {
                let turn = Turn { feature, threshold, side };
                open.push((child as usize, turns.iter().copied().chain([turn]).collect()));
            }
        }
        ways.push((node, turns));
    }
    ways
}

/// `row` with the features of `turns` moved so that it takes them.
fn lead(mut row: [f32; FEATURE_COUNT], turns: &[Turn]) -> [f32; FEATURE_COUNT] {
    for turn in turns {
        let of_feature = turns.iter().filter(|other| other.feature == turn.feature);
        let bound = |side: Side| {
            of_feature.clone().filter(move |other| other.side == side).map(|other| other.threshold)
        };
        let lowest = bound(Side::AtOrAbove).fold(f32::NEG_INFINITY, f32::max);
        let above = bound(Side::Below).fold(f32::INFINITY, f32::min);
        let value = row.get(usize::from(turn.feature)).copied().unwrap_or(f32::NAN);
        let led = if lowest >= above {
            f32::NAN
        } else if value >= lowest && value < above {
            value
        } else if lowest.is_finite() {
            lowest
        } else {
            above.next_down()
        };
        set(&mut row, turn.feature, if led.is_infinite() { f32::NAN } else { led });
    }
    row
}

fn set(row: &mut [f32; FEATURE_COUNT], feature: u8, value: f32) {
    if let Some(place) = row.get_mut(usize::from(feature)) {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(feature: u8, threshold: f32, left: u32, right: u32) -> Node {
        Node::Split { feature, threshold, absent_goes_left: true, left, right, cover: 1.0 }
    }

    fn arrives(tree: &Tree, values: &[f32; FEATURE_COUNT], target: usize) -> bool {
        let mut place = 0;
        while place != target {
            let Node::Split { feature, threshold, absent_goes_left, left, right, .. } = tree.nodes[place]
            else {
                return false;
            };
            let value = values[usize::from(feature)];
            let goes_left = if value.is_nan() { absent_goes_left } else { value < threshold };
            place = if goes_left { left } else { right } as usize;
        }
        true
    }

    #[test]
    fn every_split_gets_rows_that_reach_it_on_both_sides_of_its_edge() {
        let leaf = Node::Leaf { value: 1.0, cover: 1.0 };
        let nodes = vec![
            split(3, 10.0, 1, 2),
            split(3, 5.0, 3, 4),
            split(7, -0.5, 5, 6),
            leaf,
            split(7, 2.0, 7, 8),
            leaf,
            leaf,
            leaf,
            leaf,
        ];
        let forest = Forest { name: "test", base: vec![0.0], trees: vec![Tree { output: 0, nodes }] };
        let probes = around_splits(&forest, 0, &[[0.0; FEATURE_COUNT]]);
        assert_eq!(probes.len(), 4 * 4);
        for probe in &probes {
            let Place::AtSplit { node, value, feature, .. } = probe.place else { panic!("a made row") };
            if !value.is_nan() {
                assert!(arrives(&forest.trees[0], &probe.values, node), "node {node} at {value}");
                assert_eq!(probe.values[usize::from(feature)], value);
            }
        }
    }
}
