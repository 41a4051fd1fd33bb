//! The rows a model is trained on, by column.
//!
//! A million rows are 160 MB of features, so they are kept once, in the layout the booster reads (one row after the
//! other, f32), with targets and origins beside them. Streams are numbered in order of appearance; those that belong
//! together (both ends of a link, the ports of one episode) are tied, so that a split never tears them apart.

use std::collections::BTreeMap;

use linkcast_domain::{
    FEATURE_COUNT, FEATURE_SCHEMA_VERSION, FEATURES, FeatureVector, PredictionType, StreamId, Timestamp,
};
use sha2::{Digest, Sha256};

use crate::dataset::{DatasetRow, Deal, Side};
use crate::{Outcomes, TrainingError};

/// One sample's features with what they should be answered with.
#[derive(Clone, Debug)]
pub struct LabelledRow {
    /// The sample's stream.
    pub stream: StreamId,
    /// The sample's time.
    pub time: Timestamp,
    /// What the model sees.
    pub features: FeatureVector,
    /// The true class.
    pub class: PredictionType,
    /// The true risk, 0 to 100.
    pub risk: f64,
    /// How many rows this one stands for: above 1 where others like it were left out.
    pub weight: f32,
}

/// Whether the row's link failed within each horizon after it; `None` where nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// Within [`crate::NEAR_HORIZON`].
    pub near: Option<bool>,
    /// Within [`crate::FAR_HORIZON`].
    pub far: Option<bool>,
}

/// Labelled rows by column.
#[derive(Clone, Debug, Default)]
pub struct TrainingSet {
    features: Vec<[f32; FEATURE_COUNT]>,
    classes: Vec<PredictionType>,
    risks: Vec<f32>,
    weights: Vec<f32>,
    times: Vec<Timestamp>,
    failures: Vec<Failures>,
    streams: Vec<u32>,
    names: Vec<StreamId>,
    numbers: BTreeMap<StreamId, u32>,
    ties: Vec<u32>,
    dealt: Option<Dealt>,
}

/// Where a data set put each stream, and the first instant that it holds out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dealt {
    /// The side of each group of streams, by the stream that stands for them.
    pub(crate) sides: BTreeMap<u32, Side>,
    /// The first instant that is held out.
    pub(crate) cutoff: Timestamp,
}

impl TrainingSet {
    /// A set of `rows`.
    ///
    /// # Errors
    ///
    /// Those of [`TrainingSet::push`].
    pub fn of(rows: &[LabelledRow]) -> Result<Self, TrainingError> {
        let mut set = TrainingSet::default();
        rows.iter().try_for_each(|row| set.push(row))?;
        Ok(set)
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// An infinite feature, a weight that is not above 0, a risk outside 0 to 100.
    pub fn push(&mut self, row: &LabelledRow) -> Result<(), TrainingError> {
        let features = row.features.to_model_input();
        check_features(row, &features)?;
        check_targets(row)?;
        let stream = self.number(&row.stream);
        self.features.push(features);
        self.classes.push(row.class);
        self.risks.push(row.risk as f32);
        self.weights.push(row.weight);
        self.times.push(row.time);
        self.failures.push(Failures::default());
        self.streams.push(stream);
        Ok(())
    }

    /// Says of every row whether its link failed within each horizon after it, as far as `outcomes` know.
    pub fn answer_failures(&mut self, outcomes: &Outcomes) {
        let rows = self.failures.iter_mut().zip(&self.streams).zip(&self.times);
        for ((failures, stream), time) in rows {
            if let Some(stream) = self.names.get(*stream as usize) {
                let outcome = outcomes.after(stream, *time);
                *failures = Failures { near: outcome.fails_near, far: outcome.fails_far };
            }
        }
    }

    /// Adds a row of a data set, with what is known of its link's failures.
    ///
    /// # Errors
    ///
    /// Those of [`TrainingSet::push`].
    pub fn push_of_dataset(&mut self, row: &DatasetRow) -> Result<(), TrainingError> {
        self.push(&LabelledRow {
            stream: row.stream.clone(),
            time: row.time,
            features: FeatureVector(row.features.map(f64::from)),
            class: row.class,
            risk: f64::from(row.risk),
            weight: row.weight,
        })?;
        if let Some(failures) = self.failures.last_mut() {
            *failures = Failures { near: row.fails_near, far: row.fails_far };
        }
        Ok(())
    }

    /// Takes over a data set's split: whatever is split of this set later is split like it.
    pub fn follow(&mut self, deal: &Deal) {
        for (stream, seat) in deal.seats() {
            self.keep_together(&seat.group, stream);
        }
        let sides = deal.seats().iter().filter_map(|(stream, seat)| {
            self.numbers.get(stream).map(|number| (self.root(*number), seat.side))
        });
        self.dealt = Some(Dealt { sides: sides.collect(), cutoff: deal.cutoff() });
    }

    /// Where a data set put the streams, if the rows are of one.
    pub(crate) fn dealt(&self) -> Option<&Dealt> {
        self.dealt.as_ref()
    }

    /// Ties two streams: whatever a split does with one it does with the other.
    pub fn keep_together(&mut self, one: &StreamId, other: &StreamId) {
        let one = self.number(one);
        let other = self.number(other);
        let (one, other) = (self.root(one), self.root(other));
        if let Some(tie) = self.ties.get_mut(one.max(other) as usize) {
            *tie = one.min(other);
        }
    }

    /// The row at `place`, as it was added; its features as the model sees them.
    pub fn row(&self, place: usize) -> Option<LabelledRow> {
        Some(LabelledRow {
            stream: self.names.get(*self.streams.get(place)? as usize)?.clone(),
            time: *self.times.get(place)?,
            features: FeatureVector(self.features.get(place)?.map(f64::from)),
            class: *self.classes.get(place)?,
            risk: f64::from(*self.risks.get(place)?),
            weight: *self.weights.get(place)?,
        })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// The features, row by row.
    pub fn features(&self) -> &[[f32; FEATURE_COUNT]] {
        &self.features
    }

    /// The true classes.
    pub fn classes(&self) -> &[PredictionType] {
        &self.classes
    }

    /// The true risks, 0 to 100.
    pub fn risks(&self) -> &[f32] {
        &self.risks
    }

    /// How many rows each row stands for.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Whether the rows' links failed.
    pub fn failures(&self) -> &[Failures] {
        &self.failures
    }

    /// The rows' times.
    pub fn times(&self) -> &[Timestamp] {
        &self.times
    }

    /// The rows' streams, as numbers into [`TrainingSet::stream_names`].
    pub fn streams(&self) -> &[u32] {
        &self.streams
    }

    /// The streams, in order of appearance.
    pub fn stream_names(&self) -> &[StreamId] {
        &self.names
    }

    /// The stream that stands for all those tied to stream `number`.
    pub(crate) fn root(&self, number: u32) -> u32 {
        let mut place = number;
        while let Some(next) = self.ties.get(place as usize).copied().filter(|next| *next != place) {
            place = next;
        }
        place
    }

    /// The rows at `places`, as a set of their own. Ties are kept.
    pub(crate) fn select(&self, places: &[usize]) -> TrainingSet {
        fn pick<T: Copy>(column: &[T], places: &[usize]) -> Vec<T> {
            places.iter().filter_map(|place| column.get(*place).copied()).collect()
        }
        TrainingSet {
            features: pick(&self.features, places),
            classes: pick(&self.classes, places),
            risks: pick(&self.risks, places),
            weights: pick(&self.weights, places),
            times: pick(&self.times, places),
            failures: pick(&self.failures, places),
            streams: pick(&self.streams, places),
            names: self.names.clone(),
            numbers: self.numbers.clone(),
            ties: self.ties.clone(),
            dealt: self.dealt.clone(),
        }
    }

    /// A digest of everything training sees: the same rows in the same order give the same one.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(FEATURE_SCHEMA_VERSION.to_le_bytes());
        for place in 0..self.len() {
            self.digest_row(place, &mut hasher);
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn digest_row(&self, place: usize, hasher: &mut Sha256) {
        for value in self.features.get(place).into_iter().flatten() {
            let canonical = if value.is_nan() { f32::NAN } else { *value };
            hasher.update(canonical.to_bits().to_le_bytes());
        }
        if let (Some(class), Some(risk), Some(weight)) =
            (self.classes.get(place), self.risks.get(place), self.weights.get(place))
        {
            hasher.update([*class as u8]);
            hasher.update(risk.to_bits().to_le_bytes());
            hasher.update(weight.to_bits().to_le_bytes());
        }
        if let (Some(time), Some(stream)) = (self.times.get(place), self.streams.get(place)) {
            hasher.update(time.millis().to_le_bytes());
            hasher.update(self.names.get(*stream as usize).map_or("", StreamId::as_str));
        }
        // Rows of which nothing is known keep the digest they had before failures were.
        if let Some(failures) = self.failures.get(place).filter(|known| **known != Failures::default()) {
            let code = |known: Option<bool>| known.map_or(2, u8::from);
            hasher.update([b'f', code(failures.near), code(failures.far)]);
        }
    }

    fn number(&mut self, stream: &StreamId) -> u32 {
        if let Some(number) = self.numbers.get(stream) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.numbers.insert(stream.clone(), number);
        self.names.push(stream.clone());
        self.ties.push(number);
        number
    }
}

fn check_features(row: &LabelledRow, features: &[f32; FEATURE_COUNT]) -> Result<(), TrainingError> {
    match features.iter().zip(&FEATURES).find(|(value, _)| value.is_infinite()) {
        None => Ok(()),
        Some((_, definition)) => Err(TrainingError::InfiniteFeature {
            feature: definition.name,
            stream: row.stream.clone(),
            time: row.time,
        }),
    }
}

fn check_targets(row: &LabelledRow) -> Result<(), TrainingError> {
    let refused = |what, found, expected| {
        Err(TrainingError::BadTarget { what, stream: row.stream.clone(), time: row.time, found, expected })
    };
    if !(row.weight.is_finite() && row.weight > 0.0) {
        return refused("the weight", f64::from(row.weight), "a number above 0");
    }
    if !(0.0..=100.0).contains(&row.risk) {
        return refused("the risk", row.risk, "0 to 100");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_domain::Feature;

    fn row(stream: &str, minute: i64) -> LabelledRow {
        LabelledRow {
            stream: stream.parse().unwrap(),
            time: Timestamp::from_millis(minute * 60_000),
            features: FeatureVector::default(),
            class: PredictionType::Normal,
            risk: 0.0,
            weight: 1.0,
        }
    }

    #[test]
    fn an_infinite_feature_is_refused_by_name() {
        let mut bad = row("a/1", 5);
        bad.features.set(Feature::ErrorRate, f64::INFINITY);
        let error = TrainingSet::of(&[bad]).unwrap_err();
        assert!(error.to_string().contains("error_rate of stream a/1"), "{error}");
    }

    #[test]
    fn a_weight_of_nothing_is_refused() {
        let error = TrainingSet::of(&[LabelledRow { weight: 0.0, ..row("a/1", 5) }]).unwrap_err();
        assert!(error.to_string().contains("the weight"), "{error}");
    }

    #[test]
    fn a_risk_that_is_no_number_is_refused() {
        for risk in [f64::NAN, f64::INFINITY, -1.0] {
            let error = TrainingSet::of(&[LabelledRow { risk, ..row("a/1", 5) }]).unwrap_err();
            assert!(error.to_string().contains("the risk of stream a/1"), "{error}");
        }
        let error = TrainingSet::of(&[LabelledRow { weight: f32::NAN, ..row("a/1", 5) }]).unwrap_err();
        assert!(error.to_string().contains("the weight"), "{error}");
    }

    #[test]
    fn failures_are_those_that_follow_and_change_the_digest_only_where_they_are_known() {
        let mut set = TrainingSet::of(&[row("a/1", 0), row("a/1", 90), row("b/1", 0)]).unwrap();
        let before = set.digest();
        assert_eq!(set.failures(), [Failures::default(); 3]);
        let failed = crate::Happening::Failed { how: crate::Failure::Down };
        let at = |minute: i64| Timestamp::from_millis(minute * 60_000);
        set.answer_failures(&Outcomes::new(at(100), [("a/1".parse().unwrap(), at(30), failed)]));
        let known = |near, far| Failures { near, far };
        assert_eq!(
            set.failures(),
            [known(Some(true), Some(true)), known(None, None), known(Some(false), None)]
        );
        assert_ne!(set.digest(), before);
    }

    #[test]
    fn ties_join_over_several_steps() {
        let mut set = TrainingSet::of(&[row("a/1", 0), row("b/1", 0), row("c/1", 0), row("d/1", 0)]).unwrap();
        let stream = |name: &str| name.parse::<StreamId>().unwrap();
        set.keep_together(&stream("c/1"), &stream("d/1"));
        set.keep_together(&stream("a/1"), &stream("d/1"));
        assert_eq!(set.root(0), set.root(2));
        assert_eq!(set.root(0), set.root(3));
        assert_ne!(set.root(0), set.root(1));
    }

    #[test]
    fn the_digest_tells_a_changed_bit_and_not_the_kind_of_nan() {
        let first = row("a/1", 0);
        let mut other_nan = row("a/1", 0);
        other_nan.features.set(Feature::Hour, f64::from_bits(f64::NAN.to_bits() | 1));
        let mut changed = row("a/1", 0);
        changed.features.set(Feature::Hour, 1.0);
        let digest = |row: &LabelledRow| TrainingSet::of(std::slice::from_ref(row)).unwrap().digest();
        assert_eq!(digest(&first), digest(&other_nan));
        assert_ne!(digest(&first), digest(&changed));
    }
}
