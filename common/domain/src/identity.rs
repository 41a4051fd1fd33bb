//! Who a series belongs to.
//!
//! A port is (node GUID, port number). Names change, repeat and go missing (four switches may all call
//! themselves "Mellanox Technologies Aggregation Node"), so a name is an attribute and never the identity.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::short_text::ShortText;

/// A node's 64-bit globally unique identifier. Displays as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeGuid(pub u64);

/// A text that is not a GUID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a guid: expected up to 16 hexadecimal digits, with or without 0x")]
pub struct ParseGuidError {
    text: String,
}

impl FromStr for NodeGuid {
    type Err = ParseGuidError;

    /// Up to 16 hexadecimal digits, padded or not, with or without `0x`; colons between digits are accepted.
    #[inline]
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
        match hexadecimal(digits) {
            Some(value) if (1..=16).contains(&digits.len()) => Ok(NodeGuid(value)),
            _ => NodeGuid::from_unusual(text),
        }
    }
}

impl NodeGuid {
    /// With colons, or refused.
    fn from_unusual(text: &str) -> Result<Self, ParseGuidError> {
        let refused = || ParseGuidError { text: text.chars().take(64).collect() };
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        let mut value: u64 = 0;
        let mut count = 0;
        for character in digits.chars().filter(|character| *character != ':') {
            let digit = character.to_digit(16).ok_or_else(refused)?;
            count += 1;
            if count > 16 {
                return Err(refused());
            }
            value = value << 4 | u64::from(digit);
        }
        if count == 0 { Err(refused()) } else { Ok(NodeGuid(value)) }
    }
}

/// The value of hexadecimal digits, the last sixteen of them if there are more; `None` if another byte is among them.
#[inline]
fn hexadecimal(digits: &[u8]) -> Option<u64> {
    const NO_DIGIT: u8 = 0xff;
    #[expect(clippy::indexing_slicing, reason = "the table has a place for each byte")]
    const VALUES: [u8; 256] = {
        let mut values = [NO_DIGIT; 256];
        let mut digit = 0;
        while digit < 16 {
            let upper = b"0123456789ABCDEF"[digit];
            values[upper as usize] = digit as u8;
            values[upper.to_ascii_lowercase() as usize] = digit as u8;
            digit += 1;
        }
        values
    };
    let (mut value, mut seen) = (0, 0);
    for byte in digits {
        let digit = VALUES.get(usize::from(*byte)).copied().unwrap_or(NO_DIGIT);
        seen |= digit;
        value = value << 4 | u64::from(digit & 0xf);
    }
    (seen < 16).then_some(value)
}

impl fmt::Display for NodeGuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// One port of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId {
    /// The node the port belongs to.
    pub node: NodeGuid,
    /// The port's number on that node, from 1.
    pub port: u16,
}

impl fmt::Display for PortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.node, self.port)
    }
}

/// One port's series: `<16 hex digits>/<port>`, or any other text from a generic source. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamId(ShortText);

/// The longest stream id accepted, in bytes: what fits a DynamoDB key with room for its prefix.
const LONGEST_STREAM_ID: usize = 512;

/// A text that cannot be a stream id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseStreamIdError {
    /// Nothing was given.
    #[error("a stream id is empty: expected <16 hex digits>/<port> or any other text")]
    Empty,
    /// More than the store's keys can hold.
    #[error("a stream id of {length} bytes is too long: expected at most 512")]
    TooLong {
        /// Bytes given.
        length: usize,
    },
    /// A control character would corrupt keys and logs.
    #[error("a stream id holds a control character: expected printable text")]
    ControlCharacter,
}

impl StreamId {
    /// The port this stream belongs to, or `None` for a generic source.
    pub fn port(&self) -> Option<PortId> {
        let (guid, rest) = self.0.as_bytes().split_first_chunk::<16>()?;
        let [b'/', number @ ..] = rest else { return None };
        let port = std::str::from_utf8(number).ok()?.parse().ok()?;
        Some(PortId { node: NodeGuid(hexadecimal(guid)?), port })
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The id's bytes: what to hash or compare by where the text itself is not wanted.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Hash for StreamId {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0.as_bytes());
        state.write_u8(0xff);
    }
}

impl Ord for StreamId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.as_bytes().cmp(other.0.as_bytes())
    }
}

impl PartialOrd for StreamId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<PortId> for StreamId {
    /// As [`PortId`] displays, several times faster.
    fn from(port: PortId) -> Self {
        let digits = (0..16_u32).rev().map(|place| {
            let digit = (port.node.0 >> (4 * place)) as u8 & 0xf;
            digit + if digit < 10 { b'0' } else { b'a' - 10 }
        });
        let number = [10_000, 1_000, 100, 10, 1]
            .into_iter()
            .filter(|power| *power <= port.port.max(1))
            .map(|power| b'0' + (port.port / power % 10) as u8);
        StreamId(ShortText::from_ascii(digits.chain([b'/']).chain(number)))
    }
}

impl FromStr for StreamId {
    type Err = ParseStreamIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            Err(ParseStreamIdError::Empty)
        } else if text.len() > LONGEST_STREAM_ID {
            Err(ParseStreamIdError::TooLong { length: text.len() })
        } else if text.chars().any(char::is_control) {
            Err(ParseStreamIdError::ControlCharacter)
        } else {
            Ok(StreamId(text.into()))
        }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for StreamId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for StreamId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_reads_the_same_padded_or_not() {
        let check = |text: &str| assert_eq!(text.parse(), Ok(NodeGuid(0x20_0000)), "{text}");
        check("0x200000");
        check("0x0000000000200000");
        check("200000");
        check("0000:0000:0020:0000");
    }

    #[test]
    fn a_guid_of_seventeen_digits_is_refused() {
        assert!("0x10000000000000000".parse::<NodeGuid>().is_err());
        assert!("".parse::<NodeGuid>().is_err());
        assert!("0xg".parse::<NodeGuid>().is_err());
    }

    #[test]
    fn a_port_stream_gives_its_port_back() {
        let port = PortId { node: NodeGuid(0x20_0000), port: 35 };
        let stream = StreamId::from(port);
        assert_eq!(stream.as_str(), "0000000000200000/35");
        assert_eq!(stream.port(), Some(port));
    }

    #[test]
    fn a_ports_stream_is_the_port_as_it_displays() {
        for number in [0, 1, 9, 10, 99, 100, 12_345, u16::MAX] {
            for node in [0, 0x9abc_def0, u64::MAX, 0x0123_4567_89ab_cdef] {
                let port = PortId { node: NodeGuid(node), port: number };
                assert_eq!(StreamId::from(port).as_str(), port.to_string());
                assert_eq!(StreamId::from(port).port(), Some(port));
            }
        }
    }

    #[test]
    fn streams_are_ordered_as_their_texts() {
        let long = "x".repeat(40);
        let mut texts = vec!["b", "a", "é", "0000000000200000/35", long.as_str()];
        let mut streams: Vec<StreamId> = texts.iter().map(|text| text.parse().unwrap()).collect();
        texts.sort_unstable();
        streams.sort_unstable();
        assert_eq!(streams.iter().map(StreamId::as_str).collect::<Vec<_>>(), texts);
    }

    #[test]
    fn a_generic_stream_has_no_port() {
        assert_eq!("leaf7/HundredGigE0/0/0/6".parse::<StreamId>().unwrap().port(), None);
    }

    #[test]
    fn a_stream_id_that_would_corrupt_a_key_is_refused() {
        assert_eq!("".parse::<StreamId>(), Err(ParseStreamIdError::Empty));
        assert_eq!("a\nb".parse::<StreamId>(), Err(ParseStreamIdError::ControlCharacter));
        assert!("x".repeat(513).parse::<StreamId>().is_err());
    }
}
