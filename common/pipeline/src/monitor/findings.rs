//! What people are told of a look: a drift of what a model sees or says, a version that is right less often.

use linkcast_domain::{Notice, NoticeKind, Severity, Timestamp};
use linkcast_monitoring::{DriftPart, DriftReport, DriftVerdict};
use serde_json::json;

use super::health::Health;
use super::quality::{Against, QualityHealth};
use super::state::{Finding, Found};

/// Series named in a notice at most.
const MOST_NAMED: usize = 3;

/// Whose look it was, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) fabric: &'a str,
    pub(super) task: &'a str,
    pub(super) at: Timestamp,
}

impl Place<'_> {
    /// A notice of what `key` names, as it was found now.
    fn notice(self, kind: NoticeKind, key: &str, summary: String) -> Notice {
        let what = format!("{key}/{}", self.at.millis());
        Notice::of(kind, (self.fabric, self.task), (&what, self.at), Severity::Warning, summary)
    }
}

/// Findings of drift: one for what the model sees, one for what it says.
pub(super) fn of_drift(report: &DriftReport, place: Place<'_>) -> Vec<Finding> {
    let parts = [("features", "sees", &report.features), ("scores", "says", &report.scores)];
    parts.map(|(part, does, found)| of_part(report, (part, does, found), place)).into()
}

fn of_part(report: &DriftReport, (name, does, part): (&str, &str, &DriftPart), place: Place<'_>) -> Finding {
    let key = format!("drift/{}/{name}", report.digest);
    let found = match part.verdict {
        DriftVerdict::NotEnoughData { .. } => Found::Unknown,
        DriftVerdict::Steady => Found::Clear,
        DriftVerdict::Drifted => {
            let summary = format!(
                "what the model {does} is not what it was: {}; look with `linkcast monitor`, retrain if it lasts",
                named(&part.drifted)
            );
            let series = part.series.iter().filter(|one| part.drifted.contains(&one.name)).take(MOST_NAMED);
            let numbers = series.map(|one| json!({"name": one.name, "looks": one.windows}));
            let notice = place
                .notice(NoticeKind::DriftDetected, &key, summary)
                .with("model", report.digest.clone())
                .with("part", name)
                .with("drifted", part.drifted.clone())
                .with("weight", part.weight)
                .with("series", numbers.collect::<Vec<_>>());
            Found::Bad(Box::new(notice))
        }
    };
    Finding { key, found }
}

/// The first names, and how many there are besides.
pub(super) fn named(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(MOST_NAMED).map(String::as_str).collect();
    let more = names.len().saturating_sub(MOST_NAMED);
    let besides = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{besides}", first.join(", "))
}

/// The finding on one version.
pub(super) fn of_quality(one: &QualityHealth, place: Place<'_>) -> Finding {
    let key = format!("quality/{}/{}", one.model_version, one.source.name());
    let found = match one.health {
        Health::NotEnoughData => Found::Unknown,
        Health::Fine => Found::Clear,
        Health::Worse => {
            let summary = format!(
                "model {} is right less often than {}: {}; look at what is said of it with `linkcast feedback list`",
                one.model_version,
                one.against.told(),
                one.numbers()
            );
            let notice = place
                .notice(NoticeKind::QualityDegraded, &key, summary)
                .with("model_version", one.model_version.clone())
                .with("verdict", serde_json::to_value(one).unwrap_or_default());
            Found::Bad(Box::new(notice))
        }
    };
    Finding { key, found }
}

impl Against {
    /// For people.
    pub(super) fn told(&self) -> String {
        match self {
            Against::ItsFirst => "when it went live".to_owned(),
            Against::VersionBefore(version) => format!("version {version} was"),
            Against::Nobody => "nobody yet".to_owned(),
        }
    }
}

impl QualityHealth {
    /// The numbers of the comparison, for people.
    pub(super) fn numbers(&self) -> String {
        let share = |counts: crate::feedback::QualityCounts| match counts.accuracy() {
            Some(accuracy) => format!("{:.1} % of {}", accuracy * 100.0, counts.judged()),
            None => "none".to_owned(),
        };
        let p = self.p.map_or_else(String::new, |p| format!(", p {p:.1e} (level {:.1e})", self.level));
        format!("{} by {}, was {}{p}", share(self.window), self.source.name(), share(self.baseline))
    }
}

#[cfg(test)]
mod tests {
    use linkcast_monitoring::{DriftSettings, Lacking, Missing};

    use super::*;

    const PLACE: Place<'_> = Place { fabric: "lab", task: "link-health", at: Timestamp::EPOCH };

    #[test]
    fn each_part_that_drifted_is_told_by_itself_with_what_it_rests_on() {
        let missing = Missing { of: Lacking::LookHours, have: 1, need: 24 };
        let mut report = DriftReport::without_data("d1", PLACE.at, missing, &DriftSettings::default());
        let unknown = |one: &Finding| matches!(one.found, Found::Unknown);
        assert!(of_drift(&report, PLACE).iter().all(unknown), "what cannot be said clears nothing");
        report.scores.verdict = DriftVerdict::Steady;
        report.features.verdict = DriftVerdict::Drifted;
        report.features.drifted = ["a", "b", "c", "d", "e", "f", "g"].map(str::to_owned).to_vec();
        let [features, scores] = of_drift(&report, PLACE).try_into().unwrap();
        assert!(matches!(scores.found, Found::Clear));
        let Found::Bad(notice) = features.found else { panic!("{features:?}") };
        assert_eq!((notice.kind, features.key.as_str()), (NoticeKind::DriftDetected, "drift/d1/features"));
        assert!(notice.summary.contains("a, b, c and 4 more"), "{}", notice.summary);
        assert_eq!(notice.details["part"], "features");
    }
}
