//! Small numbers in few bytes: seven bits a byte, signs folded into the lowest bit.
//!
//! What lies in a table is billed by its bytes, and most of it is small whole numbers. Taking gives nothing where the bytes
//! end too soon, and leaves what it did not take.

/// A signed number as an unsigned one that is small when it is near zero.
pub fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// What [`zigzag`] was given.
pub fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Appends a number: seven bits a byte, the lowest first, the high bit meaning that more follow.
pub fn put(bytes: &mut Vec<u8>, mut value: u64) {
    const LONGEST: usize = 10;
    if value < 0x80 {
        bytes.push(value as u8);
        return;
    }
    // One append of all: a byte at a time, each asks for room.
    let (mut places, mut length) = ([0; LONGEST], 0);
    for place in &mut places {
        length += 1;
        *place = value as u8 & 0x7f;
        value >>= 7;
        if value == 0 {
            break;
        }
        *place |= 0x80;
    }
    bytes.extend_from_slice(places.get(..length).unwrap_or_default());
}

/// What [`put`] wrote; nothing that needs more than 64 bits.
pub fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(rest)?;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Appends a length and so many bytes.
pub fn put_part(bytes: &mut Vec<u8>, part: &[u8]) {
    put(bytes, part.len() as u64);
    bytes.extend_from_slice(part);
}

/// What [`put_part`] wrote.
pub fn take_part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take(rest)?).ok()?;
    let (part, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(part)
}

/// One byte.
pub fn take_byte(rest: &mut &[u8]) -> Option<u8> {
    let (byte, tail) = rest.split_first()?;
    *rest = tail;
    Some(*byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back_and_a_cut_one_is_refused() {
        for value in [0, 1, -1, 63, -64, 64, 1 << 40, i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            put(&mut bytes, zigzag(value));
            assert_eq!(take(&mut bytes.as_slice()).map(unzigzag), Some(value));
            bytes.pop();
            assert_eq!(take(&mut bytes.as_slice()), None, "{value} cut");
        }
        let too_large = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        assert_eq!(take(&mut too_large.as_slice()), None);
    }

    #[test]
    fn parts_follow_one_another() {
        let mut bytes = Vec::new();
        put_part(&mut bytes, b"one");
        bytes.push(7);
        let mut rest = bytes.as_slice();
        assert_eq!((take_part(&mut rest), take_byte(&mut rest)), (Some(b"one".as_slice()), Some(7)));
        assert_eq!((take_part(&mut rest), take_byte(&mut rest)), (None, None));
    }
}
