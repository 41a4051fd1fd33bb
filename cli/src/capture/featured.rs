//! A capture's samples with their features, in time order.
//!
//! This is the path of `features` and `predict`: the same fold that serving uses, fed without a store.

use std::collections::HashMap;
use std::path::PathBuf;

use linkcast_domain::{FeatureVector, Sample, StreamId};
use linkcast_features::{Calendar, StreamState};

use super::{Reader, SampleMaker, Tally, Timeline, find_files};
use crate::exit::Failure;
use crate::progress::Progress;

/// What became of a capture.
pub(crate) struct Read {
    /// Lines and files.
    pub(crate) tally: Tally,
    /// Samples with features.
    pub(crate) samples: u64,
    /// Samples dropped as not newer than their stream's last.
    pub(crate) stale: u64,
}

/// Hands every sample under `paths` with its features to `take`.
pub(crate) fn for_each_featured(
    paths: &[PathBuf],
    reader: Reader,
    calendar: &Calendar,
    progress: &mut Progress,
    mut take: impl FnMut(&Sample, &FeatureVector) -> Result<(), Failure>,
) -> Result<Read, Failure> {
    let mut timeline = Timeline::new(&find_files(paths)?, reader);
    let mut maker = SampleMaker::new(timeline.reader().topology());
    let mut states: HashMap<StreamId, StreamState> = HashMap::new();
    let (mut samples, mut stale) = (0, 0);
    while let Some(instant) = timeline.next_instant() {
        instant.ports.into_iter().for_each(|(stream, facts)| maker.learn(&stream, facts));
        let made = instant.readings.iter().filter_map(|reading| maker.sample(reading));
        for sample in made.chain(instant.samples) {
            let state = states.entry(sample.stream.clone()).or_default();
            match state.advance(sample.time, &sample.values, calendar) {
                Ok(features) => {
                    samples += 1;
                    take(&sample, &features)?;
                }
                Err(_) => stale += 1,
            }
        }
        progress.advance(1);
    }
    Ok(Read { tally: timeline.into_tally(), samples, stale })
}
