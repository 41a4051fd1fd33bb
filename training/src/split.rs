//! Which rows fit, which stop, which calibrate and which judge.
//!
//! Rows of one stream resemble each other, and rows of one hour do too; a split by rows would let a model be judged
//! on what it has all but seen. So a stream, with all streams tied to it, lies on one side only, AND everything held
//! out is later than everything fitted. What is neither (fitting streams' late rows, held-out streams' early ones) is
//! left out and counted.

use std::collections::BTreeMap;

use linkcast_domain::{StreamId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::dataset::Side;
use crate::set::Dealt;
use crate::stratify::{self, Shown};
use crate::{TrainingError, TrainingSet};

/// How rows are split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitSettings {
    /// The share of stream groups that fit.
    pub fit_streams: f64,
    /// The share of the time span, from its start, that fits; all the rest of it is held out.
    pub fit_time: f64,
    /// The share of the held-out groups that decides when to stop; another like it calibrates, what remains judges.
    pub stop_streams: f64,
    /// The share of the held-out groups that calibrates.
    pub calibrate_streams: f64,
}

impl Default for SplitSettings {
    fn default() -> Self {
        SplitSettings { fit_streams: 0.6, fit_time: 0.6, stop_streams: 0.25, calibrate_streams: 0.35 }
    }
}

/// What a part is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Trees grow on it.
    Fit,
    /// Decides how many trees.
    Stop,
    /// The calibration map is fitted on it.
    Calibrate,
    /// The figures in the model card come from it, and nothing else does.
    Test,
}

/// The places of the rows of each part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Split {
    /// Rows that fit.
    pub(crate) fit: Vec<usize>,
    /// Rows that decide when to stop.
    pub(crate) stop: Vec<usize>,
    /// Rows that calibrate.
    pub(crate) calibrate: Vec<usize>,
    /// Rows that judge.
    pub(crate) test: Vec<usize>,
    /// Rows that would have let one side see the other.
    pub(crate) left_out: usize,
    /// The first instant that is held out.
    pub(crate) cutoff: Timestamp,
}

/// Splits `set`.
///
/// # Errors
///
/// A share outside 0 to 1.
pub(crate) fn split(set: &TrainingSet, settings: &SplitSettings, seed: u64) -> Result<Split, TrainingError> {
    check(settings)?;
    let (parts, cutoff) = match set.dealt() {
        Some(dealt) => (as_dealt(set, dealt, settings, seed), dealt.cutoff),
        None => (deal(set, settings, seed), cutoff(set.times(), settings.fit_time)),
    };
    let mut split = Split { cutoff, ..Split::default() };
    for (place, (stream, time)) in set.streams().iter().zip(set.times()).enumerate() {
        let part = parts.get(&set.root(*stream)).copied();
        match (part, *time < cutoff) {
            (Some(Part::Fit), true) => split.fit.push(place),
            (Some(Part::Stop), false) => split.stop.push(place),
            (Some(Part::Calibrate), false) => split.calibrate.push(place),
            (Some(Part::Test), false) => split.test.push(place),
            _ => split.left_out += 1,
        }
    }
    Ok(split)
}

fn check(settings: &SplitSettings) -> Result<(), TrainingError> {
    let shares = [
        ("fit_streams", settings.fit_streams),
        ("fit_time", settings.fit_time),
        ("stop_streams", settings.stop_streams),
        ("calibrate_streams", settings.calibrate_streams),
        ("stop_streams + calibrate_streams", settings.stop_streams + settings.calibrate_streams),
    ];
    match shares.into_iter().find(|(_, share)| !(*share > 0.0 && *share < 1.0)) {
        None => Ok(()),
        Some((name, share)) => Err(TrainingError::BadSetting {
            name,
            found: share.to_string(),
            expected: "a share between 0 and 1, both excluded",
        }),
    }
}

fn cutoff(times: &[Timestamp], share: f64) -> Timestamp {
    let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else {
        return Timestamp::EPOCH;
    };
    let span = last.millis().saturating_sub(first.millis()) as f64;
    Timestamp::from_millis(first.millis().saturating_add((span * share) as i64))
}

/// The part of each group of streams, by the group's root.
fn deal(set: &TrainingSet, settings: &SplitSettings, seed: u64) -> BTreeMap<u32, Part> {
    let mut parts = BTreeMap::new();
    for deck in decks(set, seed) {
        let size = deck.len() as f64;
        for (position, root) in deck.iter().enumerate() {
            parts.insert(*root, part_at((position as f64 + 0.5) / size, settings));
        }
    }
    parts
}

/// The groups of streams, by the rarest class they show and within it in an order that only names and seed decide.
pub(crate) fn decks(set: &TrainingSet, seed: u64) -> Vec<Vec<u32>> {
    let mut shown: BTreeMap<u32, Shown> = BTreeMap::new();
    for (stream, class) in set.streams().iter().zip(set.classes()) {
        let classes = shown.entry(set.root(*stream)).or_default();
        if let Some(seen) = classes.get_mut(class.index()) {
            *seen = true;
        }
    }
    let name = |root: u32| set.stream_names().get(root as usize).map_or("", StreamId::as_str).to_owned();
    stratify::decks(&shown, name, seed)
}

/// Refuses parts (or folds) of which two hold rows of streams that belong together.
///
/// # Errors
///
/// [`TrainingError::TornStreams`], naming the stream and both parts.
pub(crate) fn check_apart(
    set: &TrainingSet,
    parts: &[(&'static str, &[usize])],
) -> Result<(), TrainingError> {
    let mut homes: BTreeMap<u32, &'static str> = BTreeMap::new();
    for (part, rows) in parts {
        for stream in rows.iter().filter_map(|row| set.streams().get(*row)) {
            let home = *homes.entry(set.root(*stream)).or_insert(part);
            if home != *part {
                let stream = set.stream_names().get(*stream as usize).cloned();
                let stream = stream.map_or_else(String::new, |stream| stream.as_str().to_owned());
                return Err(TrainingError::TornStreams { stream, parts: [home, part] });
            }
        }
    }
    Ok(())
}

/// The parts of a data set that is split already: its rows for choosing stop and calibrate, in the settings' proportion.
fn as_dealt(set: &TrainingSet, dealt: &Dealt, settings: &SplitSettings, seed: u64) -> BTreeMap<u32, Part> {
    let stops = settings.stop_streams / (settings.stop_streams + settings.calibrate_streams);
    let mut parts = BTreeMap::new();
    for deck in decks(set, seed) {
        let choosing: Vec<u32> =
            deck.iter().copied().filter(|root| dealt.sides.get(root) == Some(&Side::Validation)).collect();
        let size = choosing.len() as f64;
        for (position, root) in choosing.iter().enumerate() {
            let is_early = (position as f64 + 0.5) / size < stops;
            parts.insert(*root, if is_early { Part::Stop } else { Part::Calibrate });
        }
    }
    for (root, side) in &dealt.sides {
        match side {
            Side::Train => drop(parts.insert(*root, Part::Fit)),
            Side::Test => drop(parts.insert(*root, Part::Test)),
            Side::Validation => {}
        }
    }
    parts
}

fn part_at(position: f64, settings: &SplitSettings) -> Part {
    let held_out = (position - settings.fit_streams) / (1.0 - settings.fit_streams);
    if held_out < 0.0 {
        Part::Fit
    } else if held_out < settings.stop_streams {
        Part::Stop
    } else if held_out < settings.stop_streams + settings.calibrate_streams {
        Part::Calibrate
    } else {
        Part::Test
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LabelledRow;
    use linkcast_domain::{FeatureVector, PredictionType};
    use std::collections::BTreeSet;

    /// Forty links of two ends over 100 minutes; every fourth link shows packet loss in its second half.
    fn links() -> TrainingSet {
        let mut set = TrainingSet::default();
        for link in 0..40 {
            let ends =
                [format!("a{link}/1"), format!("b{link}/1")].map(|name| name.parse::<StreamId>().unwrap());
            set.keep_together(&ends[0], &ends[1]);
            for (end, minute) in ends.iter().flat_map(|end| (0..100).map(move |minute| (end, minute))) {
                let is_faulty = link % 4 == 0 && minute % 10 > 5;
                set.push(&LabelledRow {
                    stream: end.clone(),
                    time: Timestamp::from_millis(minute * 60_000),
                    features: FeatureVector::default(),
                    class: if is_faulty {
                        PredictionType::PacketLossDetected
                    } else {
                        PredictionType::Normal
                    },
                    risk: 0.0,
                    weight: 1.0,
                })
                .unwrap();
            }
        }
        set
    }

    fn links_of(set: &TrainingSet, rows: &[usize]) -> BTreeSet<u32> {
        rows.iter().map(|row| set.root(set.streams()[*row])).collect()
    }

    #[test]
    fn no_stream_and_no_minute_lies_on_both_sides() {
        let set = links();
        let split = split(&set, &SplitSettings::default(), 7).unwrap();
        let parts = [&split.fit, &split.stop, &split.calibrate, &split.test];
        for (first, second) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
            let shared = links_of(&set, parts[first]).intersection(&links_of(&set, parts[second])).count();
            assert_eq!(shared, 0, "parts {first} and {second}");
        }
        let latest_fit = split.fit.iter().map(|row| set.times()[*row]).max().unwrap();
        for held_out in &parts[1..] {
            assert!(!held_out.is_empty());
            assert!(held_out.iter().all(|row| set.times()[*row] > latest_fit));
        }
        let rows: usize = parts.iter().map(|part| part.len()).sum();
        assert_eq!(rows + split.left_out, set.len());
    }

    #[test]
    fn a_rare_class_reaches_every_part() {
        let set = links();
        let split = split(&set, &SplitSettings::default(), 7).unwrap();
        for part in [&split.fit, &split.stop, &split.calibrate, &split.test] {
            assert!(part.iter().any(|row| set.classes()[*row] == PredictionType::PacketLossDetected));
        }
    }

    #[test]
    fn a_stream_in_two_parts_is_refused_by_name() {
        let set = links();
        let split = split(&set, &SplitSettings::default(), 7).unwrap();
        check_apart(&set, &[("fitting", &split.fit), ("judging", &split.test)]).unwrap();
        let mut judging = split.test.clone();
        judging.push(split.fit[0]);
        let error = check_apart(&set, &[("fitting", &split.fit), ("judging", &judging)]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("fitting") && text.contains("judging") && text.contains("/1"), "{text}");
    }

    #[test]
    fn another_seed_deals_other_streams() {
        let set = links();
        let by_seed = |seed| split(&set, &SplitSettings::default(), seed).unwrap();
        assert_eq!(by_seed(7), by_seed(7));
        assert_ne!(by_seed(7).fit, by_seed(8).fit);
    }

    #[test]
    fn a_share_of_one_is_refused_by_name() {
        let settings = SplitSettings { fit_time: 1.0, ..SplitSettings::default() };
        let error = split(&links(), &settings, 7).unwrap_err();
        assert!(error.to_string().contains("fit_time is 1"), "{error}");
    }
}
