//! What a data set takes from where: written first and never changed, so that who goes on later takes the same.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use linkcast_domain::ports::TimeRange;
use linkcast_domain::{StreamId, Timestamp};
use serde::{Deserialize, Serialize};

use super::DatasetError;

/// The form of the folder this version writes.
const FORM: u32 = 1;

/// The folder of samples, by day.
pub(crate) const SAMPLES_FOLDER: &str = "samples";

/// The folder of what happened: `alerts.jsonl`, and by day what the counters tell.
pub(crate) const OUTCOMES_FOLDER: &str = "outcomes";

/// The streams, each with the other end of its link.
pub(crate) const PORTS_FILE: &str = "ports.jsonl";

const PLAN_FILE: &str = "plan.json";

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// What is taken from where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    form: u32,
    /// The store, as it was named.
    pub(crate) store: String,
    /// The first instant.
    pub(crate) from: Timestamp,
    /// The last instant.
    pub(crate) until: Timestamp,
    /// The streams, in groups that lie together.
    pub(crate) groups: Vec<Vec<StreamId>>,
}

impl Plan {
    /// A plan of this version's form.
    pub(crate) fn new(store: String, range: TimeRange, groups: Vec<Vec<StreamId>>) -> Self {
        Plan { form: FORM, store, from: range.from, until: range.until, groups }
    }

    /// The folder's plan, if it has one.
    pub(crate) fn of(folder: &Path) -> Result<Option<Plan>, DatasetError> {
        let path = folder.join(PLAN_FILE);
        match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map(Some).map_err(|source| DatasetError::Plan { path, source })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(DatasetError::Io { attempt: "read", path, source }),
        }
    }

    /// The folder's plan if it has one of the same store and range; `self`, written down, if it has none.
    pub(crate) fn agreed(self, folder: &Path) -> Result<Plan, DatasetError> {
        let path = folder.join(PLAN_FILE);
        if let Some(found) = Plan::of(folder)? {
            found.check(&self, &path)?;
            return Ok(found);
        }
        let bytes =
            serde_json::to_vec(&self).map_err(|source| DatasetError::Plan { path: path.clone(), source })?;
        write_whole(&path, |file| io::Write::write_all(file, &bytes))?;
        Ok(self)
    }

    /// Each day of the range, in order, as its date and its part of the range.
    pub(crate) fn days(&self) -> Vec<(String, TimeRange)> {
        let mut days = Vec::new();
        let mut from = self.from;
        while from <= self.until {
            let midnight = from.millis().div_euclid(DAY.as_millis() as i64) * DAY.as_millis() as i64;
            let next = Timestamp::from_millis(midnight).plus(DAY);
            let last = Timestamp::from_millis(next.millis() - 1);
            let date = from.to_string().chars().take("2026-01-31".len()).collect();
            days.push((date, TimeRange { from, until: self.until.min(last) }));
            from = next;
        }
        days
    }

    fn check(&self, wanted: &Plan, path: &Path) -> Result<(), DatasetError> {
        let parts = [
            ("form", self.form.to_string(), wanted.form.to_string()),
            ("store", self.store.clone(), wanted.store.clone()),
            ("beginning", self.from.to_string(), wanted.from.to_string()),
            ("end", self.until.to_string(), wanted.until.to_string()),
        ];
        match parts.into_iter().find(|(_, found, expected)| found != expected) {
            None => Ok(()),
            Some((part, found, expected)) => {
                Err(DatasetError::Another { path: path.to_owned(), part, found, expected })
            }
        }
    }
}

/// Where a history keeps the samples of a group on a day.
pub(super) fn part_path(folder: &Path, date: &str, number: usize) -> PathBuf {
    folder.join(SAMPLES_FOLDER).join(format!("day={date}")).join(format!("group={number:05}.parquet"))
}

/// Writes a file under another name and renames it, so that what has its name is whole.
pub(super) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut fs::File) -> io::Result<()>,
) -> Result<(), DatasetError> {
    let failed = |attempt| {
        let path = path.to_owned();
        move |source| DatasetError::Io { attempt, path, source }
    };
    let staged = staged(path);
    let mut file = fs::File::create(&staged).map_err(failed("create"))?;
    write(&mut file).map_err(failed("write"))?;
    file.sync_all().map_err(failed("write"))?;
    fs::rename(&staged, path).map_err(failed("rename"))
}

/// Where a file lies until it is whole.
pub(super) fn staged(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(from: &str, until: &str) -> Plan {
        let range = TimeRange { from: from.parse().unwrap(), until: until.parse().unwrap() };
        Plan::new("sqlite:x".into(), range, vec![vec!["a/1".parse().unwrap()]])
    }

    #[test]
    fn days_cut_the_range_at_midnight_and_miss_nothing() {
        let plan = plan("2026-01-05T22:00:00Z", "2026-01-07T01:00:00Z");
        let days = plan.days();
        let dates: Vec<&str> = days.iter().map(|(date, _)| date.as_str()).collect();
        assert_eq!(dates, ["2026-01-05", "2026-01-06", "2026-01-07"]);
        assert_eq!((days[0].1.from, days[2].1.until), (plan.from, plan.until));
        for pair in days.windows(2) {
            assert_eq!(pair[1].1.from.millis() - pair[0].1.until.millis(), 1);
        }
    }

    #[test]
    fn a_folder_keeps_its_plan_and_refuses_another() {
        let folder = tempfile::tempdir().unwrap();
        let first = plan("2026-01-05T22:00:00Z", "2026-01-07T01:00:00Z");
        assert_eq!(first.clone().agreed(folder.path()).unwrap(), first);
        let mut grown = first.clone();
        grown.groups.push(vec!["b/1".parse().unwrap()]);
        assert_eq!(grown.agreed(folder.path()).unwrap(), first, "streams that came later are not in it");
        let other = plan("2026-01-05T22:00:00Z", "2026-01-08T01:00:00Z").agreed(folder.path()).unwrap_err();
        assert!(other.to_string().contains("another end"), "{other}");
    }
}
