//! Who a series belongs to.
//!
//! A port is (node GUID, port number). Names change, repeat and go missing (four switches may all call
//! themselves "Mellanox Technologies Aggregation Node"), so a name is an attribute and never the identity.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
    fn from_str(text: &str) -> Result<Self, Self::Err> {
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(Arc<str>);

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
        let (guid, port) = self.0.split_once('/')?;
        if guid.len() != 16 || !guid.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        Some(PortId { node: guid.parse().ok()?, port: port.parse().ok()? })
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<PortId> for StreamId {
    fn from(port: PortId) -> Self {
        StreamId(port.to_string().into())
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
        f.write_str(&self.0)
    }
}

impl Serialize for StreamId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
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
