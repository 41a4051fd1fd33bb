//! UBJSON as XGBoost writes it, as one more format of serde's, so that JSON and UBJSON are read by the same types.
//!
//! Draft 12 of the format, with its typed and counted containers; high-precision numbers, which XGBoost never writes, are
//! refused. The bytes come from outside: every length is held against what is left before anything is reserved for it, nesting
//! has a limit, and elements of a typed list take at least one byte each, so what is built is in proportion to the file.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Containers in containers; XGBoost's document has six.
const DEEPEST: usize = 32;

/// Why the bytes are no UBJSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UbjsonError {
    /// At this byte.
    #[error("byte {at} is {found}: expected {expected}")]
    Byte {
        /// Where, from 0.
        at: usize,
        /// What is there.
        found: String,
        /// What may be there.
        expected: &'static str,
    },
    /// The types of the document say so.
    #[error("{0}")]
    Document(String),
}

impl de::Error for UbjsonError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        UbjsonError::Document(message.to_string())
    }
}

/// A reader at a place in the bytes.
pub(super) struct Ubjson<'de> {
    bytes: &'de [u8],
    at: usize,
    depth: usize,
}

impl<'de> Ubjson<'de> {
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Ubjson { bytes, at: 0, depth: 0 }
    }

    /// Refuses whatever follows the document.
    pub(super) fn end(mut self) -> Result<(), UbjsonError> {
        match self.marker() {
            Err(_) => Ok(()),
            Ok(_) => Err(self.wrong_before("something after the document", "the end of the file")),
        }
    }

    fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    fn wrong(&self, found: impl Into<String>, expected: &'static str) -> UbjsonError {
        UbjsonError::Byte { at: self.at, found: found.into(), expected }
    }

    /// A fault of the byte just read.
    fn wrong_before(&self, found: impl Into<String>, expected: &'static str) -> UbjsonError {
        UbjsonError::Byte { at: self.at.saturating_sub(1), found: found.into(), expected }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next marker; no-ops are skipped.
    fn marker(&mut self) -> Result<u8, UbjsonError> {
        loop {
            let marker = self.peek().ok_or_else(|| self.wrong("the end of the file", "a value"))?;
            self.at += 1;
            if marker != b'N' {
                return Ok(marker);
            }
        }
    }

    fn take<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], UbjsonError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let (taken, _) =
            rest.split_first_chunk().ok_or_else(|| self.wrong("the end of the file", "a whole number"))?;
        self.at += SIZE;
        Ok(*taken)
    }

    /// A whole number of the kind its marker says.
    fn integer(&mut self, marker: u8) -> Result<i64, UbjsonError> {
        Ok(match marker {
            b'i' => i64::from(i8::from_be_bytes(self.take()?)),
            b'U' => i64::from(u8::from_be_bytes(self.take()?)),
            b'I' => i64::from(i16::from_be_bytes(self.take()?)),
            b'l' => i64::from(i32::from_be_bytes(self.take()?)),
            b'L' => i64::from_be_bytes(self.take()?),
            other => return Err(self.wrong_before(shown(other), "a whole number's marker")),
        })
    }

    /// A length with its own marker; `size` bytes at least follow for each of what is counted.
    fn length(&mut self, size: usize) -> Result<usize, UbjsonError> {
        let marker = self.marker()?;
        let length = self.integer(marker)?;
        let fits = usize::try_from(length).ok().filter(|length| *length <= self.left() / size.max(1));
        fits.ok_or_else(|| self.wrong(format!("the length {length}"), "no more than the file has left"))
    }

    fn text(&mut self) -> Result<&'de str, UbjsonError> {
        let length = self.length(1)?;
        let bytes = self.bytes.get(self.at..self.at + length).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| self.wrong("other bytes", "a text in UTF-8"))?;
        self.at += length;
        Ok(text)
    }

    /// What stands between a container's opening and its first element.
    fn header(&mut self) -> Result<Header, UbjsonError> {
        let kind = if self.peek() == Some(b'$') {
            self.at += 1;
            let kind = self.marker()?;
            let size = size_of(kind)
                .ok_or_else(|| self.wrong_before(shown(kind), "a list's type whose values take bytes"))?;
            Some((kind, size))
        } else {
            None
        };
        if self.peek() == Some(b'#') {
            self.at += 1;
            let left = self.length(kind.map_or(1, |(_, size)| size))?;
            return Ok(Header { kind: kind.map(|(kind, _)| kind), left: Some(left) });
        }
        match kind {
            None => Ok(Header { kind: None, left: None }),
            Some(_) => Err(self.wrong("a typed list without a count", "#")),
        }
    }

    fn value<V: Visitor<'de>>(&mut self, marker: u8, visitor: V) -> Result<V::Value, UbjsonError> {
        match marker {
            b'Z' => visitor.visit_unit(),
            b'T' => visitor.visit_bool(true),
            b'F' => visitor.visit_bool(false),
            b'd' => visitor.visit_f32(f32::from_be_bytes(self.take()?)),
            b'D' => visitor.visit_f64(f64::from_be_bytes(self.take()?)),
            b'C' => visitor.visit_char(char::from(u8::from_be_bytes(self.take()?))),
            b'S' => visitor.visit_borrowed_str(self.text()?),
            b'[' => {
                self.container(|reader, header| visitor.visit_seq(Elements { reader, header, close: b']' }))
            }
            b'{' => {
                self.container(|reader, header| visitor.visit_map(Elements { reader, header, close: b'}' }))
            }
            b'i' | b'U' | b'I' | b'l' | b'L' => visitor.visit_i64(self.integer(marker)?),
            other => Err(self.wrong_before(shown(other), "a value's marker")),
        }
    }

    fn container<T>(
        &mut self,
        visit: impl FnOnce(&mut Self, Header) -> Result<T, UbjsonError>,
    ) -> Result<T, UbjsonError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong_before("a container in too many others", "at most 32 levels"));
        }
        let header = self.header()?;
        let visited = visit(self, header)?;
        self.depth -= 1;
        Ok(visited)
    }
}

impl<'de> Deserializer<'de> for &mut Ubjson<'de> {
    type Error = UbjsonError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UbjsonError> {
        let marker = self.marker()?;
        self.value(marker, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A container's declared type and what is left of its declared count.
#[derive(Clone, Copy, Debug)]
struct Header {
    kind: Option<u8>,
    left: Option<usize>,
}

/// A container's elements, until its count is used up or its closing marker comes.
struct Elements<'a, 'de> {
    reader: &'a mut Ubjson<'de>,
    header: Header,
    close: u8,
}

impl Elements<'_, '_> {
    fn has_more(&mut self) -> Result<bool, UbjsonError> {
        if let Some(left) = &mut self.header.left {
            let more = *left > 0;
            *left = left.saturating_sub(1);
            return Ok(more);
        }
        while self.reader.peek() == Some(b'N') {
            self.reader.at += 1;
        }
        let closes = self.reader.peek() == Some(self.close);
        if closes {
            self.reader.at += 1;
        }
        Ok(!closes)
    }

    fn marker(&mut self) -> Result<u8, UbjsonError> {
        self.header.kind.map_or_else(|| self.reader.marker(), Ok)
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = UbjsonError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, UbjsonError> {
        if !self.has_more()? {
            return Ok(None);
        }
        let marker = self.marker()?;
        seed.deserialize(Marked { reader: self.reader, marker }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        self.header.left
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = UbjsonError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, UbjsonError> {
        if !self.has_more()? {
            return Ok(None);
        }
        // A key is a text without a marker of its own.
        let key = self.reader.text()?;
        seed.deserialize(de::value::BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, UbjsonError> {
        let marker = self.marker()?;
        seed.deserialize(Marked { reader: self.reader, marker })
    }
}

/// A value whose marker is known already.
struct Marked<'a, 'de> {
    reader: &'a mut Ubjson<'de>,
    marker: u8,
}

impl<'de> Deserializer<'de> for Marked<'_, 'de> {
    type Error = UbjsonError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UbjsonError> {
        self.reader.value(self.marker, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The least bytes a value of this type takes behind its marker; none for types that take none or are unknown.
fn size_of(kind: u8) -> Option<usize> {
    match kind {
        b'i' | b'U' | b'C' | b'[' | b'{' => Some(1),
        b'I' | b'S' => Some(2),
        b'l' | b'd' => Some(4),
        b'L' | b'D' => Some(8),
        _ => None,
    }
}

fn shown(byte: u8) -> String {
    if byte.is_ascii_graphic() { format!("{:?}", char::from(byte)) } else { format!("0x{byte:02x}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::{Value, json};

    fn read(bytes: &[u8]) -> Result<Value, UbjsonError> {
        let mut reader = Ubjson::new(bytes);
        let value = Value::deserialize(&mut reader)?;
        reader.end()?;
        Ok(value)
    }

    #[test]
    fn typed_counted_and_open_containers_say_the_same() {
        let expected = json!({"a": [1, 2], "b": "x"});
        let open = b"{i\x01a[i\x01i\x02]i\x01bSi\x01x}";
        let counted = b"{#i\x02i\x01a[#i\x02i\x01i\x02i\x01bSi\x01x";
        let typed = b"{L\0\0\0\0\0\0\0\x01a[$l#L\0\0\0\0\0\0\0\x02\0\0\0\x01\0\0\0\x02i\x01bSi\x01x}";
        for bytes in [open.as_slice(), counted, typed] {
            assert_eq!(read(bytes), Ok(expected.clone()));
        }
    }

    #[test]
    fn reals_keep_their_bits() {
        let mut bytes = b"[$d#i\x02".to_vec();
        for value in [0.1_f32, f32::NEG_INFINITY] {
            bytes.extend(value.to_be_bytes());
        }
        let values = Vec::<f32>::deserialize(&mut Ubjson::new(&bytes)).unwrap();
        assert_eq!(values, [0.1, f32::NEG_INFINITY]);
    }

    #[test]
    fn a_length_beyond_the_file_is_refused_before_anything_is_reserved() {
        let error = read(b"[$U#L\x7f\xff\xff\xff\xff\xff\xff\xff").unwrap_err();
        assert!(error.to_string().contains("no more than the file has left"), "{error}");
        let free = read(b"[$Z#L\0\0\0\xff\xff\xff\xff\xff").unwrap_err();
        assert!(free.to_string().contains("whose values take bytes"), "{free}");
    }

    #[test]
    fn every_cut_of_a_document_is_refused() {
        let whole = b"{i\x01a[$l#i\x02\0\0\0\x01\0\0\0\x02i\x01bD\0\0\0\0\0\0\0\0i\x01cSi\x02xy}";
        assert!(read(whole).is_ok());
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_tower_of_lists_is_refused() {
        let error = read(&[b'['; 10_000]).unwrap_err();
        assert!(error.to_string().contains("32 levels"), "{error}");
    }
}
