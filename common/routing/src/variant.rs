//! One way to answer: its name, its weight, who stands behind it and what that costs.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use linkcast_domain::{PiecewiseLinear, Target};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::VariantPrices;

/// The longest name, characters: it stands in keys and in every insight.
const LONGEST_NAME: usize = 40;

/// Hundredths of a percent in all.
const WHOLE: u16 = 10_000;

/// A variant's name: small letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct VariantName(String);

/// A share of the streams, in hundredths of a percent; written in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u16);

/// One way to answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its name.
    pub name: VariantName,
    /// The share of the streams it answers first, percent.
    pub weight: Weight,
    /// Who stands behind it.
    pub target: Target,
    /// The longest its share of the time may be, milliseconds; what the deadline leaves, if none is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_ms: Option<u32>,
    /// What it costs.
    #[serde(default, skip_serializing_if = "VariantPrices::is_free")]
    pub prices: VariantPrices,
    /// A map a class from its probabilities to the scale of all; none if they lie on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibration: Vec<PiecewiseLinear>,
}

/// A name that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no variant's name: expected 1 to {LONGEST_NAME} small letters, digits and hyphens")]
pub struct VariantNameError {
    found: String,
}

/// A weight that is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("weight {found}: expected 0 to 100 with at most two decimals")]
pub struct WeightError {
    found: f64,
}

impl Variant {
    /// The longest its share may be.
    pub fn longest(&self) -> Option<Duration> {
        self.longest_ms.map(|longest| Duration::from_millis(longest.into()))
    }
}

impl VariantName {
    /// A name this crate gives itself.
    pub(crate) fn known(name: &'static str) -> Self {
        VariantName(name.to_owned())
    }

    /// The name under which is counted what a model of this version says that judges beside the others and answers nothing:
    /// `shadow-` and the version, with what no name may hold as hyphens, cut to a name's length.
    pub fn of_shadow(version: &str) -> Self {
        let plain = |one: char| {
            let small = one.to_ascii_lowercase();
            if small.is_ascii_lowercase() || small.is_ascii_digit() { small } else { '-' }
        };
        VariantName("shadow-".chars().chain(version.chars().map(plain)).take(LONGEST_NAME).collect())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VariantName {
    type Err = VariantNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=LONGEST_NAME).contains(&text.len())
            && text.bytes().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'-');
        let found = || text.chars().take(64).collect();
        if fits { Ok(VariantName(text.to_owned())) } else { Err(VariantNameError { found: found() }) }
    }
}

impl fmt::Display for VariantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for VariantName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Weight {
    /// All streams.
    pub const ALL: Weight = Weight(WHOLE);

    /// The weight of `percent`.
    ///
    /// # Errors
    /// What is below 0, above 100 or finer than a hundredth.
    pub fn of_percent(percent: f64) -> Result<Weight, WeightError> {
        let hundredths = (percent * 100.0).round();
        let is_exact = (percent * 100.0 - hundredths).abs() < 1e-6;
        if is_exact && (0.0..=f64::from(WHOLE)).contains(&hundredths) {
            Ok(Weight(hundredths as u16))
        } else {
            Err(WeightError { found: percent })
        }
    }

    /// The weight of so many hundredths of a percent; all, if they are more.
    pub(crate) fn of_hundredths(hundredths: u16) -> Weight {
        Weight(hundredths.min(WHOLE))
    }

    /// In hundredths of a percent, which are as many as there are buckets.
    pub fn hundredths(self) -> u16 {
        self.0
    }

    /// In percent.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.percent())
    }
}

impl Serialize for Weight {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(100) {
            serializer.serialize_u16(self.0 / 100)
        } else {
            serializer.serialize_f64(self.percent())
        }
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Weight::of_percent(f64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_a_percentage_of_two_decimals() {
        for (text, hundredths) in [("10", 1_000), ("12.34", 1_234), ("0.07", 7), ("100", 10_000), ("0", 0)] {
            let weight: Weight = serde_json::from_str(text).unwrap();
            assert_eq!(weight.hundredths(), hundredths);
            assert_eq!(serde_json::to_string(&weight).unwrap(), text);
        }
        for text in ["-1", "100.01", "1.005", "1e9"] {
            let refused = serde_json::from_str::<Weight>(text).unwrap_err().to_string();
            assert!(refused.contains("expected 0 to 100"), "{refused}");
        }
    }

    #[test]
    fn a_shadow_of_any_version_has_a_name() {
        for (version, name) in [("1", "shadow-1"), ("2026.11_RC", "shadow-2026-11-rc")] {
            assert_eq!(VariantName::of_shadow(version).as_str(), name);
        }
        let long = VariantName::of_shadow(&"x".repeat(64));
        assert_eq!(long.as_str().parse::<VariantName>().as_ref(), Ok(&long));
    }

    #[test]
    fn a_name_can_stand_in_a_key() {
        assert!("candidate-2".parse::<VariantName>().is_ok());
        for text in ["", "Live", "a b", "a#b", &"x".repeat(41)] {
            assert!(text.parse::<VariantName>().is_err(), "{text}");
        }
    }
}
