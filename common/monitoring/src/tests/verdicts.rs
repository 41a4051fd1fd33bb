//! Whole verdicts: a fabric of many features, watched for weeks by the hour.

use std::collections::BTreeMap;

use linkcast_domain::{Feature, FeatureVector, PredictionType, Timestamp};

use crate::simulation::{Dice, autoregressive};
use crate::{
    Direction, DriftReport, DriftSettings, DriftVerdict, Evidence, FeatureSketches, Lacking, Question,
    Reference, judge,
};

/// Hours of a fabric: its load swings with the day and wanders by itself, and every feature is that and its own noise.
/// `change` alters what is seen, by the hour.
fn fabric(seed: u64, hours: i64, samples: usize, change: impl Fn(i64, &mut FeatureVector)) -> Hours {
    let mut dice = Dice::new(seed);
    let wander: Vec<f64> = autoregressive(&mut dice, 0.8).take(hours as usize).collect();
    let one = |hour: i64, dice: &mut Dice| {
        let load = 0.5 * wander[hour as usize] + (std::f64::consts::TAU * hour as f64 / 24.0).sin();
        let mut sketches = FeatureSketches::default();
        for _ in 0..samples {
            let mut vector = FeatureVector::default();
            for feature in FEATURES {
                vector.set(feature, 10.0 + load + dice.normal());
            }
            vector.set(
                Feature::ReceiverNotReadyPerSecond5m,
                if dice.uniform() < 0.95 { 0.0 } else { dice.uniform() },
            );
            vector.set(Feature::Hour, (hour % 24) as f64);
            change(hour, &mut vector);
            sketches.add(&vector);
            let class =
                if dice.uniform() < 0.9 { PredictionType::Normal } else { PredictionType::LatencySpike };
            sketches.add_score(class, 20.0 + 5.0 * dice.normal(), dice.uniform());
        }
        sketches
    };
    (0..hours).map(|hour| (hour, one(hour, &mut dice))).collect()
}

type Hours = BTreeMap<i64, FeatureSketches>;

const FEATURES: [Feature; 6] = [
    Feature::LatencyP99,
    Feature::Utilization,
    Feature::BandwidthGbps,
    Feature::WaitRatio5m,
    Feature::WaitRatio1h,
    Feature::HealthScore,
];

fn looked(hours: &Hours, settings: &DriftSettings) -> DriftReport {
    let first = i64::from(settings.reference_hours);
    let before: Hours = hours.range(..first).map(|(hour, sketches)| (*hour, sketches.clone())).collect();
    let reference = Reference::freeze(&before, settings).unwrap();
    let kept = reference.to_text();
    assert!(kept.len() < 300_000, "a reference must fit an item: {}", kept.len());
    let reference = Reference::parse(&kept).unwrap();
    let at = Timestamp::from_millis((hours.len() as i64) * 3_600_000 + 60_000);
    let importance = BTreeMap::from([("latency_p99".to_owned(), 0.75), ("wait_ratio_5m".to_owned(), 0.25)]);
    judge(&Question { digest: "d", at, reference: &reference, hours, settings, importance: &importance })
}

const WEEKS: i64 = 17 * 24;

#[test]
fn a_fabric_that_only_follows_the_day_is_steady_in_every_run() {
    let settings = DriftSettings::default();
    let alarmed = (0..10).filter(|seed| {
        let report = looked(&fabric(*seed, WEEKS, 20, |_, _| ()), &settings);
        assert_ne!(report.verdict, DriftVerdict::Drifted, "{:?}", report.features.drifted);
        report.has_drifted()
    });
    assert_eq!(alarmed.count(), 0);
}

#[test]
fn what_drifted_is_named_with_the_numbers_it_rests_on() {
    let settings = DriftSettings::default();
    let from = i64::from(settings.reference_hours) + 20;
    let change = |hour: i64, vector: &mut FeatureVector| {
        if hour >= from {
            vector.set(Feature::LatencyP99, vector.raw(Feature::LatencyP99) + 2.0);
            vector.set(Feature::WaitRatio5m, f64::NAN);
        }
    };
    let report = looked(&fabric(3, WEEKS, 20, change), &settings);
    assert!(report.has_drifted());
    assert_eq!(report.features.drifted, ["latency_p99", "wait_ratio_5m"], "{:?}", report.features.drifted);
    assert_eq!(report.features.weight, 1.0);
    assert_eq!(report.scores.verdict, DriftVerdict::Steady, "{:?}", report.scores.drifted);
    let one = |name: &str| report.features.series.iter().find(|series| series.name == name).unwrap();
    let last = one("latency_p99").windows.last().unwrap();
    assert_eq!((last.direction, last.evidence, last.hours), (Direction::Up, Evidence::Drift, 24));
    assert!(last.q < 0.05 && last.p <= last.q && last.distance.unwrap() > 1.0 && last.superiority > 0.3);
    assert_eq!(one("wait_ratio_5m").windows.last().unwrap().direction, Direction::Rarer);
    assert!(one("latency_p99").tau_hours > 1.0 && one("latency_p99").reference_blocks >= 8.0);
    assert_eq!(one("ack_timeouts_per_s_5m").verdict, DriftVerdict::Steady, "never there, and still is not");
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<DriftReport>(&text).unwrap(), report);
}

#[test]
fn one_bad_day_is_not_confirmed() {
    let settings = DriftSettings::default();
    let last_day = WEEKS - 24;
    let change = |hour: i64, vector: &mut FeatureVector| {
        if hour >= last_day {
            vector.set(Feature::LatencyP99, vector.raw(Feature::LatencyP99) + 3.0);
        }
    };
    let report = looked(&fabric(4, WEEKS, 20, change), &settings);
    assert_eq!(report.verdict, DriftVerdict::Steady);
    let latency = &report.features.series[0];
    assert_eq!(latency.windows.last().unwrap().evidence, Evidence::Drift, "{latency:?}");
}

#[test]
fn too_few_hours_are_a_verdict_that_says_how_many_are_missing() {
    let settings = DriftSettings::default();
    let hours = fabric(5, 100, 5, |_, _| ());
    let missing = Reference::freeze(&hours, &settings).unwrap_err();
    assert_eq!((missing.of, missing.have, missing.need), (Lacking::ReferenceHours, 100, 168));
    // Nothing came after the reference.
    let hours = fabric(6, 14 * 24, 20, |_, _| ());
    let report = looked(&hours, &settings);
    let DriftVerdict::NotEnoughData { missing } = report.verdict else { panic!("{:?}", report.verdict) };
    assert_eq!((missing.of, missing.have, missing.need), (Lacking::LookHours, 0, 12));
    // Two samples an hour say nothing of an hour.
    let thin = looked(&fabric(7, WEEKS, 2, |_, _| ()), &settings);
    let DriftVerdict::NotEnoughData { missing } = thin.verdict else { panic!("{:?}", thin.verdict) };
    assert_eq!(missing.of, Lacking::ReferenceSamples);
}

#[test]
fn a_damaged_reference_is_refused() {
    let settings = DriftSettings { reference_hours: 10, ..DriftSettings::default() };
    let text = Reference::freeze(&fabric(8, 10, 20, |_, _| ()), &settings).unwrap().to_text();
    assert!(Reference::parse(&text).is_ok());
    assert!(Reference::parse(&text[..text.len() - 4]).is_err() && Reference::parse("r1:").is_err());
}
