//! What a Parquet file's footer and pages claim: just enough of Thrift's compact protocol to see it before it is decoded.
//!
//! The decoder allocates what a page's header claims, and a header of thirty bytes may claim two gigabytes; it follows
//! a schema as deep as that is nested. Fields that say nothing of size are stepped over.

/// Structures and lists within each other, twice as deep as the format's own.
const DEEPEST: u8 = 16;
/// The field of a footer that lists the schema's elements, and their field that counts an element's children.
const CHILDREN: (i16, i16) = (2, 5);
/// The parent of what lies too deep to be of interest.
const DEEPER: i16 = -1;
/// The field of a page header that holds the dictionary page's own header.
const DICTIONARY: i16 = 7;
/// The fields that hold a data page's own header, of either version, and the place of the encoding in each.
const DATA: [(i16, i16); 2] = [(5, 2), (8, 4)];

/// What a page says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub(super) unpacked_bytes: i64,
    pub(super) packed_bytes: i64,
    /// Values of a dictionary page; 0 for others.
    pub(super) dictionary_values: i64,
    /// Encoding of a data page, by its number in the format; 0 (plain) for others.
    pub(super) encoding: i64,
}

impl PageHeader {
    /// The header at the front of `bytes`, and how long it is.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut header = PageHeader::default();
        let mut cursor = Cursor { rest: bytes };
        cursor.structure(0, 0, &mut |parent, field, value| match (parent, field) {
            (0, 2) => header.unpacked_bytes = value,
            (0, 3) => header.packed_bytes = value,
            (DICTIONARY, 1) => header.dictionary_values = value,
            place if DATA.contains(&place) => header.encoding = value,
            _ => {}
        })?;
        Some((header, bytes.len() - cursor.rest.len()))
    }
}

/// What a footer's schema claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SchemaClaims {
    /// Elements with children.
    pub(super) groups: usize,
    /// Children of all elements.
    pub(super) children: u64,
}

impl SchemaClaims {
    /// What a footer claims, or `None` if it is none.
    pub(super) fn read(footer: &[u8]) -> Option<Self> {
        let mut claims = SchemaClaims::default();
        Cursor { rest: footer }.structure(0, 0, &mut |parent, field, value| {
            if (parent, field) == CHILDREN && value != 0 {
                claims.groups += 1;
                claims.children = claims.children.saturating_add(value.unsigned_abs());
            }
        })?;
        Some(claims)
    }
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Steps over one structure and shows each whole number in it, with the field it lies in and its own.
    fn structure(&mut self, parent: i16, depth: u8, visit: &mut dyn FnMut(i16, i16, i64)) -> Option<()> {
        let mut field: i16 = 0;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(());
            }
            field = match i16::from(head >> 4) {
                0 => i16::try_from(self.zigzag()?).ok()?,
                step => field.checked_add(step)?,
            };
            self.value(head & 0x0f, parent, field, depth, visit)?;
        }
    }

    fn value(
        &mut self,
        kind: u8,
        parent: i16,
        field: i16,
        depth: u8,
        visit: &mut dyn FnMut(i16, i16, i64),
    ) -> Option<()> {
        match kind {
            1 | 2 => Some(()),
            3 => self.skip(1),
            4..=6 => {
                let value = self.zigzag()?;
                visit(parent, field, value);
                Some(())
            }
            7 => self.skip(8),
            8 => {
                let length = self.varint()?;
                self.skip(length)
            }
            9 | 10 if depth < DEEPEST => self.list(field, depth, visit),
            12 if depth < DEEPEST => {
                // Only the structures right below the outermost, or listed there, are of interest.
                let within = if depth == 0 { field } else { DEEPER };
                self.structure(within, depth + 1, visit)
            }
            _ => None,
        }
    }

    fn list(&mut self, field: i16, depth: u8, visit: &mut dyn FnMut(i16, i16, i64)) -> Option<()> {
        let head = self.byte()?;
        let length = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        let kind = head & 0x0f;
        for _ in 0..length {
            match kind {
                1 | 2 => self.skip(1)?,
                12 if depth == 0 => self.structure(field, 1, visit)?,
                _ => self.value(kind, DEEPER, 0, depth + 1, visit)?,
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_claims_is_read_past_what_is_not_asked_for() {
        // type 2 (dictionary), 300 bytes unpacked, 40 packed, then a dictionary header of 9 values in plain encoding.
        let bytes =
            [0x15, 0x04, 0x15, 0xd8, 0x04, 0x15, 0x50, 0x4c, 0x15, 0x12, 0x15, 0x00, 0x00, 0x00, 0xff];
        let expected =
            PageHeader { unpacked_bytes: 300, packed_bytes: 40, dictionary_values: 9, encoding: 0 };
        assert_eq!(PageHeader::read(&bytes), Some((expected, 14)));
    }

    #[test]
    fn a_header_cut_short_or_nested_without_end_is_none() {
        assert_eq!(PageHeader::read(&[0x15, 0x04, 0x15]), None);
        assert_eq!(PageHeader::read(&[0x1c; 4096]), None);
        assert_eq!(PageHeader::read(&[0x19; 4096]), None);
    }

    #[test]
    fn the_children_of_every_schema_element_are_counted() {
        // A list of three structures in field 2: one of 2^31 - 1 children, one of 3, one of none.
        let footer =
            [0x29, 0x3c, 0x55, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x55, 0x06, 0x00, 0x55, 0x00, 0x00, 0x00];
        let expected = SchemaClaims { groups: 2, children: (1 << 31) + 2 };
        assert_eq!(SchemaClaims::read(&footer), Some(expected));
    }
}
