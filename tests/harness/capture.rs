//! A simulated fabric as remote write requests, and what the embedded pipeline makes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{Linkcast, field};

/// A folder of requests, one a sweep.
#[derive(Debug)]
pub struct Capture {
    folder: PathBuf,
    database: PathBuf,
}

/// What a replay came to.
#[derive(Debug)]
pub struct Embedded {
    /// Samples that were made of the readings.
    pub samples: usize,
    /// Insights by id.
    pub insights: BTreeMap<String, Value>,
}

impl Capture {
    /// Simulates a fabric; `options` are those of `linkcast simulate`.
    pub fn simulate(folder: &Path, options: &[&str]) -> Result<Self> {
        let captured = folder.join("capture");
        let captured_text = captured.to_string_lossy().into_owned();
        let mut arguments = vec!["simulate", "--format", "remote-write", "--out", &captured_text];
        arguments.extend(options);
        let call = Linkcast::call(&arguments)?;
        ensure!(call.code() == Some(0), "{}", call.said());
        Ok(Capture { folder: captured, database: folder.join("embedded.db") })
    }

    /// A copy whose replay is its own, for more to follow.
    pub fn copied(&self, folder: &Path) -> Result<Self> {
        let copy = Capture { folder: folder.join("capture"), database: folder.join("embedded.db") };
        std::fs::create_dir_all(&copy.folder).context("cannot make a folder")?;
        std::fs::copy(self.folder.join("links.out"), copy.folder.join("links.out"))
            .context("cannot copy the links")?;
        copy.followed_by(self, usize::MAX)?;
        Ok(copy)
    }

    /// Has the first requests of another capture of the same fabric follow, which are of later times.
    pub fn followed_by(&self, later: &Capture, count: usize) -> Result<()> {
        for path in later.paths()?.iter().take(count) {
            let name = path.file_name().context("a request without a name")?;
            std::fs::copy(path, self.folder.join(name)).context("cannot copy a request")?;
        }
        Ok(())
    }

    /// What a replay writes.
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// The requests' bodies, in the order of time.
    pub fn requests(&self) -> Result<Vec<Vec<u8>>> {
        self.paths()?.iter().map(|path| std::fs::read(path).context("cannot read a request")).collect()
    }

    fn paths(&self) -> Result<Vec<PathBuf>> {
        let listed = std::fs::read_dir(&self.folder).context("cannot list the capture")?;
        let mut paths: Vec<PathBuf> =
            listed.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>().context("cannot list")?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "snappy"));
        paths.sort();
        Ok(paths)
    }

    /// What the subnet's diagnostics say of its links, as `iblinkinfo` prints it.
    pub fn links(&self) -> Result<String> {
        std::fs::read_to_string(self.folder.join("links.out")).context("the capture has no links")
    }

    /// Runs the requests through the embedded pipeline.
    pub fn replay(&self) -> Result<Embedded> {
        let (folder, database) = (self.folder.to_string_lossy(), self.database.to_string_lossy());
        let call = Linkcast::call(&["replay", &folder, "--db", &database])?;
        ensure!(call.code() == Some(0), "{}", call.said());
        let told = format!("{}{}", call.printed(), call.said());
        let samples = count_before(&told, " samples,").with_context(|| format!("no count in: {told}"))?;
        let call = Linkcast::call(&["insights", "--json", "--limit", "1000000", "--db", &database])?;
        ensure!(call.code() == Some(0), "{}", call.said());
        let by_id = |insight: Value| {
            let id = field(&insight, "entity_id").as_str().context("an insight without an id")?.to_owned();
            Ok((id, insight))
        };
        let insights = call.json_lines()?.into_iter().map(by_id).collect::<Result<_>>()?;
        Ok(Embedded { samples, insights })
    }
}

/// What is in one set of insights and not in the other, or otherwise there; how long an answer took is no difference.
pub fn differences(expected: &BTreeMap<String, Value>, found: &BTreeMap<String, Value>) -> Vec<String> {
    let mut differences = Vec::new();
    let shown = |insight: &Value| {
        let named = ["stream", "timestamp", "prediction_type", "risk_score"];
        named.map(|name| field(insight, name).to_string()).join(" ")
    };
    let ids: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    for id in ids {
        match (expected.get(id), found.get(id)) {
            (Some(expected), None) => differences.push(format!("{id} is missing: {}", shown(expected))),
            (None, Some(found)) => differences.push(format!("{id} should not be: {}", shown(found))),
            (Some(expected), Some(found)) if timeless(expected) != timeless(found) => {
                differences.push(format!("{id} differs: expected {expected}, found {found}"));
            }
            _ => {}
        }
    }
    differences
}

/// An insight less what depends on the machine.
fn timeless(insight: &Value) -> Value {
    let mut insight = insight.clone();
    if let Some(fields) = insight.as_object_mut() {
        fields.remove("latency_us");
    }
    insight
}

/// The number that stands before some words.
fn count_before(text: &str, words: &str) -> Option<usize> {
    let (before, _) = text.split_once(words)?;
    before.rsplit(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}
