//! The test by its known values, its false alarms over simulated years, and whom versions are held against.

use linkcast_domain::{Feedback, FeedbackStanding, InsightId, PredictionType, StreamId};

use super::*;

const DAY_MS: i64 = 24 * 3_600_000;

/// Chance that is the same in every run (Steele, Lea and Flood 2014, SplitMix).
struct Chance(u64);

impl Chance {
    fn below(&mut self, probability: f64) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) >> 11) as f64 / ((1_u64 << 53) as f64) < probability
    }
}

fn counts(confirmed: u64, wrong: u64) -> QualityCounts {
    QualityCounts { confirmed, wrong }
}

fn judged(version: &str, source: FeedbackSource, millis: i64, standing: FeedbackStanding) -> JudgedFeedback {
    let (stream, received): (StreamId, _) = ("a/1".parse().unwrap(), Timestamp::from_millis(millis));
    let feedback = Feedback {
        insight: InsightId::of(&stream, received, "t"),
        stream,
        time: received,
        class: PredictionType::RdmaTimeout,
        risk: 80.0,
        variant: "live".to_owned(),
        model_version: version.to_owned(),
        received,
        words: Vec::new(),
        history: Vec::new(),
    };
    JudgedFeedback { feedback, standing, source }
}

/// `n` labels of `version` from `day` on, one every ten minutes, every `nth` of them wrong.
fn labels(version: &str, day: i64, n: i64, nth: i64) -> Vec<JudgedFeedback> {
    let standing = |number: i64| match number % nth {
        0 => FeedbackStanding::Wrong,
        _ => FeedbackStanding::Confirmed,
    };
    let each =
        |number| judged(version, FeedbackSource::Person, day * DAY_MS + number * 600_000, standing(number));
    (0..n).map(each).collect()
}

#[test]
fn fishers_test_gives_the_values_of_the_book() {
    // Fisher's tea: 3 of 4 right is 17/70, 4 of 4 is 1/70.
    assert!((fisher(counts(3, 1), counts(1, 3)) - 17.0 / 70.0).abs() < 1e-12);
    assert!((fisher(counts(4, 0), counts(0, 4)) - 1.0 / 70.0).abs() < 1e-12);
    assert!((fisher(counts(10, 0), counts(10, 0)) - 1.0).abs() < 1e-12, "nothing wrong says nothing");
    let p = fisher(counts(190_000, 10_000), counts(1_000, 1_000));
    assert!(p.is_finite() && p < 1e-12, "{p}");
}

/// Years of a model looked at once a day, 20 labels a day; how many raised an alarm, and after how many days of harm.
fn years_with_alarm(years: u64, accuracy: f64, later: f64) -> (f64, Vec<usize>) {
    let mut chance = Chance(11);
    let mut delays = Vec::new();
    let (labels_a_day, days, window) = (20, 365, 28);
    let begins = 60;
    for _ in 0..years {
        let mut by_day: Vec<u64> = Vec::new();
        let alarm = (0..days).find(|day| {
            let right = if *day < begins { accuracy } else { later };
            by_day.push((0..labels_a_day).filter(|_| !chance.below(right)).count() as u64);
            let sum = |days: &[u64]| {
                let wrong = days.iter().sum::<u64>();
                counts(days.len() as u64 * labels_a_day - wrong, wrong)
            };
            let (first, rest) = by_day.split_at(by_day.len().min(10));
            let lately = &rest[rest.len().saturating_sub(window)..];
            held(sum(first), sum(lately), FALSE_ALARMS / LOOKS).2 == Health::Worse
        });
        delays.extend(alarm);
    }
    (delays.len() as f64 / years as f64, delays)
}

#[test]
fn a_model_as_good_as_it_was_is_called_worse_in_at_most_one_year_of_twenty() {
    for accuracy in [0.7, 0.9, 0.98] {
        let (share, _) = years_with_alarm(150, accuracy, accuracy);
        assert!(share <= 0.05, "{accuracy}: {share} of the years had a false alarm");
    }
}

#[test]
fn a_model_that_is_clearly_worse_is_called_so_within_weeks() {
    let (share, days) = years_with_alarm(60, 0.95, 0.75);
    let late = days.iter().filter(|day| **day > 60 + 28).count();
    assert!(share == 1.0 && late * 20 <= days.len(), "{share} found, {late} of them later than four weeks");
}

#[test]
fn a_version_is_held_against_its_first_labels_once_there_are_enough() {
    let mut baselines = Vec::new();
    let first = labels("3", 0, 200, 20);
    extend(&mut baselines, &first);
    let later = labels("3", 10, 120, 3);
    extend(&mut baselines, &later);
    let window: Vec<JudgedFeedback> = first.iter().chain(&later).cloned().collect();
    let [found] = judge_quality(&baselines, &window).try_into().unwrap();
    assert_eq!((found.baseline, found.window), (counts(190, 10), counts(80, 40)));
    assert_eq!((found.health, &found.against), (Health::Worse, &Against::ItsFirst), "{found:?}");
    let [fine] = judge_quality(&baselines, &labels("3", 10, 120, 20)).try_into().unwrap();
    assert_eq!(fine.health, Health::Fine, "{fine:?}");
    let [few] = judge_quality(&baselines, &labels("3", 10, 49, 1)).try_into().unwrap();
    assert_eq!(few.health, Health::NotEnoughData, "{few:?}");
}

#[test]
fn a_young_version_is_held_against_the_one_before_and_the_first_of_all_against_nobody() {
    let mut baselines = Vec::new();
    extend(&mut baselines, &labels("3", 0, 100, 20));
    let [first] = judge_quality(&baselines, &labels("3", 0, 100, 20)).try_into().unwrap();
    assert_eq!((first.against, first.health), (Against::Nobody, Health::NotEnoughData));
    extend(&mut baselines, &labels("3", 5, 100, 20));
    let young = labels("4", 20, 100, 3);
    extend(&mut baselines, &young);
    let [found] = judge_quality(&baselines, &young).try_into().unwrap();
    assert_eq!((found.against, found.health), (Against::VersionBefore("3".to_owned()), Health::Worse));
}

#[test]
fn what_people_say_is_not_mixed_with_what_outcomes_show() {
    let mut baselines = Vec::new();
    extend(&mut baselines, &labels("3", 0, 200, 20));
    let outcomes: Vec<JudgedFeedback> = labels("3", 10, 100, 2)
        .into_iter()
        .map(|one| JudgedFeedback { source: FeedbackSource::Outcome, ..one })
        .collect();
    let [found] = judge_quality(&baselines, &outcomes).try_into().unwrap();
    assert_eq!((found.source, found.health), (FeedbackSource::Outcome, Health::NotEnoughData), "{found:?}");
}

#[test]
fn baselines_are_bounded_and_the_newest_are_kept() {
    let mut baselines = Vec::new();
    for version in 0..100 {
        extend(&mut baselines, &labels(&version.to_string(), version, 1, 2));
    }
    assert_eq!((baselines.len(), baselines[0].version.as_str()), (MOST_BASELINES, "36"));
}
