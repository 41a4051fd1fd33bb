//! What every parser takes and returns: where bytes came from, what was made of them, what was refused.
//!
//! A parser cannot fail. One bad counter or device must not cost the others, so refusals are values beside the
//! readings, bounded in number and counted beyond that, and every line ends up used, ignored or rejected.

use std::fmt;
use std::sync::Arc;

use linkcast_domain::{NodeGuid, PortFacts, Sample, StreamId, Timestamp};

use crate::{ColumnMap, Reading, Topology};

/// Where bytes came from and what is known of them from outside.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// File name or URL, for messages and for names that carry identity (`0x7cfe9003009ce5b0.out`).
    pub name: String,
    /// The node, where the command line that made the bytes named it (`perfquery -G`).
    pub guid: Option<NodeGuid>,
    /// When the bytes were taken, for sources that carry no time.
    pub time: Option<Timestamp>,
    /// The host the bytes speak of, for sources that name devices but no host.
    pub host: Option<String>,
    /// How to read a CSV that no parser knows.
    pub map: Option<Arc<ColumnMap>>,
    /// Names, GUIDs and LIDs known from elsewhere.
    pub topology: Option<Arc<Topology>>,
}

impl Origin {
    /// An origin of which only the name is known.
    pub fn named(name: impl Into<String>) -> Self {
        Origin { name: name.into(), ..Origin::default() }
    }
}

/// What a parser made of some bytes.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// Absolute counters, one for each port and instant.
    pub readings: Vec<Reading>,
    /// Changes, from sources that report changes already.
    pub samples: Vec<Sample>,
    /// What was said of ports beside counters.
    pub ports: Vec<(StreamId, PortFacts)>,
    /// Which node answers to which LID.
    pub lids: Vec<(u16, NodeGuid)>,
    /// Names given to nodes, by a node-name map or an info series.
    pub names: Vec<(NodeGuid, String)>,
    /// What was refused.
    pub rejects: Rejects,
    /// What became of each line.
    pub account: Account,
    /// What a reader should know beside refusals.
    pub notices: Vec<Notice>,
}

impl Parsed {
    /// Adds a notice, or counts it if one of its kind is there already.
    pub fn notice(&mut self, kind: NoticeKind, line: u64, detail: impl FnOnce() -> String) {
        match self.notices.iter_mut().find(|notice| notice.kind == kind) {
            Some(notice) => notice.count += 1,
            None => self.notices.push(Notice { kind, line, detail: detail(), count: 1 }),
        }
    }

    /// Whether the bytes show that the scrape failed, wholly or for some node: missing ports are then not gone.
    pub fn is_failed_scrape(&self) -> bool {
        self.notices.iter().any(|notice| notice.kind == NoticeKind::FailedScrape)
    }
}

/// Something refused: where, what was found and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// File name or URL.
    pub origin: String,
    /// Line (or record, in formats without lines), from 1.
    pub line: u64,
    /// The counter, column or label, where one was at fault.
    pub field: Option<String>,
    /// What was found, shortened.
    pub found: String,
    /// What was expected instead.
    pub expected: &'static str,
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.origin, self.line)?;
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        write!(f, "found {:?}, expected {}", self.found, self.expected)
    }
}

/// Refusals: the first of them kept, the rest counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejects {
    kept: Vec<Reject>,
    total: u64,
}

impl Rejects {
    /// How many refusals are kept in full.
    pub const KEPT: usize = 100;

    /// Records that `found` at `line` was refused.
    pub fn add(
        &mut self,
        origin: &Origin,
        line: u64,
        field: Option<&[u8]>,
        found: &[u8],
        expected: &'static str,
    ) {
        self.total += 1;
        if self.kept.len() < Self::KEPT {
            self.kept.push(Reject {
                origin: origin.name.clone(),
                line,
                field: field.map(shorten),
                found: shorten(found),
                expected,
            });
        }
    }

    /// The refusals kept.
    pub fn kept(&self) -> &[Reject] {
        &self.kept
    }

    /// How many there were, kept or not.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether nothing was refused.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Counts lines from further up: for a file that was parsed in pieces.
    pub fn shift_lines(&mut self, lines: u64) {
        for reject in &mut self.kept {
            reject.line += lines;
        }
    }

    /// Takes over another's refusals.
    pub fn append(&mut self, other: Rejects) {
        self.total += other.total;
        let room = Self::KEPT.saturating_sub(self.kept.len());
        self.kept.extend(other.kept.into_iter().take(room));
    }
}

/// What is shown of a refused text: its first characters, printable.
fn shorten(bytes: &[u8]) -> String {
    const SHOWN_BYTES: usize = 80;
    let start = bytes.get(..SHOWN_BYTES).unwrap_or(bytes);
    let mut text: String = String::from_utf8_lossy(start)
        .chars()
        .map(|character| if character.is_control() { '\u{fffd}' } else { character })
        .collect();
    if start.len() < bytes.len() {
        text.push('…');
    }
    text
}

/// What became of each line (or record): used, ignored (comments, blanks, the known and uninteresting) or rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// How many there were.
    pub lines: u64,
    /// Which said something that was kept.
    pub used: u64,
    /// Which say nothing that is wanted.
    pub ignored: u64,
    /// Which were refused.
    pub rejected: u64,
}

/// What became of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It said something that was kept.
    Used,
    /// It says nothing that is wanted.
    Ignored,
    /// It was refused, in part or whole.
    Rejected,
}

impl Account {
    /// Counts one line.
    #[inline]
    pub fn add(&mut self, fate: Fate) {
        self.lines += 1;
        match fate {
            Fate::Used => self.used += 1,
            Fate::Ignored => self.ignored += 1,
            Fate::Rejected => self.rejected += 1,
        }
    }

    /// Whether every line is accounted for.
    pub fn adds_up(&self) -> bool {
        self.lines == self.used + self.ignored + self.rejected
    }

    /// Takes over another's counts.
    pub fn append(&mut self, other: Account) {
        self.lines += other.lines;
        self.used += other.used;
        self.ignored += other.ignored;
        self.rejected += other.rejected;
    }
}

/// Something a reader should know that is no refusal; one for each kind, with how often it occurred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub kind: NoticeKind,
    /// The line of the first occurrence, or 0 for the whole.
    pub line: u64,
    /// The first occurrence in words.
    pub detail: String,
    /// How often.
    pub count: u64,
}

/// Kinds of notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// The bytes show that the scrape failed: ports missing from them are not gone.
    FailedScrape,
    /// The source answers, and says that it could not read some of its nodes.
    PartialScrape,
    /// Data counters look like 4-octet words where bytes were stated, or the reverse.
    WordsOrBytes,
    /// Detail counters printed under each other's names were put right.
    SwappedDetails,
    /// A sum over all ports was dropped: it would count each port twice.
    AggregateDropped,
    /// Ports were identified by LID for want of a GUID.
    IdentityByLid,
    /// More ports, counters or names than the bound; the rest was dropped.
    BoundReached,
    /// The source's own summary of what it looked at.
    Summary,
    /// The format is known and holds no telemetry.
    NotTelemetry,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)?;
        if self.count > 1 { write!(f, " (and {} more like it)", self.count - 1) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_beyond_the_bound_are_counted_and_not_kept() {
        let mut rejects = Rejects::default();
        for line in 1..=250 {
            rejects.add(&Origin::named("a.prom"), line, Some(b"value"), b"x", "a number");
        }
        assert_eq!(rejects.kept().len(), Rejects::KEPT);
        assert_eq!(rejects.total(), 250);
        assert_eq!(rejects.kept()[0].to_string(), r#"a.prom:1: value: found "x", expected a number"#);
    }

    #[test]
    fn a_refused_megabyte_is_shown_as_its_first_characters() {
        let mut rejects = Rejects::default();
        rejects.add(&Origin::named("a"), 1, None, &vec![b'\x07'; 1 << 20], "text");
        assert!(rejects.kept()[0].found.chars().count() <= 81);
    }

    #[test]
    fn a_notice_that_recurs_is_counted() {
        let mut parsed = Parsed::default();
        parsed.notice(NoticeKind::AggregateDropped, 3, || "first".into());
        parsed.notice(NoticeKind::AggregateDropped, 9, || "second".into());
        assert_eq!(parsed.notices[0].to_string(), "first (and 1 more like it)");
        assert!(!parsed.is_failed_scrape());
    }
}
