//! Lines of a capture: trimmed, whatever their ends, without demanding that they be text.

/// Each line, without white space at either end.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_empty = bytes.is_empty();
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.split(|byte| *byte == b'\n').filter(move |_| !is_empty).map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_one_line_and_nothing_is_none() {
        assert_eq!(lines(b"").count(), 0);
        assert_eq!(lines(b"\n").count(), 1);
        assert_eq!(lines(b"a\r\n\n b").collect::<Vec<_>>(), [&b"a"[..], b"", b"b"]);
    }
}
