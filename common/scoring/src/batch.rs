//! Many rows at once: thirty-two side by side, one tree after another.
//!
//! Walking suits one row; for many it is cheaper to compare all of a tree's nodes with all rows, a byte each, and to
//! choose from the leaves up: no lane ever waits for another's memory. The same body is compiled twice, once for any
//! processor and once for AVX2, chosen at run time; that call is the only `unsafe` of the crate. Leaf values are added
//! in the order the walk adds them (trees ascending, then the base), so both give the same bits.

use crate::forest::{Forest, Sums};
use crate::ranks::Slots;
use crate::trees::CLASS_LIMIT;

/// Rows side by side: one 256-bit register of bytes.
pub(crate) const LANES: usize = 32;

/// A block takes its time however few rows it holds; fewer than these are walked sooner.
const FEWEST_ROWS: usize = 12;

/// The deepest forest whose leaves one byte can number.
const DEPTH_LIMIT: u32 = 8;

/// Up to [`LANES`] rows' ranks, by slot.
type Block = [[u8; LANES]; 256];

/// The rows' sums, by class.
type BlockSums = [[f32; LANES]; CLASS_LIMIT];

impl Forest {
    /// Each row's sums, in order; the same bits as [`Forest::sums`] gives row by row.
    pub(crate) fn sums_of_many(&self, rows: &[Slots]) -> Vec<Sums> {
        if self.depth > DEPTH_LIMIT {
            return rows.iter().map(|slots| self.sums(slots)).collect();
        }
        let mut block = [[0; LANES]; 256];
        let mut all = Vec::with_capacity(rows.len());
        for rows in rows.chunks(LANES) {
            if rows.len() < FEWEST_ROWS {
                all.extend(rows.iter().map(|slots| self.sums(slots)));
                continue;
            }
            side_by_side(rows, &mut block);
            let sums = self.block_sums(&block);
            all.extend((0..rows.len()).map(|lane| self.lane_sums(&sums, lane)));
        }
        all
    }

    fn lane_sums(&self, sums: &BlockSums, lane: usize) -> Sums {
        let mut of_lane = sums.map(|class| class.get(lane).copied().unwrap_or_default());
        of_lane.iter_mut().zip(&self.base).for_each(|(sum, base)| *sum += base);
        of_lane
    }

    fn block_sums(&self, block: &Block) -> BlockSums {
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2") {
            #[expect(unsafe_code, reason = "the processor was just asked whether it has AVX2")]
            // SAFETY: the function's one condition is a processor with AVX2.
            return unsafe { self.block_sums_avx2(block) };
        }
        self.block_sums_anywhere(block)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn block_sums_avx2(&self, block: &Block) -> BlockSums {
        self.block_sums_anywhere(block)
    }

    #[inline(always)]
    fn block_sums_anywhere(&self, block: &Block) -> BlockSums {
        let mut sums = [[0.0; LANES]; CLASS_LIMIT];
        match self.depth {
            1 => self.add_trees_to_block::<2>(block, &mut sums),
            2 => self.add_trees_to_block::<4>(block, &mut sums),
            3 => self.add_trees_to_block::<8>(block, &mut sums),
            4 => self.add_trees_to_block::<16>(block, &mut sums),
            5 => self.add_trees_to_block::<32>(block, &mut sums),
            6 => self.add_trees_to_block::<64>(block, &mut sums),
            7 => self.add_trees_to_block::<128>(block, &mut sums),
            _ => self.add_trees_to_block::<256>(block, &mut sums),
        }
        sums
    }

    #[inline(always)]
    #[expect(
        clippy::indexing_slicing,
        reason = "classes are masked, and a chosen leaf is below the tree's size"
    )]
    fn add_trees_to_block<const SIZE: usize>(&self, block: &Block, sums: &mut BlockSums) {
        let (nodes, _) = self.nodes.as_chunks::<SIZE>();
        let (leaves, _) = self.leaves.as_chunks::<SIZE>();
        let mut chosen = [[0; LANES]; SIZE];
        for ((nodes, leaves), class) in nodes.iter().zip(leaves).zip(&self.classes) {
            choose(nodes, block, &mut chosen);
            let sums = &mut sums[usize::from(*class) % CLASS_LIMIT];
            for (sum, leaf) in sums.iter_mut().zip(chosen[0]) {
                *sum += leaves[usize::from(leaf) % SIZE];
            }
        }
    }
}

/// Which leaf each lane ends in, in `chosen[0]`: the lowest level's nodes choose between two leaves each, and every
/// level above between what two of the level below have chosen.
#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "places of a level lie below the tree's size, and a slot is a byte"
)]
fn choose<const SIZE: usize>(nodes: &[u16; SIZE], block: &Block, chosen: &mut [[u8; LANES]; SIZE]) {
    for position in 0..SIZE / 2 {
        let [rank, slot] = nodes[SIZE / 2 + position].to_le_bytes();
        let values = &block[usize::from(slot)];
        for lane in 0..LANES {
            chosen[position][lane] = (2 * position) as u8 + u8::from(values[lane] >= rank);
        }
    }
    let mut width = SIZE / 4;
    while width > 0 {
        for position in 0..width {
            let [rank, slot] = nodes[width + position].to_le_bytes();
            let values = &block[usize::from(slot)];
            let (left, right) = (chosen[2 * position], chosen[2 * position + 1]);
            for lane in 0..LANES {
                chosen[position][lane] = if values[lane] >= rank { right[lane] } else { left[lane] };
            }
        }
        width /= 2;
    }
}

/// Turns rows of slots into slots of rows; lanes without a row keep what they held.
fn side_by_side(rows: &[Slots], block: &mut Block) {
    for (lane, row) in rows.iter().enumerate() {
        for (values, value) in block.iter_mut().zip(row) {
            if let Some(place) = values.get_mut(lane) {
                *place = *value;
            }
        }
    }
}
