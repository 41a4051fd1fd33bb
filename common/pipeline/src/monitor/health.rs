//! How each variant does: the last day held against each of the seven days before.
//!
//! Failures come in bursts, so that a day's questions are no independent trials, and a test that took them for such would call
//! every outage of a minute a change. A day is what is compared: it is worse if it is worse than each of the days before, and by
//! enough to matter. Of days that do not differ one in eight is the worst by chance; the second condition makes that rare.

use std::collections::{BTreeMap, BTreeSet};

use linkcast_routing::{Evidence, VariantEvidence};
use serde::{Deserialize, Serialize};

/// Hours of a day.
const DAY_HOURS: i64 = 24;
/// Days before that the last one is held against.
const DAYS_BEFORE: i64 = 7;
/// Questions a day must have had to be compared.
const LEAST_TURNS: u64 = 100;
/// Days before that must have had so many.
const LEAST_DAYS: usize = 3;
/// How much worse than the worst day before a share must be, 0 to 1, and how many times as much.
const SHARE_MARGIN: (f64, f64) = (0.01, 1.5);
/// How much longer than on the worst day before answers must take, µs, and how many times as long.
const LATENCY_MARGIN_US: (f64, f64) = (1_000.0, 1.25);

/// What is known of something watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it was.
    Fine,
    /// Worse than it was.
    Worse,
    /// Too little was seen to say.
    NotEnoughData,
}

/// What is measured of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The share of questions asked that were not answered.
    ErrorRate,
    /// The time that half of the answers took at most, µs.
    LatencyP50,
    /// The time that 99 of 100 answers took at most, µs.
    LatencyP99,
    /// The share of samples whose turn it was that another answered.
    FallbackRate,
    /// The share of samples it was not asked because it rested.
    Rested,
    /// The share of samples it was not asked because no time was left.
    NoTime,
}

/// One measure of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureHealth {
    /// What was measured.
    pub measure: Measure,
    /// On the last day; none if nothing was seen.
    pub last: Option<f64>,
    /// On the worst of the days before.
    pub worst_before: Option<f64>,
    /// What follows.
    pub health: Health,
}

/// One variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantHealth {
    /// Its name.
    pub variant: String,
    /// Samples of the last day it was asked or should have been.
    pub requests: u64,
    /// Of its answers, those in another's place.
    pub stood_in: u64,
    /// Days before it is held against.
    pub days_before: usize,
    /// Worse if one measure is.
    pub health: Health,
    /// Each measure.
    pub measures: Vec<MeasureHealth>,
}

impl Health {
    /// The name in output.
    pub fn name(self) -> &'static str {
        match self {
            Health::Fine => "fine",
            Health::Worse => "WORSE",
            Health::NotEnoughData => "not enough data",
        }
    }
}

impl Measure {
    /// Every measure.
    pub const ALL: [Measure; 6] = [
        Measure::ErrorRate,
        Measure::LatencyP50,
        Measure::LatencyP99,
        Measure::FallbackRate,
        Measure::Rested,
        Measure::NoTime,
    ];

    /// The name for people.
    pub fn name(self) -> &'static str {
        match self {
            Measure::ErrorRate => "errors",
            Measure::LatencyP50 => "latency p50",
            Measure::LatencyP99 => "latency p99",
            Measure::FallbackRate => "fallback",
            Measure::Rested => "rested",
            Measure::NoTime => "no time",
        }
    }

    /// A value of it for people.
    pub fn told(self, value: f64) -> String {
        match self {
            Measure::LatencyP50 | Measure::LatencyP99 => format!("{:.2} ms", value / 1e3),
            _ => format!("{:.2} %", value * 100.0),
        }
    }

    fn of(self, seen: &VariantEvidence) -> Option<f64> {
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let all = turns(seen);
        match self {
            Measure::ErrorRate => share(seen.failed(), seen.asked()),
            Measure::LatencyP50 => seen.latency.quantile(0.5),
            Measure::LatencyP99 => seen.latency.quantile(0.99),
            Measure::FallbackRate => share(all - seen.answered, all),
            Measure::Rested => share(seen.rested, all),
            Measure::NoTime => share(seen.no_time, all),
        }
    }

    fn margin(self) -> (f64, f64) {
        match self {
            Measure::LatencyP50 | Measure::LatencyP99 => LATENCY_MARGIN_US,
            _ => SHARE_MARGIN,
        }
    }
}

/// The hour, since 1970, from which on evidence is needed for a look at `hour`.
pub(super) fn first_hour(hour: i64) -> i64 {
    hour - DAY_HOURS * (DAYS_BEFORE + 1)
}

/// Judges every variant seen on the eight days before `hour`, by name; `hours` is what was seen in each hour.
pub fn judge_variants(hours: &BTreeMap<i64, Evidence>, hour: i64) -> Vec<VariantHealth> {
    let day = |days_ago: i64| {
        let end = hour - DAY_HOURS * days_ago;
        let mut all = Evidence::default();
        hours.range(end - DAY_HOURS..end).for_each(|(_, seen)| all.merge(seen));
        all
    };
    let before: Vec<Evidence> = (1..=DAYS_BEFORE).map(day).collect();
    let last = day(0);
    let names: BTreeSet<&str> =
        before.iter().chain([&last]).flat_map(Evidence::iter).map(|(name, _)| name).collect();
    names
        .into_iter()
        .map(|name| judge_variant(name, &seen_of(&last, name).unwrap_or_default(), &before))
        .collect()
}

fn seen_of(day: &Evidence, variant: &str) -> Option<VariantEvidence> {
    day.iter().find(|(name, _)| *name == variant).map(|(_, seen)| seen.clone())
}

fn judge_variant(variant: &str, last: &VariantEvidence, before: &[Evidence]) -> VariantHealth {
    let own = before.iter().filter_map(|day| seen_of(day, variant));
    let days: Vec<VariantEvidence> = own.filter(|day| turns(day) >= LEAST_TURNS).collect();
    let is_enough = turns(last) >= LEAST_TURNS && days.len() >= LEAST_DAYS;
    let measures: Vec<MeasureHealth> =
        Measure::ALL.map(|measure| compared(measure, last, &days, is_enough)).into();
    let is = |health| measures.iter().any(|one| one.health == health);
    let health = if is(Health::Worse) {
        Health::Worse
    } else if is(Health::Fine) {
        Health::Fine
    } else {
        Health::NotEnoughData
    };
    VariantHealth {
        variant: variant.to_owned(),
        requests: turns(last),
        stood_in: last.stood_in,
        days_before: days.len(),
        health,
        measures,
    }
}

fn compared(
    measure: Measure,
    last: &VariantEvidence,
    days: &[VariantEvidence],
    is_enough: bool,
) -> MeasureHealth {
    let now = measure.of(last);
    let worst = days.iter().filter_map(|day| measure.of(day)).max_by(f64::total_cmp);
    let health = match (now, worst) {
        (Some(now), Some(worst)) if is_enough => {
            let (more, times) = measure.margin();
            if now > worst + more && now > worst * times { Health::Worse } else { Health::Fine }
        }
        _ => Health::NotEnoughData,
    };
    MeasureHealth { measure, last: now, worst_before: worst, health }
}

/// Samples it was asked or should have been.
fn turns(seen: &VariantEvidence) -> u64 {
    seen.asked() + seen.rested + seen.no_time + seen.overtaken
}

#[cfg(test)]
mod tests {
    use linkcast_domain::FailureKind;

    use super::*;

    const NOW: i64 = 480_000;

    fn hours(each: impl Fn(i64) -> VariantEvidence) -> BTreeMap<i64, Evidence> {
        let evidence = |seen: VariantEvidence| {
            let text = serde_json::to_string(&BTreeMap::from([("live", seen)])).unwrap();
            serde_json::from_str::<Evidence>(&text).unwrap()
        };
        (first_hour(NOW)..=NOW).map(|hour| (hour, evidence(each(hour)))).collect()
    }

    fn seen(answered: u64, failed: u64, micros: u64) -> VariantEvidence {
        let mut seen = VariantEvidence { answered, ..VariantEvidence::default() };
        seen.failures.insert(FailureKind::Timeout, failed);
        (0..answered).for_each(|_| seen.latency.add(micros));
        seen
    }

    fn health(found: &[VariantHealth], measure: Measure) -> Health {
        found[0].measures.iter().find(|one| one.measure == measure).unwrap().health
    }

    #[test]
    fn a_day_as_the_others_is_fine_and_one_beyond_all_of_them_is_worse() {
        let bursts = |hour: i64| if hour % 50 == 0 { seen(50, 50, 900) } else { seen(100, 0, 900) };
        let calm = judge_variants(&hours(bursts), NOW);
        assert_eq!((calm[0].health, calm[0].days_before), (Health::Fine, 7), "{calm:?}");
        let failing = |hour: i64| if hour >= NOW - 24 { seen(90, 10, 9_000) } else { bursts(hour) };
        let found = judge_variants(&hours(failing), NOW);
        for measure in [Measure::ErrorRate, Measure::FallbackRate, Measure::LatencyP99] {
            assert_eq!(health(&found, measure), Health::Worse, "{measure:?}");
        }
        assert_eq!(health(&found, Measure::Rested), Health::Fine);
    }

    #[test]
    fn the_hour_that_is_not_over_is_not_looked_at() {
        let found = judge_variants(
            &hours(|hour| if hour == NOW { seen(0, 9_999, 1) } else { seen(10, 0, 900) }),
            NOW,
        );
        assert_eq!((found[0].health, found[0].requests), (Health::Fine, 240));
    }

    #[test]
    fn little_traffic_and_few_days_are_not_enough_to_say() {
        let little = judge_variants(&hours(|_| seen(1, 3, 900)), NOW);
        assert_eq!(little[0].health, Health::NotEnoughData, "96 questions a day");
        let young =
            judge_variants(&hours(|hour| if hour > NOW - 60 { seen(50, 50, 9) } else { seen(0, 0, 1) }), NOW);
        assert_eq!((young[0].health, young[0].days_before), (Health::NotEnoughData, 2));
        assert_eq!(judge_variants(&BTreeMap::new(), NOW), []);
        let silent = judge_variants(&hours(|hour| seen(if hour < NOW - 30 { 100 } else { 0 }, 0, 9)), NOW);
        assert_eq!((silent[0].requests, silent[0].health), (0, Health::NotEnoughData), "it is not left out");
    }
}
