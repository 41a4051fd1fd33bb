//! How to read a CSV that no parser knows.

/// Which columns of a CSV hold what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnMap {}
