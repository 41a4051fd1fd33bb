//! From a stream's samples to its rows: the fold that serving uses, the label, and what followed.
//!
//! A maker sees one stream's samples in their order and nothing later than the one it is at; what followed comes from another
//! hand and reaches no feature. The leakage check holds it to that at every build.

use linkcast_domain::{FeatureVector, Sample, Timestamp};
use linkcast_features::{Calendar, StreamState};

use super::labels::Labelled;
use super::{DatasetRow, LabelSource, Labels, Thinning, thinning};
use crate::outcomes::Outcomes;
use crate::rules::Verdict;

/// What became of a sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// A row.
    Row(Box<DatasetRow>),
    /// A sample like many others, one of which stands for it.
    Thinned,
    /// A sample whose label nobody is sure enough of.
    Unsure,
    /// A sample not newer than the one before.
    Stale,
}

/// What was seen of a sample on the way to its row.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Its features.
    pub features: &'a FeatureVector,
    /// What the rules made of it, whoever is believed.
    pub verdict: Verdict,
    /// Who is believed.
    pub source: LabelSource,
}

/// Makes the rows of one stream.
#[derive(Debug)]
pub struct RowMaker<'a> {
    state: StreamState,
    calendar: &'a Calendar,
    labels: &'a Labels,
    outcomes: &'a Outcomes,
    thinning: Thinning,
}

impl<'a> RowMaker<'a> {
    /// A maker at the beginning of a stream.
    pub fn new(
        calendar: &'a Calendar,
        labels: &'a Labels,
        outcomes: &'a Outcomes,
        thinning: Thinning,
    ) -> Self {
        RowMaker { state: StreamState::new(), calendar, labels, outcomes, thinning }
    }

    /// Takes the stream's next sample and shows what was seen of it to `look`, for those who count and ask; nothing of a stale one.
    pub fn take(&mut self, sample: &Sample, look: impl FnOnce(Seen<'_>)) -> Made {
        let Ok(features) = self.state.advance(sample.time, &sample.values, self.calendar) else {
            return Made::Stale;
        };
        let labelled = self.labels.of(&sample.stream, sample.time, &features);
        look(Seen { features: &features, verdict: labelled.verdict, source: labelled.source });
        self.make(sample, &features, &labelled)
    }

    fn make(&self, sample: &Sample, features: &FeatureVector, labelled: &Labelled) -> Made {
        if !labelled.teaches {
            return Made::Unsure;
        }
        let one_in = self.one_in(labelled);
        if !thinning::stays(&sample.stream, sample.time, one_in) {
            return Made::Thinned;
        }
        let outcome = self.outcomes.after(&sample.stream, sample.time);
        let row = DatasetRow {
            stream: sample.stream.clone(),
            time: sample.time,
            features: features.to_model_input(),
            class: labelled.class,
            risk: labelled.risk as f32,
            confidence: labelled.confidence as f32,
            source: labelled.source,
            weight: one_in.max(1) as f32,
            alert: outcome.alert,
            fails_near: outcome.fails_near,
            fails_far: outcome.fails_far,
            severity: outcome.severity.map(|severity| severity as f32),
            action: outcome.action,
        };
        Made::Row(Box::new(row))
    }

    /// The time of the newest sample taken.
    pub fn last_time(&self) -> Option<Timestamp> {
        self.state.last_time()
    }

    fn one_in(&self, labelled: &Labelled) -> u32 {
        use LabelSource::Reviewer;
        use linkcast_domain::PredictionType::Normal;
        match (labelled.source, labelled.class, labelled.verdict.class) {
            (Reviewer, ..) => 1,
            (_, Normal, Normal) => self.thinning.quiet,
            (_, Normal, _) => self.thinning.suspicious,
            _ => self.thinning.faulty,
        }
    }
}
