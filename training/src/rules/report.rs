//! How far the rules reach and how often they are right.
//!
//! Coverage needs no truth: it is the share of samples that ask nobody. Precision needs one, so it is measured on simulated
//! fabrics, rule by rule, and said beside what the table believes.

use std::borrow::Cow;

use linkcast_domain::PredictionType;
use serde::{Deserialize, Serialize};

use super::{RULES, Verdict};

/// What became of one rule's verdicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleTally {
    /// The rule; `none` for samples called normal.
    pub rule: Cow<'static, str>,
    /// What it calls a sample.
    pub class: PredictionType,
    /// How sure the table is, 0 to 1.
    pub believed: f64,
    /// Samples it spoke of.
    pub spoke: u64,
    /// Of them, those where another rule saw another cause.
    pub disputed: u64,
    /// Of them, those whose true class is known.
    pub known: u64,
    /// Of those, the ones that are of its class.
    pub right: u64,
    /// Of those, the ones that are of some fault.
    pub faulty: u64,
}

impl RuleTally {
    /// The share of its verdicts that is right, where truth is known.
    pub fn precision(&self) -> Option<f64> {
        (self.known > 0).then(|| self.right as f64 / self.known as f64)
    }
}

/// Counts of verdicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleReport {
    /// Samples judged.
    pub samples: u64,
    /// Samples that ask for review.
    pub for_review: u64,
    /// By rule, in the table's order, the silence of all last.
    pub rules: Vec<RuleTally>,
}

impl Default for RuleReport {
    fn default() -> Self {
        let tally = |rule: &'static str, class, believed| RuleTally {
            rule: rule.into(),
            class,
            believed,
            spoke: 0,
            disputed: 0,
            known: 0,
            right: 0,
            faulty: 0,
        };
        let spoken = RULES.iter().map(|rule| tally(rule.name, rule.class, rule.confidence));
        let silence = tally("none", PredictionType::Normal, super::QUIET_CONFIDENCE);
        RuleReport { samples: 0, for_review: 0, rules: spoken.chain([silence]).collect() }
    }
}

impl RuleReport {
    /// Counts a verdict, beside the true class where it is known.
    pub fn add(&mut self, verdict: &Verdict, truth: Option<PredictionType>) {
        self.samples += 1;
        self.for_review += u64::from(verdict.needs_review());
        let name = verdict.rule.map_or("none", |rule| rule.name);
        let Some(tally) = self.rules.iter_mut().find(|tally| tally.rule.as_ref() == name) else { return };
        tally.spoke += 1;
        tally.disputed += u64::from(verdict.disputed_by.is_some());
        if let Some(truth) = truth {
            tally.known += 1;
            tally.right += u64::from(truth == verdict.class);
            tally.faulty += u64::from(truth != PredictionType::Normal);
        }
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &RuleReport) {
        self.samples += other.samples;
        self.for_review += other.for_review;
        for tally in &mut self.rules {
            let Some(more) = other.rules.iter().find(|more| more.rule == tally.rule) else { continue };
            tally.spoke += more.spoke;
            tally.disputed += more.disputed;
            tally.known += more.known;
            tally.right += more.right;
            tally.faulty += more.faulty;
        }
    }

    /// The share of samples that ask nobody, 0 to 1.
    pub fn coverage(&self) -> Option<f64> {
        (self.samples > 0).then(|| 1.0 - self.for_review as f64 / self.samples as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge;
    use super::*;
    use linkcast_domain::{Feature, FeatureVector};

    #[test]
    fn a_report_counts_who_spoke_and_who_was_right() {
        let mut lossy = FeatureVector::default();
        lossy.set(Feature::ErrorRate, 0.05);
        let mut report = RuleReport::default();
        report.add(&judge(&lossy), Some(PredictionType::PacketLossDetected));
        report.add(&judge(&lossy), Some(PredictionType::Normal));
        report.add(&judge(&FeatureVector::default()), None);
        let tally = report.rules.iter().find(|tally| tally.rule == "packets in error over 2 %").unwrap();
        assert_eq!((tally.spoke, tally.known, tally.right, tally.faulty), (2, 2, 1, 1));
        assert_eq!(tally.precision(), Some(0.5));
        assert_eq!((report.samples, report.for_review), (3, 1));
        assert_eq!(report.coverage(), Some(1.0 - 1.0 / 3.0));
    }
}
