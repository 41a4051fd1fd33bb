//! A value that never prints.
//!
//! Tokens travel through configuration, errors and logs; a type that cannot be formatted or serialised makes leaking one
//! a deliberate act: calling [`Secret::expose`].

use std::fmt;

/// A value no message, log line or answer may hold.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides `value`.
    pub fn new(value: T) -> Self {
        Secret(value)
    }

    /// The value, for the one place that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_the_same_whatever_it_holds() {
        let token = Secret::new("s3cr3t".to_owned());
        assert_eq!(format!("{token} {token:?} {:?}", Some(&token)), "[secret] [secret] Some([secret])");
        assert_eq!(token.expose(), "s3cr3t");
    }
}
