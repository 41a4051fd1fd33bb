//! A commit larger than a transaction: written down whole, then carried out, then struck off.
//!
//! Whoever finds a journal that is whole carries it out again; that is the same writes, so it changes nothing where they had
//! taken effect. A journal that is not whole never happened. It costs its bytes a second time, which only the embedded pipeline
//! pays, when it runs on a table with more than a hundred things to say.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use linkcast_domain::ports::StoreError;

use crate::calls::Change;
use crate::item::{Attributes, BYTES, Found, Item, PK, SK};
use crate::keys::Key;
use crate::store::DynamoStore;
use crate::write::puts;

const JOURNAL: &str = "journal";
const WHOLE: &str = "whole";
const PARTS: &str = "parts";

/// Bytes in one part: an item holds 400 kB.
const PART_BYTES: usize = 300 * 1024;

impl DynamoStore {
    /// Writes items all or none.
    pub(crate) async fn write_by_journal(&self, items: Vec<Item>) -> Result<(), StoreError> {
        self.finish_journal().await?;
        let table = self.table("write the journal");
        let bytes = encode(&items);
        let parts: Vec<Item> = bytes
            .chunks(PART_BYTES)
            .enumerate()
            .map(|(number, part)| Item::new(part_key(number)).bytes(BYTES, part.to_vec()))
            .collect();
        let count = parts.len();
        table.change(puts(parts)).await?;
        table.put(Item::new(Key::new(JOURNAL, WHOLE)).number(PARTS, count)).await?;
        table.change(puts(items)).await?;
        self.strike_off(count).await
    }

    /// Carries out a journal that was left whole.
    pub(crate) async fn finish_journal(&self) -> Result<(), StoreError> {
        let table = self.table("finish the journal");
        let whole = Key::new(JOURNAL, WHOLE);
        let Some(found) = table.get([whole.clone()], None).await?.remove(&whole) else { return Ok(()) };
        let damaged = |error| table.attempt().damaged(error);
        let count: usize = Found(&found).number(PARTS).map_err(damaged)?;
        let parts = table.get((0..count).map(part_key), None).await?;
        let mut bytes = Vec::new();
        for number in 0..count {
            let missing = || table.attempt().damaged("a part of the journal is missing");
            let part = parts.get(&part_key(number)).ok_or_else(missing)?;
            bytes.extend_from_slice(Found(part).bytes(BYTES).map_err(damaged)?);
        }
        let items = decode(&bytes).ok_or_else(|| table.attempt().damaged("the journal cannot be read"))?;
        let mut changes = Vec::with_capacity(items.len());
        for item in items {
            changes.push((Found(&item).key().map_err(damaged)?, Change::Put(item)));
        }
        table.change(changes).await?;
        self.strike_off(count).await
    }

    async fn strike_off(&self, count: usize) -> Result<(), StoreError> {
        let table = self.table("strike off the journal");
        table.delete(&Key::new(JOURNAL, WHOLE)).await?;
        table.change((0..count).map(|number| (part_key(number), Change::Delete)).collect()).await
    }
}

fn part_key(number: usize) -> Key {
    Key::new(JOURNAL, format!("part#{number:06}"))
}

/// Items as bytes: the number of attributes, then name, kind and value of each.
fn encode(items: &[Item]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for item in items {
        bytes.extend_from_slice(&(item.attributes.len() as u32).to_le_bytes());
        for (name, value) in &item.attributes {
            let (kind, value) = match value {
                AttributeValue::S(text) => (b'S', text.as_bytes()),
                AttributeValue::N(number) => (b'N', number.as_bytes()),
                AttributeValue::B(blob) => (b'B', blob.as_ref()),
                _ => continue,
            };
            bytes.push(kind);
            for part in [name.as_bytes(), value] {
                bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
                bytes.extend_from_slice(part);
            }
        }
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Vec<Attributes>> {
    let mut rest = bytes;
    let mut items = Vec::new();
    while !rest.is_empty() {
        let mut item = Attributes::new();
        for _ in 0..length(&mut rest)? {
            let (kind, tail) = rest.split_first()?;
            rest = tail;
            let name = std::str::from_utf8(part(&mut rest)?).ok()?.to_owned();
            let value = part(&mut rest)?;
            let text = || std::str::from_utf8(value).ok().map(str::to_owned);
            let value = match kind {
                b'S' => AttributeValue::S(text()?),
                b'N' => AttributeValue::N(text()?),
                b'B' => AttributeValue::B(Blob::new(value)),
                _ => return None,
            };
            item.insert(name, value);
        }
        (item.contains_key(PK) && item.contains_key(SK)).then(|| items.push(item))?;
    }
    Some(items)
}

fn length(rest: &mut &[u8]) -> Option<usize> {
    let (head, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    Some(u32::from_le_bytes(*head) as usize)
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = length(rest)?;
    let (part, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_back_and_a_cut_journal_is_refused() {
        let items: Vec<Item> = (0..3)
            .map(|number| {
                Item::new(Key::new("stream#a", format!("sample#{number}")))
                    .bytes(BYTES, vec![number; 5])
                    .number("v", number)
            })
            .collect();
        let bytes = encode(&items);
        let expected: Vec<Attributes> = items.into_iter().map(|item| item.attributes).collect();
        assert_eq!(decode(&bytes), Some(expected));
        assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
    }
}
