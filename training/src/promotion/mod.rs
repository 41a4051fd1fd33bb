//! Whether a model that was just trained may follow the live one: only if it is better where nobody could have learnt the answers.
//!
//! Two sets judge. The *frozen* one is rows of streams that no training ever sees; it is pinned by digest, so that every candidate is
//! asked the same. The *newest* one is rows labelled since the live model's data ended, of streams that the candidate was not trained on;
//! it notices what the frozen set is too old to know. On both the candidate must be better, and by more than luck: the lower end of a
//! paired bootstrap's 95 % interval over groups of streams lies above 0.
//!
//! Only rows whose label a person or a simulation's truth gave are asked. Rules judge nobody: a model that imitates them would win.
//!
//! The figure is the mean logarithmic score of the true class, trouble and quiet weighing one half each. It is proper (no model gains
//! by saying other than it believes), it tells models apart long before their thresholded answers differ, and it is a sum over rows, so
//! that groups can be drawn. As many halves as whole sets: a candidate cannot pay for missed faults with quiet it is surer of.

mod figure;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use linkcast_domain::{PredictionType, StreamId};
use serde::Serialize;

use crate::evaluation::{Conclusion, Interval, PairedDifference, paired_bootstrap};
use crate::metrics::rounded;
use figure::LogScore;

/// Draws of the bootstrap.
const DRAWS: usize = 2_000;
/// The normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_963_984_540_054;
/// Its seed: the same rows give the same verdict.
const SEED: u64 = 62_026;

/// How much there must be to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GateSettings {
    /// Groups of streams with a row of trouble.
    pub least_troubled_groups: usize,
    /// Groups of streams with a quiet row.
    pub least_quiet_groups: usize,
    /// Draws of the bootstrap.
    pub draws: usize,
}

impl Default for GateSettings {
    /// With twelve groups of each the interval keeps its level well enough: `tests.rs` measures it.
    fn default() -> Self {
        GateSettings { least_troubled_groups: 12, least_quiet_groups: 12, draws: DRAWS }
    }
}

/// A row whose label is known, and what both models say of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The first of the streams that belong together with its own.
    pub group: StreamId,
    /// What it truly is.
    pub truth: PredictionType,
    /// How many samples it stands for.
    pub weight: f64,
    /// The probability that the candidate gives the truth.
    pub candidate: f64,
    /// The probability that the live model gives it.
    pub live: f64,
}

/// What one set says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SetVerdict {
    /// Rows asked.
    pub rows: usize,
    /// Groups of streams they are of.
    pub groups: usize,
    /// Of them, with trouble.
    pub troubled_groups: usize,
    /// Of them, with quiet.
    pub quiet_groups: usize,
    /// The difference of the figure; none where there is too little to tell.
    pub difference: Option<PairedDifference>,
}

/// What the gate says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateVerdict {
    /// The name of the figure.
    pub figure: &'static str,
    /// What the frozen set says.
    pub frozen: SetVerdict,
    /// What the newest labels say.
    pub newest: SetVerdict,
    /// What was needed.
    pub settings: GateSettings,
}

/// The verdict on a candidate, from the rows of the frozen set and those of the newest labels.
pub fn judge_candidate(frozen: &[Judged], newest: &[Judged], settings: GateSettings) -> GateVerdict {
    GateVerdict {
        figure: "log score, trouble and quiet one half each",
        frozen: judge_set(frozen, settings),
        newest: judge_set(newest, settings),
        settings,
    }
}

impl GateVerdict {
    /// Whether the candidate may follow the live model.
    pub fn has_passed(&self) -> bool {
        [&self.frozen, &self.newest].into_iter().all(|set| set.is_better())
    }

    /// Why, with the numbers, in one sentence.
    pub fn reason(&self) -> String {
        let sets = [("the frozen set", &self.frozen), ("the newest labels", &self.newest)];
        let told = sets.map(|(name, set)| set.told(name, self.settings));
        let verdict = if self.has_passed() {
            "better than the live model"
        } else {
            "not shown to be better than the live model"
        };
        format!("{verdict}: {}; {}", told[0], told[1])
    }
}

impl SetVerdict {
    /// Whether it shows the candidate to be better.
    pub fn is_better(&self) -> bool {
        self.difference.is_some_and(|difference| difference.conclusion == Conclusion::Better)
    }

    fn told(&self, name: &str, settings: GateSettings) -> String {
        match &self.difference {
            None => format!(
                "{name} has not enough labels to tell ({} groups of streams with trouble, {} with quiet; {} and {} are needed)",
                self.troubled_groups,
                self.quiet_groups,
                settings.least_troubled_groups,
                settings.least_quiet_groups
            ),
            Some(PairedDifference { candidate, live, interval, groups, conclusion, .. }) => format!(
                "on {name} {} (log score {candidate:.4} against {live:.4}, 95 % interval of the difference {:+.4} to {:+.4} over \
                 {groups} groups)",
                conclusion.words(),
                interval.low,
                interval.high
            ),
        }
    }
}

fn judge_set(rows: &[Judged], settings: GateSettings) -> SetVerdict {
    let mut groups: BTreeMap<&StreamId, (LogScore, LogScore)> = BTreeMap::new();
    for row in rows {
        let (candidate, live) = groups.entry(&row.group).or_default();
        candidate.add(row.truth, row.candidate, row.weight);
        live.add(row.truth, row.live, row.weight);
    }
    let groups: Vec<(LogScore, LogScore)> = groups.into_values().collect();
    let troubled_groups = groups.iter().filter(|(one, _)| one.has_trouble()).count();
    let quiet_groups = groups.iter().filter(|(one, _)| one.has_quiet()).count();
    let is_enough =
        troubled_groups >= settings.least_troubled_groups && quiet_groups >= settings.least_quiet_groups;
    let difference = is_enough
        .then(|| paired_bootstrap(&groups, settings.draws, SEED, LogScore::summed, LogScore::mean))
        .flatten()
        .map(|found| expanded(found, troubled_groups.min(quiet_groups)));
    SetVerdict { rows: rows.len(), groups: groups.len(), troubled_groups, quiet_groups, difference }
}

/// The interval as wide as it should be for few groups: a bootstrap of n groups has their variance with n in place of n - 1, and the
/// normal's quantile in place of Student's (Hesterberg 2015, expanded percentile interval; the quantiles' ratio by its first term in
/// 1/n, Abramowitz and Stegun 26.7.5). `groups` is what the scarcer half rests on.
fn expanded(found: PairedDifference, groups: usize) -> PairedDifference {
    let freedom = groups.saturating_sub(1).max(1) as f64;
    let ratio = 1.0 + (Z * Z + 1.0) / (4.0 * freedom);
    let factor = ratio * ((freedom + 1.0) / freedom).sqrt();
    let wider = |end: f64| rounded(found.difference + (end - found.difference) * factor);
    let interval = Interval { low: wider(found.interval.low), high: wider(found.interval.high) };
    let conclusion = match (interval.low > 0.0, interval.high < 0.0) {
        (true, _) => Conclusion::Better,
        (_, true) => Conclusion::Worse,
        _ => Conclusion::NotToldApart,
    };
    PairedDifference { interval, conclusion, ..found }
}
