//! A question as bytes: what prepare hands on to insight.
//!
//! The feature vector goes over to the bit, for the judge must see what it would have seen embedded; most of a vector is
//! absent or whole, so that a question stays within one write unit of a table.

use linkcast_domain::packing::{put, take, take_byte, unzigzag, zigzag};
use linkcast_domain::{Feature, FeatureVector, StreamId, Timestamp};

use crate::facts::Fact;
use crate::gate::Evidence;
use crate::stream::{Ground, Question};

const VERSION: u8 = 1;

/// Whole numbers up to 2^53 are exact in an f64.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

impl Question {
    /// The question without its stream and time, which are its key.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, u8::from(self.ground == Ground::Followed)];
        put(&mut bytes, u64::from(self.firm.bits()));
        put_fact(&mut bytes, self.fact);
        let (mut present, mut whole) = (0_u64, 0_u64);
        for (place, feature) in Feature::ALL.iter().enumerate() {
            let Some(value) = self.vector.get(*feature) else { continue };
            present |= 1 << place;
            whole |= u64::from(is_whole(value)) << place;
        }
        put(&mut bytes, present);
        put(&mut bytes, whole);
        for value in Feature::ALL.iter().filter_map(|feature| self.vector.get(*feature)) {
            if is_whole(value) {
                put(&mut bytes, zigzag(value as i64));
            } else {
                bytes.extend_from_slice(&value.to_le_bytes());
            }
        }
        bytes
    }

    /// The question of such bytes; nothing if they are damaged or of another version.
    pub fn from_bytes(stream: &StreamId, time: Timestamp, bytes: &[u8]) -> Option<Question> {
        let mut rest = bytes;
        if take_byte(&mut rest)? != VERSION {
            return None;
        }
        let ground = if take_byte(&mut rest)? == 1 { Ground::Followed } else { Ground::Itself };
        let firm = Evidence::from_bits(u32::try_from(take(&mut rest)?).ok()?);
        let fact = take_fact(&mut rest)?;
        let (present, whole) = (take(&mut rest)?, take(&mut rest)?);
        let mut vector = FeatureVector::default();
        for (place, feature) in Feature::ALL.iter().enumerate().filter(|(place, _)| present >> place & 1 == 1)
        {
            let value = if whole >> place & 1 == 1 {
                unzigzag(take(&mut rest)?) as f64
            } else {
                take_f64(&mut rest)?
            };
            vector.set(*feature, value);
        }
        let stream = stream.clone();
        rest.is_empty().then_some(Question { stream, time, vector, firm, fact, ground })
    }
}

fn put_fact(bytes: &mut Vec<u8>, fact: Option<Fact>) {
    let (tag, values) = match fact {
        None => (0, [0.0; 3]),
        Some(Fact::StayedDown) => (1, [0.0; 3]),
        Some(Fact::Flapping { drops_in_12h }) => (2, [drops_in_12h, 0.0, 0.0]),
        Some(Fact::Uncounted { symbol_errors, rcv_errors, interval_s }) => {
            (3, [symbol_errors, rcv_errors, interval_s])
        }
        Some(Fact::Saturated { counters }) => (4, [counters, 0.0, 0.0]),
        Some(Fact::Cleared) => (5, [0.0; 3]),
    };
    bytes.push(tag);
    if (2..=4).contains(&tag) {
        values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    }
}

fn take_fact(rest: &mut &[u8]) -> Option<Option<Fact>> {
    let tag = take_byte(rest)?;
    let mut value = || take_f64(rest);
    Some(match tag {
        0 => None,
        1 => Some(Fact::StayedDown),
        2 => {
            let (drops_in_12h, _, _) = (value()?, value()?, value()?);
            Some(Fact::Flapping { drops_in_12h })
        }
        3 => Some(Fact::Uncounted { symbol_errors: value()?, rcv_errors: value()?, interval_s: value()? }),
        4 => {
            let (counters, _, _) = (value()?, value()?, value()?);
            Some(Fact::Saturated { counters })
        }
        5 => Some(Fact::Cleared),
        _ => return None,
    })
}

fn take_f64(rest: &mut &[u8]) -> Option<f64> {
    let (head, tail) = rest.split_first_chunk::<8>()?;
    *rest = tail;
    Some(f64::from_le_bytes(*head))
}

/// Negative zero is no whole number here: as an integer it would lose its sign.
fn is_whole(value: f64) -> bool {
    value.fract() == 0.0 && value.abs() < LARGEST_WHOLE && (value != 0.0 || value.is_sign_positive())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(fact: Option<Fact>, ground: Ground) -> Question {
        let mut vector = FeatureVector::default();
        vector.set(Feature::SymbolBer12m, 1.5e-11);
        vector.set(Feature::Hour, 13.0);
        vector.set(Feature::UtilizationRate, -0.0);
        let stream: StreamId = "0000000000200000/2".parse().unwrap();
        let time = Timestamp::from_millis(1_700_000_000_000);
        Question { stream, time, vector, firm: Evidence::FLAPPING.and(Evidence::RESET), fact, ground }
    }

    #[test]
    fn a_question_comes_back_to_the_bit_and_a_cut_one_is_refused() {
        let uncounted = Fact::Uncounted { symbol_errors: 50.0, rcv_errors: 0.5, interval_s: 30.0 };
        let facts = [
            Fact::StayedDown,
            Fact::Flapping { drops_in_12h: 4.0 },
            uncounted,
            Fact::Saturated { counters: 2.0 },
            Fact::Cleared,
        ];
        for fact in facts.into_iter().map(Some).chain([None]) {
            for ground in [Ground::Itself, Ground::Followed] {
                let asked = question(fact, ground);
                let bytes = asked.to_bytes();
                assert_eq!(Question::from_bytes(&asked.stream, asked.time, &bytes).as_ref(), Some(&asked));
                for length in 0..bytes.len() {
                    assert_eq!(Question::from_bytes(&asked.stream, asked.time, &bytes[..length]), None);
                }
            }
        }
    }
}
