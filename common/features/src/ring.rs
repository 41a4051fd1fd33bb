//! Sums over a sliding window of buckets, several sums side by side.
//!
//! The open bucket is summed as it comes; when it closes it is rounded to its lane's format and joins the running
//! sum of closed ones, exactly (see `minifloat`). Turning to the next bucket costs the same however long the
//! window is, and no sum is ever made again.

use crate::bits::{BitReader, BitWriter};
use crate::minifloat::{MiniFloat, round_to_forty_bits};

/// No sum of an open bucket grows beyond this, whatever a source claims.
const LARGEST_SUM: f64 = 1e30;

/// `LANES` sums over the open bucket and `CLOSED` closed ones.
#[derive(Clone, Debug)]
pub(crate) struct Ring<const LANES: usize, const CLOSED: usize> {
    open: [f64; LANES],
    closed_sum: [f64; LANES],
    closed: [[f32; LANES]; CLOSED],
    /// The place of the oldest closed bucket, which the next to close takes.
    oldest: usize,
}

impl<const LANES: usize, const CLOSED: usize> Ring<LANES, CLOSED> {
    pub(crate) fn new() -> Self {
        Ring { open: [0.0; LANES], closed_sum: [0.0; LANES], closed: [[0.0; LANES]; CLOSED], oldest: 0 }
    }

    /// Adds to the open bucket; what is absent adds zero.
    #[inline(always)]
    pub(crate) fn add(&mut self, amounts: &[f64; LANES]) {
        for (open, amount) in self.open.iter_mut().zip(amounts) {
            *open = round_to_forty_bits((*open + amount).min(LARGEST_SUM));
        }
    }

    /// The window's sums.
    #[inline(always)]
    pub(crate) fn sums(&self) -> [f64; LANES] {
        let mut sums = self.closed_sum;
        for (sum, open) in sums.iter_mut().zip(&self.open) {
            *sum += open;
        }
        sums
    }

    /// Closes the open bucket and opens the one `steps` later, the ones between being empty.
    #[inline(always)]
    pub(crate) fn turn(&mut self, steps: u64, formats: &[MiniFloat; LANES]) {
        if steps > CLOSED as u64 {
            *self = Ring::new();
            return;
        }
        let mut closing = [0.0; LANES];
        for ((closing, open), format) in closing.iter_mut().zip(&self.open).zip(formats) {
            *closing = format.round(*open);
        }
        self.open = [0.0; LANES];
        self.replace_oldest(&closing);
        for _ in 1..steps {
            self.replace_oldest(&[0.0; LANES]);
        }
    }

    #[inline(always)]
    fn replace_oldest(&mut self, closing: &[f64; LANES]) {
        let Some(bucket) = self.closed.get_mut(self.oldest) else { return };
        for ((sum, held), new) in self.closed_sum.iter_mut().zip(bucket).zip(closing) {
            *sum += new - f64::from(*held);
            *held = *new as f32;
        }
        self.oldest = if self.oldest + 1 == CLOSED { 0 } else { self.oldest + 1 };
    }

    pub(crate) fn write(&self, formats: &[MiniFloat; LANES], writer: &mut BitWriter) {
        for open in self.open {
            writer.put(open.to_bits() >> 24, 40);
        }
        let (newer, older) = self.closed.split_at(self.oldest);
        for bucket in older.iter().chain(newer) {
            for (value, format) in bucket.iter().zip(formats) {
                writer.put(u64::from(format.encode(f64::from(*value))), format.bits());
            }
        }
    }

    pub(crate) fn read(formats: &[MiniFloat; LANES], reader: &mut BitReader<'_>) -> Self {
        let mut ring = Ring::new();
        for open in &mut ring.open {
            *open = f64::from_bits(reader.take(40) << 24);
        }
        for _ in 0..CLOSED {
            let mut bucket = [0.0; LANES];
            for (value, format) in bucket.iter_mut().zip(formats) {
                *value = format.decode(reader.take(format.bits()) as u32);
            }
            ring.replace_oldest(&bucket);
        }
        ring
    }
}

/// Which buckets of a window hold any present value, the open one in the lowest bit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Presence(u32);

impl Presence {
    #[inline(always)]
    pub(crate) fn mark(&mut self, value: f64) {
        self.0 |= u32::from(value >= 0.0);
    }

    #[inline(always)]
    pub(crate) fn turn(&mut self, steps: u64, buckets: u32) {
        let shift = steps.min(31) as u32;
        self.0 = (self.0 << shift) & ((1 << buckets) - 1);
    }

    /// `count` if the window holds any present value, NaN otherwise.
    #[inline(always)]
    pub(crate) fn or_absent(self, count: f64) -> f64 {
        if self.0 == 0 { f64::NAN } else { count }
    }

    pub(crate) fn write(self, buckets: u32, writer: &mut BitWriter) {
        writer.put(u64::from(self.0), buckets);
    }

    pub(crate) fn read(buckets: u32, reader: &mut BitReader<'_>) -> Self {
        Presence(reader.take(buckets) as u32)
    }
}
