//! The second head: how likely the link fails within an hour and within a day.
//!
//! Beside the judgement of what a sample shows now, a model may carry one small forest a horizon that says what will
//! come of it. A model without them is whole; its card names those it has, each by digest and with its own calibration.

use std::time::Duration;

use linkcast_domain::{FeatureVector, PiecewiseLinear};
use serde::{Deserialize, Serialize};

#[cfg(feature = "onnx")]
use crate::LoadError;
use crate::Refusal;
use crate::calibration::check_map;
use crate::forest::Forest;
use crate::ranks::Ranks;

/// How far ahead a head looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Horizon {
    /// One hour.
    #[serde(rename = "1h")]
    Hour,
    /// Twenty-four hours.
    #[serde(rename = "24h")]
    Day,
}

/// One head, as the card tells of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecastHead {
    /// How far ahead it looks.
    pub horizon: Horizon,
    /// The sha256 of its file, [`Horizon::file`].
    pub onnx: String,
    /// From the forest's probability to one that means what it says.
    pub calibration: PiecewiseLinear,
}

/// How likely a link fails; absent where the model has no such head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Forecast {
    /// Within an hour, 0 to 1.
    pub within_1h: Option<f64>,
    /// Within a day, 0 to 1.
    pub within_24h: Option<f64>,
}

/// A loaded head.
#[derive(Debug)]
pub struct FailureForest {
    horizon: Horizon,
    ranks: Ranks,
    forest: Forest,
    calibration: PiecewiseLinear,
}

impl Horizon {
    /// Both, the nearer first.
    pub const ALL: [Horizon; 2] = [Horizon::Hour, Horizon::Day];

    /// How long it is.
    pub fn duration(self) -> Duration {
        match self {
            Horizon::Hour => Duration::from_secs(3_600),
            Horizon::Day => Duration::from_secs(24 * 3_600),
        }
    }

    /// Its name in cards and messages.
    pub fn name(self) -> &'static str {
        match self {
            Horizon::Hour => "1h",
            Horizon::Day => "24h",
        }
    }

    /// The head's file in a model's folder.
    pub fn file(self) -> &'static str {
        match self {
            Horizon::Hour => "forecast_1h.onnx",
            Horizon::Day => "forecast_24h.onnx",
        }
    }
}

impl FailureForest {
    /// Loads a head from its ONNX file, written as a regressor is: two classes, of which the second holds the margin.
    ///
    /// # Errors
    /// When the file is damaged, is not the one the card names, or holds another kind of forest.
    #[cfg(feature = "onnx")]
    pub fn load(head: &ForecastHead, onnx: &[u8]) -> Result<Self, LoadError> {
        let file = head.horizon.file();
        let refused = |source| LoadError::Refused { file, source };
        crate::model::check_digest(file, onnx, &head.onnx)?;
        check_map(&head.calibration, "calibration of a forecast")
            .map_err(|source| LoadError::CardValue { source })?;
        let graph = crate::Graph::load(file, onnx)?;
        let ranks = Ranks::of(graph.ensemble().splits()).map_err(refused)?;
        let forest = Forest::pack(graph.ensemble(), &ranks).map_err(refused)?;
        crate::model::check_one_output(file, &forest)?;
        Ok(FailureForest { horizon: head.horizon, ranks, forest, calibration: head.calibration.clone() })
    }

    /// How far ahead it looks.
    pub fn horizon(&self) -> Horizon {
        self.horizon
    }

    /// The sum of its trees' leaves: the logarithm of the odds, before calibration.
    pub fn margin(&self, features: &FeatureVector) -> f32 {
        let slots = self.ranks.rank(&features.to_model_input());
        self.forest.sums(&slots).get(1).copied().unwrap_or(0.0)
    }

    /// How likely the link fails within the horizon, 0 to 1.
    pub fn probability(&self, features: &FeatureVector) -> f64 {
        let odds = (-f64::from(self.margin(features))).exp();
        self.calibration.apply(1.0 / (1.0 + odds))
    }
}

impl Forecast {
    /// What `heads` say of one sample; `None` where there are none.
    pub(crate) fn of(heads: &[FailureForest], features: &FeatureVector) -> Option<Self> {
        let of = |horizon| {
            heads.iter().find(|head| head.horizon == horizon).map(|head| head.probability(features))
        };
        let forecast = Forecast { within_1h: of(Horizon::Hour), within_24h: of(Horizon::Day) };
        (!heads.is_empty()).then_some(forecast)
    }
}

/// Refuses a card that names a horizon twice.
pub(crate) fn check(heads: &[ForecastHead]) -> Result<(), Refusal> {
    let twice = Horizon::ALL
        .into_iter()
        .find(|horizon| heads.iter().filter(|head| head.horizon == *horizon).count() > 1);
    match twice {
        None => heads.iter().try_for_each(|head| check_map(&head.calibration, "calibration of a forecast")),
        Some(horizon) => {
            Err(Refusal::new("forecast", format!("{} twice", horizon.name()), "each horizon once at most"))
        }
    }
}
