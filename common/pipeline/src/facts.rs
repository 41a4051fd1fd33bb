//! What is a fact and no forecast: verdicts that hold whatever a model makes of the sample.
//!
//! A model sees ratios. A port without traffic has none, and on a link whose rate no source told, symbol errors are
//! errors of an unknown number of bits: to the model both look like ports of which nothing is known. What the counters
//! say outright is therefore said in the counters' own words, with a weight set here and not learnt.

use linkcast_domain::{Feature, FeatureVector, PredictionType, SampleField, SampleValues};
use linkcast_scoring::Score;

use crate::gate::Evidence;
use crate::settings::{ConditionPolicy, GatePolicy};
use crate::watch::Weighed;

/// A verdict that stands without a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fact {
    /// The link went down and has not come back for longer than a restart takes.
    StayedDown,
    /// The link went down several times within the time one restart takes.
    Flapping {
        /// Drops in the last twelve hours, these among them.
        drops_in_12h: f64,
    },
    /// So many errors in one sample, of an unknown number of bits or packets.
    Uncounted {
        /// Symbol errors, where the link's rate is unknown.
        symbol_errors: f64,
        /// Receive errors, where no packet was counted.
        rcv_errors: f64,
        /// Seconds they took.
        interval_s: f64,
    },
    /// Counters came to stand at their maximum: what they would count from now on is unknown.
    Saturated {
        /// How many stand there.
        counters: f64,
    },
    /// The port's counters were cleared in the interval: no trouble, and why the sample looks quiet.
    Cleared,
}

/// How sure errors of an unknown number of bits are. No published figure: less than what is certain, and more than
/// alerts ask for.
const UNCOUNTED_CONFIDENCE: f64 = 0.7;

/// How sure it is that something is wrong where nothing more can be counted, and what that weighs: worth a look, and less than
/// any condition asks for.
const SATURATED_CONFIDENCE: f64 = 0.5;
const SATURATED_RISK: f64 = 50.0;

impl Fact {
    /// The errors in a sample that no ratio tells the model of, if there are enough.
    pub fn uncounted(policy: &GatePolicy, values: &SampleValues, vector: &FeatureVector) -> Option<Fact> {
        let unseen = |field, ratio| {
            let errors = values.get(field).filter(|_| vector.get(ratio).is_none());
            errors.filter(|errors| *errors >= policy.uncounted_errors).unwrap_or(0.0)
        };
        let symbol_errors = unseen(SampleField::SymbolErrors, Feature::SymbolBer12m);
        let rcv_errors = unseen(SampleField::RcvErrors, Feature::RcvErrorRatio5m);
        let interval_s = values.get(SampleField::IntervalS).unwrap_or(0.0);
        (symbol_errors + rcv_errors > 0.0).then_some(Fact::Uncounted {
            symbol_errors,
            rcv_errors,
            interval_s,
        })
    }

    /// The fact behind a sample's signs, if there is one.
    pub fn of(
        policy: &GatePolicy,
        values: &SampleValues,
        vector: &FeatureVector,
        weighed: &Weighed,
    ) -> Option<Fact> {
        if weighed.firm.has(Evidence::STAYED_DOWN) {
            Some(Fact::StayedDown)
        } else if weighed.firm.has(Evidence::FLAPPING) {
            let drops_in_12h = vector.get(Feature::LinkDowned12h).unwrap_or(0.0);
            Some(Fact::Flapping { drops_in_12h })
        } else if weighed.firm.has(Evidence::UNCOUNTED) {
            Fact::uncounted(policy, values, vector)
        } else if weighed.worth_scoring.has(Evidence::SATURATED) {
            let counters = values.get(SampleField::SaturatedCounters).unwrap_or(0.0);
            Some(Fact::Saturated { counters })
        } else if weighed.worth_scoring.has(Evidence::RESET) {
            Some(Fact::Cleared)
        } else {
            None
        }
    }

    /// The score with what is certain put in its place; the model's risk stands where it is higher.
    pub fn settle(self, policy: &ConditionPolicy, score: &Score) -> Score {
        let (confidence, risk) = match self {
            Fact::StayedDown | Fact::Flapping { .. } => (1.0, policy.fact_risk),
            Fact::Cleared => return *score,
            Fact::Uncounted { .. } | Fact::Saturated { .. } if score.class != PredictionType::Normal => {
                return *score;
            }
            Fact::Uncounted { .. } => (UNCOUNTED_CONFIDENCE, policy.fact_risk),
            Fact::Saturated { .. } => (SATURATED_CONFIDENCE, SATURATED_RISK),
        };
        let class = self.class();
        let others = (1.0 - confidence) / (PredictionType::COUNT - 1) as f64;
        let mut probabilities = [others; PredictionType::COUNT];
        probabilities.get_mut(class.index()).into_iter().for_each(|own| *own = confidence);
        Score { probabilities, class, confidence, risk: score.risk.max(risk) }
    }

    /// What the fact is a case of.
    pub fn class(self) -> PredictionType {
        match self {
            Fact::StayedDown | Fact::Flapping { .. } | Fact::Uncounted { .. } => {
                PredictionType::ConnectionInstability
            }
            Fact::Saturated { .. } => PredictionType::AnomalyDetected,
            Fact::Cleared => PredictionType::Normal,
        }
    }

    /// The fact, for people.
    pub fn sentence(self) -> String {
        match self {
            Fact::StayedDown => {
                "the link went down and has not come back for longer than a restart takes".to_owned()
            }
            Fact::Flapping { drops_in_12h } => {
                format!(
                    "the link keeps dropping: {drops_in_12h:.0} times in 12 hours, several of them in a row"
                )
            }
            Fact::Uncounted { symbol_errors, rcv_errors, interval_s } => {
                let symbols = (symbol_errors > 0.0).then(|| {
                    format!("{symbol_errors:.0} symbol errors on a link whose rate is not reported")
                });
                let received = (rcv_errors > 0.0)
                    .then(|| format!("{rcv_errors:.0} receive errors though no packet was counted"));
                let told: Vec<String> = [symbols, received].into_iter().flatten().collect();
                format!(
                    "within {interval_s:.0} s, {}, which points to a link about to drop, or already flapping",
                    told.join(" and ")
                )
            }
            Fact::Saturated { counters } => format!(
                "counters at their maximum: {counters:.0}; until their owner clears them nobody can see what \
                 they would count"
            ),
            Fact::Cleared => {
                "the port's counters were cleared, by another tool or a restart; this sample counts from \
                              there, and no trouble is expected"
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(symbols: f64, received: f64) -> SampleValues {
        let mut values = SampleValues::default();
        values.set(SampleField::SymbolErrors, symbols);
        values.set(SampleField::RcvErrors, received);
        values.set(SampleField::IntervalS, 30.0);
        values
    }

    fn well() -> Score {
        let mut probabilities = [0.0; PredictionType::COUNT];
        probabilities[0] = 1.0;
        Score { probabilities, class: PredictionType::Normal, confidence: 1.0, risk: 3.0 }
    }

    #[test]
    fn errors_of_an_unknown_number_of_bits_are_a_fact_from_the_diagnostics_own_threshold_on() {
        let (gate, policy) = (GatePolicy::default(), ConditionPolicy::default());
        let none = FeatureVector::default();
        assert_eq!(Fact::uncounted(&gate, &values(9.0, 0.0), &none), None);
        let fact = Fact::uncounted(&gate, &values(200.0, 12.0), &none).unwrap();
        let score = fact.settle(&policy, &well());
        assert_eq!(score.class, PredictionType::ConnectionInstability);
        assert!((score.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!((score.risk, score.confidence), (policy.fact_risk, 0.7));
        let sentence = fact.sentence();
        assert!(sentence.contains("200 symbol errors") && sentence.contains("12 receive"), "{sentence}");
    }

    #[test]
    fn where_a_ratio_is_known_the_model_judges() {
        let mut vector = FeatureVector::default();
        vector.set(Feature::SymbolBer12m, 1e-10);
        vector.set(Feature::RcvErrorRatio5m, 1e-6);
        assert_eq!(Fact::uncounted(&GatePolicy::default(), &values(200.0, 200.0), &vector), None);
    }

    #[test]
    fn counters_that_came_to_stand_at_their_maximum_are_no_healthy_link() {
        let mut values = SampleValues::default();
        values.set(SampleField::SaturatedCounters, 2.0);
        let weighed = |worth_scoring| Weighed { worth_scoring, firm: Evidence::default(), came_back: false };
        let of =
            |worth| Fact::of(&GatePolicy::default(), &values, &FeatureVector::default(), &weighed(worth));
        assert_eq!(of(Evidence::default()), None, "they stood there before");
        let fact = of(Evidence::SATURATED).unwrap();
        let score = fact.settle(&ConditionPolicy::default(), &well());
        assert_eq!((score.class, score.risk), (PredictionType::AnomalyDetected, 50.0));
        assert!(fact.sentence().contains("maximum: 2"), "{}", fact.sentence());
    }

    #[test]
    fn cleared_counters_are_said_to_be_so_and_judged_by_the_model() {
        let weighed = Weighed { worth_scoring: Evidence::RESET, firm: Evidence::default(), came_back: false };
        let (values, vector) = (SampleValues::default(), FeatureVector::default());
        let fact = Fact::of(&GatePolicy::default(), &values, &vector, &weighed).unwrap();
        assert_eq!(fact, Fact::Cleared);
        assert_eq!(fact.settle(&ConditionPolicy::default(), &well()), well());
        assert_eq!(fact.class(), PredictionType::Normal);
    }

    #[test]
    fn a_model_that_names_trouble_is_not_overruled_by_a_count() {
        let fact = Fact::Uncounted { symbol_errors: 50.0, rcv_errors: 0.0, interval_s: 30.0 };
        let score = Score { class: PredictionType::PacketLossDetected, risk: 70.0, ..well() };
        assert_eq!(fact.settle(&ConditionPolicy::default(), &score), score);
        let certain = Fact::StayedDown.settle(&ConditionPolicy::default(), &score);
        assert_eq!((certain.class, certain.confidence), (PredictionType::ConnectionInstability, 1.0));
    }
}
