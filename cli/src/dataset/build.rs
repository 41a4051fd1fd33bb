//! From a history to a data set: rows by group, then the split, then the manifest.
//!
//! Groups are made side by side, each by itself; what is made does not depend on how many at once. The split needs to know every
//! stream's classes, so it comes when all rows are there, and costs one more look at them. What reviewers are to be asked lies
//! with each group's record, so that a build which was broken off asks the same as one that was not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use linkcast_domain::{Episode, ReviewItem, StreamId, Timestamp};
use linkcast_features::Calendar;
use linkcast_training::dataset::{
    Asking, Deal, DealSettings, GroupCounts, Labels, Making, Manifest, Side, SideCounts, Source, Thinning,
    read_rows,
};
use linkcast_training::{EpisodeIndex, Failure as LinkFailure, Happening, Outcomes, keep_best};
use sha2::{Digest, Sha256};

use super::DatasetError;
use super::group::{self, GroupRecord, hex};
use super::outcomes::{A_PORT, AN_OUTCOME, OutcomeLine, PortLine, failed, files_below, read_lines};
use super::plan::{OUTCOMES_FOLDER, PORTS_FILE, Plan, write_whole};
use super::read::{MANIFEST_FILE, STREAMS_FILE, StreamLine};
use super::recipe::Recipe;
use crate::exit::Failure;
use crate::learning::{TRUTH_FILE, read_truth};
use crate::progress::Progress;
use crate::reviewing::AgreedLabels;

/// What a data set is built of, and how.
pub(crate) struct Build<'a> {
    /// The exported history.
    pub(crate) history: &'a Path,
    /// The folder of a simulation whose telemetry the history is of.
    pub(crate) truth: Option<&'a Path>,
    /// More of what happened: what people know and counters do not.
    pub(crate) outcomes: &'a [PathBuf],
    /// What reviewers agree on.
    pub(crate) reviews: Option<&'a AgreedLabels>,
    /// What reviewers are to be asked about.
    pub(crate) asking: Option<Asking<'a>>,
    /// The data set's folder.
    pub(crate) out: &'a Path,
    /// The fabric's time zone.
    pub(crate) calendar: Calendar,
    /// Its name.
    pub(crate) time_zone: String,
    /// What is left out of many.
    pub(crate) thinning: Thinning,
    /// How the sides are dealt.
    pub(crate) deal: DealSettings,
    /// Streams that judge models and never teach one: they, and all that belong with them, are on the test side.
    pub(crate) judges: &'a BTreeSet<StreamId>,
    /// Groups made at once.
    pub(crate) threads: NonZeroUsize,
}

/// What was built.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    /// The data set's own account of itself.
    pub(crate) manifest: Manifest,
    /// Groups whose rows were there before.
    pub(crate) groups_before: usize,
    /// What reviewers are to be asked about, the highest priority first.
    pub(crate) questions: Vec<ReviewItem>,
}

/// What became of the groups.
#[derive(Default)]
struct MadeGroups {
    /// By number.
    records: BTreeMap<usize, GroupRecord>,
    /// Those that were there before.
    before: usize,
    /// The best of all groups' questions.
    questions: Vec<ReviewItem>,
}

/// What is known of the history beside its samples.
struct Beside {
    labels: Labels,
    outcomes: Outcomes,
    ties: Vec<(StreamId, StreamId)>,
    /// By what they are, the digest of each.
    sources: BTreeMap<String, String>,
}

/// Builds a data set, or what is missing of it.
pub(crate) fn build(build: &Build<'_>, progress: &mut Progress) -> Result<Built, Failure> {
    let no_history = || DatasetError::NoHistory(build.history.to_owned());
    let plan = Plan::of(build.history)?.ok_or_else(no_history)?;
    let rows = build.out.join("rows");
    fs::create_dir_all(&rows).map_err(|source| failed("create", &rows, source))?;
    let beside = Beside::read(build, &plan)?;
    Recipe::of(build, &plan, &beside.sources)?.agree(build.out)?;
    let making = Making {
        calendar: &build.calendar,
        labels: &beside.labels,
        outcomes: &beside.outcomes,
        thinning: build.thinning,
        asking: build.asking,
    };
    let made = make_groups(build, &plan, making, progress)?;
    let manifest = deal(build, &beside, made.records.into_values())?;
    Ok(Built { manifest, groups_before: made.before, questions: made.questions })
}

fn make_groups(
    build: &Build<'_>,
    plan: &Plan,
    making: Making<'_>,
    progress: &mut Progress,
) -> Result<MadeGroups, DatasetError> {
    let most = build.asking.map_or(0, |asking| asking.most);
    let next = AtomicUsize::new(0);
    let (sender, made) = mpsc::channel();
    let mut groups = MadeGroups::default();
    thread::scope(|scope| {
        for _ in 0..build.threads.get().min(plan.groups.len()) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= plan.groups.len() {
                        return;
                    }
                    let found = group::made_before(build.out, number);
                    let was_there = found.is_some();
                    let record = found
                        .map_or_else(|| group::make((build.history, plan), number, making, build.out), Ok);
                    // Nobody listens any more once a group has failed.
                    if sender.send((number, was_there, record)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let made = made;
        for (number, was_there, record) in &made {
            let mut record = record?;
            keep_best(&mut groups.questions, std::mem::take(&mut record.counts.questions), most);
            groups.records.insert(number, record);
            groups.before += usize::from(was_there);
            progress.advance(1);
        }
        drop(made);
        Ok(())
    })?;
    Ok(groups)
}

/// Deals the streams, counts what lies where, and writes both down.
fn deal(
    build: &Build<'_>,
    beside: &Beside,
    records: impl Iterator<Item = GroupRecord>,
) -> Result<Manifest, DatasetError> {
    let mut counts = GroupCounts::default();
    let mut history = Sha256::new();
    let mut files = BTreeMap::new();
    for (number, record) in records.enumerate() {
        history.update(&record.history_digest);
        files.insert(format!("rows/group={number:05}.parquet"), record.digest);
        counts.add(record.counts);
    }
    let deal = Deal::of(&counts.streams, &beside.ties, &build.deal)
        .map_err(|source| DatasetError::Deal { path: build.out.to_owned(), source })?
        .judged_by(build.judges);
    let (sides, left_out) = count_sides(build.out, files.len(), &deal)?;
    let path = build.out.join(STREAMS_FILE);
    let json = |path: &Path| {
        let path = path.to_owned();
        move |source| DatasetError::Json { path, source }
    };
    let mut streams = Vec::new();
    for (stream, seat) in deal.seats() {
        let line = StreamLine { stream_id: stream.clone(), seat: seat.clone() };
        serde_json::to_writer(&mut streams, &line).map_err(json(&path))?;
        streams.push(b'\n');
    }
    write_whole(&path, |file| file.write_all(&streams))?;
    let source = |(what, digest): (&String, &String)| Source { what: what.clone(), digest: digest.clone() };
    let history = Source { what: "history".into(), digest: hex(history) };
    let manifest = Manifest {
        form: 0,
        version: String::new(),
        digest: String::new(),
        feature_schema: 0,
        features: Vec::new(),
        sources: [history].into_iter().chain(beside.sources.iter().map(source)).collect(),
        deal: build.deal,
        thinning: build.thinning,
        cutoff: deal.cutoff(),
        samples: counts.samples,
        unsure: counts.unsure,
        stale: counts.stale,
        left_out,
        sides,
        leakage_rows_tried: counts.leakage_rows_tried,
        rules: counts.rules,
        files,
    };
    let path = build.out.join(MANIFEST_FILE);
    let manifest = manifest.sealed(&streams).map_err(json(&path))?;
    let mut bytes = serde_json::to_vec_pretty(&manifest).map_err(json(&path))?;
    bytes.push(b'\n');
    write_whole(&path, |file| file.write_all(&bytes))?;
    Ok(manifest)
}

fn count_sides(
    out: &Path,
    groups: usize,
    deal: &Deal,
) -> Result<(BTreeMap<Side, SideCounts>, u64), DatasetError> {
    let mut sides: BTreeMap<Side, SideCounts> =
        Side::ALL.into_iter().map(|side| (side, SideCounts::default())).collect();
    for seat in deal.seats().values() {
        sides.entry(seat.side).or_default().streams += 1;
    }
    let mut left_out = 0;
    for number in 0..groups {
        let path = group::rows_path(out, number);
        let file = fs::File::open(&path).map_err(|source| failed("read", &path, source))?;
        read_rows(file, |row| match deal.side(&row.stream, row.time) {
            Some(side) => sides.entry(side).or_default().add(row.class, row.source),
            None => left_out += 1,
        })
        .map_err(|source| DatasetError::ReadRows { path, source })?;
    }
    Ok((sides, left_out))
}

impl Beside {
    fn read(build: &Build<'_>, plan: &Plan) -> Result<Self, Failure> {
        let mut sources = BTreeMap::new();
        let mut happened = Vec::new();
        let mut hasher = Sha256::new();
        let own = files_below(&build.history.join(OUTCOMES_FOLDER))?;
        for path in own.iter().chain(build.outcomes) {
            happened.extend(read_lines::<OutcomeLine>(path, AN_OUTCOME, &mut hasher)?);
        }
        sources.insert("outcomes".to_owned(), hex(hasher));
        let mut hasher = Sha256::new();
        let ports: Vec<PortLine> = read_lines(&build.history.join(PORTS_FILE), A_PORT, &mut hasher)?;
        sources.insert("ports".to_owned(), hex(hasher));
        let mut ties: Vec<(StreamId, StreamId)> =
            ports.into_iter().filter_map(|port| Some((port.stream_id, port.peer?))).collect();
        let mut happened: Vec<(StreamId, Timestamp, Happening)> =
            happened.into_iter().map(|line| (line.stream_id, line.timestamp, line.happening)).collect();
        let mut labels = Labels::default();
        if let Some(reviews) = build.reviews {
            sources.insert("reviews".to_owned(), reviews.digest.clone());
            labels.reviewed = reviews.labels.clone();
        }
        if !build.judges.is_empty() {
            let names: String = build.judges.iter().map(|stream| format!("{stream}\n")).collect();
            sources.insert("judges".to_owned(), hex(Sha256::new_with_prefix(names)));
        }
        if let Some(folder) = build.truth {
            let episodes = read_truth(folder)?;
            let path = folder.join(TRUTH_FILE);
            let bytes = fs::read(&path).map_err(|source| failed("read", &path, source))?;
            sources.insert("truth".to_owned(), hex(Sha256::new_with_prefix(bytes)));
            happened.extend(episodes.iter().flat_map(failures));
            ties.extend(episodes.iter().flat_map(ties_of));
            labels.truth = Some(EpisodeIndex::new(&episodes));
        }
        Ok(Beside { labels, outcomes: Outcomes::new(plan.until, happened), ties, sources })
    }
}

/// A simulated fault hurts at its impact: that is as good as a person's word.
fn failures(episode: &Episode) -> Vec<(StreamId, Timestamp, Happening)> {
    let failed = Happening::Failed { how: LinkFailure::Confirmed };
    let streams = episode.streams.iter().filter(|_| episode.fault().is_some());
    streams.map(|stream| (stream.clone(), episode.impact, failed.clone())).collect()
}

fn ties_of(episode: &Episode) -> Vec<(StreamId, StreamId)> {
    let [first, others @ ..] = episode.streams.as_slice() else { return Vec::new() };
    let others = others.iter().filter(|_| episode.fault().is_some());
    others.map(|other| (first.clone(), other.clone())).collect()
}
