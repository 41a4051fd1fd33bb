//! How far two reviewers agree beyond chance: Cohen's kappa.
//!
//! Two people who both call nearly everything normal agree on nearly everything and show nothing by it; kappa takes away what
//! they would agree on by their habits alone. Where both always say one and the same, chance alone explains all, and there is
//! no kappa: that is said, and not called 1. The interval is the large-sample one of Fleiss, Cohen and Everitt,
//! "Large sample standard errors of kappa and weighted kappa", Psychological Bulletin 72 (1969).

use std::collections::{BTreeMap, BTreeSet};

use linkcast_domain::{ReviewId, ReviewVerdict, Reviewed, Reviewer};
use serde::Serialize;

/// Standard errors to each side of a kappa that hold it 95 times of 100.
const NORMAL_95: f64 = 1.959_963_984_540_054;

/// How far two raters agree.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Kappa {
    /// Items both judged.
    pub items: u64,
    /// The share of them on which they say the same.
    pub observed: f64,
    /// The share that chance would give, by how often each says what.
    pub expected: f64,
    /// Agreement beyond chance, 1 for all of it; none where chance explains everything.
    pub kappa: Option<f64>,
    /// Its 95 % interval; none where the items are all agreed on, of which large samples say nothing.
    pub interval: Option<[f64; 2]>,
}

/// How far two raters agree on one verdict against all others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerdictAgreement {
    /// The verdict.
    pub verdict: ReviewVerdict,
    /// Items on which both give it.
    pub both: u64,
    /// Items on which only the first does.
    pub only_one: u64,
    /// Items on which only the other does.
    pub only_other: u64,
    /// Agreement on giving it or not.
    #[serde(flatten)]
    pub kappa: Kappa,
}

/// How far two reviewers agree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// The first by name.
    pub one: Reviewer,
    /// The other.
    pub other: Reviewer,
    /// Over all verdicts.
    #[serde(flatten)]
    pub kappa: Kappa,
    /// By verdict, of those that either gives.
    pub verdicts: Vec<VerdictAgreement>,
}

/// The agreement of each pair of reviewers who judged something in common, by name.
pub fn agreement(reviewed: &[Reviewed]) -> Vec<Agreement> {
    let mut by_reviewer: BTreeMap<&Reviewer, BTreeMap<&ReviewId, ReviewVerdict>> = BTreeMap::new();
    for item in reviewed {
        for review in item.standing_reviews() {
            by_reviewer.entry(&review.reviewer).or_default().insert(&item.item.id, review.verdict);
        }
    }
    let mut pairs = Vec::new();
    let mut rest = by_reviewer.iter();
    while let Some((one, verdicts)) = rest.next() {
        for (other, others) in rest.clone() {
            let common = verdicts.iter().filter_map(|(id, verdict)| Some((*verdict, *others.get(id)?)));
            let counts = Counts::of(common);
            if let Some(kappa) = counts.kappa() {
                let verdicts = counts.by_verdict();
                pairs.push(Agreement { one: (*one).clone(), other: (*other).clone(), kappa, verdicts });
            }
        }
    }
    pairs
}

/// How often one rater says this while the other says that.
#[derive(Clone, Debug)]
struct Counts<V>(BTreeMap<(V, V), u64>);

impl<V: Copy + Ord> Counts<V> {
    fn of(pairs: impl Iterator<Item = (V, V)>) -> Self {
        let mut counts = BTreeMap::new();
        pairs.for_each(|pair| *counts.entry(pair).or_insert(0) += 1);
        Counts(counts)
    }

    /// None where nothing was judged by both.
    fn kappa(&self) -> Option<Kappa> {
        let items: u64 = self.0.values().sum();
        let shares = Shares::of(self).filter(|_| items > 0)?;
        let (observed, expected) = (shares.observed(), shares.expected());
        let beyond = 1.0 - expected;
        // Shares are sums of rounded quotients: what is 1 but for the last bits is 1.
        let kappa = (beyond > 1e-12).then(|| (observed - expected) / beyond);
        let interval = kappa.and_then(|kappa| {
            let variance = shares.variance(kappa) / (items as f64 * beyond * beyond);
            let reach = NORMAL_95 * variance.max(0.0).sqrt();
            (reach > 1e-9).then(|| [(kappa - reach).max(-1.0), (kappa + reach).min(1.0)])
        });
        Some(Kappa { items, observed, expected, kappa, interval })
    }
}

impl Counts<ReviewVerdict> {
    fn by_verdict(&self) -> Vec<VerdictAgreement> {
        let given: BTreeSet<ReviewVerdict> = self.0.keys().flat_map(|(one, other)| [*one, *other]).collect();
        let of_one = |verdict: ReviewVerdict| {
            let mut counts = BTreeMap::new();
            for ((one, other), count) in &self.0 {
                *counts.entry((*one == verdict, *other == verdict)).or_insert(0) += count;
            }
            let counts = Counts(counts);
            let count = |one, other| counts.0.get(&(one, other)).copied().unwrap_or(0);
            let (both, only_one, only_other) = (count(true, true), count(true, false), count(false, true));
            let kappa = counts.kappa()?;
            Some(VerdictAgreement { verdict, both, only_one, only_other, kappa })
        };
        given.into_iter().filter_map(of_one).collect()
    }
}

/// Counts as shares of all, with their sums by rater.
struct Shares<V> {
    cells: Vec<((V, V), f64)>,
    one: BTreeMap<V, f64>,
    other: BTreeMap<V, f64>,
}

impl<V: Copy + Ord> Shares<V> {
    fn of(counts: &Counts<V>) -> Option<Self> {
        let items: u64 = counts.0.values().sum();
        let (mut one, mut other): (BTreeMap<V, u64>, BTreeMap<V, u64>) = Default::default();
        for ((first, second), count) in &counts.0 {
            *one.entry(*first).or_default() += count;
            *other.entry(*second).or_default() += count;
        }
        let share = |count: u64| count as f64 / items as f64;
        let shares = |sums: BTreeMap<V, u64>| sums.into_iter().map(|(verdict, sum)| (verdict, share(sum)));
        let cells = counts.0.iter().map(|(pair, count)| (*pair, share(*count))).collect();
        (items > 0).then(|| Shares { cells, one: shares(one).collect(), other: shares(other).collect() })
    }

    fn observed(&self) -> f64 {
        self.cells.iter().filter(|((one, other), _)| one == other).map(|(_, share)| share).sum()
    }

    fn expected(&self) -> f64 {
        self.one.iter().map(|(verdict, share)| share * of(&self.other, verdict)).sum()
    }

    /// The numerator of kappa's variance.
    fn variance(&self, kappa: f64) -> f64 {
        let left = 1.0 - kappa;
        let cell = |((one, other), share): &((V, V), f64)| {
            if one == other {
                share * (1.0 - (of(&self.one, one) + of(&self.other, one)) * left).powi(2)
            } else {
                share * (left * (of(&self.other, one) + of(&self.one, other))).powi(2)
            }
        };
        let cells: f64 = self.cells.iter().map(cell).sum();
        cells - (kappa - self.expected() * left).powi(2)
    }
}

fn of<V: Ord>(shares: &BTreeMap<V, f64>, verdict: &V) -> f64 {
    shares.get(verdict).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_domain::{PredictionType, Review, ReviewItem, RuleOpinion, Timestamp};

    fn counts<const N: usize>(table: [[u64; N]; N]) -> Counts<usize> {
        let cells = table.into_iter().enumerate();
        let cells = cells.flat_map(|(one, row)| {
            row.into_iter().enumerate().map(move |(other, count)| ((one, other), count))
        });
        Counts(cells.filter(|(_, count)| *count > 0).collect())
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 5e-5, "{found}, expected {expected}");
    }

    #[test]
    fn two_by_two_as_worked_by_hand() {
        // Both yes 20, both no 15, only one 5, only the other 10: 0.7 observed, 0.5 · 0.6 + 0.5 · 0.4 = 0.5 by chance.
        // Variance: (0.4 · 0.34² + 0.3 · 0.46² + 0.36 · (0.1 · 1.1² + 0.2 · 0.9²) − 0.1²) / (50 · 0.25) = 0.016128.
        let kappa = counts([[20, 5], [10, 15]]).kappa().unwrap();
        assert_eq!(kappa.items, 50);
        close(kappa.observed, 0.7);
        close(kappa.expected, 0.5);
        close(kappa.kappa.unwrap(), 0.4);
        let [low, high] = kappa.interval.unwrap();
        close(low, 0.4 - NORMAL_95 * 0.016_128_f64.sqrt());
        close(high, 0.4 + NORMAL_95 * 0.016_128_f64.sqrt());
    }

    #[test]
    fn three_by_three_as_fleiss_prints_it() {
        // Fleiss, Statistical Methods for Rates and Proportions, 18.1: kappa 0.68, standard error 0.087.
        let kappa = counts([[75, 1, 4], [5, 4, 1], [0, 0, 10]]).kappa().unwrap();
        close(kappa.kappa.unwrap(), (0.89 - 0.66) / 0.34);
        let [low, high] = kappa.interval.unwrap();
        let error = (high - low) / (2.0 * NORMAL_95);
        assert!((error - 0.087).abs() < 0.001, "{error}");
    }

    #[test]
    fn where_both_always_say_one_thing_there_is_no_kappa() {
        let kappa = counts([[30, 0], [0, 0]]).kappa().unwrap();
        assert_eq!((kappa.observed, kappa.expected, kappa.kappa, kappa.interval), (1.0, 1.0, None, None));
    }

    #[test]
    fn agreement_on_everything_is_one_and_of_opposites_below_zero() {
        let all = counts([[7, 0], [0, 5]]).kappa().unwrap();
        close(all.kappa.unwrap(), 1.0);
        assert_eq!(all.interval, None, "no width can be told from it");
        close(counts([[0, 5], [5, 0]]).kappa().unwrap().kappa.unwrap(), -1.0);
        assert_eq!(Counts::<u8>::of(std::iter::empty()).kappa(), None);
    }

    fn item(number: i64, verdicts: &[(&str, i64, &str)]) -> Reviewed {
        let (stream, time) = ("a/1".parse().unwrap(), Timestamp::from_millis(number));
        let rules = RuleOpinion {
            class: PredictionType::Normal,
            risk: 0.0,
            confidence: 0.5,
            rule: None,
            disputed_by: None,
        };
        let id = ReviewId::of(&stream, time);
        let item = ReviewItem { id, stream, time, rules, model: None, priority: 0.0 };
        let review = |(reviewer, minute, verdict): &(&str, i64, &str)| Review {
            reviewer: reviewer.parse().unwrap(),
            time: Timestamp::from_millis(minute * 60_000),
            verdict: verdict.parse().unwrap(),
            severity: None,
            note: String::new(),
        };
        Reviewed { item, reviews: verdicts.iter().map(review).collect() }
    }

    #[test]
    fn each_pair_is_compared_on_what_both_judged_last() {
        let items = [
            item(1, &[("ada", 1, "rdma_timeout"), ("bob", 2, "normal"), ("bob", 3, "rdma_timeout")]),
            item(2, &[("ada", 1, "normal"), ("bob", 1, "normal"), ("eve", 1, "normal")]),
            item(3, &[("ada", 1, "normal"), ("bob", 1, "false_positive")]),
            item(4, &[("eve", 1, "normal")]),
        ];
        let pairs = agreement(&items);
        let named: Vec<(String, String, u64)> = pairs
            .iter()
            .map(|pair| (pair.one.to_string(), pair.other.to_string(), pair.kappa.items))
            .collect();
        let expected = [("ada", "bob", 3), ("ada", "eve", 1), ("bob", "eve", 1)];
        assert_eq!(named, expected.map(|(one, other, items)| (one.to_owned(), other.to_owned(), items)));
        let first = &pairs[0];
        close(first.kappa.observed, 2.0 / 3.0);
        // Ada: normal 2, timeout 1; Bob: normal 1, timeout 1, false alarm 1: chance (2 · 1 + 1 · 1) / 9.
        close(first.kappa.expected, 1.0 / 3.0);
        close(first.kappa.kappa.unwrap(), 0.5);
        let normal = first.verdicts.iter().find(|one| one.verdict.name() == "normal").unwrap();
        assert_eq!((normal.both, normal.only_one, normal.only_other), (1, 1, 0));
        assert_eq!(first.verdicts.len(), 3);
        assert_eq!(pairs[1].kappa.kappa, None, "one item on which both say normal");
    }
}
