//! The verdict: the last looks of every series held against the reference, weighed together, and confirmed by one another.

use std::borrow::Cow;
use std::collections::BTreeMap;

use linkcast_domain::Timestamp;

use crate::feature_sketches::FeatureSketches;
use crate::held::{Held, Tested};
use crate::hochberg::q_values;
use crate::reference::Reference;
use crate::report::{DriftPart, DriftReport, DriftVerdict, Evidence, Lacking, Missing, SeriesDrift, Span};
use crate::settings::DriftSettings;
use crate::sketch::Sketch;

/// Milliseconds in an hour.
const HOUR_MS: i64 = 3_600_000;

/// What is to be judged, and by what.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The model's digest.
    pub digest: &'a str,
    /// When it is asked; looks end with the last whole hour before.
    pub at: Timestamp,
    /// What it is held against.
    pub reference: &'a Reference,
    /// Hours with sketches, by their number since the epoch; those of the looks are used.
    pub hours: &'a BTreeMap<i64, FeatureSketches>,
    /// The numbers to decide by.
    pub settings: &'a DriftSettings,
    /// Each feature's share of the model's attention, by name, where it is known.
    pub importance: &'a BTreeMap<String, f64>,
}

/// One look's hours.
struct Look<'a> {
    from: i64,
    until: i64,
    hours: Vec<(i64, &'a FeatureSketches)>,
    pooled: FeatureSketches,
}

/// Gives the verdict.
pub fn judge(question: &Question<'_>) -> DriftReport {
    let Question { digest, at, reference, settings, .. } = *question;
    let looks = looks(question);
    let features = part(question, &looks, Part::Features);
    let scores = part(question, &looks, Part::Scores);
    let verdict = match (&features.verdict, &scores.verdict) {
        (DriftVerdict::Drifted, _) | (_, DriftVerdict::Drifted) => DriftVerdict::Drifted,
        (DriftVerdict::NotEnoughData { .. }, other) => match other {
            DriftVerdict::NotEnoughData { .. } => features.verdict.clone(),
            _ => other.clone(),
        },
        _ => DriftVerdict::Steady,
    };
    DriftReport {
        digest: digest.to_owned(),
        at,
        verdict,
        features,
        scores,
        reference: Some(span_of(reference.hours(), reference.pooled())),
        windows: looks.iter().map(Look::span).collect(),
        settings: settings.clone(),
    }
}

/// The looks, oldest first. What the reference was frozen from is no look at anything new.
fn looks<'a>(question: &Question<'a>) -> Vec<Look<'a>> {
    let Question { at, reference, hours, settings, .. } = *question;
    let (end, long) = (at.millis().div_euclid(HOUR_MS), i64::from(settings.look_hours.max(1)));
    let frozen_until = reference.hours().last().map_or(i64::MIN, |last| last + 1);
    let look = |back: u32| {
        let until = end - i64::from(back) * long;
        let from = until - long;
        let first = from.max(frozen_until).min(until);
        let own: Vec<(i64, &FeatureSketches)> =
            hours.range(first..until).map(|(hour, sketches)| (*hour, sketches)).collect();
        let mut pooled = FeatureSketches::default();
        own.iter().for_each(|(_, sketches)| pooled.merge(sketches));
        Look { from, until, hours: own, pooled }
    };
    (0..settings.looks.max(1)).rev().map(look).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Features,
    Scores,
}

fn part(question: &Question<'_>, looks: &[Look<'_>], part: Part) -> DriftPart {
    let Question { reference, settings, .. } = *question;
    let own = reference.series().filter(|(series, _)| series.is_input() == (part == Part::Features));
    let held: Vec<Held<'_>> = own
        .map(|(series, past)| {
            Held::of(series, reference.pooled().sketch(series), (past, reference.hours()), settings)
        })
        .collect();
    let mut tested: Vec<Vec<Tested>> = looks.iter().map(|look| look.test(&held)).collect();
    tested.iter_mut().for_each(|look| weigh(look, settings));
    let series: Vec<SeriesDrift> = held
        .iter()
        .enumerate()
        .map(|(place, held)| {
            let windows = tested.iter().filter_map(|look| Some(look.get(place)?.window)).collect();
            let importance = question.importance.get(held.series.name()).copied();
            let (block_hours, reference_blocks) = held.blocks();
            let (name, tau_hours) = (held.series.name().to_owned(), held.tau);
            let mut drift = SeriesDrift {
                name,
                verdict: DriftVerdict::Steady,
                importance,
                tau_hours,
                block_hours,
                reference_blocks,
                windows,
            };
            drift.verdict = verdict(&drift, held.missing(), settings);
            drift
        })
        .collect();
    conclude(series)
}

/// Holds the series of a look against one another.
fn weigh(look: &mut [Tested], settings: &DriftSettings) {
    let known: Vec<&mut Tested> = look.iter_mut().filter(|tested| tested.is_known()).collect();
    let p: Vec<f64> = known.iter().map(|tested| tested.window.p).collect();
    let q = q_values(&p);
    let counts = p.iter().zip(&q).filter(|(_, q)| **q <= settings.false_discovery_rate);
    let most = counts.map(|(p, _)| *p).fold(0.0, f64::max);
    for (tested, q) in known.into_iter().zip(q) {
        tested.weigh(q, most, settings);
    }
}

fn verdict(drift: &SeriesDrift, missing: Option<Missing>, settings: &DriftSettings) -> DriftVerdict {
    let count =
        |evidence: Evidence| drift.windows.iter().filter(|window| window.evidence == evidence).count() as u32;
    let unknown = count(Evidence::Unknown);
    if count(Evidence::Drift) >= settings.confirmed_in.max(1) {
        return DriftVerdict::Drifted;
    }
    if let Some(missing) = missing {
        return DriftVerdict::NotEnoughData { missing };
    }
    if drift.windows.len() as u32 - unknown < settings.confirmed_in.max(1) {
        let have = drift.windows.iter().map(|window| u64::from(window.hours)).min().unwrap_or(0);
        let missing = Missing { of: Lacking::LookHours, have, need: settings.least_look_hours() };
        return DriftVerdict::NotEnoughData { missing };
    }
    DriftVerdict::Steady
}

/// The verdict on all series in one.
fn conclude(series: Vec<SeriesDrift>) -> DriftPart {
    let has_drifted = |one: &&SeriesDrift| one.verdict == DriftVerdict::Drifted;
    let mut drifted: Vec<&SeriesDrift> = series.iter().filter(has_drifted).collect();
    drifted.sort_by(|one, two| gravity(two).total_cmp(&gravity(one)));
    let share = |one: &SeriesDrift| one.importance.unwrap_or(0.0);
    let attention: f64 = series.iter().map(share).sum();
    let weight = if attention > 0.0 {
        drifted.iter().map(|one| share(one)).sum::<f64>() / attention
    } else {
        drifted.len() as f64 / series.len().max(1) as f64
    };
    let is_steady = |one: &SeriesDrift| one.verdict == DriftVerdict::Steady;
    let verdict = if drifted.is_empty() {
        let first = series.first().map(|one| one.verdict.clone());
        if series.iter().any(is_steady) {
            DriftVerdict::Steady
        } else {
            first.unwrap_or(DriftVerdict::Steady)
        }
    } else {
        DriftVerdict::Drifted
    };
    let drifted = drifted.into_iter().map(|one| one.name.clone()).collect();
    DriftPart { verdict, drifted, weight, series }
}

/// How far a series drifted in its last looks, times its share of the model's attention where that is known.
fn gravity(one: &SeriesDrift) -> f64 {
    let far = one.windows.iter().map(|window| window.superiority.abs().max(window.absent_change.abs()));
    far.fold(0.0, f64::max) * one.importance.unwrap_or(1.0)
}

impl Look<'_> {
    fn test(&self, held: &[Held<'_>]) -> Vec<Tested> {
        let one = |held: &Held<'_>| {
            let own = self.hours.iter().map(|(hour, sketches)| (*hour, sketches.sketch(held.series)));
            let own: Vec<(i64, Cow<'_, Sketch>)> = own.collect();
            held.look(&own, &self.pooled.sketch(held.series))
        };
        held.iter().map(one).collect()
    }

    fn span(&self) -> Span {
        let (from, until) = (start_of(self.from), start_of(self.until));
        let samples = self.pooled.samples().max(self.pooled.scored());
        Span { from, until, hours: self.hours.len() as u32, samples }
    }
}

fn span_of(hours: &[i64], pooled: &FeatureSketches) -> Span {
    let from = start_of(hours.first().copied().unwrap_or(0));
    let until = start_of(hours.last().map_or(0, |last| last + 1));
    Span { from, until, hours: hours.len() as u32, samples: pooled.samples().max(pooled.scored()) }
}

fn start_of(hour: i64) -> Timestamp {
    Timestamp::from_millis(hour.saturating_mul(HOUR_MS))
}
