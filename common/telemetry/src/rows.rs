//! Rows of delimited text, without copying and with true line numbers.
//!
//! One line is one row: no telemetry holds line breaks within a field, and a reader that joined lines over an unclosed
//! quote would let one damaged row swallow all that follow.

use std::borrow::Cow;

/// The lines of a text with their numbers from 1, without line ends; a missing last line end makes no difference.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let is_empty = bytes.is_empty();
    (1..).zip(lines).filter(move |_| !is_empty)
}

/// Splits one line at its delimiter; a quoted field loses its quotes, and a doubled quote within it becomes one.
pub(crate) fn split_row<'a>(line: &'a [u8], delimiter: u8, fields: &mut Vec<Cow<'a, [u8]>>) {
    fields.clear();
    let mut rest = line;
    loop {
        let (field, tail) = match rest.strip_prefix(b"\"") {
            Some(quoted) => take_quoted(quoted, delimiter),
            None => {
                let mut parts = rest.splitn(2, |byte| *byte == delimiter);
                (Cow::Borrowed(parts.next().unwrap_or_default()), parts.next())
            }
        };
        fields.push(field);
        match tail {
            Some(tail) => rest = tail,
            None => return,
        }
    }
}

/// A field after its opening quote, and what follows its delimiter; an unclosed one takes the rest of the line.
fn take_quoted(quoted: &[u8], delimiter: u8) -> (Cow<'_, [u8]>, Option<&[u8]>) {
    let mut field = Cow::Borrowed(&[][..]);
    let mut rest = quoted;
    loop {
        let mut parts = rest.splitn(2, |byte| *byte == b'"');
        let part = parts.next().unwrap_or_default();
        if field.is_empty() {
            field = Cow::Borrowed(part);
        } else {
            field.to_mut().extend_from_slice(part);
        }
        let Some(after) = parts.next() else { return (field, None) };
        if let Some(more) = after.strip_prefix(b"\"") {
            field.to_mut().push(b'"');
            rest = more;
        } else {
            let mut parts = after.splitn(2, |byte| *byte == delimiter);
            let trailing = parts.next().unwrap_or_default();
            if !trailing.is_empty() {
                field.to_mut().extend_from_slice(trailing);
            }
            return (field, parts.next());
        }
    }
}

/// A field as text without the blanks around it, or `None` if it is no UTF-8.
pub(crate) fn text(field: &[u8]) -> Option<&str> {
    std::str::from_utf8(field.trim_ascii()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[&str]) {
        let mut fields = Vec::new();
        split_row(line.as_bytes(), b',', &mut fields);
        let found: Vec<_> = fields.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect();
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn fields_are_split_at_the_delimiter_and_unquoted() {
        check("a,b", &["a", "b"]);
        check("", &[""]);
        check("a,,", &["a", "", ""]);
        check(r#""a,b",c"#, &["a,b", "c"]);
        check(r#""say ""so""",c"#, &[r#"say "so""#, "c"]);
        check(r#"a,"never closed,b"#, &["a", "never closed,b"]);
    }

    #[test]
    fn lines_are_numbered_whatever_their_ends() {
        let found: Vec<_> = lines(b"a\r\n\nb\n").collect();
        assert_eq!(found, [(1, &b"a"[..]), (2, b""), (3, b"b")]);
        assert_eq!(lines(b"").count(), 0);
        assert_eq!(lines(b"a").count(), 1);
    }
}
