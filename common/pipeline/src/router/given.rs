//! What was answered of one sample, and the judge it makes.

use linkcast_domain::{
    Answer, Attempt, Cost, FeatureVector, ModelIdentity, NanoDollars, PiecewiseLinear, PredictionType,
};
use linkcast_routing::Policy;
use linkcast_scoring::Score;

use crate::judge::{Judge, Reasons, Route};

/// What was answered of one sample.
#[derive(Clone, Debug)]
pub(super) struct Given {
    /// The place of the variant the stream belongs to.
    pub(super) assigned: usize,
    /// The place of the variant that answered.
    pub(super) variant: usize,
    pub(super) score: Score,
    pub(super) identity: ModelIdentity,
    pub(super) sentence: Option<String>,
    pub(super) latency_us: u64,
    pub(super) attempts: Vec<Attempt>,
}

/// The judge of one sample: what was answered, explained by the embedded model where the answer brings no words.
#[derive(Clone, Debug)]
pub struct RoutedJudge<'a, E> {
    embedded: &'a E,
    score: Score,
    identity: ModelIdentity,
    sentence: Option<String>,
    route: Route,
}

impl Given {
    pub(super) fn into_judge<'a, E>(
        self,
        embedded: &'a E,
        policy: &Policy,
        function: NanoDollars,
        table: NanoDollars,
    ) -> RoutedJudge<'a, E> {
        let name = |place: usize| {
            policy.variants().get(place).map_or_else(String::new, |variant| variant.name.to_string())
        };
        let route = Route {
            variant: name(self.variant),
            fallback_from: (self.variant != self.assigned).then(|| name(self.assigned)),
            latency_us: self.latency_us,
            overhead: Cost { function, table, ..Cost::default() },
            attempts: self.attempts,
        };
        let Given { score, identity, sentence, .. } = self;
        RoutedJudge { embedded, score, identity, sentence, route }
    }
}

impl<E: Judge> Judge for RoutedJudge<'_, E> {
    /// What was answered, whatever the features: it was asked with them.
    fn score(&self, _: &FeatureVector) -> Score {
        self.score
    }

    fn explain(&self, features: &FeatureVector, score: &Score) -> Reasons {
        let reasons = self.embedded.explain(features, score);
        match &self.sentence {
            Some(sentence) if score.class == self.score.class => {
                Reasons { sentence: sentence.clone(), ..reasons }
            }
            _ => reasons,
        }
    }

    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn route(&self) -> Option<&Route> {
        Some(&self.route)
    }
}

/// The score of an answer, on the scale of all variants. A risk nobody gave is the probability that something is wrong.
pub(super) fn score(answer: &Answer, calibration: &[PiecewiseLinear]) -> Score {
    let mut probabilities = *answer.probabilities();
    for (probability, map) in probabilities.iter_mut().zip(calibration) {
        *probability = map.apply(*probability);
    }
    let sum: f64 = probabilities.iter().sum();
    if calibration.is_empty() || sum <= 0.0 {
        probabilities = *answer.probabilities();
    } else {
        probabilities = probabilities.map(|probability| probability / sum);
    }
    let mut best = (PredictionType::Normal, f64::NEG_INFINITY);
    for (class, probability) in PredictionType::ALL.into_iter().zip(probabilities) {
        if probability > best.1 {
            best = (class, probability);
        }
    }
    let [normal, ..] = probabilities;
    let risk = answer.risk().unwrap_or(100.0 * (1.0 - normal));
    Score { probabilities, class: best.0, confidence: best.1, risk }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_brought_to_the_scale_of_all() {
        let mut said = [0.02; PredictionType::COUNT];
        said[6] = 0.8;
        let answer = Answer::checked(&said, None).unwrap();
        let plain = score(&answer, &[]);
        assert_eq!((plain.class, plain.confidence), (PredictionType::LatencySpike, 0.8));
        assert!((plain.risk - 98.0).abs() < 1e-9);
        let mut maps = vec![PiecewiseLinear::default(); PredictionType::COUNT];
        maps[6] = PiecewiseLinear { knots: vec![[0.0, 0.0], [1.0, 0.5]] };
        let mapped = score(&answer, &maps);
        assert!((mapped.confidence - 0.4 / 0.6).abs() < 1e-9, "{}", mapped.confidence);
        assert!((mapped.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let nothing = vec![PiecewiseLinear { knots: vec![[0.0, 0.0], [1.0, 0.0]] }; PredictionType::COUNT];
        assert_eq!(score(&answer, &nothing), plain, "maps that leave nothing are passed over");
    }
}
