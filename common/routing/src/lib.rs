//! Who answers: weighted sticky variants, breakers, the order of fallback, and what was seen of each.
//!
//! Pure state machines: they are told the time and what happened, and say what to do next. Nothing here asks anyone, waits
//! or stores; the pipeline does, with what is said here.

mod assignment;
mod breaker;
mod evidence;
mod harm;
mod latency;
mod policy;
mod prices;
pub mod rollout;
mod shares;
mod simulation;
#[cfg(test)]
mod tests;
mod variant;

pub use assignment::{BUCKETS, bucket};
pub use breaker::{Breaker, BreakerSettings, BreakerState, Permit, Verdict};
pub use evidence::{Evidence, Observed, QuestionOutcome, Questions, Shadowed, StandsIn, VariantEvidence};
pub use harm::{Comparison, Exposure, Guardrail, compare, evidence_of_harm};
pub use latency::LatencyHistogram;
pub use policy::{Policy, PolicyError, PolicyText};
pub use prices::{FunctionPrices, VariantPrices};
pub use shares::share;
pub use simulation::{Move, Share, Simulation, simulate};
pub use variant::{Variant, VariantName, Weight};
