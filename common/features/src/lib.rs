//! Samples in, feature vectors out: the one fold that serving and training both use.
//!
//! A stream's past lives in a [`StreamState`] of bounded size, and [`StreamState::advance`] is the only way to a
//! feature vector: batches, live streams and resumed streams all go through it, so what a model was trained on is
//! what it is asked about. The crate is pure: no IO, no clock, no lookup outside its arguments.
//!
//! What has to stay small is quantised when a bucket of time closes, never when the state is written, so that a
//! stream resumed from its bytes gives the same bits as one that never stopped. The precision of every field:
//!
//! | field | open bucket | closed buckets |
//! |---|---|---|
//! | latency: mean, spread (5 min) | f64 | f32 mean, f32 sum of squares, exact count |
//! | latency: mean (6th to 60th minute) | | 13 significant bits, error carried into the next minute; count to 4 bits |
//! | sums over 5 and 12 min | 29 significant bits | 16 significant bits (whole numbers to 65,536 exact) |
//! | sums over 125 min, waiting over 1 h | 29 significant bits | 14 significant bits |
//! | recoveries and integrity errors over 1 h | 29 significant bits | 13 significant bits (to 8,192 exact) |
//! | times down over 12 h | 29 significant bits | 6 significant bits (to 64 in half an hour exact) |
//! | previous values, rates, times | exact | |
//! | baselines | | a histogram of 13 adaptive bins, see `baseline` |

mod baseline;
mod batch;
mod bits;
mod calendar;
mod error;
mod latency;
mod minifloat;
mod ring;
mod state;
mod trend;
mod windows;

pub use batch::advance_many;
pub use calendar::{Calendar, UnknownTimeZone};
pub use error::{StaleSample, StateError};
pub use state::{STATE_BYTES_LIMIT, STATE_VERSION, StreamState};
