//! Which samples a person should see first.
//!
//! A reviewer's hour is dear and gives some dozens of verdicts, so they go where they change most: to samples nobody is sure of, that
//! would matter, of classes hardly anyone has seen. One port that misbehaves all day would fill the whole queue with one question asked
//! a thousand times; of one stream and hour only the best sample is asked about, and each further one of a stream is worth less.

use std::collections::BTreeMap;

use linkcast_domain::{
    ModelOpinion, PredictionType, ReviewId, ReviewItem, ReviewVerdict, Reviewed, RuleOpinion, StreamId,
    Timestamp,
};

use crate::rules::Verdict;

/// Samples of one stream within this time ask the same question.
pub(crate) const SAME_QUESTION_MS: i64 = 3_600_000;

/// At most so many samples of one stream wait to be chosen from.
const MOST_OF_A_STREAM: usize = 16;

/// What a sample without any risk is still worth: what was missed looks like this.
const LEAST_VALUE: f64 = 0.2;

/// So many verdicts on a class halve what one more is worth by its rarity, thrice as many the rest again.
const FAMILIAR_FROM: f64 = 25.0;

/// How much of the worth does not depend on the class's rarity.
const WHATEVER_THE_CLASS: f64 = 0.5;

/// Verdicts by class: how familiar each class is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Familiarity([u64; PredictionType::COUNT]);

impl Familiarity {
    /// That of everything reviewers agree on.
    pub fn of<'a>(reviewed: impl IntoIterator<Item = &'a Reviewed>) -> Self {
        reviewed.into_iter().filter_map(Reviewed::verdict).map(ReviewVerdict::class).collect()
    }

    /// How rare a class is among verdicts: 1 where there is none, towards 0 with many.
    pub fn rarity(&self, class: PredictionType) -> f64 {
        let count = self.0.get(class.index()).copied().unwrap_or(0);
        1.0 / (1.0 + count as f64 / FAMILIAR_FROM)
    }
}

impl FromIterator<PredictionType> for Familiarity {
    /// Of the class of each verdict.
    fn from_iter<I: IntoIterator<Item = PredictionType>>(classes: I) -> Self {
        let mut counts = Familiarity::default();
        for class in classes {
            counts.0.get_mut(class.index()).into_iter().for_each(|count| *count += 1);
        }
        counts
    }
}

/// How unsure the opinions on a sample leave one, 0 to 1.
///
/// Rules that doubt themselves, 1 − confidence; where another rule sees another cause, 1 − confidence/2. A model of another
/// opinion raises that to its own confidence, for one of the two is wrong; one of the same opinion takes up to half of it away.
pub fn uncertainty(rules: &RuleOpinion, model: Option<&ModelOpinion>) -> f64 {
    let share = if rules.disputed_by.is_some() { 0.5 } else { 1.0 };
    let doubt = 1.0 - share * rules.confidence.clamp(0.0, 1.0);
    match model {
        None => doubt,
        Some(model) if model.class == rules.class => doubt * (1.0 - 0.5 * model.confidence.clamp(0.0, 1.0)),
        Some(model) => doubt.max(model.confidence.clamp(0.0, 1.0)),
    }
}

/// What a verdict on a sample is worth, 0 to 100: uncertainty · value · rarity.
///
/// The value grows with the higher of the two risks from 0.2 to 1; the rarity is that of the rarer class named, and counts
/// for half.
pub fn priority(rules: &RuleOpinion, model: Option<&ModelOpinion>, familiarity: &Familiarity) -> f64 {
    let risk = model.map_or(rules.risk, |model| model.risk.max(rules.risk)).clamp(0.0, 100.0);
    let value = LEAST_VALUE + (1.0 - LEAST_VALUE) * risk / 100.0;
    let of_model = model.map_or(0.0, |model| familiarity.rarity(model.class));
    let rarity = familiarity.rarity(rules.class).max(of_model);
    let rarity = WHATEVER_THE_CLASS + (1.0 - WHATEVER_THE_CLASS) * rarity;
    100.0 * uncertainty(rules, model) * value * rarity
}

/// What the rules said, as reviewers are shown it.
pub fn rule_opinion(verdict: &Verdict) -> RuleOpinion {
    RuleOpinion {
        class: verdict.class,
        risk: verdict.risk,
        confidence: verdict.confidence,
        rule: verdict.rule.map(|rule| rule.name.to_owned()),
        disputed_by: verdict.disputed_by.map(|rule| rule.name.to_owned()),
    }
}

/// Chooses, among any number of samples, those to ask about. What it holds grows with streams and not with samples.
#[derive(Clone, Debug, Default)]
pub struct ReviewChooser {
    familiarity: Familiarity,
    /// By stream, the best sample of each hour.
    best: BTreeMap<StreamId, BTreeMap<i64, ReviewItem>>,
}

impl ReviewChooser {
    /// Chooses for reviewers who gave these verdicts before.
    pub fn new(familiarity: Familiarity) -> Self {
        ReviewChooser { familiarity, best: BTreeMap::new() }
    }

    /// Looks at a sample. It is asked about if the rules want it to be, or if the model contradicts them.
    pub fn consider(
        &mut self,
        stream: &StreamId,
        time: Timestamp,
        verdict: &Verdict,
        model: Option<ModelOpinion>,
    ) {
        let contradicts = model.is_some_and(|model| model.class != verdict.class);
        if !verdict.needs_review() && !contradicts {
            return;
        }
        let rules = rule_opinion(verdict);
        let priority = priority(&rules, model.as_ref(), &self.familiarity);
        let id = ReviewId::of(stream, time);
        let item = ReviewItem { id, stream: stream.clone(), time, rules, model, priority };
        let of_stream = self.best.entry(stream.clone()).or_default();
        let hour = time.millis().div_euclid(SAME_QUESTION_MS);
        let is_best = of_stream.get(&hour).is_none_or(|there| comes_before(&item, there));
        if is_best {
            of_stream.insert(hour, item);
            forget_the_least(of_stream);
        }
    }

    /// The items to ask about, at most `limit`, the highest priority first.
    pub fn finish(self, limit: usize) -> Vec<ReviewItem> {
        let of_streams = self.best.into_values().map(|of_stream| spread(of_stream.into_values().collect()));
        let mut items = Vec::new();
        keep_best(&mut items, of_streams.flatten(), limit);
        items
    }
}

/// Adds what was chosen among other streams and keeps the best `limit` of all, the highest priority first. Whatever the order in
/// which the shares come, the same are kept.
pub fn keep_best(kept: &mut Vec<ReviewItem>, more: impl IntoIterator<Item = ReviewItem>, limit: usize) {
    kept.extend(more);
    sort(kept);
    kept.truncate(limit);
}

fn forget_the_least(of_stream: &mut BTreeMap<i64, ReviewItem>) {
    if of_stream.len() <= MOST_OF_A_STREAM {
        return;
    }
    let least =
        of_stream.iter().reduce(|least, other| if comes_before(least.1, other.1) { other } else { least });
    if let Some(hour) = least.map(|(hour, _)| *hour) {
        of_stream.remove(&hour);
    }
}

/// One stream's items, the second best worth a half of what it would be alone, the third best a third, and so on.
fn spread(mut items: Vec<ReviewItem>) -> Vec<ReviewItem> {
    sort(&mut items);
    for (place, item) in items.iter_mut().enumerate() {
        item.priority /= (place + 1) as f64;
    }
    items
}

fn sort(items: &mut [ReviewItem]) {
    items.sort_by(|one, other| {
        other
            .priority
            .total_cmp(&one.priority)
            .then_with(|| (one.time, &one.id).cmp(&(other.time, &other.id)))
    });
}

fn comes_before(one: &ReviewItem, other: &ReviewItem) -> bool {
    (one.priority, other.time) > (other.priority, one.time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::judge;
    use linkcast_domain::{Feature, FeatureVector};

    fn rules(confidence: f64, risk: f64) -> RuleOpinion {
        let class = PredictionType::PacketLossDetected;
        RuleOpinion { class, risk, confidence, rule: None, disputed_by: None }
    }

    fn model(class: PredictionType, confidence: f64) -> ModelOpinion {
        ModelOpinion { class, confidence, risk: 0.0 }
    }

    fn worth(rules: &RuleOpinion, model: Option<ModelOpinion>) -> f64 {
        (priority(rules, model.as_ref(), &Familiarity::default()) * 1e9).round() / 1e9
    }

    #[test]
    fn a_priority_is_uncertainty_times_value_times_rarity() {
        assert_eq!(worth(&rules(0.5, 100.0), None), 50.0);
        assert_eq!(worth(&rules(0.5, 0.0), None), 10.0, "without risk a fifth is left");
        assert_eq!(worth(&rules(1.0, 100.0), None), 0.0, "what is certain is not asked");
        let disputed = RuleOpinion { disputed_by: Some("another".into()), ..rules(0.8, 100.0) };
        assert_eq!(worth(&disputed, None), 60.0);
        assert_eq!(worth(&rules(0.5, 100.0), Some(model(PredictionType::PacketLossDetected, 1.0))), 25.0);
        assert_eq!(worth(&rules(0.9, 100.0), Some(model(PredictionType::Normal, 0.95))), 95.0);
        let seen_by_the_model = ModelOpinion { risk: 100.0, ..model(PredictionType::RdmaTimeout, 0.9) };
        assert_eq!(worth(&rules(0.9, 0.0), Some(seen_by_the_model)), 90.0, "the higher risk counts");
    }

    #[test]
    fn a_class_that_reviewers_know_well_is_worth_half() {
        let mut familiarity = Familiarity::default();
        familiarity.0[PredictionType::PacketLossDetected.index()] = 25;
        assert_eq!(priority(&rules(0.0, 100.0), None, &familiarity), 75.0);
        let rarer = model(PredictionType::RdmaTimeout, 0.5);
        assert_eq!(priority(&rules(0.0, 100.0), Some(&rarer), &familiarity), 100.0);
        assert!(familiarity.rarity(PredictionType::PacketLossDetected) == 0.5);
    }

    #[test]
    fn familiarity_counts_what_reviewers_agree_on() {
        let mut chooser = ReviewChooser::default();
        chooser.consider(&stream(1), at(0), &judge(&FeatureVector::default()), None);
        let item = chooser.finish(1).remove(0);
        let review = |name: &str, verdict| linkcast_domain::Review {
            reviewer: name.parse().unwrap(),
            time: at(0),
            verdict,
            severity: None,
            note: String::new(),
        };
        let timeout = ReviewVerdict::Class(PredictionType::RdmaTimeout);
        let agreed = Reviewed { item: item.clone(), reviews: vec![review("ada", timeout)] };
        let both = vec![review("ada", timeout), review("bob", ReviewVerdict::FalsePositive)];
        let disputed = Reviewed { item, reviews: both };
        let familiarity = Familiarity::of([&agreed, &disputed]);
        assert!((familiarity.rarity(PredictionType::RdmaTimeout) - 25.0 / 26.0).abs() < 1e-12);
        assert!(familiarity.rarity(PredictionType::Normal) == 1.0);
    }

    fn stream(number: u64) -> StreamId {
        format!("{number:016x}/1").parse().unwrap()
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    /// A verdict that asks for review.
    fn unsure(utilization: f64) -> Verdict {
        let mut row = FeatureVector::default();
        row.set(Feature::Utilization, utilization);
        let verdict = judge(&row);
        assert!(verdict.needs_review());
        verdict
    }

    #[test]
    fn one_noisy_port_does_not_fill_the_queue() {
        let mut chooser = ReviewChooser::default();
        for minute in 0..3_000 {
            chooser.consider(&stream(1), at(minute), &unsure(85.0), None);
        }
        for number in 2..=4 {
            chooser.consider(&stream(number), at(7), &unsure(85.0), None);
        }
        let items = chooser.finish(5);
        let of_noisy = items.iter().filter(|item| item.stream == stream(1)).count();
        assert_eq!((items.len(), of_noisy), (5, 2));
        assert!(items[..4].iter().all(|item| item.priority == items[0].priority));
        assert_eq!(items[4].priority, items[0].priority / 2.0);
    }

    #[test]
    fn what_the_rules_are_sure_of_is_asked_only_where_the_model_contradicts() {
        let mut row = FeatureVector::default();
        row.set(Feature::ErrorRate, 0.05);
        let sure = judge(&row);
        assert!(!sure.needs_review());
        let mut chooser = ReviewChooser::default();
        chooser.consider(&stream(1), at(0), &sure, None);
        chooser.consider(&stream(2), at(0), &sure, Some(model(sure.class, 0.4)));
        chooser.consider(&stream(3), at(0), &sure, Some(model(PredictionType::Normal, 0.9)));
        let items = chooser.finish(9);
        assert_eq!(items.iter().map(|item| &item.stream).collect::<Vec<_>>(), [&stream(3)]);
    }

    #[test]
    fn shares_of_streams_come_to_the_same_as_all_at_once() {
        let choose = |numbers: &[u64]| {
            let mut chooser = ReviewChooser::default();
            for number in numbers {
                for hour in 0..4 {
                    let sample = unsure(81.0 + *number as f64);
                    chooser.consider(&stream(*number), at(hour * 60), &sample, None);
                }
            }
            chooser.finish(5)
        };
        let at_once = choose(&[1, 2, 3, 4]);
        for shares in [[choose(&[1, 3]), choose(&[2, 4])], [choose(&[4]), choose(&[1, 2, 3])]] {
            let mut kept = Vec::new();
            shares.into_iter().for_each(|share| keep_best(&mut kept, share, 5));
            assert_eq!(kept, at_once);
        }
    }

    #[test]
    fn what_is_chosen_does_not_depend_on_the_order_samples_come_in() {
        let samples: Vec<(u64, i64)> =
            (0..40).flat_map(|hour| [(1, hour * 60), (2, hour * 60 + 5)]).collect();
        let choose = |samples: &[(u64, i64)]| {
            let mut chooser = ReviewChooser::default();
            for (number, minute) in samples {
                let utilization = 81.0 + (minute / 60 % 8) as f64;
                chooser.consider(&stream(*number), at(*minute), &unsure(utilization), None);
            }
            chooser.finish(20)
        };
        let reversed: Vec<(u64, i64)> = samples.iter().rev().copied().collect();
        assert_eq!(choose(&samples), choose(&reversed));
    }
}
