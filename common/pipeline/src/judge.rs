//! Who judges: the embedded model, or anything else that gives a score and its reasons.
//!
//! One judge may answer all, or each sample may have one of its own: who answered is then part of the judge. What has to be
//! asked across a network is asked beforehand, of many samples at once ([`Judges`]), so that a verdict itself never waits.

use std::future::Future;
use std::sync::Arc;

use linkcast_domain::{
    Attempt, Cost, FeatureVector, Influencer, ModelIdentity, NanoDollars, StreamId, Timestamp,
};
use linkcast_scoring::{Model, Score};

/// The variant that answers where nobody else is asked.
pub(crate) const EMBEDDED: &str = "embedded";

/// A score's reasons.
#[derive(Clone, Debug, PartialEq)]
pub struct Reasons {
    /// The three features that moved the score most.
    pub influencers: Vec<Influencer>,
    /// One sentence for people.
    pub sentence: String,
    /// What to do, most useful first.
    pub recommendations: Vec<String>,
}

/// How an answer came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The variant that answered.
    pub variant: String,
    /// The one that should have and did not.
    pub fallback_from: Option<String>,
    /// Time taken, µs, all attempts included.
    pub latency_us: u64,
    /// What it cost beside the attempts: the function's time and the table.
    pub overhead: Cost,
    /// Who was to answer, in order.
    pub attempts: Vec<Attempt>,
}

impl Route {
    /// What the answer cost, all attempts included.
    pub fn cost(&self) -> Cost {
        self.attempts.iter().map(|attempt| attempt.cost).sum::<Cost>() + self.overhead
    }

    /// The same in dollars, as insights say it.
    pub fn dollars(&self) -> f64 {
        NanoDollars::dollars(self.cost().total())
    }
}

/// Gives a score, and its reasons when they are asked for, which costs more.
pub trait Judge: Send + Sync {
    /// The score of one sample.
    fn score(&self, features: &FeatureVector) -> Score;

    /// Why the sample got this score.
    fn explain(&self, features: &FeatureVector, score: &Score) -> Reasons;

    /// Who answers.
    fn identity(&self) -> &ModelIdentity;

    /// How the answer came about; nothing where only the embedded model is asked.
    fn route(&self) -> Option<&Route> {
        None
    }
}

/// A sample that is to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Whose.
    pub stream: &'a StreamId,
    /// When.
    pub time: Timestamp,
    /// The forty numbers.
    pub features: &'a FeatureVector,
}

/// Finds a judge for each of many samples; whoever is asked for it, is asked here.
pub trait Judges: Send + Sync {
    /// Who judges one sample.
    type Judge: Judge;

    /// A judge for each sample, in the order given.
    fn judges(&self, samples: &[Judged<'_>]) -> impl Future<Output = Vec<Self::Judge>> + Send;
}

/// One judge for all samples.
#[derive(Clone, Copy, Debug)]
pub struct OneJudge<'a, J>(pub &'a J);

impl<'a, J: Judge> Judges for OneJudge<'a, J> {
    type Judge = &'a J;

    async fn judges(&self, samples: &[Judged<'_>]) -> Vec<&'a J> {
        vec![self.0; samples.len()]
    }
}

/// A judge behind a pointer is the judge.
macro_rules! judge_behind {
    ($($pointer:ty),*) => { $(
        impl<J: Judge> Judge for $pointer {
            fn score(&self, features: &FeatureVector) -> Score {
                (**self).score(features)
            }

            fn explain(&self, features: &FeatureVector, score: &Score) -> Reasons {
                (**self).explain(features, score)
            }

            fn identity(&self) -> &ModelIdentity {
                (**self).identity()
            }

            fn route(&self) -> Option<&Route> {
                (**self).route()
            }
        }
    )* };
}

judge_behind!(&J, Arc<J>);

impl Judge for Model {
    fn score(&self, features: &FeatureVector) -> Score {
        Model::score(self, features)
    }

    fn explain(&self, features: &FeatureVector, score: &Score) -> Reasons {
        let explanation = Model::explain(self, features, score);
        Reasons {
            influencers: explanation.influencers,
            sentence: explanation.sentence,
            recommendations: explanation.recommendations,
        }
    }

    fn identity(&self) -> &ModelIdentity {
        Model::identity(self)
    }
}
