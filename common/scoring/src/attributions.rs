//! Exact Shapley values of a row's features in one class's sum of trees.
//!
//! The game is TreeSHAP's (Lundberg and others 2018, "path-dependent"): a tree is followed where the feature is known
//! and averaged by the children's training weight where it is not. A leaf that says `v`, reached over features `j`
//! with weight `z_j` when unknown and `o_j` (0 or 1) when known, gives feature `i` the amount
//! `v (o_i - z_i) ∫₀¹ ∏_{j≠i} (z_j + (o_j - z_j) t) dt`, because Shapley's weights are beta integrals. The integrand is
//! a polynomial of a degree below the tree's depth, so Gauss and Legendre's rule with half as many points gives the
//! integral itself, not an approximation. The product can be carried down the tree and the sum up, so that one
//! visit of each node is enough (the idea of Linear TreeSHAP, Yu and others 2022, with the rule in place of its
//! polynomials).

use linkcast_domain::FEATURE_COUNT;

use crate::forest::Forest;
use crate::ranks::{EMPTY_SLOT, Ranks, Slots};

/// Points and weights on 0..1, exact up to degree 5: trees of depth 6.
const THREE_POINTS: Rule<3> = Rule {
    points: [0.112_701_665_379_258_31, 0.5, 0.887_298_334_620_741_7],
    weights: [0.277_777_777_777_777_8, 0.444_444_444_444_444_4, 0.277_777_777_777_777_8],
};

/// Points and weights on 0..1, exact up to degree 9: trees of depth 10.
const FIVE_POINTS: Rule<5> = Rule {
    points: [
        0.046_910_077_030_668_004,
        0.230_765_344_947_158_45,
        0.5,
        0.769_234_655_052_841_6,
        0.953_089_922_969_332,
    ],
    weights: [
        0.118_463_442_528_094_54,
        0.239_314_335_249_683_24,
        0.284_444_444_444_444_45,
        0.239_314_335_249_683_24,
        0.118_463_442_528_094_54,
    ],
};

/// The depth up to which three points are exact.
const THREE_POINT_DEPTH: u32 = 6;

struct Rule<const POINTS: usize> {
    points: [f64; POINTS],
    weights: [f64; POINTS],
}

/// What is known of one feature on the way to a node.
#[derive(Clone, Copy)]
struct Known {
    /// 1 if the row goes this way by all of the feature's splits, else 0.
    one: f64,
    /// The share of training weight that goes this way by the feature's splits.
    zero: f64,
}

impl Known {
    /// The factor of this feature at each point, and what its absence would divide by.
    fn factors<const POINTS: usize>(self, rule: &Rule<POINTS>) -> [f64; POINTS] {
        rule.points.map(|point| self.zero + (self.one - self.zero) * point)
    }
}

/// Each feature's share of the class's sum for the row of these ranks, in log-odds.
pub(crate) fn attribute(forest: &Forest, ranks: &Ranks, slots: &Slots, class: usize) -> [f64; FEATURE_COUNT] {
    if forest.depth <= THREE_POINT_DEPTH {
        attribute_by(forest, ranks, slots, class, &THREE_POINTS)
    } else {
        attribute_by(forest, ranks, slots, class, &FIVE_POINTS)
    }
}

fn attribute_by<const POINTS: usize>(
    forest: &Forest,
    ranks: &Ranks,
    slots: &Slots,
    class: usize,
    rule: &Rule<POINTS>,
) -> [f64; FEATURE_COUNT] {
    let size = 1usize << forest.depth;
    let lists = forest.nodes.chunks_exact(size).zip(forest.leaves.chunks_exact(size));
    let lists = lists.zip(forest.left_shares.chunks_exact(size)).zip(&forest.classes);
    let mut visit = Visit {
        nodes: &[],
        leaves: &[],
        left_shares: &[],
        slots,
        features: ranks.slot_features(),
        rule,
        known: [Known { one: 1.0, zero: 1.0 }; FEATURE_COUNT],
        shares: [0.0; FEATURE_COUNT],
    };
    for (((nodes, leaves), left_shares), _) in lists.filter(|(_, held)| usize::from(**held) == class) {
        (visit.nodes, visit.leaves, visit.left_shares) = (nodes, leaves, left_shares);
        visit.below(1, [1.0; POINTS]);
    }
    visit.shares
}

/// One walk over all nodes of a tree.
struct Visit<'a, const POINTS: usize> {
    nodes: &'a [u16],
    leaves: &'a [f32],
    left_shares: &'a [f32],
    slots: &'a Slots,
    features: [u8; 256],
    rule: &'a Rule<POINTS>,
    known: [Known; FEATURE_COUNT],
    shares: [f64; FEATURE_COUNT],
}

impl<const POINTS: usize> Visit<'_, POINTS> {
    /// The leaves below `place`, each times the factors of all features on its way, summed at each point.
    #[expect(
        clippy::indexing_slicing,
        reason = "places stay below twice the lists' length, and the table of features holds features of the schema"
    )]
    fn below(&mut self, place: usize, product: [f64; POINTS]) -> [f64; POINTS] {
        if let Some(leaf) = place.checked_sub(self.nodes.len()) {
            let value = f64::from(self.leaves[leaf]);
            return product.map(|factor| factor * value);
        }
        let [rank, slot] = self.nodes[place].to_le_bytes();
        if slot == EMPTY_SLOT {
            return self.below(2 * place, product);
        }
        let feature = usize::from(self.features[usize::from(slot)]) % FEATURE_COUNT;
        let before = self.known[feature];
        let factors_before = before.factors(self.rule).map(f64::recip);
        let others = pointwise(product, factors_before, |product, factor| product * factor);
        let share = f64::from(self.left_shares[place]);
        let goes_left = self.slots[usize::from(slot)] < rank;
        let mut sum = [0.0; POINTS];
        for (child, share, goes) in [(2 * place, share, goes_left), (2 * place + 1, 1.0 - share, !goes_left)]
        {
            let known = Known { one: if goes { before.one } else { 0.0 }, zero: before.zero * share };
            if known.one == 0.0 && known.zero == 0.0 {
                // Neither the row nor any training row comes here.
                continue;
            }
            self.known[feature] = known;
            let factors = known.factors(self.rule);
            let of_child = self.below(child, pointwise(others, factors, |others, factor| others * factor));
            for point in 0..POINTS {
                let now = (known.one - known.zero) / factors[point];
                let then = (before.one - before.zero) * factors_before[point];
                self.shares[feature] += self.rule.weights[point] * of_child[point] * (now - then);
                sum[point] += of_child[point];
            }
        }
        self.known[feature] = before;
        sum
    }
}

#[inline]
fn pointwise<const POINTS: usize>(
    mut left: [f64; POINTS],
    right: [f64; POINTS],
    combine: impl Fn(f64, f64) -> f64,
) -> [f64; POINTS] {
    left.iter_mut().zip(right).for_each(|(left, right)| *left = combine(*left, right));
    left
}
