//! Labelled rows of a folder that `linkcast simulate` wrote.

use std::path::Path;

use linkcast_features::Calendar;

use crate::capture::{Reader, SampleMaker, Timeline, find_files};
use crate::exit::{ExitKind, Failure};
use crate::output::Notes;
use crate::progress::Progress;

use super::{CollectedRows, FailureRows, RowCollector, Thinning, read_truth};

/// The rows of `folder`.
pub(crate) fn recorded_rows(
    folder: &Path,
    failures: FailureRows,
    notes: Notes,
) -> Result<CollectedRows, Failure> {
    let episodes = read_truth(folder)?;
    let mut collector = RowCollector::new(&episodes, Calendar::utc(), Thinning::SHIPPED, failures);
    let files = find_files(&[folder.to_owned()])?;
    let mut timeline = Timeline::new(&files, Reader::default());
    let mut maker = SampleMaker::new(timeline.reader().topology());
    let mut progress = Progress::new(notes, "reading", None);
    while let Some(instant) = timeline.next_instant() {
        instant.ports.into_iter().for_each(|(stream, facts)| maker.learn(&stream, facts));
        let made = instant.readings.iter().filter_map(|reading| maker.sample(reading));
        for sample in made.chain(instant.samples) {
            collector.take(&sample, 1.0).map_err(|error| Failure::new(ExitKind::UnusableInput, error))?;
        }
        progress.advance(1);
    }
    Ok(collector.finish())
}
