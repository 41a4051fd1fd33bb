//! What a scored sample does to its stream's conditions: the first half of alert.
//!
//! It stands apart from the pipeline because it needs nothing but the stream's own conditions, so that a function that
//! has only those in hand does exactly what the embedded pipeline does.

use linkcast_domain::ports::{ConditionKey, MaintenanceWindow};
use linkcast_domain::{Condition, Insight, PortFacts};

use crate::conditions::{Announced, Conditions, Step, Verdict, announced};
use crate::gate::Evidence;
use crate::judge::Judge;
use crate::settings::Settings;
use crate::stream::{self, Scored};
use crate::sweep::Tally;

/// What is known around a verdict.
pub(crate) struct Place<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) windows: &'a [MaintenanceWindow],
    pub(crate) facts: &'a PortFacts,
}

/// What a verdict moved.
#[derive(Debug)]
pub(crate) struct Moved {
    pub(crate) tally: Tally,
    pub(crate) conditions: Vec<Condition>,
    /// The insight to keep: it was news, or a condition opened on it.
    pub(crate) insight: Option<Insight>,
}

/// Delivers a verdict to the stream's conditions.
pub(crate) fn deliver<J: Judge>(
    place: &Place<'_>,
    judge: &J,
    conditions: &mut Conditions,
    mut scored: Scored,
) -> Moved {
    let verdict = Verdict {
        time: scored.time,
        class: scored.score.class,
        risk: scored.score.risk,
        confidence: scored.score.confidence,
        firm: scored.firm,
        announced: announced_for(place, &scored),
    };
    let mut tally = Tally::default();
    let mut kept = Vec::new();
    for (mut condition, step) in conditions.observe(&place.settings.conditions, &scored.stream, &verdict) {
        match step {
            Step::Opened | Step::Suppressed => {
                let key = ConditionKey::from(&condition);
                if let Some(explained) = explain(place.settings, judge, conditions, &key, &mut scored) {
                    condition = explained;
                }
                let opened = step == Step::Opened;
                tally.opened += u64::from(opened);
                tally.suppressed += u64::from(!opened);
            }
            Step::Resolved => tally.resolved += u64::from(condition.opened.is_some()),
            Step::Kept => {}
        }
        kept.push(condition);
    }
    tally.insights += u64::from(scored.insight.is_some());
    Moved { tally, conditions: kept, insight: scored.insight }
}

/// A condition that opens has an insight behind it, news or not.
fn explain<J: Judge>(
    settings: &Settings,
    judge: &J,
    conditions: &mut Conditions,
    key: &ConditionKey,
    scored: &mut Scored,
) -> Option<Condition> {
    let reasons = stream::reasons(judge, &scored.vector, &scored.score, scored.fact);
    let place = (&scored.stream, scored.time, scored.latency_us);
    let insight = scored
        .insight
        .get_or_insert_with(|| stream::insight(settings, judge, place, &scored.score, reasons.clone()));
    conditions.explain(key, insight.entity_id.clone(), &reasons)
}

/// Whether work is announced; drops are counted back over the hold, so of them, whether it was announced then.
fn announced_for(place: &Place<'_>, scored: &Scored) -> Announced {
    let told = |time| announced(place.windows, &scored.stream, place.facts, time);
    match told(scored.time) {
        Announced::No if scored.firm.has(Evidence::FLAPPING) => {
            told(scored.time.minus(place.settings.conditions.reboot_hold))
        }
        told => told,
    }
}
