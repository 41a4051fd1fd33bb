//! Samples that ask for a person's verdict, and the verdicts they got.
//!
//! Every verdict is kept. Of one reviewer the latest counts, of two reviewers both do: where they differ, the sample is no
//! label until they agree, and how often they agree says how far any label may be trusted.

mod desk;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{PredictionType, StreamId, Timestamp};

pub use desk::{Asked, Recorded, ReviewDesk};
pub use words::{
    ParseReviewIdError, ParseReviewVerdictError, ParseReviewerError, ReviewId, ReviewVerdict, Reviewer,
};

/// What the rules made of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleOpinion {
    /// The class.
    pub class: PredictionType,
    /// The risk, 0 to 100.
    pub risk: f64,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// The rule that spoke; none where all were silent.
    pub rule: Option<String>,
    /// The first rule that saw another cause.
    pub disputed_by: Option<String>,
}

/// What a model made of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelOpinion {
    /// The class.
    pub class: PredictionType,
    /// The risk, 0 to 100.
    pub risk: f64,
    /// How sure, 0 to 1.
    pub confidence: f64,
}

/// A sample that asks for a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReviewItem {
    /// The same for the same stream and time.
    pub id: ReviewId,
    /// The sample's stream.
    pub stream: StreamId,
    /// The sample's time.
    pub time: Timestamp,
    /// What the rules said.
    pub rules: RuleOpinion,
    /// What the live model said, where one was asked.
    pub model: Option<ModelOpinion>,
    /// What a verdict is worth: the highest is asked for first.
    pub priority: f64,
}

/// One reviewer's verdict on one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// Who.
    pub reviewer: Reviewer,
    /// When.
    pub time: Timestamp,
    /// What the sample shows.
    pub verdict: ReviewVerdict,
    /// How bad it is, 0 to 100, if the reviewer said.
    pub severity: Option<f64>,
    /// In the reviewer's words.
    pub note: String,
}

/// How far a sample's review has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nobody has spoken.
    Open,
    /// One reviewer has.
    Single,
    /// Several have, and say the same.
    Agreed,
    /// Several have, and differ.
    Disputed,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Standing; 4] = [Standing::Open, Standing::Single, Standing::Agreed, Standing::Disputed];

    /// The name in stores and output.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Open => "open",
            Standing::Single => "single",
            Standing::Agreed => "agreed",
            Standing::Disputed => "disputed",
        }
    }
}

/// A sample with every verdict on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reviewed {
    /// The sample.
    #[serde(flatten)]
    pub item: ReviewItem,
    /// Every verdict ever given, oldest first.
    pub reviews: Vec<Review>,
}

/// What every reviewer of a sample who spoke says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// What the sample shows.
    pub verdict: ReviewVerdict,
    /// How bad it is, 0 to 100: the mean of those who said.
    pub severity: Option<f64>,
}

impl Judgement {
    /// That of these verdicts on one sample, oldest first; none where nobody spoke or the latest of two reviewers differ.
    pub fn of(reviews: &[Review]) -> Option<Self> {
        let counting = counting(reviews);
        let verdict = counting.first()?.verdict;
        let severities: Vec<f64> = counting.iter().filter_map(|review| review.severity).collect();
        let mean = severities.iter().sum::<f64>() / severities.len() as f64;
        let severity = (!severities.is_empty()).then_some(mean);
        counting.iter().all(|review| review.verdict == verdict).then_some(Judgement { verdict, severity })
    }
}

/// Each reviewer's latest verdict, by name.
fn counting(reviews: &[Review]) -> Vec<&Review> {
    let latest: BTreeMap<&Reviewer, &Review> =
        reviews.iter().map(|review| (&review.reviewer, review)).collect();
    latest.into_values().collect()
}

impl Reviewed {
    /// The verdicts that count: each reviewer's latest, by name.
    pub fn standing_reviews(&self) -> Vec<&Review> {
        counting(&self.reviews)
    }

    /// How far the review has come.
    pub fn standing(&self) -> Standing {
        match self.standing_reviews().as_slice() {
            [] => Standing::Open,
            [_] => Standing::Single,
            [first, others @ ..] if others.iter().all(|other| other.verdict == first.verdict) => {
                Standing::Agreed
            }
            _ => Standing::Disputed,
        }
    }

    /// What every reviewer who spoke says: what training may take for the truth.
    pub fn verdict(&self) -> Option<ReviewVerdict> {
        Judgement::of(&self.reviews).map(|judgement| judgement.verdict)
    }

    /// Takes a verdict among the others: it replaces the one of the same reviewer and time. Says whether that changed anything.
    pub(crate) fn take(&mut self, review: &Review) -> bool {
        let same = |other: &Review| (other.time, &other.reviewer) == (review.time, &review.reviewer);
        match self.reviews.iter_mut().find(|other| same(other)) {
            Some(there) if there == review => return false,
            Some(there) => *there = review.clone(),
            None => self.reviews.push(review.clone()),
        }
        self.reviews.sort_by(|one, other| (one.time, &one.reviewer).cmp(&(other.time, &other.reviewer)));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reviewed(reviews: &[(&str, i64, &str)]) -> Reviewed {
        let (stream, time): (StreamId, _) = ("a/1".parse().unwrap(), Timestamp::EPOCH);
        let rules = RuleOpinion {
            class: PredictionType::Normal,
            risk: 0.0,
            confidence: 0.5,
            rule: None,
            disputed_by: None,
        };
        let id = ReviewId::of(&stream, time);
        let item = ReviewItem { id, stream, time, rules, model: None, priority: 1.0 };
        let mut reviewed = Reviewed { item, reviews: Vec::new() };
        for (reviewer, minute, verdict) in reviews {
            reviewed.take(&Review {
                reviewer: reviewer.parse().unwrap(),
                time: Timestamp::from_millis(minute * 60_000),
                verdict: verdict.parse().unwrap(),
                severity: None,
                note: String::new(),
            });
        }
        reviewed
    }

    #[test]
    fn a_reviewers_later_verdict_counts_whatever_the_order_they_came_in() {
        let both = reviewed(&[("ada", 9, "normal"), ("ada", 5, "rdma_timeout")]);
        assert_eq!(both.reviews.len(), 2, "history is kept");
        assert_eq!((both.standing(), both.verdict()), (Standing::Single, "normal".parse().ok()));
    }

    #[test]
    fn two_reviewers_make_a_label_only_when_they_agree() {
        assert_eq!(reviewed(&[]).standing(), Standing::Open);
        let differ = reviewed(&[("ada", 1, "normal"), ("bob", 2, "false_positive")]);
        assert_eq!((differ.standing(), differ.verdict()), (Standing::Disputed, None));
        let agreed =
            reviewed(&[("ada", 1, "normal"), ("bob", 2, "rdma_timeout"), ("ada", 3, "rdma_timeout")]);
        assert_eq!((agreed.standing(), agreed.verdict()), (Standing::Agreed, "rdma_timeout".parse().ok()));
    }

    #[test]
    fn how_bad_it_is_is_the_mean_of_those_who_agree_and_said() {
        let mut both = reviewed(&[("ada", 1, "rdma_timeout"), ("bob", 2, "rdma_timeout")]);
        assert_eq!(Judgement::of(&both.reviews).map(|judgement| judgement.severity), Some(None));
        both.reviews[0].severity = Some(70.0);
        assert_eq!(Judgement::of(&both.reviews).and_then(|judgement| judgement.severity), Some(70.0));
        both.reviews[1].severity = Some(90.0);
        assert_eq!(Judgement::of(&both.reviews).and_then(|judgement| judgement.severity), Some(80.0));
        both.reviews[1].verdict = ReviewVerdict::FalsePositive;
        assert_eq!(Judgement::of(&both.reviews), None);
    }

    #[test]
    fn the_same_review_twice_is_one() {
        let twice = reviewed(&[("ada", 1, "normal"), ("ada", 1, "normal"), ("ada", 1, "rdma_timeout")]);
        assert_eq!(twice.reviews.len(), 1);
        assert_eq!(twice.verdict(), "rdma_timeout".parse().ok());
    }
}
