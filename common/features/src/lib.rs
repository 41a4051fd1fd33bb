//! Samples in, feature vectors out: the one fold that serving and training both use.
//!
//! A stream's past lives in a [`StreamState`] of bounded size, and [`StreamState::advance`] is the only way to a
//! feature vector: batches, live streams and resumed streams all go through it, so what a model was trained on is
//! what it is asked about. The crate is pure: no IO, no clock, no lookup outside its arguments.
//!
//! What has to stay small is quantised when a bucket of time closes, never when the state is written, so that a
//! stream resumed from its bytes gives the same bits as one that never stopped. The precision of every field:
//!
//! | field | open bucket | closed buckets, relative error of one at most |
//! |---|---|---|
//! | latency: mean, spread (5 min) | f64 | f32 mean and squares, exact count: 6e-8 of the mean |
//! | latency: mean (6th to 60th minute) | | 13 significant bits, error carried into the next minute: 1.2e-4; count exact to 15, then to 6 % |
//! | sums over 5 and 12 min | 29 bits | 16 significant bits: 1.5e-5; whole numbers to 65,536 exact |
//! | symbol errors and bits over 125 min, waiting over 1 h | 29 bits | 14 significant bits: 6.1e-5 |
//! | recoveries and integrity errors over 1 h | 29 bits | 13 significant bits; to 8,192 exact |
//! | times down over 12 h | 29 bits | 6 significant bits; to 64 in half an hour exact, at most 4,032 |
//! | previous values, rates, times | exact | |
//! | baselines | | a histogram of 13 adaptive bins, see `baseline` |
//!
//! A window's error is far below one bucket's, since buckets err in both directions. With a regular cadence and whole counts
//! there is none.

mod baseline;
mod batch;
mod bins;
mod bits;
mod calendar;
mod error;
mod hourly;
mod latency;
mod minifloat;
mod novelty;
mod packed;
mod ring;
mod state;
mod trend;
mod windows;

pub use batch::advance_many;
pub use calendar::{Calendar, UnknownTimeZone};
pub use error::{StaleSample, StateError};
pub use novelty::{NOVEL, Novelty};
pub use state::{STATE_BYTES_LIMIT, STATE_VERSION, StreamState};
