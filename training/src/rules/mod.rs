//! Labels without an expert: what the rules call a sample, how sure they are, and which samples a person should see.
//!
//! Rules are crude, and a model trained on nothing but their verdicts can at best repeat them; their worth is in what they leave
//! open. Where two rules see different causes, where the one that speaks is unsure, or where too little was measured to call a
//! sample normal, the sample asks for review, and reviewers' time goes there.

mod report;
mod table;

use linkcast_domain::{Feature, FeatureVector, PredictionType};

pub use report::{RuleReport, RuleTally};
pub use table::{RULES, Rule};

/// Below this confidence a label asks for review.
pub const REVIEW_BELOW: f64 = 0.75;

/// How sure the rules are of a sample none of them speaks of, when everything they look at was measured.
const QUIET_CONFIDENCE: f64 = 0.95;

/// What the silence of the rules rests on; the more of it is absent, the less it says.
const LOOKED_AT: [Feature; 6] = [
    Feature::ErrorRate,
    Feature::Utilization,
    Feature::BandwidthGbps,
    Feature::SymbolBer12m,
    Feature::XmitDiscardsPerSecond5m,
    Feature::LinkDowned12h,
];

/// What is lost for each of them that is absent.
const ABSENT_COSTS: f64 = 0.07;

/// What the rules make of a sample.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// The class.
    pub class: PredictionType,
    /// The risk, 0 to 100.
    pub risk: f64,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// The rule that speaks; none where the sample is called normal.
    pub rule: Option<&'static Rule>,
    /// The first rule that sees another cause.
    pub disputed_by: Option<&'static Rule>,
}

impl Verdict {
    /// Whether a person should see the sample.
    pub fn needs_review(&self) -> bool {
        self.disputed_by.is_some() || self.confidence < REVIEW_BELOW
    }
}

/// What the rules call a sample with these features.
pub fn judge(features: &FeatureVector) -> Verdict {
    let mut holding = RULES.iter().filter_map(|rule| Some((rule, (rule.risk)(features)?)));
    let Some((rule, risk)) = holding.next() else { return quiet(features) };
    let disputed_by = holding
        .map(|(other, _)| other)
        .find(|other| other.class != rule.class && !rule.brings.contains(&other.class));
    Verdict {
        class: rule.class,
        risk: risk.clamp(0.0, 100.0),
        confidence: rule.confidence,
        rule: Some(rule),
        disputed_by,
    }
}

fn quiet(features: &FeatureVector) -> Verdict {
    let absent = LOOKED_AT.iter().filter(|feature| features.get(**feature).is_none()).count();
    Verdict {
        class: PredictionType::Normal,
        risk: 0.0,
        confidence: QUIET_CONFIDENCE - ABSENT_COSTS * absent as f64,
        rule: None,
        disputed_by: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[(Feature, f64)]) -> FeatureVector {
        let mut row = FeatureVector::default();
        for (feature, value) in LOOKED_AT.iter().map(|feature| (*feature, 0.0)).chain(values.iter().copied())
        {
            row.set(feature, value);
        }
        row
    }

    fn check(values: &[(Feature, f64)], expected: (PredictionType, f64, bool)) {
        let verdict = judge(&row(values));
        let found = (verdict.class, (verdict.risk * 1e6).round() / 1e6, verdict.needs_review());
        assert_eq!(found, expected, "{values:?}: {:?}", verdict.rule.map(|rule| rule.name));
    }

    #[test]
    fn the_rows_of_the_table_say_what_they_are_meant_to() {
        use PredictionType::*;
        check(&[], (Normal, 0.0, false));
        check(&[(Feature::Utilization, 95.0)], (ResourceSaturation, 85.0, true));
        check(&[(Feature::QpErrors, 150.0)], (QpErrorRateHigh, 75.0, true));
        check(
            &[(Feature::ErrorRate, 0.06), (Feature::LatencyP99DeltaPercent, 310.0)],
            (RdmaTimeout, 95.0, false),
        );
        check(&[(Feature::LatencyP99DeltaPercent, 60.0)], (PerformanceDegradation, 96.0, true));
        check(&[(Feature::ErrorRate, 0.03)], (PacketLossDetected, 80.0, false));
        check(&[(Feature::LatencyP99DeltaPercent, 40.0)], (LatencySpike, 70.0, true));
        check(&[(Feature::BandwidthDeltaPercent, -40.0)], (BandwidthThrottling, 80.0, true));
        check(&[(Feature::ErrorRate, 0.015)], (ConnectionInstability, 65.0, false));
        check(&[(Feature::Utilization, 85.0)], (AnomalyDetected, 55.0, true));
        check(&[(Feature::LinkDowned12h, 9.0)], (ConnectionInstability, 100.0, true));
    }

    #[test]
    fn a_port_that_nobody_asks_more_of_is_idle_and_not_throttled() {
        let slow = |signs: &[(Feature, f64)]| {
            let signs = [&[(Feature::BandwidthDeltaPercent, -60.0)], signs].concat();
            judge(&row(&signs)).class
        };
        let idle = [(Feature::WaitRatio5m, 0.001), (Feature::CongestionNotificationsPerSecond5m, 0.2)];
        assert_eq!(slow(&idle), PredictionType::Normal);
        for sign in [
            (Feature::WaitRatio5m, 0.1),
            (Feature::CongestionNotificationsPerSecond5m, 300.0),
            (Feature::BelowCapability, 0.5),
        ] {
            assert_eq!(slow(&[idle.as_slice(), &[sign]].concat()), PredictionType::BandwidthThrottling);
        }
        assert_eq!(slow(&[]), PredictionType::BandwidthThrottling, "nothing says that it is idle");
    }

    #[test]
    fn two_causes_that_do_not_bring_each_other_ask_for_a_person() {
        let verdict = judge(&row(&[(Feature::QpErrors, 150.0), (Feature::Utilization, 95.0)]));
        assert_eq!(verdict.class, PredictionType::QpErrorRateHigh);
        assert_eq!(verdict.disputed_by.map(|rule| rule.class), Some(PredictionType::ResourceSaturation));
        assert!(verdict.needs_review());
    }

    #[test]
    fn silence_about_what_was_not_measured_is_no_verdict() {
        let verdict = judge(&FeatureVector::default());
        assert_eq!(verdict.class, PredictionType::Normal);
        assert!(verdict.needs_review(), "{verdict:?}");
    }

    #[test]
    fn the_table_is_in_order_and_its_numbers_can_be_believed() {
        assert!(RULES.windows(2).all(|pair| pair[0].priority < pair[1].priority));
        for rule in RULES {
            assert!((0.0..=1.0).contains(&rule.confidence), "{}", rule.name);
            assert!(!rule.brings.contains(&rule.class), "{}", rule.name);
        }
    }
}
