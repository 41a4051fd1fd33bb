//! Why a model said what it said: the three features that moved it, a sentence, and what to do.
//!
//! The shares are exact (see `attributions`), of the chosen class's log-odds. The sentence names only features that
//! spoke for the class and only facts of the sample: values, and the medians the model knows as usual.

use linkcast_domain::{Feature, FeatureVector, Influencer};

use crate::attributions::attribute;
use crate::recommendations::recommend;
use crate::wording::{Evidence, FeatureWording, Measure, Number, of_feature, of_type};
use crate::{Model, Score};

/// How many influencers an insight has.
const INFLUENCERS: usize = 3;

/// How many of them the sentence names.
const NAMED: usize = 2;

/// A share of the strongest contribution below which a feature is not worth naming.
const WORTH_NAMING: f64 = 0.02;

/// A ratio from which a value is said to be a multiple of its usual one.
const WORTH_A_RATIO: f64 = 1.5;

/// Why, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The three features that moved the class's score most, strongest first.
    pub influencers: Vec<Influencer>,
    /// One sentence for people.
    pub sentence: String,
    /// What to do, most useful first.
    pub recommendations: Vec<String>,
}

/// One feature's part in a score.
struct Part {
    feature: Feature,
    value: Option<f64>,
    usual: Option<f64>,
    contribution: f64,
}

impl Part {
    /// What is absent or as usual may have moved a model, and tells people nothing.
    fn is_remarkable(&self) -> bool {
        let unusual = |value: f64| self.usual.is_none_or(|usual| number(usual) != number(value));
        self.value.is_some_and(unusual)
    }
}

impl Model {
    /// Why the model gave this score to these features.
    pub fn explain(&self, features: &FeatureVector, score: &Score) -> Explanation {
        let parts = self.parts(features, score);
        let influencers = parts.iter().take(INFLUENCERS).map(|part| Influencer {
            feature: part.feature.name().to_owned(),
            value: part.value,
            baseline: part.usual,
            contribution: part.contribution,
        });
        let least = parts.first().map_or(0.0, |part| part.contribution.abs() * WORTH_NAMING);
        let speaking: Vec<&Part> = parts.iter().filter(|part| part.contribution > least).collect();
        let evidence: Vec<Evidence> = speaking
            .iter()
            .take(INFLUENCERS)
            .filter_map(|part| Some(of_feature(part.feature)?.evidence))
            .collect();
        Explanation {
            influencers: influencers.collect(),
            sentence: sentence(&speaking, score),
            recommendations: recommend(score.class, &evidence),
        }
    }

    /// Each feature's exact share of the class's log-odds, in the schema's order.
    pub fn contributions(&self, features: &FeatureVector, score: &Score) -> [f64; Feature::ALL.len()] {
        let slots = self.ranks.rank(&features.to_model_input());
        attribute(&self.classifier, &self.ranks, &slots, score.class.index())
    }

    fn parts(&self, features: &FeatureVector, score: &Score) -> Vec<Part> {
        let contributions = self.contributions(features, score);
        let mut parts: Vec<Part> = Feature::ALL
            .into_iter()
            .zip(contributions)
            .zip(&self.card.reference)
            .map(|((feature, contribution), usual)| Part {
                feature,
                value: features.get(feature),
                usual: *usual,
                contribution,
            })
            .collect();
        // A stable sort: equal shares keep the schema's order, so that the same sample always reads the same.
        parts.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
        parts
    }
}

fn sentence(speaking: &[&Part], score: &Score) -> String {
    let Some(wording) = of_type(score.class) else { return String::new() };
    let facts: Vec<String> = speaking
        .iter()
        .filter(|part| part.is_remarkable())
        .filter_map(|part| Some(fact(part, of_feature(part.feature)?)))
        .take(NAMED)
        .collect();
    let facts = match facts.as_slice() {
        [] => "no single measure stands out".to_owned(),
        facts => facts.join(", and "),
    };
    format!("{facts}, which points to {}; {}", wording.points_to, wording.outlook)
}

/// One feature's value beside its usual one.
fn fact(part: &Part, wording: &FeatureWording) -> String {
    let (subject, unit) = (wording.subject, wording.unit);
    let is = if wording.number == Number::One { "is" } else { "are" };
    let Some(value) = part.value else { return format!("{subject} {is} not reported") };
    let shown = number(value);
    let Some(usual) = part.usual else { return format!("{subject} {is} {shown}{unit}") };
    let against = format!("{shown}{unit} against {} usual", number(usual));
    if shown == number(usual) {
        return format!("{subject} {is} as usual ({shown}{unit})");
    }
    let ratio = value / usual;
    if wording.measure == Measure::Ratio && usual > 0.0 && ratio >= WORTH_A_RATIO {
        return format!("{subject} {is} {}x the usual ({against})", number(ratio));
    }
    let direction = if value > usual { "above" } else { "below" };
    format!("{subject} {is} {direction} the usual ({against})")
}

/// Two significant digits where that reads well, exact where the number is whole and small.
fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !(0.001..1e6).contains(&size) {
        format!("{value:.1e}")
    } else if size >= 100.0 || value == value.trunc() {
        format!("{value:.0}")
    } else if size >= 1.0 {
        format!("{value:.1}")
    } else if size >= 0.1 {
        format!("{value:.2}").trim_end_matches('0').to_owned()
    } else {
        format!("{value:.4}").trim_end_matches('0').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_domain::PredictionType;

    fn said(feature: Feature, value: Option<f64>, usual: Option<f64>) -> String {
        fact(&Part { feature, value, usual, contribution: 1.0 }, of_feature(feature).unwrap())
    }

    #[test]
    fn a_fact_gives_value_unit_and_what_is_usual() {
        let said_of_ber = said(Feature::SymbolBer12m, Some(3.1e-12), Some(7.75e-14));
        assert_eq!(
            said_of_ber,
            "symbol errors over 12 minutes are 40x the usual (3.1e-12 per bit against 7.7e-14 usual)"
        );
        assert_eq!(
            said(Feature::SymbolBer12m, Some(3.1e-12), Some(0.0)),
            "symbol errors over 12 minutes are above the usual (3.1e-12 per bit against 0 usual)"
        );
        assert_eq!(
            said(Feature::BandwidthDeltaPercent, Some(-41.5), Some(0.0)),
            "bandwidth's departure from its baseline is below the usual (-41.5 % against 0 usual)"
        );
    }

    #[test]
    fn a_number_is_never_shortened_to_nothing() {
        let shown = [0.0, 0.0034, 0.05, 0.5, 0.126, 4.26, 60.0, 185.4, 1e7, -2.5e-9].map(number);
        assert_eq!(shown, ["0", "0.0034", "0.05", "0.5", "0.13", "4.3", "60", "185", "1.0e7", "-2.5e-9"]);
    }

    #[test]
    fn what_is_absent_or_usual_or_without_reference_is_said_so() {
        assert_eq!(said(Feature::LatencyP99, None, Some(5.0)), "99th percentile latency is not reported");
        assert_eq!(said(Feature::Utilization, Some(60.0), Some(60.0)), "utilization is as usual (60 %)");
        assert_eq!(said(Feature::LinkDowned12h, Some(2.0), None), "link drops are 2 in 12 hours");
    }

    #[test]
    fn a_sentence_without_speaking_features_still_names_the_class() {
        let score = Score {
            probabilities: [0.0; PredictionType::COUNT],
            class: PredictionType::RdmaTimeout,
            confidence: 0.4,
            risk: 50.0,
        };
        let text = sentence(&[], &score);
        assert!(text.starts_with("no single measure stands out, which points to requests"), "{text}");
    }
}
