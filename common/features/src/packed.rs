//! A state in as few bytes as what it holds needs.
//!
//! The plain form has a place for everything a stream could have; a switch port has no latency and no queue pairs,
//! and a healthy one counts the same from bucket to bucket. The packed form says of each field whether it is zero, the
//! same as its neighbour in time, the same as its neighbour in the row, or else its bits, leading ones against the
//! neighbour's, each by its likelihood so far. It is made from the plain form and gives exactly that back: nothing is
//! rounded, and what is added to the plain form later is only a line in the layout.

use crate::bits::{BitReader, BitWriter};
use crate::range_coder::{BitCoder, BitDecoder, BitEncoder, Chance};

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

/// The plain form's fields, packed behind what `head` holds.
pub(crate) fn pack(head: Vec<u8>, fields: &[u8]) -> Vec<u8> {
    let mut encoder = BitEncoder::onto(head);
    walk(&mut encoder, fields);
    encoder.finish()
}

/// The plain form's fields again.
pub(crate) fn unpack(packed: &[u8], capacity: usize) -> Vec<u8> {
    let mut fields = walk(&mut BitDecoder::new(packed), &[]);
    fields.truncate(capacity);
    fields
}

/// Codes every field; gives the fields that hold.
fn walk(coder: &mut impl BitCoder, fields: &[u8]) -> Vec<u8> {
    let mut source = BitReader::new(fields);
    let mut target = BitWriter::with_capacity(crate::STATE_BYTES_LIMIT);
    for blocks in LAYOUT {
        for block in blocks {
            walk_block(coder, block, &mut source, &mut target);
        }
    }
    target.finish()
}

fn walk_block(coder: &mut impl BitCoder, block: &Block, source: &mut BitReader<'_>, target: &mut BitWriter) {
    let mut models = vec![Model::new(); block.lanes.len()];
    let mut bits = BitModel::new();
    let mut before = vec![block.start; block.lanes.len()];
    for _ in 0..block.rows {
        let mut pair = [0; 2];
        for (lane, ((width, model), before)) in
            block.lanes.iter().zip(&mut models).zip(&mut before).enumerate()
        {
            let mask = u64::MAX >> (64 - *width);
            let rises = block.near == Near::Rising && lane == 0;
            let held = source.take(*width);
            let told = if rises { held.wrapping_sub(*before) & mask } else { held };
            let near = if rises || block.near == Near::Rising { 0 } else { *before & mask };
            let beside = if block.near == Near::TimeOrPair { Some(pair[0]) } else { None };
            let found = model.field(coder, &mut bits, Field { width: *width, told, near, beside });
            let value = if rises { found.wrapping_add(*before) & mask } else { found };
            target.put(value, *width);
            *before = value;
            pair = [pair[1], value];
        }
    }
}

/// One field to code, and what it may resemble.
struct Field {
    width: u32,
    told: u64,
    near: u64,
    beside: Option<u64>,
}

/// What is learnt of one lane.
#[derive(Clone)]
struct Model {
    /// After a zero, and after anything else.
    zero: [Chance; 2],
    same: [Chance; 2],
    beside: [Chance; 2],
    was_zero: bool,
    was_same: bool,
    was_beside: bool,
}

impl Model {
    fn new() -> Self {
        let even = [Chance::EVEN; 2];
        Model { zero: even, same: even, beside: even, was_zero: true, was_same: false, was_beside: false }
    }

    fn field(&mut self, coder: &mut impl BitCoder, bits: &mut BitModel, field: Field) -> u64 {
        let Field { width, told, near, beside } = field;
        let [after_other, after_zero] = &mut self.zero;
        let chance = if self.was_zero { after_zero } else { after_other };
        self.was_zero = coder.bit(chance, told == 0);
        if self.was_zero {
            return 0;
        }
        if near != 0 {
            let [after_other, after_same] = &mut self.same;
            let chance = if self.was_same { after_same } else { after_other };
            self.was_same = coder.bit(chance, told == near);
            if self.was_same {
                return near;
            }
        }
        if let Some(beside) = beside.filter(|beside| *beside != 0) {
            let [after_other, after_beside] = &mut self.beside;
            let chance = if self.was_beside { after_beside } else { after_other };
            self.was_beside = coder.bit(chance, told == beside);
            if self.was_beside {
                return beside;
            }
        }
        bits.bits(coder, width, told, near)
    }
}

/// What is learnt of a block's bits: as long as they agree with the neighbour's, by place; afterwards they are noise.
struct BitModel {
    agreeing: [[Chance; 2]; 64],
    parting: [Chance; 64],
}

impl BitModel {
    fn new() -> Self {
        BitModel { agreeing: [[Chance::EVEN; 2]; 64], parting: [Chance::EVEN; 64] }
    }

    fn bits(&mut self, coder: &mut impl BitCoder, width: u32, told: u64, near: u64) -> u64 {
        let mut value = 0;
        let mut agrees = true;
        let places = self.agreeing.iter_mut().zip(&mut self.parting);
        for (place, (agreeing, parting)) in (0..width).rev().zip(places) {
            let expected = near >> place & 1;
            let [expecting_zero, expecting_one] = agreeing;
            let chance = match (agrees, expected) {
                (true, 0) => expecting_zero,
                (true, _) => expecting_one,
                (false, _) if near == 0 => parting,
                (false, _) => {
                    let rest = u64::MAX >> (63 - place);
                    return value | coder.noise(place + 1, told & rest);
                }
            };
            let bit = u64::from(coder.bit(chance, told >> place & 1 == 1));
            agrees &= bit == expected;
            value |= bit << place;
        }
        value
    }
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
            let packed = pack(vec![9], &fields);
            assert_eq!(unpack(&packed[1..], length), fields);
        }
    }
}
