//! What is agreed before a rollout begins: who the candidate is, by what steps it comes, and what is unacceptable.
//!
//! A plan is a text that people and the retraining write; it is read into a form that cannot be wrong, and what cannot be read so is
//! refused with the field, what stands there and what should. Nothing of it changes while the rollout runs: a test whose terms are
//! chosen after a look is none.

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_domain::{ModelVersion, PiecewiseLinear, Target};
use serde::{Deserialize, Serialize};

use super::Step;
use crate::variant::{Variant, VariantName, Weight};
use crate::{Guardrail, VariantPrices};

/// The longest plan, steps.
const MOST_STEPS: usize = 12;
/// Evidence is kept 60 days: a rollout that may last longer would be judged by half of it.
const MOST_HOURS: u32 = 60 * 24;

/// Who is to follow the live variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandidateText {
    /// The variant's name. It stays with the model for good, so it is best the version's.
    pub name: VariantName,
    /// Who stands behind it.
    pub target: Target,
    /// The registered model, whose aliases then follow the rollout; the registry is left alone, if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    /// Under what name its shadow is counted; that of the model's version, if none is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<VariantName>,
    /// The longest its share of the time may be, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_ms: Option<u32>,
    /// What it costs.
    #[serde(default, skip_serializing_if = "VariantPrices::is_free")]
    pub prices: VariantPrices,
    /// A map a class from its probabilities to the scale of all; none if they lie on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibration: Vec<PiecewiseLinear>,
}

/// A registered model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its version.
    pub version: ModelVersion,
    /// Its digest; the rollout is refused if the registry holds another under this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// What is agreed of one guardrail. Both are shares of the candidate's questions beyond the share that goes wrong with whom it is held
/// against in the same hours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// So much more is unacceptable: a step is taken once that is ruled out. Without one it only aborts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// So much more is put up with, however sure it is.
    #[serde(default)]
    pub tolerated: f64,
}

/// A plan as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanText {
    /// Who is to follow the live variant.
    pub candidate: CandidateText,
    /// The steps, rising, ending with 100; a shadow may be the first.
    #[serde(default = "default_steps")]
    pub steps: Vec<Step>,
    /// Questions to the candidate that each step needs at least; in the shadow step samples.
    #[serde(default = "default_least")]
    pub least_questions: u64,
    /// Hours each step lasts at least.
    #[serde(default = "default_shortest")]
    pub shortest_hours: u32,
    /// Hours after which a step that was not left needs a person.
    #[serde(default = "default_longest")]
    pub longest_hours: u32,
    /// The guardrails; one that is not named is not judged.
    #[serde(default = "default_guardrails")]
    pub guardrails: BTreeMap<Guardrail, Terms>,
    /// So much more of its judgements may differ in the shadow step than of the live variant's, as a share.
    #[serde(default = "default_shadow_margin")]
    pub shadow_margin: f64,
    /// An answer that takes longer is slow, milliseconds; longer than nineteen in twenty of the live variant's before the rollout, if none is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_ms: Option<f64>,
    /// Rollouts without harm that may be aborted, all guardrails, steps and looks together.
    #[serde(default = "default_risk")]
    pub alpha: f64,
    /// Candidates at the unacceptable rate that may pass a step; as many at the live variant's rate may be leaned against.
    #[serde(default = "default_risk")]
    pub beta: f64,
    /// Days after the last step in which `abort` still brings the previous policy back.
    #[serde(default = "default_kept")]
    pub kept_days: u32,
}

fn default_steps() -> Vec<Step> {
    let weights =
        [10.0, 25.0, 50.0, 100.0].into_iter().filter_map(|percent| Weight::of_percent(percent).ok());
    std::iter::once(Step::Shadow).chain(weights.map(Step::Weight)).collect()
}

fn default_least() -> u64 {
    300
}

fn default_shortest() -> u32 {
    24
}

fn default_longest() -> u32 {
    14 * 24
}

fn default_guardrails() -> BTreeMap<Guardrail, Terms> {
    BTreeMap::from([
        (Guardrail::Failures, Terms { margin: Some(0.02), tolerated: 0.005 }),
        (Guardrail::Latency, Terms { margin: Some(0.05), tolerated: 0.02 }),
        (Guardrail::Disagreements, Terms { margin: Some(0.05), tolerated: 0.02 }),
        (Guardrail::Quality, Terms { margin: None, tolerated: 0.0 }),
    ])
}

fn default_shadow_margin() -> f64 {
    0.15
}

fn default_risk() -> f64 {
    0.05
}

fn default_kept() -> u32 {
    30
}

/// Why a text is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Not the JSON it should be.
    #[error("not a rollout plan")]
    Json(#[source] serde_json::Error),
    /// A value that cannot be.
    #[error("{field}: found {found}, expected {expected}")]
    Value {
        /// Which, as `steps` or `guardrails.latency.margin`.
        field: String,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
}

/// A plan that can be followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PlanText", into = "PlanText")]
pub struct RolloutPlan(PlanText);

impl RolloutPlan {
    /// Reads a plan.
    ///
    /// # Errors
    /// The first thing in it that cannot be.
    pub fn parse(json: &str) -> Result<RolloutPlan, PlanError> {
        RolloutPlan::of(serde_json::from_str(json).map_err(PlanError::Json)?)
    }

    /// The plan of such a text.
    ///
    /// # Errors
    /// The first thing in it that cannot be.
    pub fn of(text: PlanText) -> Result<RolloutPlan, PlanError> {
        check_steps(&text)?;
        check_times(&text)?;
        check_terms(&text)?;
        Ok(RolloutPlan(text))
    }

    /// The plan by which a candidate comes if nothing else is agreed.
    ///
    /// # Errors
    /// A candidate that cannot be.
    pub fn usual(candidate: CandidateText) -> Result<RolloutPlan, PlanError> {
        let without_model = candidate.shadow.is_none() && candidate.model.is_none();
        let steps = default_steps().into_iter().filter(|step| !(without_model && *step == Step::Shadow));
        RolloutPlan::of(PlanText {
            steps: steps.collect(),
            candidate,
            least_questions: default_least(),
            shortest_hours: default_shortest(),
            longest_hours: default_longest(),
            guardrails: default_guardrails(),
            shadow_margin: default_shadow_margin(),
            slow_ms: None,
            alpha: default_risk(),
            beta: default_risk(),
            kept_days: default_kept(),
        })
    }

    /// The plan as it is written.
    pub fn text(&self) -> &PlanText {
        &self.0
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.0.steps
    }

    /// The step at this place.
    pub fn step(&self, place: usize) -> Option<Step> {
        self.0.steps.get(place).copied()
    }

    /// Under what name the candidate's shadow is counted, if it has one.
    pub fn shadow(&self) -> Option<VariantName> {
        let of_model = || Some(VariantName::of_shadow(self.0.candidate.model.as_ref()?.version.as_str()));
        self.0.candidate.shadow.clone().or_else(of_model)
    }

    /// How long each step lasts at least.
    pub fn shortest(&self) -> Duration {
        Duration::from_secs(u64::from(self.0.shortest_hours) * 3_600)
    }

    /// How long a step may last.
    pub fn longest(&self) -> Duration {
        Duration::from_secs(u64::from(self.0.longest_hours) * 3_600)
    }

    /// How long the previous policy can be brought back.
    pub fn kept(&self) -> Duration {
        Duration::from_secs(u64::from(self.0.kept_days) * 86_400)
    }

    /// The evidence from which on a guardrail aborts: the risk is split evenly over the guardrails.
    pub fn stop_at(&self) -> f64 {
        self.0.guardrails.len() as f64 / self.0.alpha
    }

    /// The candidate as a variant of a policy.
    pub fn variant(&self, weight: Weight) -> Variant {
        let candidate = &self.0.candidate;
        Variant {
            name: candidate.name.clone(),
            weight,
            target: candidate.target.clone(),
            longest_ms: candidate.longest_ms,
            prices: candidate.prices,
            calibration: candidate.calibration.clone(),
        }
    }
}

impl TryFrom<PlanText> for RolloutPlan {
    type Error = PlanError;

    fn try_from(text: PlanText) -> Result<Self, PlanError> {
        RolloutPlan::of(text)
    }
}

impl From<RolloutPlan> for PlanText {
    fn from(plan: RolloutPlan) -> Self {
        plan.0
    }
}

fn value(field: impl Into<String>, found: impl ToString, expected: &'static str) -> PlanError {
    PlanError::Value { field: field.into(), found: found.to_string().chars().take(120).collect(), expected }
}

fn check_steps(text: &PlanText) -> Result<(), PlanError> {
    let steps = &text.steps;
    let listed = || steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let rises = steps.iter().zip(steps.iter().skip(1)).all(|(one, next)| one < next);
    if !rises || steps.last() != Some(&Step::ALL) || steps.len() > MOST_STEPS {
        return Err(value(
            "steps",
            listed(),
            "at most 12 that rise to 100, the first of them shadow if any is",
        ));
    }
    let has_shadow = steps.first() == Some(&Step::Shadow);
    if has_shadow && text.candidate.model.is_none() && text.candidate.shadow.is_none() {
        return Err(value(
            "steps",
            listed(),
            "no shadow step, or candidate.model or candidate.shadow that names it",
        ));
    }
    if text.candidate.target == Target::Embedded {
        return Err(value(
            "candidate.target",
            "embedded",
            "an endpoint: the model inside comes with a deployment",
        ));
    }
    Ok(())
}

fn check_times(text: &PlanText) -> Result<(), PlanError> {
    if !(1..=1_000_000_000).contains(&text.least_questions) {
        return Err(value("least_questions", text.least_questions, "1 to 1000000000"));
    }
    let in_all = u64::from(text.longest_hours) * text.steps.len() as u64;
    if text.longest_hours == 0 || in_all > u64::from(MOST_HOURS) * 2 || text.longest_hours > MOST_HOURS {
        return Err(value("longest_hours", text.longest_hours, "1 to 1440, and 2880 in all steps together"));
    }
    if text.shortest_hours > text.longest_hours {
        return Err(value("shortest_hours", text.shortest_hours, "at most longest_hours"));
    }
    if !(1..=365).contains(&text.kept_days) {
        return Err(value("kept_days", text.kept_days, "1 to 365"));
    }
    Ok(())
}

fn check_terms(text: &PlanText) -> Result<(), PlanError> {
    let is_share = |share: f64| share > 0.0 && share < 1.0;
    for (field, risk) in [("alpha", text.alpha), ("beta", text.beta)] {
        if !(risk > 0.0 && risk < 0.5) {
            return Err(value(field, risk, "above 0 and below 0.5"));
        }
    }
    if !is_share(text.shadow_margin) {
        return Err(value("shadow_margin", text.shadow_margin, "above 0 and below 1"));
    }
    if let Some(slow) = text.slow_ms.filter(|slow| !(slow.is_finite() && *slow > 0.0)) {
        return Err(value("slow_ms", slow, "a number above 0"));
    }
    if text.guardrails.is_empty() {
        return Err(value("guardrails", "none", "one or more of failures, latency, disagreements, quality"));
    }
    for (guardrail, terms) in &text.guardrails {
        let field = |member: &str| format!("guardrails.{}.{member}", guardrail.name());
        if let Some(margin) = terms.margin.filter(|margin| !is_share(*margin)) {
            return Err(value(field("margin"), margin, "above 0 and below 1, or none"));
        }
        let most = terms.margin.unwrap_or(1.0);
        if !(terms.tolerated >= 0.0 && terms.tolerated < most) {
            return Err(value(field("tolerated"), terms.tolerated, "0 or more, and below the margin"));
        }
    }
    Ok(())
}
