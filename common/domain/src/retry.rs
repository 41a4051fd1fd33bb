//! Whether trying again can help.
//!
//! The class of a failure is part of its type, so that no caller has to read an error's text to decide.

use std::time::Duration;

/// What a failed operation says about another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same call may succeed later.
    Later,
    /// The same call may succeed once this much time has passed.
    After(Duration),
    /// The same call will fail again: something must change first.
    Never,
}
