//! Conditions: one cause on one stream, from its first sign until it has been clear for long enough.
//!
//! A condition opens after N of M scored samples showed its cause with firm evidence, and resolves after a stable time
//! of being clear, counted from the recovery. Evidence and verdict are both needed: windows up to twelve hours long
//! keep a model worried after the cause has gone, and a counter that moved once is no trouble by itself. A condition's
//! identity is its stream and cause, so the recovery of one cause never clears another.

use std::collections::BTreeMap;

use linkcast_domain::ports::{ConditionKey, MaintenanceScope, MaintenanceWindow};
use linkcast_domain::{
    Cause, Condition, ConditionState, InsightId, PortFacts, PredictionType, StreamId, Timestamp,
};

use crate::gate::{Evidence, excusing, telling};
use crate::judge::Reasons;
use crate::settings::{CausePolicy, ConditionPolicy};

/// What one scored sample says about a stream's conditions.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// The sample's time.
    pub time: Timestamp,
    /// The model's class.
    pub class: PredictionType,
    /// Risk, 0 to 100.
    pub risk: f64,
    /// Confidence, 0 to 1.
    pub confidence: f64,
    /// What may open a condition, or keep one open.
    pub firm: Evidence,
    /// Whether a maintenance window covers the stream now.
    pub announced: Announced,
}

/// Whether work on a stream was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// Inside a maintenance window.
    Yes,
    /// Outside of any.
    No,
}

/// What became of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to speak of.
    Kept,
    /// It opened.
    Opened,
    /// It would have opened, but work was announced.
    Suppressed,
    /// It was clear for long enough, or came to nothing.
    Resolved,
}

/// Every condition that is not resolved.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    unresolved: BTreeMap<ConditionKey, Condition>,
}

impl Conditions {
    /// Takes up conditions where a store left them.
    pub fn resume(conditions: Vec<Condition>) -> Self {
        Conditions {
            unresolved: conditions.into_iter().map(|condition| ((&condition).into(), condition)).collect(),
        }
    }

    /// The condition, unless it is resolved.
    pub fn get(&self, key: &ConditionKey) -> Option<&Condition> {
        self.unresolved.get(key)
    }

    /// Every unresolved condition, by stream and cause.
    pub fn iter(&self) -> impl Iterator<Item = &Condition> {
        self.unresolved.values()
    }

    /// Whether anything that scores move is unresolved on the stream; silence is not.
    pub fn any_predicted_on(&self, stream: &StreamId) -> bool {
        self.on(stream).any(|key| matches!(key.cause, Cause::Predicted(_)))
    }

    fn on(&self, stream: &StreamId) -> impl Iterator<Item = &ConditionKey> {
        let first = ConditionKey { stream: stream.clone(), cause: Cause::Predicted(PredictionType::Normal) };
        self.unresolved.range(first..).map(|(key, _)| key).take_while(move |key| key.stream == *stream)
    }

    /// Takes a scored sample in; tells which conditions moved and how. Conditions that resolve are returned and
    /// forgotten here.
    pub fn observe(
        &mut self,
        policy: &ConditionPolicy,
        stream: &StreamId,
        verdict: &Verdict,
    ) -> Vec<(Condition, Step)> {
        let shown = shown_cause(policy, verdict);
        if let Some(cause) = shown {
            let key = ConditionKey { stream: stream.clone(), cause };
            self.unresolved.entry(key).or_insert_with_key(|key| pending(key, verdict.time));
        }
        let keys: Vec<ConditionKey> = self.on(stream).cloned().collect();
        let mut moved = Vec::new();
        for key in keys {
            let Some(cause_policy) = policy.of(key.cause) else { continue };
            let Some(condition) = self.unresolved.get_mut(&key) else { continue };
            let before = condition.clone();
            let step = advance(condition, cause_policy, verdict, shown == Some(key.cause));
            if *condition != before {
                moved.push((condition.clone(), step));
            }
            if step == Step::Resolved {
                self.unresolved.remove(&key);
            }
        }
        moved
    }

    /// Records the insight behind a condition and its words.
    pub fn explain(
        &mut self,
        key: &ConditionKey,
        insight: InsightId,
        reasons: &Reasons,
    ) -> Option<Condition> {
        let condition = self.unresolved.get_mut(key)?;
        condition.insight = Some(insight);
        condition.explanation.clone_from(&reasons.sentence);
        condition.recommendations.clone_from(&reasons.recommendations);
        Some(condition.clone())
    }

    /// Opens a condition of silence, unless it is there.
    pub fn fall_silent(&mut self, silence: Silence<'_>, announced: Announced) -> Option<(Condition, Step)> {
        let key = ConditionKey { stream: silence.stream.clone(), cause: silence.cause };
        if self.unresolved.contains_key(&key) {
            return None;
        }
        let mut condition = pending(&key, silence.now);
        condition.first_seen = silence.since;
        condition.peak_risk = silence.risk;
        condition.confidence = 1.0;
        condition.explanation = silence.explanation;
        condition.recommendations = vec![silence.recommendation.to_owned()];
        let step = open(&mut condition, silence.now, announced);
        self.unresolved.insert(key, condition.clone());
        Some((condition, step))
    }

    /// Opens the conditions of silence that were kept quiet by announced work which is over.
    pub fn end_announced_silence(
        &mut self,
        announced: impl Fn(&StreamId) -> Announced,
        now: Timestamp,
    ) -> Vec<Condition> {
        let mut opened = Vec::new();
        for condition in self.unresolved.values_mut() {
            let is_silence = matches!(condition.cause, Cause::SeriesMissing | Cause::SourceSilent);
            if is_silence
                && condition.state == ConditionState::Suppressed
                && announced(&condition.stream) == Announced::No
            {
                open(condition, now, Announced::No);
                opened.push(condition.clone());
            }
        }
        opened
    }

    /// Resolves a condition of silence.
    pub fn be_heard(&mut self, stream: &StreamId, cause: Cause, time: Timestamp) -> Option<Condition> {
        let key = ConditionKey { stream: stream.clone(), cause };
        let mut condition = self.unresolved.remove(&key)?;
        resolve(&mut condition, time);
        Some(condition)
    }
}

/// A stream or source without a word.
#[derive(Clone, Debug)]
pub struct Silence<'a> {
    /// The stream, or the source's stand-in.
    pub stream: &'a StreamId,
    /// Which silence.
    pub cause: Cause,
    /// When it was last heard.
    pub since: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// What it weighs.
    pub risk: f64,
    /// For people.
    pub explanation: String,
    /// What to do.
    pub recommendation: &'static str,
}

/// The cause a verdict shows, if it shows one.
fn shown_cause(policy: &ConditionPolicy, verdict: &Verdict) -> Option<Cause> {
    let cause = Cause::Predicted(verdict.class);
    let limits = policy.of(cause)?;
    let shows = verdict.class != PredictionType::Normal
        && verdict.firm.has(telling(verdict.class))
        && !verdict.firm.has(excusing(verdict.class))
        && verdict.risk >= limits.open_risk
        && verdict.confidence >= limits.open_confidence;
    shows.then_some(cause)
}

fn pending(key: &ConditionKey, time: Timestamp) -> Condition {
    Condition {
        stream: key.stream.clone(),
        cause: key.cause,
        state: ConditionState::Pending,
        recent: 0,
        first_seen: time,
        last_seen: time,
        opened: None,
        resolved: None,
        peak_risk: 0.0,
        confidence: 0.0,
        insight: None,
        explanation: String::new(),
        recommendations: Vec::new(),
    }
}

fn advance(condition: &mut Condition, policy: &CausePolicy, verdict: &Verdict, shows: bool) -> Step {
    condition.recent = condition.recent << 1 | u32::from(shows);
    if shows || holds(condition, policy, verdict) {
        condition.last_seen = verdict.time;
    }
    if shows && verdict.risk >= condition.peak_risk {
        condition.peak_risk = verdict.risk;
        condition.confidence = verdict.confidence;
    }
    let looked_back_on = u32::MAX >> 32_u32.saturating_sub(policy.of.clamp(1, 32));
    let seen = (condition.recent & looked_back_on).count_ones();
    let lasted =
        verdict.time.since(condition.first_seen) >= policy.lasts || verdict.firm.has(Evidence::FLAPPING);
    match condition.state {
        ConditionState::Pending
            if (seen >= policy.needed && lasted) || (shows && verdict.firm.has(Evidence::STAYED_DOWN)) =>
        {
            open(condition, verdict.time, verdict.announced)
        }
        ConditionState::Pending if seen == 0 => resolve(condition, verdict.time),
        ConditionState::Pending | ConditionState::Resolved => Step::Kept,
        // Work is over: what is still there is judged afresh, what was there before counts no more.
        ConditionState::Suppressed if verdict.announced == Announced::No => {
            condition.state = ConditionState::Pending;
            condition.opened = None;
            condition.recent &= 1;
            if condition.recent == 0 { resolve(condition, verdict.time) } else { Step::Kept }
        }
        ConditionState::Open | ConditionState::Suppressed => {
            let clear = verdict.time.since(condition.last_seen) >= policy.clear_after;
            if clear { resolve(condition, verdict.time) } else { Step::Kept }
        }
    }
}

/// Hysteresis: what is open stays so on a lower risk than it needed to open.
fn holds(condition: &Condition, policy: &CausePolicy, verdict: &Verdict) -> bool {
    condition.state != ConditionState::Pending
        && condition.cause == Cause::Predicted(verdict.class)
        && verdict.firm.has(telling(verdict.class))
        && verdict.risk >= policy.clear_risk
}

fn open(condition: &mut Condition, time: Timestamp, announced: Announced) -> Step {
    condition.opened = Some(time);
    match announced {
        Announced::Yes => {
            condition.state = ConditionState::Suppressed;
            Step::Suppressed
        }
        Announced::No => {
            condition.state = ConditionState::Open;
            Step::Opened
        }
    }
}

fn resolve(condition: &mut Condition, time: Timestamp) -> Step {
    condition.state = ConditionState::Resolved;
    condition.resolved = Some(time);
    Step::Resolved
}

/// Whether a window covers the stream at `time`: its node's, its far end's, its own, or the whole fabric's.
pub fn announced(
    windows: &[MaintenanceWindow],
    stream: &StreamId,
    facts: &PortFacts,
    time: Timestamp,
) -> Announced {
    let covers = |window: &MaintenanceWindow| {
        window.from <= time
            && time <= window.until
            && match &window.scope {
                MaintenanceScope::Fabric => true,
                MaintenanceScope::Stream(covered) => {
                    covered == stream || facts.peer.is_some_and(|peer| covered.port() == Some(peer))
                }
                MaintenanceScope::Node(node) => {
                    stream.port().is_some_and(|port| port.node == *node)
                        || facts.peer.is_some_and(|peer| peer.node == *node)
                }
            }
    };
    if windows.iter().any(covers) { Announced::Yes } else { Announced::No }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(class: PredictionType, firm: Evidence) -> Option<Cause> {
        let verdict = Verdict {
            time: Timestamp::from_millis(0),
            class,
            risk: 95.0,
            confidence: 0.95,
            firm,
            announced: Announced::No,
        };
        shown_cause(&ConditionPolicy::default(), &verdict)
    }

    #[test]
    fn latency_on_a_link_far_busier_than_usual_is_the_loads() {
        let late = PredictionType::LatencySpike;
        assert_eq!(shown(late, Evidence::LATENCY), Some(Cause::Predicted(late)));
        assert_eq!(shown(late, Evidence::LATENCY.and(Evidence::BUSY)), None);
    }

    #[test]
    fn a_busy_link_excuses_no_errors() {
        let unstable = PredictionType::ConnectionInstability;
        let signs = Evidence::SYMBOLS_12M.and(Evidence::BUSY);
        assert_eq!(shown(unstable, signs), Some(Cause::Predicted(unstable)));
    }
}
