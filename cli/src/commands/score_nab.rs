//! `linkcast score-nab`: what is seen in the Numenta Anomaly Benchmark's series without a model, by the benchmark's own scoring.
//!
//! The thresholds are those in the code and were there before any label was read: the benchmark itself gives every detector
//! the threshold that scores best on the labels, and the published scores beside ours are such.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use linkcast_domain::Timestamp;
use linkcast_features::Calendar;
use linkcast_training::evaluation::{NAB_PROFILES, NabReport, NabSeries, nab_score};
use serde::Serialize;

use super::Session;
use crate::arguments::ReadingArguments;
use crate::capture::for_each_featured;
use crate::exit::{ExitKind, Failure};
use crate::judging::{Sense, Watcher};
use crate::output::{Form, Table};
use crate::progress::Progress;

/// Score what is seen without a model in the Numenta Anomaly Benchmark.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  linkcast score-nab NAB/ --map maps/nab.toml")]
pub(crate) struct ScoreNabArguments {
    /// The benchmark's folder: data/, labels/combined_windows.json, and results/final_results.json if it is there.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    reading: ReadingArguments,
}

/// An alarm is over when nothing was seen for so long: a few rows of most series.
const CLEAR_AFTER: Duration = Duration::from_secs(2 * 3600);

const WINDOWS: &str = "labels/combined_windows.json";
const PUBLISHED: &str = "results/final_results.json";

/// File names with their labelled spans.
type Labels = BTreeMap<String, Vec<(String, String)>>;
/// Detector, profile, score.
type Published = BTreeMap<String, BTreeMap<String, f64>>;

#[derive(Serialize)]
struct Scores {
    series: usize,
    rows: usize,
    seen_by: Vec<SenseScores>,
    published: Published,
}

#[derive(Serialize)]
struct SenseScores {
    sense: &'static str,
    profiles: BTreeMap<&'static str, NabReport>,
    /// The standard profile by the benchmark's folders of series, where one has a window.
    by_folder: BTreeMap<String, NabReport>,
    /// From a window's first row to the first alarm in it.
    median_delay_minutes: Option<f64>,
    /// The same as a share of the window.
    median_delay_share: Option<f64>,
}

/// Scores.
pub(crate) fn execute(arguments: &ScoreNabArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let labels: Labels = read_json(&arguments.folder.join(WINDOWS))?;
    let published = arguments.folder.join(PUBLISHED);
    let published = if published.exists() { read_json(&published)? } else { Published::new() };
    let mut progress = Progress::new(session.notes, "scoring", Some(labels.len() as u64));
    let mut watched = Vec::new();
    for (name, spans) in &labels {
        let folder = name.split('/').next().unwrap_or_default().to_owned();
        watched.push(watch(folder, &arguments.folder.join("data").join(name), spans, arguments)?);
        progress.advance(1);
    }
    drop(progress);
    let scores = Scores {
        series: watched.len(),
        rows: watched.iter().map(|series| series.times.len()).sum(),
        seen_by: Sense::ALL.into_iter().map(|sense| score(sense, &watched)).collect(),
        published,
    };
    match session.form {
        Form::JsonLines => session.output.json(&scores)?,
        Form::Text => {
            let mut lines = table(&scores).lines();
            lines.push(String::new());
            lines.extend(folders(&scores).lines());
            lines.iter().try_for_each(|line| session.output.line(line))?;
        }
    }
    Ok(())
}

/// A series with its labels, and the rows at which each sense opened an alarm.
struct WatchedSeries {
    folder: String,
    times: Vec<Timestamp>,
    windows: Vec<(usize, usize)>,
    alarms: BTreeMap<Sense, Vec<usize>>,
}

fn watch(
    folder: String,
    path: &Path,
    spans: &[(String, String)],
    arguments: &ScoreNabArguments,
) -> Result<WatchedSeries, Failure> {
    let times = times(path)?;
    let row_of = |time: Timestamp| times.iter().position(|row| *row == time);
    let span = |(begin, end): &(String, String)| {
        let row = |text: &str| instant(text).and_then(row_of);
        row(begin).zip(row(end)).ok_or_else(|| {
            let message = format!("the label {begin} to {end} names no rows of {}", path.display());
            Failure::new(ExitKind::UnusableInput, message)
        })
    };
    let windows = spans.iter().map(span).collect::<Result<Vec<_>, _>>()?;
    let mut watcher = Watcher::new(CLEAR_AFTER);
    let mut alarms: BTreeMap<Sense, Vec<usize>> = BTreeMap::new();
    let mut silent = Progress::silent();
    let reader = arguments.reading.reader()?;
    for_each_featured(&[path.to_owned()], reader, &Calendar::utc(), &mut silent, |sample, features| {
        for sense in watcher.look(sample, features) {
            alarms.entry(sense).or_default().extend(row_of(sample.time));
        }
        Ok(())
    })?;
    Ok(WatchedSeries { folder, times, windows, alarms })
}

/// The first column of every row but the heading.
fn times(path: &Path) -> Result<Vec<Timestamp>, Failure> {
    let text = read_text(path)?;
    let rows = text.lines().skip(1).filter(|row| !row.is_empty());
    rows.map(|row| {
        row.split(',').next().and_then(instant).ok_or_else(|| {
            let message = format!("{}: expected rows of a time and a value, found {row:?}", path.display());
            Failure::new(ExitKind::UnusableInput, message)
        })
    })
    .collect()
}

/// The benchmark's times: `2014-04-01 00:00:00`, in labels with a fraction.
fn instant(text: &str) -> Option<Timestamp> {
    format!("{}Z", text.trim().replace(' ', "T")).parse().ok()
}

fn score(sense: Sense, watched: &[WatchedSeries]) -> SenseScores {
    let series: Vec<NabSeries> = watched
        .iter()
        .map(|one| NabSeries {
            rows: one.times.len(),
            windows: one.windows.clone(),
            alarms: one.alarms.get(&sense).cloned().unwrap_or_default(),
        })
        .collect();
    let profiles = NAB_PROFILES
        .into_iter()
        .filter_map(|profile| Some((profile.name, nab_score(&series, profile)?)))
        .collect();
    let mut delays: Vec<(f64, f64)> = Vec::new();
    for (one, watched) in series.iter().zip(watched) {
        for window in one.counting_windows() {
            delays.extend(one.first_alarm(window).and_then(|row| watched.delay(row, window)));
        }
    }
    SenseScores {
        sense: sense.name(),
        profiles,
        by_folder: by_folder(&series, watched),
        median_delay_minutes: median(delays.iter().map(|delay| delay.0)),
        median_delay_share: median(delays.iter().map(|delay| delay.1)),
    }
}

fn by_folder(series: &[NabSeries], watched: &[WatchedSeries]) -> BTreeMap<String, NabReport> {
    let [standard, ..] = NAB_PROFILES;
    let mut folders: BTreeMap<&str, Vec<NabSeries>> = BTreeMap::new();
    for (one, watched) in series.iter().zip(watched) {
        folders.entry(&watched.folder).or_default().push(one.clone());
    }
    let score =
        |(folder, series): (&str, Vec<NabSeries>)| Some((folder.to_owned(), nab_score(&series, standard)?));
    folders.into_iter().filter_map(score).collect()
}

impl WatchedSeries {
    /// Minutes from a window's first row to `row`, and the same as a share of the window.
    fn delay(&self, row: usize, (first, last): (usize, usize)) -> Option<(f64, f64)> {
        let [row, first, last] = [row, first, last].map(|row| self.times.get(row).copied());
        let (waited, whole) = (row?.seconds_since(first?), last?.seconds_since(first?));
        Some((waited / 60.0, if whole > 0.0 { waited / whole } else { 0.0 }))
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    crate::report::median(values)
}

/// Where the score comes from.
fn folders(scores: &Scores) -> Table {
    let mut table = Table::new(&["seen by", "series", "standard", "windows found", "false alarms"]);
    for one in &scores.seen_by {
        for (folder, report) in &one.by_folder {
            table.row(vec![
                one.sense.to_owned(),
                folder.clone(),
                format!("{:.1}", report.score),
                format!("{} of {}", report.found, report.windows),
                report.false_alarms.to_string(),
            ]);
        }
    }
    table
}

fn table(scores: &Scores) -> Table {
    let mut table = Table::new(&[
        "seen by",
        "standard",
        "reward low FP",
        "reward low FN",
        "windows found",
        "false alarms",
        "median delay",
    ]);
    for one in &scores.seen_by {
        let of = |name: &str| one.profiles.get(name).copied();
        let score = |name: &str| of(name).map_or_else(|| "–".into(), |report| format!("{:.1}", report.score));
        let mut cells = vec![one.sense.to_owned()];
        cells.extend(NAB_PROFILES.iter().map(|profile| score(profile.name)));
        cells.push(of("standard").map_or_else(|| "–".into(), |r| format!("{} of {}", r.found, r.windows)));
        cells.push(of("standard").map_or_else(|| "–".into(), |r| r.false_alarms.to_string()));
        cells.push(
            one.median_delay_share
                .map_or_else(|| "–".into(), |share| format!("{:.0} % of the window", share * 100.0)),
        );
        table.row(cells);
    }
    for (detector, profiles) in &scores.published {
        let score = |name: &str| profiles.get(name).map_or_else(|| "–".into(), |score| format!("{score:.1}"));
        let mut cells = vec![format!("published: {detector}")];
        cells.extend(NAB_PROFILES.iter().map(|profile| score(profile.name)));
        table.row(cells);
    }
    table
}

fn read_text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        Failure::new(ExitKind::UnusableInput, format!("reading {}: {error}", path.display()))
    })
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    serde_json::from_str(&read_text(path)?).map_err(|error| {
        Failure::new(ExitKind::UnusableInput, format!("{} is not as NAB writes it: {error}", path.display()))
    })
}
