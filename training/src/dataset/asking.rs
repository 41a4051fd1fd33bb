//! Which of a group's samples a reviewer is asked about, chosen while its rows are made.
//!
//! Only where the rules have the word is a person asked: what a simulation knows or a reviewer said needs nobody, and a verdict
//! answers for its whole hour. Streams lie in one group each, so what is best in each group holds the best of all.

use linkcast_domain::{ModelOpinion, ReviewItem, Sample};
use linkcast_scoring::Model;

use super::{LabelSource, Labels, Seen};
use crate::review::ReviewChooser;

/// What is asked about, and whose opinion is heard first.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Samples at most.
    pub most: usize,
    /// The model whose opinion counts beside the rules'; every sample is scored then.
    pub model: Option<&'a Model>,
}

/// Looks at a group's samples and keeps those to ask about.
#[derive(Debug)]
pub(super) struct Asker<'a> {
    asking: Asking<'a>,
    labels: &'a Labels,
    chooser: ReviewChooser,
}

impl<'a> Asker<'a> {
    /// An asker at the beginning of a group.
    pub(super) fn new(asking: Asking<'a>, labels: &'a Labels) -> Self {
        Asker { asking, labels, chooser: ReviewChooser::new(labels.familiarity()) }
    }

    /// Looks at a sample.
    pub(super) fn look(&mut self, sample: &Sample, seen: Seen<'_>) {
        let is_open = seen.verdict.needs_review() || self.asking.model.is_some();
        let has_word = seen.source == LabelSource::Rules;
        if !is_open || !has_word || self.labels.is_answered(&sample.stream, sample.time) {
            return;
        }
        let opinion = self.asking.model.map(|model| {
            let score = model.score(seen.features);
            ModelOpinion { class: score.class, risk: score.risk, confidence: score.confidence }
        });
        self.chooser.consider(&sample.stream, sample.time, &seen.verdict, opinion);
    }

    /// What to ask about, the highest priority first.
    pub(super) fn finish(self) -> Vec<ReviewItem> {
        self.chooser.finish(self.asking.most)
    }
}
