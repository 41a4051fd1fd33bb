//! The attributions against Shapley's definition: every order of every feature, one by one.

use proptest::prelude::*;

use super::forests::{Row, ensemble, row, textbook};
use crate::attributions::attribute;
use crate::forest::Forest;
use crate::ranks::Ranks;
use crate::trees::{Ensemble, Missing, Node, Tree};

/// How many features the games have: all of their subsets are tried.
const PLAYERS: u8 = 6;

/// What a tree is expected to say when the features in `known` are known.
fn expectation(tree: &Tree, index: u32, row: &Row, known: u32) -> f64 {
    match tree.nodes[index as usize] {
        Node::Leaf { value } => f64::from(value),
        Node::Split { feature, threshold, missing, left, right } => {
            let of = |child| expectation(tree, child, row, known);
            let held = row[usize::from(feature)];
            let goes_left = if held.is_nan() { missing == Missing::Left } else { held < threshold };
            if known >> feature & 1 == 1 {
                return of(if goes_left { left } else { right });
            }
            let cover = |child: u32| f64::from(tree.covers[child as usize]);
            let share = f64::from((cover(left) / (cover(left) + cover(right))) as f32);
            share * of(left) + (1.0 - share) * of(right)
        }
    }
}

/// The class's expected sum, without its base, when the features in `known` are known.
fn game(ensemble: &Ensemble, class: u8, row: &Row, known: u32) -> f64 {
    let trees = ensemble.trees.iter().filter(|tree| tree.class == class);
    trees.map(|tree| expectation(tree, 0, row, known)).sum()
}

fn shapley(ensemble: &Ensemble, class: u8, row: &Row, player: u8) -> f64 {
    let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
    let players = u32::from(PLAYERS);
    (0..1u32 << players)
        .filter(|subset| subset >> player & 1 == 0)
        .map(|subset| {
            let size = subset.count_ones();
            let weight = factorial(size) * factorial(players - size - 1) / factorial(players);
            weight * (game(ensemble, class, row, subset | 1 << player) - game(ensemble, class, row, subset))
        })
        .sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn contributions_are_shapleys_and_sum_to_the_margin(
        ensemble in prop_oneof![ensemble(3, PLAYERS, 5, 1..8), ensemble(3, PLAYERS, 10, 1..3)],
        row in row(),
        class in 0..3u8,
    ) {
        let ranks = Ranks::of(ensemble.splits()).unwrap();
        let forest = Forest::pack(&ensemble, &ranks).unwrap();
        let found = attribute(&forest, &ranks, &ranks.rank(&row), usize::from(class));
        for player in 0..PLAYERS {
            let expected = shapley(&ensemble, class, &row, player);
            let got = found[usize::from(player)];
            prop_assert!((got - expected).abs() < 1e-9, "feature {player}: {got}, expected {expected}");
        }
        prop_assert!(found[usize::from(PLAYERS)..].iter().all(|share| *share == 0.0));

        let bias = game(&ensemble, class, &row, 0) + f64::from(ensemble.base[usize::from(class)]);
        let margin = f64::from(textbook(&ensemble, &row)[usize::from(class)]);
        let sum = bias + found.iter().sum::<f64>();
        prop_assert!((sum - margin).abs() < 1e-4, "{sum}, expected {margin}");
    }
}
