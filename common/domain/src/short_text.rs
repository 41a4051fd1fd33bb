//! A text that lies in the value itself if it is short, and behind a shared pointer if it is not.
//!
//! A port's id is at most 22 bytes and is made, copied, compared and hashed several times for every sample: in place
//! none of that allocates, counts references or follows a pointer. A short text is always in place, so that two forms
//! of one text never meet.

use std::fmt;
use std::sync::Arc;

/// The longest text kept in place: 16 hexadecimal digits, a slash and a port number.
pub(crate) const SHORT: usize = 22;

/// A text that is cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ShortText(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    /// The unused places are zero, so that equal texts are equal arrays.
    Here {
        length: u8,
        bytes: [u8; SHORT],
    },
    Shared(Arc<str>),
}

impl ShortText {
    /// ASCII from an iterator of at most [`SHORT`] bytes; more are left out.
    #[inline]
    pub(crate) fn from_ascii(text: impl Iterator<Item = u8>) -> Self {
        let (mut bytes, mut length) = ([0; SHORT], 0);
        for (place, byte) in bytes.iter_mut().zip(text) {
            *place = byte & 0x7f;
            length += 1;
        }
        ShortText(Form::Here { length, bytes })
    }

    /// The text.
    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        match &self.0 {
            Form::Here { .. } => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Form::Shared(text) => text,
        }
    }

    /// The text's bytes, which cost no check.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Form::Here { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Form::Shared(text) => text.as_bytes(),
        }
    }
}

impl From<&str> for ShortText {
    fn from(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match bytes.get_mut(..text.len()) {
            Some(places) => {
                places.copy_from_slice(text.as_bytes());
                ShortText(Form::Here { length: text.len() as u8, bytes })
            }
            None => ShortText(Form::Shared(text.into())),
        }
    }
}

impl fmt::Debug for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back_whole_whatever_its_length() {
        for length in 0..40 {
            let text = "é0123456789012345678901234567890123456789".chars().take(length).collect::<String>();
            let kept = ShortText::from(text.as_str());
            assert_eq!(kept.as_str(), text);
            assert_eq!(kept.as_bytes(), text.as_bytes());
            assert_eq!(kept, ShortText::from(text.as_str()));
        }
    }

    #[test]
    fn texts_that_differ_in_length_alone_differ() {
        assert_ne!(ShortText::from("a"), ShortText::from("a\0"));
    }

    #[test]
    fn it_is_no_larger_than_three_words() {
        assert_eq!(size_of::<ShortText>(), 24);
    }
}
