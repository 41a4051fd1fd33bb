//! A notice as Alertmanager takes it.
//!
//! Alertmanager knows states and a notice is an event, so the state told is "this was the last word on the subject". The subject is
//! a task's drift, quality, training, rollout or endpoints: these are the labels, with the severity by which people route. It
//! stands for a time that depends on how grave it is, and ends earlier when the next word on the same subject has another severity:
//! an aborted rollout fires until that task's next rollout notice, at most three days. So a notice too slight to fire is told too:
//! as the end of what was said before it.

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_domain::{Notice, NoticeKind, Severity, Timestamp};

use super::{AlertmanagerAlert, NoticeText};

const HOUR: Duration = Duration::from_secs(3600);

/// The body for one notice told at `now`: it fires if it is as grave as `least`, and what was last said of the subject at another
/// severity has ended.
pub fn alertmanager_notice(
    notice: &Notice,
    least: Severity,
    now: Timestamp,
    generator_url: &str,
) -> Vec<AlertmanagerAlert> {
    let NoticeText { subject, body } = NoticeText::of(notice);
    let alert = |severity: Severity, ends_at: Timestamp| AlertmanagerAlert {
        labels: labels(notice, severity),
        annotations: BTreeMap::from([
            ("details", body.clone()),
            ("notice_id", notice.id.clone()),
            ("subject", subject.clone()),
            ("summary", notice.summary.clone()),
        ]),
        starts_at: notice.at.min(now),
        ends_at,
        generator_url: generator_url.to_owned(),
    };
    let told = |severity: Severity| {
        let fires = severity == notice.severity && severity >= least;
        let ends_at = if fires { now.plus(stands_for(severity)) } else { now };
        alert(severity, ends_at)
    };
    Severity::ALL.into_iter().map(told).collect()
}

/// How long a notice stands without another word.
fn stands_for(severity: Severity) -> Duration {
    match severity {
        Severity::Info => HOUR,
        Severity::Warning => 24 * HOUR,
        Severity::Critical => 72 * HOUR,
    }
}

fn labels(notice: &Notice, severity: Severity) -> BTreeMap<&'static str, String> {
    let name = match notice.kind {
        NoticeKind::DriftDetected => "LinkcastModelDrift",
        NoticeKind::QualityDegraded => "LinkcastModelQuality",
        NoticeKind::TrainingRun => "LinkcastModelTraining",
        NoticeKind::Rollout => "LinkcastModelRollout",
        NoticeKind::Endpoint => "LinkcastModelEndpoint",
    };
    let mut labels = BTreeMap::from([
        ("alertname", name.to_owned()),
        ("fabric", notice.fabric.clone()),
        ("kind", notice.kind.name().to_owned()),
        ("severity", severity.name().to_owned()),
        ("task", notice.task.clone()),
    ]);
    if let Some(endpoint) = notice.details.get("endpoint").and_then(|name| name.as_str()) {
        labels.insert("endpoint", endpoint.to_owned());
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_a_subject_fires_and_the_word_before_has_ended() {
        let at = Timestamp::from_millis(1_000);
        let now = Timestamp::from_millis(61_000);
        let told = |what, severity| {
            let place = ("lab", "link-health");
            Notice::of(NoticeKind::Rollout, place, (what, at), severity, "it was taken back".to_owned())
        };
        let firing = |notice: &Notice| {
            let payload = alertmanager_notice(notice, Severity::Info, now, "http://linkcast");
            let (ends, fires): (Vec<_>, Vec<_>) = payload.into_iter().partition(|alert| alert.ends_at <= now);
            assert_eq!((ends.len(), fires.len()), (2, 1));
            (ends, fires[0].clone())
        };
        let (_, aborted) = firing(&told("1/abort", Severity::Critical));
        assert_eq!(aborted.labels["alertname"], "LinkcastModelRollout");
        assert_eq!(aborted.ends_at, now.plus(72 * HOUR));
        let (ended, begun) = firing(&told("2/start", Severity::Info));
        assert!(ended.iter().any(|alert| alert.labels == aborted.labels));
        assert_ne!(begun.labels, aborted.labels);
        let slight = told("2/step", Severity::Info);
        let payload = alertmanager_notice(&slight, Severity::Warning, now, "http://linkcast");
        assert!(payload.iter().all(|alert| alert.ends_at <= now), "it only ends what was said before");
    }
}
