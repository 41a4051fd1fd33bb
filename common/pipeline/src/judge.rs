//! Who judges: the embedded model, or anything else that gives a score and its reasons.

use linkcast_domain::{FeatureVector, Influencer, ModelIdentity};
use linkcast_scoring::{Model, Score};

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

/// Gives a score, and its reasons when they are asked for, which costs more.
pub trait Judge: Send + Sync {
    /// The score of one sample.
    fn score(&self, features: &FeatureVector) -> Score;

    /// Why the sample got this score.
    fn explain(&self, features: &FeatureVector, score: &Score) -> Reasons;

    /// Who answers.
    fn identity(&self) -> &ModelIdentity;
}

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
