//! Whether a model version is right less often than it was: the newest labels against its own first ones.
//!
//! A version's first judged insights are its baseline, frozen once there are enough; until then it is held against the version
//! before. What people said and what outcomes showed are held apart, for they judge other insights. The test is Fisher's exact
//! one (1935), one-sided: of all that were wrong in both, how likely so many fall on the newer. It supposes no rate, and the
//! baseline's own luck is in it. There is one look a day, each at so small a level that all looks of a year together raise a false
//! alarm about a version with a probability of at most one in twenty (Bonferroni), whatever the looks share.

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_domain::{FeedbackSource, Timestamp};
use serde::{Deserialize, Serialize};

use super::health::Health;
use crate::feedback::{JudgedFeedback, QualityCounts};

/// Judged insights of a baseline.
const BASELINE: u64 = 200;
/// Judged insights without which nothing is said.
const LEAST_JUDGED: u64 = 50;
/// How far back the newest labels go.
pub(super) const WINDOW: Duration = Duration::from_secs(28 * 24 * 3600);
/// How much lower the accuracy must be to matter: two points.
const LEAST_DROP: f64 = 0.02;
/// False alarms about a version in a year, by people's words and by outcomes together.
const FALSE_ALARMS: f64 = 0.05;
/// Looks of a year, by both.
const LOOKS: f64 = 2.0 * 365.0;
/// The newest baselines that are kept.
const MOST_BASELINES: usize = 64;

/// A version's first judged insights, by people or by outcomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Baseline {
    version: String,
    source: FeedbackSource,
    /// When the first came in.
    first: Timestamp,
    counts: QualityCounts,
    /// When the last one did, once there are enough.
    complete: Option<Timestamp>,
}

/// Whom a version is held against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "against", content = "version", rename_all = "snake_case")]
pub enum Against {
    /// Its own first judged insights.
    ItsFirst,
    /// Those of the version before, for it has too few of its own.
    VersionBefore(String),
    /// Nobody yet.
    Nobody,
}

/// The verdict on one version, by people's words or by outcomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QualityHealth {
    /// The version.
    pub model_version: String,
    /// Who judged.
    pub source: FeedbackSource,
    /// Whom it is held against.
    #[serde(flatten)]
    pub against: Against,
    /// How often that was right.
    pub baseline: QualityCounts,
    /// How often it was right lately.
    pub window: QualityCounts,
    /// How much lower its accuracy is, 0 to 1; none if nothing can be compared.
    pub drop: Option<f64>,
    /// How likely so many wrong ones are if it is as good as it was.
    pub p: Option<f64>,
    /// Below which that is no chance.
    pub level: f64,
    /// What follows.
    pub health: Health,
}

/// Goes on with the baselines over what came in since, oldest first.
pub(super) fn extend(baselines: &mut Vec<Baseline>, news: &[JudgedFeedback]) {
    for one in news {
        let (version, source) = (&one.feedback.model_version, one.source);
        let mut own =
            baselines.iter_mut().filter(|there| there.version == *version && there.source == source);
        let first = one.feedback.received;
        match own.next() {
            Some(there) => there.count(one),
            None => {
                let counts = QualityCounts::default();
                let mut new = Baseline { version: version.clone(), source, first, counts, complete: None };
                new.count(one);
                baselines.push(new);
            }
        }
    }
    baselines.sort_by(|one, other| (one.first, &one.version).cmp(&(other.first, &other.version)));
    let surplus = baselines.len().saturating_sub(MOST_BASELINES);
    baselines.drain(..surplus);
}

impl Baseline {
    fn count(&mut self, one: &JudgedFeedback) {
        if self.complete.is_none() {
            self.counts.count(one.standing);
            self.complete = (self.counts.judged() >= BASELINE).then_some(one.feedback.received);
        }
    }
}

/// Judges every version of which something came in lately, by name; `window` is what came in, oldest first.
pub(super) fn judge_quality(baselines: &[Baseline], window: &[JudgedFeedback]) -> Vec<QualityHealth> {
    let mut groups: BTreeMap<(&str, FeedbackSource), Vec<&JudgedFeedback>> = BTreeMap::new();
    for one in window {
        groups.entry((one.feedback.model_version.as_str(), one.source)).or_default().push(one);
    }
    groups
        .into_iter()
        .map(|((version, source), lately)| judge_one(version, source, baselines, &lately))
        .collect()
}

fn judge_one(
    version: &str,
    source: FeedbackSource,
    baselines: &[Baseline],
    lately: &[&JudgedFeedback],
) -> QualityHealth {
    let of_source = || baselines.iter().filter(|one| one.source == source);
    let own = of_source().find(|one| one.version == version);
    let count = |after: Timestamp| {
        let mut counts = QualityCounts::default();
        lately.iter().filter(|one| one.feedback.received > after).for_each(|one| counts.count(one.standing));
        counts
    };
    let before = || {
        let first = own.map_or(Timestamp::LATEST, |own| own.first);
        of_source().rfind(|one| one.complete.is_some() && one.first < first && one.version != version)
    };
    let (against, baseline, window) = match own.and_then(|own| Some((own, own.complete?))) {
        Some((own, complete)) => (Against::ItsFirst, own.counts, count(complete)),
        None => match before() {
            Some(before) => {
                (Against::VersionBefore(before.version.clone()), before.counts, count(Timestamp::EARLIEST))
            }
            None => (Against::Nobody, QualityCounts::default(), count(Timestamp::EARLIEST)),
        },
    };
    let level = FALSE_ALARMS / LOOKS;
    let (drop, p, health) = held(baseline, window, level);
    QualityHealth {
        model_version: version.to_owned(),
        source,
        against,
        baseline,
        window,
        drop,
        p,
        level,
        health,
    }
}

/// Newer counts held against a baseline: how much lower the accuracy is, how likely that is by chance, and what follows.
fn held(baseline: QualityCounts, window: QualityCounts, level: f64) -> (Option<f64>, Option<f64>, Health) {
    let (Some(before), Some(now)) = (baseline.accuracy(), window.accuracy()) else {
        return (None, None, Health::NotEnoughData);
    };
    let (drop, p) = (before - now, fisher(baseline, window));
    let is_enough = window.judged() >= LEAST_JUDGED && baseline.judged() >= BASELINE;
    let health = match () {
        () if !is_enough => Health::NotEnoughData,
        () if drop > LEAST_DROP && p < level => Health::Worse,
        () => Health::Fine,
    };
    (Some(drop), Some(p), health)
}

/// The probability that, of all that are wrong, at least so many fall on the window if wrong ones fall anywhere alike.
fn fisher(baseline: QualityCounts, window: QualityCounts) -> f64 {
    let (all, newer) = (baseline.judged() + window.judged(), window.judged());
    let wrong = baseline.wrong + window.wrong;
    let logarithms = LogFactorials::up_to(all);
    let choose = |n: u64, k: u64| logarithms.of(n) - logarithms.of(k) - logarithms.of(n - k);
    let whole = choose(all, wrong);
    let terms = window.wrong..=newer.min(wrong);
    let term = |here: u64| (choose(newer, here) + choose(all - newer, wrong - here) - whole).exp();
    terms.map(term).sum::<f64>().min(1.0)
}

/// Logarithms of factorials.
struct LogFactorials(Vec<f64>);

impl LogFactorials {
    fn up_to(most: u64) -> Self {
        let mut sum = 0.0;
        let each = (1..=most).map(|n| {
            sum += (n as f64).ln();
            sum
        });
        LogFactorials(std::iter::once(0.0).chain(each).collect())
    }

    fn of(&self, n: u64) -> f64 {
        self.0.get(n as usize).copied().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests;
