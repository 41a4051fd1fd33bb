//! Samples as bytes: only what is present, whole numbers as variable-length integers.
//!
//! A port's sample is 26 places of which a third are present and most of those are small whole numbers, so a mask
//! and variable-length integers take about a third of the plain form. Samples of neighbouring streams share one
//! piece: one row of the store holds many samples, and a stream's history is still a short range of rows.

use linkcast_domain::packing::{put, unzigzag, zigzag};
use linkcast_domain::{SampleField, SampleValues};

/// A sample as it lies in a piece: the stream and the names of unnamed counters by number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PackedSample {
    pub(crate) stream: u32,
    pub(crate) time: i64,
    pub(crate) values: SampleValues,
    pub(crate) other: Vec<(u32, f64)>,
}

/// Bytes that are no piece of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a piece of samples ends early or holds an impossible number at byte {offset}")]
pub(crate) struct DamagedPieceError {
    offset: usize,
}

/// Whole numbers up to 2^53 are exact in an f64.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// Starts a piece, whose samples' times are told from `first_time`.
pub(crate) fn start(bytes: &mut Vec<u8>, count: usize) {
    put(bytes, count as u64);
}

/// Appends one sample.
pub(crate) fn append<'a>(
    bytes: &mut Vec<u8>,
    first_time: i64,
    (stream, time): (u32, i64),
    values: &SampleValues,
    other: impl ExactSizeIterator<Item = (u32, f64)> + 'a,
) {
    put(bytes, u64::from(stream));
    put_signed(bytes, time.wrapping_sub(first_time));
    let (mut present, mut whole) = (0_u64, 0_u64);
    for (field, value) in values.present() {
        present |= 1 << field as u8;
        whole |= u64::from(is_whole(value)) << field as u8;
    }
    put(bytes, present);
    put(bytes, whole);
    for (field, value) in values.present() {
        put_number(bytes, value, whole >> field as u8 & 1);
    }
    put(bytes, other.len() as u64);
    for (name, value) in other {
        let whole = u64::from(is_whole(value));
        put(bytes, u64::from(name) << 1 | whole);
        put_number(bytes, value, whole);
    }
}

/// Reads a piece back.
pub(crate) fn read(bytes: &[u8], first_time: i64) -> Result<Vec<PackedSample>, DamagedPieceError> {
    let mut reader = Reader { bytes, offset: 0 };
    let count = reader.unsigned()?;
    let mut samples = Vec::with_capacity(usize::try_from(count).unwrap_or(0).min(bytes.len()));
    for _ in 0..count {
        samples.push(reader.sample(first_time)?);
    }
    Ok(samples)
}

/// Negative zero is no whole number here: as an integer it would lose its sign.
fn is_whole(value: f64) -> bool {
    value.abs() < LARGEST_WHOLE && value as i64 as f64 == value && value.to_bits() != (-0.0_f64).to_bits()
}

fn put_number(bytes: &mut Vec<u8>, value: f64, whole: u64) {
    if whole == 1 {
        put_signed(bytes, value as i64);
    } else {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
}

fn put_signed(bytes: &mut Vec<u8>, value: i64) {
    put(bytes, zigzag(value));
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl Reader<'_> {
    fn sample(&mut self, first_time: i64) -> Result<PackedSample, DamagedPieceError> {
        let stream = self.small()?;
        let time = first_time.wrapping_add(self.signed()?);
        let (present, whole) = (self.unsigned()?, self.unsigned()?);
        let mut values = SampleValues::default();
        for field in SampleField::ALL {
            if present >> (field as u8) & 1 == 1 {
                values.set(field, self.number(whole >> (field as u8) & 1)?);
            }
        }
        let mut other = Vec::new();
        for _ in 0..self.unsigned()? {
            let name = self.unsigned()?;
            let number = u32::try_from(name >> 1).map_err(|_| self.damaged())?;
            other.push((number, self.number(name & 1)?));
        }
        Ok(PackedSample { stream, time, values, other })
    }

    fn number(&mut self, whole: u64) -> Result<f64, DamagedPieceError> {
        if whole == 1 {
            return Ok(self.signed()? as f64);
        }
        let (head, _) = self.rest().split_first_chunk::<8>().ok_or(self.damaged())?;
        let value = f64::from_le_bytes(*head);
        self.offset += 8;
        Ok(value)
    }

    fn small(&mut self) -> Result<u32, DamagedPieceError> {
        u32::try_from(self.unsigned()?).map_err(|_| self.damaged())
    }

    fn signed(&mut self) -> Result<i64, DamagedPieceError> {
        self.unsigned().map(unzigzag)
    }

    fn unsigned(&mut self) -> Result<u64, DamagedPieceError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.rest().first().ok_or(self.damaged())?;
            self.offset += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.damaged())
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    fn damaged(&self) -> DamagedPieceError {
        DamagedPieceError { offset: self.offset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(time: i64) -> PackedSample {
        let values = SampleValues::default()
            .with(SampleField::BandwidthGbps, 85.333_333)
            .with(SampleField::SymbolErrors, 200.0)
            .with(SampleField::Utilization, -0.0);
        PackedSample { stream: 77, time, values, other: vec![(3, 12.5), (400, -7.0)] }
    }

    fn pack(samples: &[PackedSample]) -> Vec<u8> {
        let mut bytes = Vec::new();
        start(&mut bytes, samples.len());
        for sample in samples {
            let place = (sample.stream, sample.time);
            append(&mut bytes, 1_000, place, &sample.values, sample.other.iter().copied());
        }
        bytes
    }

    #[test]
    fn a_piece_gives_its_samples_back_to_the_bit() {
        let samples = [sample(1_000), sample(31_000), sample(i64::MIN)];
        assert_eq!(read(&pack(&samples), 1_000), Ok(samples.to_vec()));
    }

    #[test]
    fn a_piece_cut_anywhere_is_refused_and_not_misread() {
        let bytes = pack(&[sample(1_000), sample(31_000)]);
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length], 1_000).is_err(), "cut at {length}");
        }
    }
}
