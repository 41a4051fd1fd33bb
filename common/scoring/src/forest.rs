//! Trees laid out for speed, and the walk of one row through all of them.
//!
//! Every tree is padded to the forest's depth, so that a walk is the same few steps for each, has no branch to
//! mispredict and stays inside a fixed array, where no bound needs a check: the processor overlaps a dozen trees by
//! itself. A node is two bytes (slot and rank, see `ranks`); its children stand at `2i` and `2i + 1`, the root at 1.
//! It needs no `unsafe`.
//!
//! The order of summation is part of the contract: each class's sum starts at 0 and takes its trees in ascending
//! order in f32, then the base; that is tract's and ONNX Runtime's order, and the batch kernel keeps it to the bit.

use crate::Refusal;
use crate::ranks::{EMPTY_SLOT, Ranks, Slots};
use crate::trees::{CLASS_LIMIT, Ensemble, Node, PostTransform, Tree};

/// The sums of one row, by class.
pub(crate) type Sums = [f32; CLASS_LIMIT];

/// How many padded nodes a forest may have: 40 MB.
const PADDED_NODE_LIMIT: usize = 1 << 22;

/// A node that sends every row left: below a leaf of less than full depth.
const PADDING: u16 = u16::from_le_bytes([255, EMPTY_SLOT]);

/// A forest for one question, ready to walk.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Forest {
    /// Steps from root to leaf; each tree has `2^depth` places in the three lists below.
    pub(crate) depth: u32,
    /// Which class each tree moves.
    pub(crate) classes: Vec<u8>,
    /// Rank in the low byte, slot in the high one; place 0 of a tree is not used.
    pub(crate) nodes: Vec<u16>,
    /// What the tree says at each place of its last level.
    pub(crate) leaves: Vec<f32>,
    /// The share of a node's training weight that went left; 1 at padding.
    pub(crate) left_shares: Vec<f32>,
    /// Added to each class's sum at the end.
    pub(crate) base: Vec<f32>,
    pub(crate) post_transform: PostTransform,
    pub(crate) labels: Vec<i64>,
}

impl Forest {
    /// Lays out these trees; `ranks` must hold all their thresholds.
    pub(crate) fn pack(ensemble: &Ensemble, ranks: &Ranks) -> Result<Self, Refusal> {
        let depth = ensemble.depth()?;
        let places = ensemble.trees.len() << depth;
        if places > PADDED_NODE_LIMIT {
            let found = format!("{} trees of depth {depth}", ensemble.trees.len());
            let expected = format!("at most {PADDED_NODE_LIMIT} nodes once padded");
            return Err(Refusal::new("trees", found, expected));
        }
        let mut forest = Forest {
            depth,
            classes: ensemble.trees.iter().map(|tree| tree.class).collect(),
            nodes: vec![PADDING; places],
            leaves: vec![0.0; places],
            left_shares: vec![1.0; places],
            base: ensemble.base.clone(),
            post_transform: ensemble.post_transform,
            labels: ensemble.labels.clone(),
        };
        let size = 1usize << depth;
        let lists = forest.nodes.chunks_exact_mut(size).zip(forest.leaves.chunks_exact_mut(size));
        let lists = lists.zip(forest.left_shares.chunks_exact_mut(size));
        for (tree, ((nodes, leaves), left_shares)) in ensemble.trees.iter().zip(lists) {
            Layout { tree, ranks, nodes, leaves, left_shares }.place(0, 1)?;
        }
        Ok(forest)
    }

    /// How many classes there are.
    pub(crate) fn class_count(&self) -> usize {
        self.base.len()
    }

    /// Each class's sum for the row of these ranks.
    pub(crate) fn sums(&self, slots: &Slots) -> Sums {
        let mut sums = [0.0; CLASS_LIMIT];
        match self.depth {
            1 => self.add_trees::<2>(slots, &mut sums),
            2 => self.add_trees::<4>(slots, &mut sums),
            3 => self.add_trees::<8>(slots, &mut sums),
            4 => self.add_trees::<16>(slots, &mut sums),
            5 => self.add_trees::<32>(slots, &mut sums),
            6 => self.add_trees::<64>(slots, &mut sums),
            7 => self.add_trees::<128>(slots, &mut sums),
            8 => self.add_trees::<256>(slots, &mut sums),
            9 => self.add_trees::<512>(slots, &mut sums),
            _ => self.add_trees::<1024>(slots, &mut sums),
        }
        for (sum, base) in sums.iter_mut().zip(&self.base) {
            *sum += base;
        }
        sums
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a class is masked to the length of the sums")]
    fn add_trees<const SIZE: usize>(&self, slots: &Slots, sums: &mut Sums) {
        let (nodes, _) = self.nodes.as_chunks::<SIZE>();
        let (leaves, _) = self.leaves.as_chunks::<SIZE>();
        for ((nodes, leaves), class) in nodes.iter().zip(leaves).zip(&self.classes) {
            sums[usize::from(*class) % CLASS_LIMIT] += walk(nodes, leaves, slots);
        }
    }
}

/// What one tree says of the row.
#[inline]
#[expect(clippy::indexing_slicing, reason = "places are masked to the arrays' length, and a slot is a byte")]
fn walk<const SIZE: usize>(nodes: &[u16; SIZE], leaves: &[f32; SIZE], slots: &Slots) -> f32 {
    let mut place = 1;
    for _ in 0..SIZE.trailing_zeros() {
        let [rank, slot] = nodes[place % SIZE].to_le_bytes();
        place = 2 * place + usize::from(slots[usize::from(slot)] >= rank);
    }
    leaves[place % SIZE]
}

/// One tree on its way into the padded lists.
struct Layout<'a> {
    tree: &'a Tree,
    ranks: &'a Ranks,
    nodes: &'a mut [u16],
    leaves: &'a mut [f32],
    left_shares: &'a mut [f32],
}

impl Layout<'_> {
    /// Puts node `index` at `place`; depth was checked, so the recursion is as shallow as the limit.
    fn place(&mut self, index: u32, place: usize) -> Result<(), Refusal> {
        let lost = || Refusal::new(format!("node {index}"), "no place for it", "a tree of the checked depth");
        match *self.tree.nodes.get(index as usize).ok_or_else(lost)? {
            Node::Leaf { value } => {
                let mut leftmost = place;
                while leftmost < self.nodes.len() {
                    leftmost *= 2;
                }
                *self.leaves.get_mut(leftmost - self.nodes.len()).ok_or_else(lost)? = value;
            }
            Node::Split { feature, threshold, missing, left, right } => {
                let (slot, rank) = self.ranks.locate(feature, threshold, missing).ok_or_else(lost)?;
                *self.nodes.get_mut(place).ok_or_else(lost)? = u16::from_le_bytes([rank, slot]);
                *self.left_shares.get_mut(place).ok_or_else(lost)? = self.left_share(left, right);
                self.place(left, 2 * place)?;
                self.place(right, 2 * place + 1)?;
            }
        }
        Ok(())
    }

    fn left_share(&self, left: u32, right: u32) -> f32 {
        let cover = |child: u32| self.tree.covers.get(child as usize).copied().map_or(0.0, f64::from);
        let both = cover(left) + cover(right);
        if both > 0.0 { (cover(left) / both) as f32 } else { 0.5 }
    }
}
