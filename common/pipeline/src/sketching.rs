//! Sketches of samples and scores, kept by the hour of the sample and by process, and written down now and then.

/// The names of sketches begin so.
pub(crate) const SKETCH: &str = "sketch#";
/// They are kept by the hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;
