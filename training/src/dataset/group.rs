//! The rows of the streams that lie together, and what is to be known of them for the split.

use std::collections::HashMap;

use linkcast_domain::{PredictionType, ReviewItem, Sample, StreamId};
use linkcast_features::Calendar;
use serde::{Deserialize, Serialize};

use super::asking::Asker;
use super::{Asking, DatasetRow, Labels, LeakError, LeakageCheck, Made, RowMaker, StreamTally, Thinning};
use crate::outcomes::Outcomes;
use crate::rules::RuleReport;

/// What rows are made with; the same for every group.
#[derive(Clone, Copy, Debug)]
pub struct Making<'a> {
    /// The fabric's time zone.
    pub calendar: &'a Calendar,
    /// Whose word counts.
    pub labels: &'a Labels,
    /// What followed.
    pub outcomes: &'a Outcomes,
    /// What is left out of many.
    pub thinning: Thinning,
    /// What reviewers are asked about, if they are.
    pub asking: Option<Asking<'a>>,
}

/// What became of a group's samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupCounts {
    /// Samples read.
    pub samples: u64,
    /// Samples whose label nobody was sure enough of.
    pub unsure: u64,
    /// Samples not newer than their stream's last.
    pub stale: u64,
    /// Rows made once more with another future, and found the same.
    pub leakage_rows_tried: u64,
    /// What the rules made of them.
    pub rules: RuleReport,
    /// Each stream that has rows, by name.
    pub streams: Vec<StreamTally>,
    /// What reviewers are to be asked about, the highest priority first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<ReviewItem>,
}

/// Makes the rows of a group, sample after sample.
pub struct GroupBuilder<'a> {
    making: Making<'a>,
    streams: HashMap<StreamId, (RowMaker<'a>, Option<StreamTally>)>,
    counts: GroupCounts,
    watched: Option<StreamId>,
    check: LeakageCheck,
    asker: Option<Asker<'a>>,
}

impl<'a> GroupBuilder<'a> {
    /// A builder at the beginning of a history; `watched` is the stream that the leakage check looks at.
    pub fn new(making: Making<'a>, watched: Option<StreamId>) -> Self {
        GroupBuilder {
            making,
            streams: HashMap::new(),
            counts: GroupCounts::default(),
            watched,
            check: LeakageCheck::default(),
            asker: making.asking.map(|asking| Asker::new(asking, making.labels)),
        }
    }

    /// Takes the next sample of any of the group's streams and gives its row, if it becomes one.
    pub fn take(&mut self, sample: &Sample) -> Option<DatasetRow> {
        self.counts.samples += 1;
        if !self.streams.contains_key(&sample.stream) {
            self.streams.insert(sample.stream.clone(), (self.making.maker(), None));
        }
        let (maker, tally) = self.streams.get_mut(&sample.stream)?;
        let made = maker.take(sample, |seen| {
            let truth = self.making.labels.truth_of(&sample.stream, sample.time);
            self.counts.rules.add(&seen.verdict, truth);
            self.asker.iter_mut().for_each(|asker| asker.look(sample, seen));
        });
        let row = match made {
            Made::Row(row) => Some(*row),
            Made::Thinned => None,
            Made::Unsure => {
                self.counts.unsure += 1;
                None
            }
            Made::Stale => {
                self.counts.stale += 1;
                None
            }
        };
        if let Some(row) = &row {
            note(tally, row);
        }
        if self.watched.as_ref() == Some(&sample.stream) {
            self.check.note(sample, row.as_ref());
        }
        row
    }

    /// What became of all.
    ///
    /// # Errors
    ///
    /// A row that knows what came later.
    pub fn finish(mut self) -> Result<GroupCounts, LeakError> {
        let making = self.making;
        self.counts.leakage_rows_tried = self.check.run(|samples, time| {
            let mut maker = making.maker();
            samples.iter().find_map(|sample| match maker.take(sample, |_| ()) {
                Made::Row(row) if sample.time == time => Some(*row),
                _ => None,
            })
        })? as u64;
        self.counts.streams = self.streams.into_values().filter_map(|(_, tally)| tally).collect();
        self.counts.questions = self.asker.map(Asker::finish).unwrap_or_default();
        self.counts.streams.sort_by(|one, other| one.stream.cmp(&other.stream));
        Ok(self.counts)
    }
}

impl<'a> Making<'a> {
    fn maker(&self) -> RowMaker<'a> {
        RowMaker::new(self.calendar, self.labels, self.outcomes, self.thinning)
    }
}

fn note(tally: &mut Option<StreamTally>, row: &DatasetRow) {
    let tally = tally.get_or_insert_with(|| StreamTally {
        stream: row.stream.clone(),
        rows: [0; PredictionType::COUNT],
        first: row.time,
        last: row.time,
    });
    tally.rows.get_mut(row.class.index()).into_iter().for_each(|count| *count += 1);
    tally.last = row.time;
}

impl GroupCounts {
    /// Adds another group's, all but its questions: of those of all groups [`keep_best`](crate::keep_best) chooses.
    pub fn add(&mut self, other: GroupCounts) {
        self.samples += other.samples;
        self.unsure += other.unsure;
        self.stale += other.stale;
        self.leakage_rows_tried += other.leakage_rows_tried;
        self.rules.merge(&other.rules);
        self.streams.extend(other.streams);
    }
}
