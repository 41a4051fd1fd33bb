//! A state in as few bytes as what it holds needs.
//!
//! The plain form has a place for everything a stream could have; a switch port has no latency and no queue pairs,
//! and a healthy one counts the same from bucket to bucket. The packed form says of each row whether it is like the row before,
//! and else of each field whether it is zero, the same as its neighbour in time, the same as its neighbour in the row, or its
//! bits. It is made from the plain form and gives exactly that back: nothing is rounded, and what is added to the plain
//! form later is only a line in the layout. An arithmetic coder made a quarter less of it and took eight times as long; both
//! are one write unit of a table.

use crate::bits::{BitReader, BitWriter};

/// Fields of one kind: rows in time, each of the same lanes, of which each has a width in bits.
struct Block {
    lanes: &'static [u32],
    rows: usize,
    near: Near,
    /// What the first row is compared with.
    start: u64,
}

/// Which field a field is likely to resemble.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Near {
    /// That of the same lane in the row before.
    Time,
    /// That too, or the one two lanes before: pairs share their denominators.
    TimeOrPair,
    /// Its like in time; the first lane rises from row to row, so its rise is what is told.
    Rising,
}

const fn block(lanes: &'static [u32], rows: usize) -> Block {
    Block { lanes, rows, near: Near::Time, start: 0 }
}

const fn number(lanes: &'static [u32]) -> Block {
    Block { lanes, rows: 1, near: Near::Time, start: f64::NAN.to_bits() }
}

const BASELINE: [Block; 2] =
    [block(&[4, 24, 5, 12], 1), Block { lanes: &[12, 4, 16], rows: 13, near: Near::Rising, start: 0 }];

/// The fields of the plain form, in its order; its checksum stands behind them.
const LAYOUT: [&[Block]; 9] = [
    // Version, time, reset and its age, link rate.
    &[block(&[16, 49, 1, 27, 32], 1)],
    // Trends: ages, values and a rate, unknown where there is no such metric.
    &[block(&[20], 1), number(&[64]), number(&[64]), block(&[20], 1), number(&[64])],
    // Latency: the open minute, the recent ones, the older ones.
    &[block(&[16, 64, 64], 1), block(&[16, 32, 32], 4), block(&[32], 1), block(&[7, 17], 55)],
    &[
        Block { lanes: &[40; 16], rows: 1, near: Near::TimeOrPair, start: 0 },
        Block { lanes: &[20; 16], rows: 4, near: Near::TimeOrPair, start: 0 },
    ],
    &[block(&[40; 2], 1), block(&[20; 2], 11), block(&[40; 2], 1), block(&[18; 2], 24)],
    &[
        block(&[40; 4], 1),
        block(&[18, 18, 16, 16], 11),
        block(&[40], 1),
        block(&[8], 23),
        block(&[12, 12, 24], 1),
    ],
    &BASELINE,
    &BASELINE,
    &BASELINE,
];

/// The bits of all fields of the layout.
#[cfg(test)]
fn layout_bits() -> u32 {
    let bits = |block: &Block| block.lanes.iter().sum::<u32>() * block.rows as u32;
    LAYOUT.iter().flat_map(|blocks| blocks.iter()).map(bits).sum()
}

/// The plain form's fields, packed.
pub(crate) fn pack(fields: &[u8]) -> Vec<u8> {
    let packed = BitWriter::with_capacity(crate::STATE_BYTES_LIMIT);
    let mut packer = Packer { fields: BitReader::new(fields), packed };
    walk(&mut packer);
    packer.packed.finish()
}

/// The plain form's fields again.
pub(crate) fn unpack(packed: &[u8], capacity: usize) -> Vec<u8> {
    let fields = BitWriter::with_capacity(crate::STATE_BYTES_LIMIT);
    let mut unpacker = Unpacker { packed: BitReader::new(packed), fields };
    walk(&mut unpacker);
    let mut fields = unpacker.fields.finish();
    fields.truncate(capacity);
    fields
}

/// Either direction: packing reads the plain form, and is given back what it tells; unpacking reads nothing, is told what was
/// packed, and writes the plain form. So one walk over the fields serves both, and the two cannot disagree.
trait Direction {
    fn held(&mut self, width: u32) -> u64;
    fn flag(&mut self, holds: bool) -> bool;
    fn raw(&mut self, width: u32, value: u64) -> u64;
    fn hold(&mut self, width: u32, value: u64);
}

struct Packer<'a> {
    fields: BitReader<'a>,
    packed: BitWriter,
}

impl Direction for Packer<'_> {
    fn held(&mut self, width: u32) -> u64 {
        self.fields.take(width)
    }

    fn flag(&mut self, holds: bool) -> bool {
        self.packed.put(u64::from(holds), 1);
        holds
    }

    fn raw(&mut self, width: u32, value: u64) -> u64 {
        self.packed.put(value, width);
        value
    }

    fn hold(&mut self, _: u32, _: u64) {}
}

struct Unpacker<'a> {
    packed: BitReader<'a>,
    fields: BitWriter,
}

impl Direction for Unpacker<'_> {
    fn held(&mut self, _: u32) -> u64 {
        0
    }

    fn flag(&mut self, _: bool) -> bool {
        self.packed.take(1) == 1
    }

    fn raw(&mut self, width: u32, _: u64) -> u64 {
        self.packed.take(width)
    }

    fn hold(&mut self, width: u32, value: u64) {
        self.fields.put(value, width);
    }
}

/// Goes over every field.
fn walk(direction: &mut impl Direction) {
    for block in LAYOUT.iter().flat_map(|blocks| blocks.iter()) {
        let mut before = Row { values: [block.start; MOST_LANES] };
        for _ in 0..block.rows {
            before = before.next(direction, block);
            for (width, value) in block.lanes.iter().zip(before.values) {
                direction.hold(*width, value);
            }
        }
    }
}

/// The most lanes a block has.
const MOST_LANES: usize = 16;

/// The fields of one row.
#[derive(Clone, Copy)]
struct Row {
    values: [u64; MOST_LANES],
}

impl Row {
    /// The row behind this one.
    fn next(self, direction: &mut impl Direction, block: &Block) -> Row {
        let (mut told, mut near) = (self, self);
        let mut is_like = true;
        let lanes = block.lanes.iter().zip(&mut told.values).zip(&mut near.values).enumerate();
        for (lane, ((width, told), near)) in lanes {
            let mask = u64::MAX >> (64 - *width);
            let held = direction.held(*width);
            let rises = block.near == Near::Rising && lane == 0;
            *told = if rises { held.wrapping_sub(*near) & mask } else { held };
            *near = if block.near == Near::Rising { 0 } else { *near & mask };
            is_like &= *told == *near;
        }
        if direction.flag(is_like) {
            told = near;
        } else {
            told.tell(direction, block, &near);
        }
        if block.near == Near::Rising {
            let (mask, first) = (block.mask_of_first(), self.values.first().copied().unwrap_or_default());
            told.values.first_mut().into_iter().for_each(|rise| *rise = rise.wrapping_add(first) & mask);
        }
        told
    }

    /// Tells the fields of a row that is not like its neighbour.
    fn tell(&mut self, direction: &mut impl Direction, block: &Block, near: &Row) {
        let mut pair = [0; 2];
        for ((width, told), near) in block.lanes.iter().zip(&mut self.values).zip(near.values) {
            let beside = if block.near == Near::TimeOrPair { pair[0] } else { 0 };
            *told = field(direction, *width, *told, [near, beside]);
            pair = [pair[1], *told];
        }
    }
}

impl Block {
    fn mask_of_first(&self) -> u64 {
        self.lanes.first().map_or(0, |width| u64::MAX >> (64 - width))
    }
}

/// One field: zero, like one of its neighbours that are not zero, or else its bits.
fn field(direction: &mut impl Direction, width: u32, told: u64, neighbours: [u64; 2]) -> u64 {
    if !direction.flag(told != 0) {
        return 0;
    }
    for neighbour in neighbours.into_iter().filter(|neighbour| *neighbour != 0) {
        if direction.flag(told == neighbour) {
            return neighbour;
        }
    }
    direction.raw(width, told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_covers_every_bit_of_the_plain_form() {
        let content = crate::StreamState::new().to_bytes().len() as u32 - 4;
        assert_eq!(layout_bits().div_ceil(8), content);
    }

    #[test]
    fn any_bits_come_back() {
        let length = layout_bits() as usize / 8;
        let mut seed = 11_u64;
        for dullness in [0, 1, 3, 7, 15] {
            let fields: Vec<u8> = (0..length)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    if seed >> 40 & dullness == 0 { (seed >> 33) as u8 } else { 0 }
                })
                .collect();
            let packed = pack(&fields);
            assert_eq!(unpack(&packed, length), fields);
        }
    }
}
