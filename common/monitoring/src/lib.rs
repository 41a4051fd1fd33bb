//! Whether what a model sees, and what it says, is still what it was: sketches of numbers, a frozen reference, and a test.
//!
//! Everything here is a pure function of counts: no IO, no clock, no chance. [`FeatureSketches`] counts an hour's samples and
//! adds up over processes; [`Reference`] is what the first days of a model looked like; [`judge`] holds later days against it
//! and says with which numbers. Common drift tests suppose that samples are independent; telemetry's are not, and such a test
//! calls a quiet fabric drifted most of the time (docs/DRIFT.md). Here a test's unit is a block of hours as long as the
//! series remembers.

mod autocorrelation;
mod bins;
mod distance;
mod feature_sketches;
mod held;
mod hochberg;
mod judging;
mod past;
mod reference;
mod report;
mod scatter;
mod settings;
#[cfg(test)]
mod simulation;
mod sketch;
mod student;
mod watched;

pub use feature_sketches::{DamagedSketches, FeatureSketches};
pub use judging::{Question, judge};
pub use reference::{DamagedReference, Reference};
pub use report::{
    Direction, DriftPart, DriftReport, DriftVerdict, Evidence, Lacking, Missing, SeriesDrift, SeriesWindow,
    Span,
};
pub use settings::DriftSettings;
pub use sketch::{Atom, MOST_BUCKETS, Sketch};
pub use watched::{SERIES_COUNT, Series};

#[cfg(test)]
mod tests;
