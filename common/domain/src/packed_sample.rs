//! A sample in few bytes: only what is present, whole numbers as variable-length integers.
//!
//! A table bills each write by the started kilobyte, names included. A host port's sample with forty driver counters is
//! over that as JSON; packed it is one unit.

use crate::packing::{put, take, unzigzag, zigzag};
use crate::{Sample, SampleField, SampleValues, StreamId, Timestamp};

const VERSION: u8 = 1;

/// Whole numbers up to 2^53 are exact in an f64.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

impl Sample {
    /// The sample without its stream and time, which are its key.
    pub fn to_packed(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        let (mut present, mut whole) = (0_u64, 0_u64);
        for (field, value) in self.values.present() {
            present |= 1 << field as u8;
            whole |= u64::from(is_whole(value)) << field as u8;
        }
        put(&mut bytes, present);
        put(&mut bytes, whole);
        for (_, value) in self.values.present() {
            put_number(&mut bytes, value);
        }
        for (name, value) in &self.other {
            put(&mut bytes, (name.len() as u64) << 1 | u64::from(is_whole(*value)));
            bytes.extend_from_slice(name.as_bytes());
            put_number(&mut bytes, *value);
        }
        bytes
    }

    /// The sample of such bytes; nothing if they are damaged or of another version.
    pub fn from_packed(stream: &StreamId, time: Timestamp, bytes: &[u8]) -> Option<Sample> {
        let (version, mut rest) = bytes.split_first()?;
        if *version != VERSION {
            return None;
        }
        let (present, whole) = (take(&mut rest)?, take(&mut rest)?);
        let mut values = SampleValues::default();
        for field in SampleField::ALL.into_iter().filter(|field| present >> *field as u8 & 1 == 1) {
            values.set(field, take_number(&mut rest, whole >> field as u8 & 1)?);
        }
        let mut other = Vec::new();
        while !rest.is_empty() {
            let head = take(&mut rest)?;
            let (name, tail) = rest.split_at_checked(usize::try_from(head >> 1).ok()?)?;
            rest = tail;
            let name = std::str::from_utf8(name).ok()?;
            other.push((name.into(), take_number(&mut rest, head & 1)?));
        }
        Some(Sample { stream: stream.clone(), time, values, other })
    }
}

/// Negative zero is no whole number here: as an integer it would lose its sign.
fn is_whole(value: f64) -> bool {
    value.fract() == 0.0 && value.abs() < LARGEST_WHOLE && (value != 0.0 || value.is_sign_positive())
}

fn put_number(bytes: &mut Vec<u8>, value: f64) {
    if is_whole(value) {
        put(bytes, zigzag(value as i64));
    } else {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
}

fn take_number(rest: &mut &[u8], whole: u64) -> Option<f64> {
    if whole == 1 {
        return take(rest).map(|value| unzigzag(value) as f64);
    }
    let (head, tail) = rest.split_first_chunk::<8>()?;
    *rest = tail;
    Some(f64::from_le_bytes(*head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_comes_back_to_the_bit_and_a_cut_one_is_refused() {
        let values = SampleValues::default()
            .with(SampleField::BandwidthGbps, 85.333_333)
            .with(SampleField::SymbolErrors, 200.0)
            .with(SampleField::Utilization, -0.0);
        let other = vec![("PortXmitData".into(), 1.5), ("vendor counter".into(), -3.0)];
        let stream: StreamId = "0000000000200000/2".parse().unwrap();
        let time = Timestamp::from_millis(7);
        let sample = Sample { stream: stream.clone(), time, values, other };
        let bytes = sample.to_packed();
        assert_eq!(Sample::from_packed(&stream, time, &bytes).as_ref(), Some(&sample));
        let whole_prefixes = [22, 43];
        for length in (0..bytes.len()).filter(|length| !whole_prefixes.contains(length)) {
            assert_ne!(
                Sample::from_packed(&stream, time, &bytes[..length]).as_ref(),
                Some(&sample),
                "cut at {length}"
            );
        }
        assert_eq!(Sample::from_packed(&stream, time, &[2, 0, 0]), None);
    }
}
