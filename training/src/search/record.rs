//! What a search has found so far, as lines of text that outlive it.
//!
//! The first line says what is searched: the digest of the rows and every setting that decides the result. Each line
//! after it is one candidate on one rung, whole. A line that an interruption cut short is dropped; a file of another
//! search is refused, naming what differs. Nothing in a line tells when or on how many threads it was found, so a
//! search that was interrupted ends with the bytes of one that was not.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::error::Error;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SearchSettings;
use super::candidate::Candidate;
use super::score::FoldScore;
use crate::metrics::rounded;
use crate::{TrainingConfig, TrainingSet};

/// Raised when a line means something else than before.
const FORM: u32 = 1;

/// One candidate on one rung.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialRecord {
    /// The candidate's number: 0 is the baseline.
    pub trial: usize,
    /// The rung, from 0.
    pub rung: usize,
    /// What was tried.
    pub candidate: Candidate,
    /// How it did on each fold.
    pub folds: Vec<FoldScore>,
    /// The mean of the folds' losses: what decides.
    pub loss: f64,
    /// The mean of the folds' macro F1.
    pub macro_f1: f64,
}

impl TrialRecord {
    pub(super) fn new(trial: usize, rung: usize, candidate: Candidate, folds: Vec<FoldScore>) -> Self {
        let mean = |of: fn(&FoldScore) -> f64| {
            rounded(folds.iter().map(of).sum::<f64>() / folds.len().max(1) as f64)
        };
        let (loss, macro_f1) = (mean(|fold| fold.loss), mean(|fold| fold.macro_f1));
        TrialRecord { trial, rung, candidate, folds, loss, macro_f1 }
    }

    /// The better first; of equals, the lower number.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        self.loss.total_cmp(&other.loss).then(self.trial.cmp(&other.trial))
    }
}

/// Where finished trials are kept.
pub trait Journal: Send {
    /// What was finished before this search began, and since.
    fn finished(&self) -> &[TrialRecord];

    /// Keeps a finished trial, so that it is there after whatever happens next.
    ///
    /// # Errors
    ///
    /// Why it could not be kept.
    fn keep(&mut self, record: &TrialRecord) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// A journal that forgets: for searches that nobody would go on with.
impl Journal for Vec<TrialRecord> {
    fn finished(&self) -> &[TrialRecord] {
        self
    }

    fn keep(&mut self, record: &TrialRecord) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.push(record.clone());
        Ok(())
    }
}

/// What a record is of: its first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchHeader {
    form: u32,
    data_digest: String,
    search: Value,
    training: Value,
}

/// Why a record cannot be gone on with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The first line is none of ours.
    #[error("its first line is no search's: expected what an interrupted search left")]
    NoHeader,
    /// It is of another search.
    #[error("it is of another search: {name} was {was} and is now {is}")]
    OtherSearch {
        /// What differs.
        name: String,
        /// What the record says.
        was: String,
        /// What is asked for now.
        is: String,
    },
    /// A line in the middle is damaged: no interruption does that.
    #[error("line {line} is no finished trial: {found}")]
    DamagedLine {
        /// The line, from 1.
        line: usize,
        /// What the reader said.
        found: String,
    },
}

impl SearchHeader {
    /// The header of this search.
    pub fn of(set: &TrainingSet, config: &TrainingConfig, settings: &SearchSettings) -> Self {
        let mut training = serde_json::to_value(config).unwrap_or_default();
        // Neither decides which candidate is best.
        for name in ["version", "data_source"] {
            training.as_object_mut().and_then(|training| training.remove(name));
        }
        SearchHeader {
            form: FORM,
            data_digest: set.digest(),
            search: serde_json::to_value(settings).unwrap_or_default(),
            training,
        }
    }

    /// The header as the record's first line, without its end.
    pub fn line(&self) -> String {
        as_line(self)
    }

    fn check(&self, found: &SearchHeader) -> Result<(), RecordError> {
        let differs = |name: &str, was: &dyn ToString, is: &dyn ToString| {
            Err(RecordError::OtherSearch { name: name.into(), was: was.to_string(), is: is.to_string() })
        };
        if self.form != found.form {
            return differs("the record's form", &found.form, &self.form);
        }
        if self.data_digest != found.data_digest {
            return differs("the digest of the rows", &found.data_digest, &self.data_digest);
        }
        let difference = first_difference("search", &found.search, &self.search)
            .or_else(|| first_difference("training", &found.training, &self.training));
        match difference {
            Some((name, was, is)) => differs(&name, &was, &is),
            None => Ok(()),
        }
    }
}

/// The first value in which two trees of settings differ, by its path.
fn first_difference(path: &str, was: &Value, is: &Value) -> Option<(String, String, String)> {
    let (Value::Object(before), Value::Object(now)) = (was, is) else {
        return (was != is).then(|| (path.to_owned(), was.to_string(), is.to_string()));
    };
    let names: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    names.into_iter().find_map(|name| {
        let value = |of: &serde_json::Map<String, Value>| of.get(name).cloned().unwrap_or_default();
        first_difference(&format!("{path}.{name}"), &value(before), &value(now))
    })
}

/// What a record's text holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    /// The finished trials, in the order they were kept.
    pub trials: Vec<TrialRecord>,
    /// How many bytes of the text are whole lines: what follows was cut short and is to be dropped.
    pub whole: usize,
}

impl Records {
    /// Reads the text of a record of the search that `header` names. Text without one whole line is an empty record.
    ///
    /// # Errors
    ///
    /// A record of another search, or one that something else than an interruption damaged.
    pub fn read(text: &[u8], header: &SearchHeader) -> Result<Self, RecordError> {
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut lines = text.get(..whole).unwrap_or_default().split_inclusive(|byte| *byte == b'\n');
        let Some(first) = lines.next() else { return Ok(Records::default()) };
        let found: SearchHeader = serde_json::from_slice(first).map_err(|_| RecordError::NoHeader)?;
        header.check(&found)?;
        let trials = lines.enumerate().map(|(number, line)| {
            serde_json::from_slice(line)
                .map_err(|error| RecordError::DamagedLine { line: number + 2, found: error.to_string() })
        });
        Ok(Records { trials: trials.collect::<Result<_, _>>()?, whole })
    }

    /// The text of a search that is over: its trials by rung and number, whatever order they were finished in.
    pub fn settled(header: &SearchHeader, trials: &[TrialRecord]) -> String {
        let mut trials: Vec<&TrialRecord> = trials.iter().collect();
        trials.sort_by_key(|record| (record.rung, record.trial));
        let lines = [header.line()].into_iter().chain(trials.into_iter().map(TrialRecord::line));
        lines.map(|line| line + "\n").collect()
    }
}

impl TrialRecord {
    /// The trial as a line, without its end.
    pub fn line(&self) -> String {
        as_line(self)
    }
}

/// Numbers, texts and lists of them: serde has nothing to refuse here.
fn as_line(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Folds that came in, until a trial has all of its own.
#[derive(Debug)]
pub(super) struct Unfinished {
    folds: usize,
    open: BTreeMap<usize, Vec<Option<FoldScore>>>,
}

impl Unfinished {
    pub(super) fn new(folds: usize) -> Self {
        Unfinished { folds, open: BTreeMap::new() }
    }

    /// Takes a fold's score; all of the trial's, once it was the last.
    pub(super) fn take(&mut self, trial: usize, fold: usize, score: FoldScore) -> Option<Vec<FoldScore>> {
        let open = self.open.entry(trial).or_insert_with(|| vec![None; self.folds]);
        open.get_mut(fold).into_iter().for_each(|place| *place = Some(score));
        let all: Option<Vec<FoldScore>> = open.iter().copied().collect();
        if all.is_some() {
            self.open.remove(&trial);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{made_up, small};

    fn header() -> SearchHeader {
        SearchHeader::of(&made_up(3), &small(), &SearchSettings::default())
    }

    fn trial(number: usize, rung: usize) -> TrialRecord {
        let config = small();
        let candidate = Candidate::Trees { settings: config.classifier, balance: config.balance };
        let fold = FoldScore { loss: 0.123_457, macro_f1: 0.7, rounds: 12 };
        TrialRecord::new(number, rung, candidate, vec![fold; 3])
    }

    fn text(trials: &[TrialRecord]) -> String {
        let lines = [header().line()].into_iter().chain(trials.iter().map(TrialRecord::line));
        lines.map(|line| line + "\n").collect()
    }

    #[test]
    fn what_was_kept_is_read_back_to_the_bit_and_a_torn_line_is_dropped() {
        let trials = [trial(0, 0), trial(1, 0)];
        let whole = text(&trials);
        let torn = format!("{whole}{}", &trial(2, 0).line()[..40]);
        let read = Records::read(torn.as_bytes(), &header()).unwrap();
        assert_eq!(read, Records { trials: trials.to_vec(), whole: whole.len() });
        for torn in ["", "{\"form\":1,\"da"] {
            assert_eq!(Records::read(torn.as_bytes(), &header()), Ok(Records::default()), "{torn}");
        }
    }

    #[test]
    fn a_record_of_another_search_is_refused_naming_what_differs() {
        let whole = text(&[trial(0, 0)]);
        let refusal =
            |header: &SearchHeader| Records::read(whole.as_bytes(), header).unwrap_err().to_string();
        let set = made_up(3);
        let more = SearchSettings { trials: 60, ..SearchSettings::default() };
        let said = refusal(&SearchHeader::of(&set, &small(), &more));
        assert!(said.contains("search.trials was 50 and is now 60"), "{said}");
        let mut config = small();
        config.classifier.depth = 7;
        let said = refusal(&SearchHeader::of(&set, &config, &SearchSettings::default()));
        assert!(said.contains("training.classifier.depth was 3 and is now 7"), "{said}");
        let said = refusal(&SearchHeader::of(&made_up(4), &small(), &SearchSettings::default()));
        assert!(said.contains("the digest of the rows was"), "{said}");
    }

    #[test]
    fn a_file_of_something_else_and_a_damaged_middle_are_refused() {
        assert_eq!(Records::read(b"{\"risk\":1}\n", &header()), Err(RecordError::NoHeader));
        let damaged = format!("{}\n{{\"trial\":\n{}\n", header().line(), trial(1, 0).line());
        let error = Records::read(damaged.as_bytes(), &header()).unwrap_err();
        assert!(matches!(error, RecordError::DamagedLine { line: 2, .. }), "{error}");
    }

    #[test]
    fn a_settled_record_is_in_order_whatever_order_trials_came_in() {
        let (one, other) = ([trial(2, 0), trial(0, 1), trial(0, 0)], [trial(0, 0), trial(2, 0), trial(0, 1)]);
        let settled = Records::settled(&header(), &one);
        assert_eq!(settled, Records::settled(&header(), &other));
        assert_eq!(Records::read(settled.as_bytes(), &header()).unwrap().trials, other);
    }
}
