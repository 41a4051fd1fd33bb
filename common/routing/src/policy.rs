//! The policy: which variants there are, how the streams are shared, who stands in for whom.
//!
//! A policy is a text in the store that people and the rollout write; it is read into a form that cannot be wrong, with every
//! stream's variant and every variant's order of fallback looked up and not searched. What cannot be read so is refused,
//! at its writing and again where it is used.

use std::time::Duration;

use linkcast_domain::{PredictionType, StreamId, Target};
use serde::{Deserialize, Serialize};

use crate::assignment::{bucket_of, seed};
use crate::variant::{Variant, VariantName, Weight};
use crate::{BreakerSettings, FunctionPrices};

/// Most variants of a policy.
const MOST_VARIANTS: usize = 16;
/// What the chain's deadline may be, milliseconds: a function lives 15 minutes at most.
const DEADLINES_MS: std::ops::RangeInclusive<u32> = 50..=600_000;
/// Records of one process and hour: each is an item of a kilobyte.
const MOST_RECORDS: u32 = 1_000;
/// The most text a policy may be.
const LARGEST_POLICY: usize = 64 * 1024;

/// A policy as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyText {
    /// Draws the streams; another salt draws them all anew.
    pub salt: String,
    /// The variants; who comes first keeps its streams when its weight rises.
    pub variants: Vec<Variant>,
    /// Who stands in, in order; ends with the embedded model.
    pub fallback: Vec<VariantName>,
    /// The most time all of a chain may take, milliseconds.
    #[serde(default = "default_deadline")]
    pub deadline_ms: u32,
    /// What of it is kept for the embedded model, milliseconds.
    #[serde(default = "default_reserve")]
    pub reserve_ms: u32,
    /// Once a tier has not answered for so long, the next is asked beside it, milliseconds; never, if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hedge_after_ms: Option<u32>,
    /// When a variant is given a rest.
    #[serde(default)]
    pub breaker: BreakerSettings,
    /// What a function's time and the table cost.
    #[serde(default, skip_serializing_if = "FunctionPrices::is_free")]
    pub prices: FunctionPrices,
    /// Answers of another class than the embedded model's that a process keeps whole, most an hour.
    #[serde(default)]
    pub records_an_hour: u32,
}

fn default_deadline() -> u32 {
    2_000
}

fn default_reserve() -> u32 {
    20
}

/// Why a text is no policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Larger than any.
    #[error("a policy of {bytes} bytes, expected at most {LARGEST_POLICY}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not the JSON it should be.
    #[error("not a routing policy")]
    Json(#[source] serde_json::Error),
    /// A value that cannot be.
    #[error("{place}: found {found}, expected {expected}")]
    Value {
        /// Where, as `weights` or `variants[2].calibration`.
        place: String,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
}

/// A policy that can be followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    text: PolicyText,
    seed: u64,
    /// Where each variant's buckets end, in the variants' order.
    ends: Vec<u16>,
    /// For each variant the places of those asked, itself first and the embedded model last.
    chains: Vec<Vec<usize>>,
    embedded: usize,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// The first thing in it that cannot be.
    pub fn parse(json: &str) -> Result<Policy, PolicyError> {
        if json.len() > LARGEST_POLICY {
            return Err(PolicyError::TooLarge { bytes: json.len() });
        }
        Policy::of(serde_json::from_str(json).map_err(PolicyError::Json)?)
    }

    /// The policy of such a text.
    ///
    /// # Errors
    /// The first thing in it that cannot be.
    pub fn of(text: PolicyText) -> Result<Policy, PolicyError> {
        check_frame(&text)?;
        text.variants
            .iter()
            .enumerate()
            .try_for_each(|(place, variant)| check_variant(&text, place, variant))?;
        let fallback = fallback_of(&text)?;
        let Some(embedded) = fallback.last().copied() else {
            return Err(value("fallback", "nothing", "an order that ends with the embedded variant"));
        };
        let mut end = 0;
        let ends: Vec<u16> = text
            .variants
            .iter()
            .map(|variant| {
                end += variant.weight.hundredths();
                end
            })
            .collect();
        let chains = (0..text.variants.len()).map(|first| chain(first, &fallback, embedded)).collect();
        Ok(Policy { seed: seed(&text.salt), text, ends, chains, embedded })
    }

    /// The policy where nobody wrote one: `first` answers all, and the embedded model stands in. With no other, it alone.
    pub fn standing(task: &str, first: Option<Target>) -> Policy {
        let named = |name: &'static str, weight, target| Variant {
            name: VariantName::known(name),
            weight,
            target,
            longest_ms: None,
            prices: crate::VariantPrices::default(),
            calibration: Vec::new(),
        };
        let embedded = VariantName::known("embedded");
        let (mut variants, mut left) = (Vec::new(), Weight::ALL);
        if let Some(target) = first {
            variants.push(named("live", std::mem::take(&mut left), target));
        }
        variants.push(named("embedded", left, Target::Embedded));
        let last = variants.len() - 1;
        let ends = if last == 0 { vec![10_000] } else { vec![10_000, 10_000] };
        let chains = if last == 0 { vec![vec![0]] } else { vec![vec![0, 1], vec![1]] };
        let text = PolicyText {
            salt: task.to_owned(),
            variants,
            fallback: vec![embedded],
            deadline_ms: default_deadline(),
            reserve_ms: default_reserve(),
            hedge_after_ms: None,
            breaker: BreakerSettings::default(),
            prices: FunctionPrices::default(),
            records_an_hour: 0,
        };
        Policy { seed: seed(&text.salt), text, ends, chains, embedded: last }
    }

    /// The policy as it is written.
    pub fn text(&self) -> &PolicyText {
        &self.text
    }

    /// The variants, in their order.
    pub fn variants(&self) -> &[Variant] {
        &self.text.variants
    }

    /// The place of the variant that answers `stream` first.
    #[inline]
    pub fn assigned(&self, stream: &StreamId) -> usize {
        let bucket = bucket_of(self.seed, stream);
        self.ends.iter().position(|end| bucket < *end).unwrap_or(self.embedded)
    }

    /// The places of those asked for a stream of the variant at `first`, itself first and the embedded model last.
    pub fn chain(&self, first: usize) -> &[usize] {
        self.chains.get(first).map_or(std::slice::from_ref(&self.embedded), Vec::as_slice)
    }

    /// The place of the embedded variant that ends every chain.
    pub fn embedded(&self) -> usize {
        self.embedded
    }

    /// The most time all of a chain may take.
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.text.deadline_ms.into())
    }

    /// What of it is kept for the embedded model.
    pub fn reserve(&self) -> Duration {
        Duration::from_millis(self.text.reserve_ms.into())
    }

    /// How long a tier is waited for before the next is asked beside it.
    pub fn hedge_after(&self) -> Option<Duration> {
        self.text.hedge_after_ms.map(|hedge| Duration::from_millis(hedge.into()))
    }
}

fn value(place: impl Into<String>, found: impl ToString, expected: &'static str) -> PolicyError {
    let found = found.to_string().chars().take(120).collect();
    PolicyError::Value { place: place.into(), found, expected }
}

/// Itself, then those that stand in, each once, up to the embedded model.
fn chain(first: usize, fallback: &[usize], embedded: usize) -> Vec<usize> {
    if first == embedded {
        return vec![embedded];
    }
    std::iter::once(first).chain(fallback.iter().copied().filter(|place| *place != first)).collect()
}

fn check_frame(text: &PolicyText) -> Result<(), PolicyError> {
    if text.salt.is_empty() || text.salt.len() > 64 {
        return Err(value("salt", format!("{} bytes", text.salt.len()), "1 to 64 bytes"));
    }
    if text.variants.is_empty() || text.variants.len() > MOST_VARIANTS {
        return Err(value("variants", text.variants.len(), "1 to 16"));
    }
    if !DEADLINES_MS.contains(&text.deadline_ms) {
        return Err(value("deadline_ms", text.deadline_ms, "50 to 600000"));
    }
    if text.reserve_ms == 0 || text.reserve_ms > text.deadline_ms / 2 {
        return Err(value("reserve_ms", text.reserve_ms, "1 to half of deadline_ms"));
    }
    if text.hedge_after_ms == Some(0) {
        return Err(value("hedge_after_ms", 0, "1 or more, or none"));
    }
    if text.records_an_hour > MOST_RECORDS {
        return Err(value("records_an_hour", text.records_an_hour, "0 to 1000"));
    }
    let sum: u32 = text.variants.iter().map(|variant| u32::from(variant.weight.hundredths())).sum();
    if sum != u32::from(Weight::ALL.hundredths()) {
        return Err(value("weights", format!("a sum of {}", f64::from(sum) / 100.0), "a sum of 100"));
    }
    text.breaker
        .check()
        .map_err(|(place, found, expected)| value(format!("breaker.{place}"), found, expected))
}

fn check_variant(text: &PolicyText, place: usize, variant: &Variant) -> Result<(), PolicyError> {
    let within = |member: &str| format!("variants[{place}].{member} of {}", variant.name);
    if text.variants.iter().take(place).any(|earlier| earlier.name == variant.name) {
        return Err(value(within("name"), &variant.name, "names that differ"));
    }
    if variant.longest_ms == Some(0) {
        return Err(value(within("longest_ms"), 0, "1 or more, or none"));
    }
    if !variant.calibration.is_empty() && variant.calibration.len() != PredictionType::COUNT {
        return Err(value(
            within("calibration"),
            variant.calibration.len(),
            "no map, or one for each of 11 classes",
        ));
    }
    for map in &variant.calibration {
        map.check().map_err(|error| {
            value(within("calibration"), error.found, "knots within 0 to 1 that rise in both")
        })?;
    }
    check_target(&variant.target).map_err(|(member, found, expected)| value(within(member), found, expected))
}

fn check_target(target: &Target) -> Result<(), (&'static str, String, &'static str)> {
    let is_name = |name: &str| {
        (1..=63).contains(&name.len()) && name.bytes().all(|one| one.is_ascii_alphanumeric() || one == b'-')
    };
    match target {
        Target::Embedded => Ok(()),
        Target::Sagemaker { endpoint, target_variant, component, .. } => {
            let names = [
                ("target.endpoint", endpoint),
                ("target.target_variant", target_variant),
                ("target.component", component),
            ];
            match names
                .into_iter()
                .find_map(|(member, name)| Some((member, name.as_ref().filter(|name| !is_name(name))?)))
            {
                Some((member, name)) => Err((member, name.clone(), "1 to 63 letters, digits and hyphens")),
                None => Ok(()),
            }
        }
        Target::Bedrock { model, temperature, top_p, max_tokens, .. } => {
            let outside = |value: &Option<f32>| value.filter(|value| !(0.0..=1.0).contains(value));
            if model.is_empty()
                || model.len() > 2_048
                || model.chars().any(|one| one.is_whitespace() || one.is_control())
            {
                Err(("target.model", model.clone(), "a model's or an inference profile's id"))
            } else if let Some(found) = outside(temperature) {
                Err(("target.temperature", found.to_string(), "0 to 1"))
            } else if let Some(found) = outside(top_p) {
                Err(("target.top_p", found.to_string(), "0 to 1"))
            } else if !(50..=8_192).contains(max_tokens) {
                Err(("target.max_tokens", max_tokens.to_string(), "50 to 8192"))
            } else {
                Ok(())
            }
        }
        Target::Http { url, .. } => {
            let is_address = url.starts_with("http://") || url.starts_with("https://");
            if is_address {
                Ok(())
            } else {
                Err(("target.url", url.clone(), "http:// or https:// and a host"))
            }
        }
    }
}

/// The places of those that stand in; the last of them, and no other, is the embedded model.
fn fallback_of(text: &PolicyText) -> Result<Vec<usize>, PolicyError> {
    let mut places = Vec::with_capacity(text.fallback.len());
    for name in &text.fallback {
        let place = text.variants.iter().position(|variant| variant.name == *name);
        let place = place.ok_or_else(|| value("fallback", name, "names of variants"))?;
        if places.contains(&place) {
            return Err(value("fallback", format!("{name} twice"), "each variant at most once"));
        }
        places.push(place);
    }
    let is_embedded =
        |place: &usize| text.variants.get(*place).is_some_and(|variant| variant.target == Target::Embedded);
    let last = places.len().saturating_sub(1);
    let ends_there = places.last().is_some_and(is_embedded) && !places.iter().take(last).any(is_embedded);
    if ends_there {
        Ok(places)
    } else {
        let names: Vec<&str> = text.fallback.iter().map(VariantName::as_str).collect();
        Err(value(
            "fallback",
            format!("[{}]", names.join(", ")),
            "an order that ends with the embedded variant",
        ))
    }
}
