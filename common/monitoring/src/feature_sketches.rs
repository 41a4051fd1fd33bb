//! What one hour's samples looked like: a sketch of every feature and of what the model said, as one text.
//!
//! The text is what a store keeps of an hour and a process. It begins with a version and holds seven-bit numbers in base 64:
//! its size follows from how far the numbers spread and hardly from how many there were.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use linkcast_domain::packing::{put, take};
use linkcast_domain::{FEATURE_COUNT, FeatureVector, PredictionType};

use crate::sketch::Sketch;
use crate::watched::Series;

/// What a text of this form begins with.
const FORM: &str = "s1:";

/// Sketches of all features and of scores. Merging is exact, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureSketches {
    features: [Sketch; FEATURE_COUNT],
    risk: Sketch,
    confidence: Sketch,
    classes: [u64; PredictionType::COUNT],
}

/// A text that no sketches wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not sketches: expected {FORM} and what a sketch wrote after it")]
pub struct DamagedSketches;

impl Default for FeatureSketches {
    fn default() -> Self {
        FeatureSketches {
            features: std::array::from_fn(|_| Sketch::default()),
            risk: Sketch::default(),
            confidence: Sketch::default(),
            classes: [0; PredictionType::COUNT],
        }
    }
}

impl FeatureSketches {
    /// Counts what a model sees of one sample.
    pub fn add(&mut self, vector: &FeatureVector) {
        for (sketch, value) in self.features.iter_mut().zip(vector.0) {
            sketch.add(value);
        }
    }

    /// Counts what a model said of one sample: risk 0 to 100, confidence 0 to 1.
    pub fn add_score(&mut self, class: PredictionType, risk: f64, confidence: f64) {
        self.risk.add(risk);
        self.confidence.add(confidence);
        self.classes.get_mut(class.index()).into_iter().for_each(|count| *count += 1);
    }

    /// Adds what others counted.
    pub fn merge(&mut self, other: &FeatureSketches) {
        for (sketch, other) in self.features.iter_mut().zip(&other.features) {
            sketch.merge(other);
        }
        self.risk.merge(&other.risk);
        self.confidence.merge(&other.confidence);
        self.classes.iter_mut().zip(other.classes).for_each(|(count, other)| *count += other);
    }

    /// Samples whose features were counted.
    pub fn samples(&self) -> u64 {
        self.features.first().map_or(0, Sketch::total)
    }

    /// Samples whose scores were counted.
    pub fn scored(&self) -> u64 {
        self.classes.iter().sum()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.samples() == 0 && self.scored() == 0
    }

    /// One series' sketch. A class's holds a one for each sample of that class and a zero for each of another.
    pub fn sketch(&self, series: Series) -> std::borrow::Cow<'_, Sketch> {
        use std::borrow::Cow;
        match series {
            Series::Feature(feature) => {
                self.features.get(feature as usize).map_or_else(Cow::default, Cow::Borrowed)
            }
            Series::Risk => Cow::Borrowed(&self.risk),
            Series::Confidence => Cow::Borrowed(&self.confidence),
            Series::Class(class) => {
                let named = self.classes.get(class.index()).copied().unwrap_or(0);
                Cow::Owned(Sketch::of_share(named, self.scored()))
            }
        }
    }

    /// The text a store keeps.
    pub fn to_text(&self) -> String {
        let mut bytes = Vec::new();
        self.pack(&mut bytes);
        let mut text = FORM.to_owned();
        STANDARD_NO_PAD.encode_string(bytes, &mut text);
        text
    }

    /// Reads what [`FeatureSketches::to_text`] wrote.
    ///
    /// # Errors
    /// Any other text.
    pub fn parse(text: &str) -> Result<Self, DamagedSketches> {
        let packed = text.strip_prefix(FORM).ok_or(DamagedSketches)?;
        let bytes = STANDARD_NO_PAD.decode(packed).map_err(|_| DamagedSketches)?;
        let mut rest = bytes.as_slice();
        let sketches = FeatureSketches::unpack(&mut rest).ok_or(DamagedSketches)?;
        if rest.is_empty() { Ok(sketches) } else { Err(DamagedSketches) }
    }

    pub(crate) fn pack(&self, bytes: &mut Vec<u8>) {
        for sketch in self.features.iter().chain([&self.risk, &self.confidence]) {
            sketch.pack(bytes);
        }
        for count in self.classes {
            put(bytes, count);
        }
    }

    pub(crate) fn unpack(rest: &mut &[u8]) -> Option<Self> {
        let mut sketches = FeatureSketches::default();
        for sketch in &mut sketches.features {
            *sketch = Sketch::unpack(rest)?;
        }
        sketches.risk = Sketch::unpack(rest)?;
        sketches.confidence = Sketch::unpack(rest)?;
        for count in &mut sketches.classes {
            *count = take(rest).filter(|count| *count < 1 << 48)?;
        }
        Some(sketches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::Dice;

    fn busy_hour(seed: u64, samples: usize) -> FeatureSketches {
        let mut dice = Dice::new(seed);
        let mut sketches = FeatureSketches::default();
        for _ in 0..samples {
            let vector = FeatureVector(std::array::from_fn(|place| match place % 4 {
                0 => dice.normal(),
                1 => (3.0 * dice.normal()).exp(),
                2 if dice.uniform() < 0.9 => 0.0,
                _ => 40.0 + dice.normal(),
            }));
            sketches.add(&vector);
            let class = PredictionType::ALL[(dice.bits() % 11) as usize];
            sketches.add_score(class, 100.0 * dice.uniform(), dice.uniform());
        }
        sketches
    }

    #[test]
    fn hours_of_processes_add_up_whichever_comes_first() {
        let (one, two) = (busy_hour(1, 500), busy_hour(2, 700));
        let (mut forth, mut back) = (one.clone(), two.clone());
        forth.merge(&two);
        back.merge(&one);
        assert_eq!(forth, back);
        assert_eq!((forth.samples(), forth.scored()), (1_200, 1_200));
        let named = forth.sketch(Series::Class(PredictionType::Normal));
        assert_eq!(named.total(), 1_200);
        assert_eq!(FeatureSketches::parse(&forth.to_text()), Ok(forth));
    }

    #[test]
    fn a_busy_hour_is_a_small_text_and_the_widest_one_fits_an_item() {
        let busy = busy_hour(3, 20_000).to_text().len();
        assert!(busy < 60_000, "{busy}");
        let mut dice = Dice::new(4);
        let mut widest = FeatureSketches::default();
        for _ in 0..20_000 {
            let vector = FeatureVector(std::array::from_fn(|_| f64::from_bits(dice.bits())));
            widest.add(&vector);
        }
        let widest = widest.to_text().len();
        assert!(widest < 200_000, "{widest}");
    }

    #[test]
    fn another_text_is_refused() {
        assert_eq!(FeatureSketches::parse(""), Err(DamagedSketches));
        assert_eq!(FeatureSketches::parse("s1:AAAA"), Err(DamagedSketches));
        let text = busy_hour(5, 10).to_text();
        assert_eq!(FeatureSketches::parse(&text[1..]), Err(DamagedSketches));
    }
}
