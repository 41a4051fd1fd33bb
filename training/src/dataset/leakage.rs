//! Whether anything of a row was known only later: tried, at every build, and not argued.
//!
//! Of some streams the samples are kept, and some of their rows are made once more from a history in which everything after the
//! row is wrong: its samples altered beyond belief, and what happened before it forgotten where only the future may count. A row
//! that comes out otherwise has seen what it must not.

use linkcast_domain::{FEATURES, Sample, SampleField, StreamId, Timestamp};

use super::DatasetRow;

/// Rows tried of each stream that is kept.
const ROWS_A_STREAM: usize = 8;

/// Samples kept of a stream at most: some weeks of minutes would tell no more.
const MOST_SAMPLES: usize = 4_000;

/// A row that knows too much.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} of stream {stream} at {time} changes with what comes later: expected the same whatever follows; \
     a model trained on it would be better on paper only"
)]
pub struct LeakError {
    /// The feature, or what else of the row.
    pub what: &'static str,
    /// Whose row.
    pub stream: StreamId,
    /// When.
    pub time: Timestamp,
}

/// The samples of one stream and some of the rows made of them.
#[derive(Debug, Default)]
pub struct LeakageCheck {
    samples: Vec<Sample>,
    rows: Vec<DatasetRow>,
}

impl LeakageCheck {
    /// Keeps a sample of the stream under watch, in order, and the row it became.
    pub fn note(&mut self, sample: &Sample, row: Option<&DatasetRow>) {
        if self.samples.len() >= MOST_SAMPLES {
            return;
        }
        self.samples.push(sample.clone());
        self.rows.extend(row.cloned());
    }

    /// Tries rows spread over what was kept; `make` folds samples from the stream's beginning and gives the row of the sample of
    /// that time. Says how many were tried.
    ///
    /// # Errors
    ///
    /// The first row that changes.
    pub fn run(&self, make: impl Fn(&[Sample], Timestamp) -> Option<DatasetRow>) -> Result<usize, LeakError> {
        let step = self.rows.len().div_ceil(ROWS_A_STREAM).max(1);
        let mut tried = 0;
        for row in self.rows.iter().step_by(step) {
            let again = make(&self.with_another_future(row.time), row.time);
            if let Some(what) = difference(row, again.as_ref()) {
                return Err(LeakError { what, stream: row.stream.clone(), time: row.time });
            }
            tried += 1;
        }
        Ok(tried)
    }

    /// The samples up to `time` as they are, and all later ones with every value far from what it was.
    fn with_another_future(&self, time: Timestamp) -> Vec<Sample> {
        let altered = |sample: &Sample| {
            let mut sample = sample.clone();
            for field in SampleField::ALL {
                let value = sample.values.get(field).map_or(1e6, |value| value * 1e3 + 1e3);
                sample.values.set(field, value);
            }
            sample
        };
        self.samples
            .iter()
            .map(|sample| if sample.time <= time { sample.clone() } else { altered(sample) })
            .collect()
    }
}

/// What of the row differs, by bits.
fn difference(row: &DatasetRow, again: Option<&DatasetRow>) -> Option<&'static str> {
    let Some(again) = again else { return Some("the row itself") };
    let pairs = row.features.iter().zip(&again.features).zip(&FEATURES);
    let differs =
        |one: f32, other: f32| one.to_bits() != other.to_bits() && !(one.is_nan() && other.is_nan());
    let feature = pairs.clone().find(|((one, other), _)| differs(**one, **other));
    if let Some((_, definition)) = feature {
        return Some(definition.name);
    }
    if (row.class, row.source) != (again.class, again.source) {
        return Some("the label");
    }
    (row.weight != again.weight).then_some("the weight")
}

#[cfg(test)]
mod tests {
    use super::super::{Labels, Made, RowMaker, Thinning};
    use super::*;
    use crate::outcomes::Outcomes;
    use linkcast_domain::{Feature, SampleValues};
    use linkcast_features::Calendar;

    fn samples() -> Vec<Sample> {
        let sample = |minute: i64| Sample {
            stream: "a/1".parse().unwrap(),
            time: Timestamp::from_millis(minute * 60_000),
            values: SampleValues::default()
                .with(SampleField::Utilization, (minute % 17) as f64)
                .with(SampleField::BandwidthGbps, 10.0)
                .with(SampleField::ErrorRate, 0.0)
                .with(SampleField::XmitDiscards, 0.0)
                .with(SampleField::SymbolErrors, 0.0)
                .with(SampleField::LinkRateGbps, 100.0)
                .with(SampleField::LinkDowned, 0.0)
                .with(SampleField::IntervalS, 60.0),
            other: Vec::new(),
        };
        (0..200).map(sample).collect()
    }

    fn make(samples: &[Sample], time: Timestamp) -> Option<DatasetRow> {
        let (calendar, labels) = (Calendar::utc(), Labels::default());
        let outcomes = Outcomes::new(Timestamp::LATEST, []);
        let mut maker = RowMaker::new(&calendar, &labels, &outcomes, Thinning::NONE);
        samples.iter().find_map(|sample| match maker.take(sample, |_| ()) {
            Made::Row(row) if sample.time == time => Some(*row),
            _ => None,
        })
    }

    /// A fold with the commonest leak of all: a mean over the whole stream.
    fn leaky(samples: &[Sample], time: Timestamp) -> Option<DatasetRow> {
        let mut row = make(samples, time)?;
        let sum: f64 = samples.iter().filter_map(|sample| sample.values.get(SampleField::Utilization)).sum();
        row.features[Feature::HealthScore as usize] = (sum / samples.len() as f64) as f32;
        Some(row)
    }

    fn checked(make: impl Fn(&[Sample], Timestamp) -> Option<DatasetRow>) -> Result<usize, LeakError> {
        let mut check = LeakageCheck::default();
        let samples = samples();
        for sample in &samples {
            check.note(sample, make(&samples, sample.time).as_ref());
        }
        check.run(make)
    }

    #[test]
    fn the_fold_knows_nothing_of_the_future() {
        assert_eq!(checked(make), Ok(ROWS_A_STREAM));
    }

    #[test]
    fn a_fold_that_looks_ahead_is_caught_by_the_features_name() {
        assert_eq!(checked(leaky).unwrap_err().what, "health_score");
    }
}
