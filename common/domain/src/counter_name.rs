//! The name of a counter that Linkcast passes on under its source's own name.
//!
//! Every sample carries a dozen of them, and threads that count references to one shared text wait for one another's
//! cache lines: names known when Linkcast is compiled are counted by nobody.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A counter's name; cheap to clone, and free to clone if it is one of Linkcast's own.
#[derive(Clone)]
pub struct CounterName(Form);

#[derive(Clone)]
enum Form {
    Own(&'static str),
    Shared(Arc<str>),
}

impl CounterName {
    /// A name known when Linkcast is compiled.
    pub const fn own(name: &'static str) -> Self {
        CounterName(Form::Own(name))
    }
}

impl Deref for CounterName {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        match &self.0 {
            Form::Own(name) => name,
            Form::Shared(name) => name,
        }
    }
}

impl AsRef<str> for CounterName {
    fn as_ref(&self) -> &str {
        self
    }
}

impl std::borrow::Borrow<str> for CounterName {
    fn borrow(&self) -> &str {
        self
    }
}

impl From<&str> for CounterName {
    fn from(name: &str) -> Self {
        CounterName(Form::Shared(name.into()))
    }
}

impl From<String> for CounterName {
    fn from(name: String) -> Self {
        CounterName(Form::Shared(name.into()))
    }
}

impl From<Arc<str>> for CounterName {
    fn from(name: Arc<str>) -> Self {
        CounterName(Form::Shared(name))
    }
}

impl PartialEq for CounterName {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for CounterName {}

impl Ord for CounterName {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl PartialOrd for CounterName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::hash::Hash for CounterName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for CounterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Display for CounterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}
