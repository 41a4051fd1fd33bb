//! A rollout's changes in words: the reason that is kept, and the notice that people get.

use linkcast_domain::{Notice, NoticeKind, Severity};
use linkcast_routing::rollout::{Change, Decision, Held, Rollout, RolloutVerdict, Step, What};

/// Why a verdict is what it is, with the number that failed.
pub(super) fn reason(verdict: &RolloutVerdict) -> String {
    match &verdict.decision {
        Decision::Promote { .. } => {
            format!("{} questions were seen, and the unacceptable is ruled out", verdict.questions)
        }
        Decision::Abort { guardrail } => {
            let held = verdict.guardrails.iter().find(|held| held.guardrail == *guardrail);
            held.map_or_else(|| guardrail.name().to_owned(), numbers)
        }
        Decision::Hold { because } => because.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

fn numbers(held: &Held) -> String {
    let seen = &held.seen;
    let harm = held.harm.map_or_else(String::new, |harm| {
        format!(", evidence of harm {:.1} of {}", harm.evidence, harm.stop_at)
    });
    format!(
        "{}: {} of {} against {} of {} of {}{harm}",
        held.guardrail.name(),
        seen.candidate_wrong,
        seen.candidate,
        seen.other_wrong,
        seen.other,
        held.other
    )
}

/// The notice of a change: the same however often it is told.
pub(super) fn notice(place: (&str, &str), rollout: &Rollout, change: &Change) -> Notice {
    let what = format!("{}/{}/{}", rollout.id, change.sequence, change.what.name());
    let severity = match change.what {
        What::Aborted => Severity::Critical,
        What::Paused | What::Expired => Severity::Warning,
        What::Started | What::Stepped | What::Finished | What::Resumed => Severity::Info,
    };
    let summary = summary(rollout, change);
    let notice = Notice::of(NoticeKind::Rollout, place, (&what, change.at), severity, summary)
        .with("rollout", rollout.id.clone())
        .with("what", change.what.name())
        .with("candidate", rollout.plan.text().candidate.name.as_str())
        .with("live", rollout.live.as_str())
        .with("step", change.step.to_string())
        .with("by", change.by.clone())
        .with("reason", change.reason.clone())
        .with("policy_revision", change.after.policy.revision);
    match serde_json::to_value(&change.verdict) {
        Ok(verdict) if !verdict.is_null() => notice.with("verdict", verdict),
        _ => notice,
    }
}

fn summary(rollout: &Rollout, change: &Change) -> String {
    let Change { by, reason, .. } = change;
    let (candidate, live) = (&rollout.plan.text().candidate.name, &rollout.live);
    match change.what {
        What::Started if change.step == Step::Shadow => {
            format!("rollout of {candidate} beside {live} began as a shadow, by {by}: {reason}")
        }
        What::Started => {
            format!("rollout of {candidate} beside {live} began with {} %, by {by}: {reason}", change.step)
        }
        What::Stepped => format!("{candidate} has {} % of the streams now, by {by}: {reason}", change.step),
        What::Finished => format!("{candidate} is live in place of {live}, by {by}: {reason}"),
        What::Aborted => {
            format!("{candidate} was taken back and the policy before it is in force, by {by}: {reason}")
        }
        What::Paused => format!(
            "rollout of {candidate} is PAUSED BY A PERSON: {reason}; go on with `linkcast rollout resume` or `abort`"
        ),
        What::Resumed => format!("rollout of {candidate} goes on at {}, by {by}: {reason}", change.step),
        What::Expired => format!(
            "rollout of {candidate} waits at {} for a person: {reason}; decide with `linkcast rollout promote` or `abort`",
            change.step
        ),
    }
}
