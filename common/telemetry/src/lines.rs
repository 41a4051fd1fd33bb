//! Lines of a capture: trimmed, whatever their ends, without demanding that they be text.

/// Each line, without white space at either end.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let is_empty = bytes.is_empty();
    bytes.split(|byte| *byte == b'\n').filter(move |_| !is_empty).map(<[u8]>::trim_ascii)
}
