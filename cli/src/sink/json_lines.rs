//! A file of JSON lines, one alert a line, synced before a message counts as told.
//!
//! The file itself knows how far it got: a line torn by a crash is cut off, and what the store's outbox gives again is
//! passed over, so that the file of a disturbed run equals that of an undisturbed one.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use linkcast_domain::ports::{NoticeChannel, Notifier, NotifyError, OutboxMessage};
use linkcast_domain::{Notice, Severity};
use linkcast_pipeline::{JsonLines, written_lines, written_notices};

/// A file that grows.
#[derive(Debug)]
pub(crate) struct JsonLinesFile {
    lines: JsonLines<Synced>,
    least: Severity,
}

impl JsonLinesFile {
    /// Opens `path` for appending, making it if it is not there. `committed` is the store's last message: a file that
    /// holds a later one was written from another store, whose numbers say nothing about this one's. Notices are told from
    /// `least` on.
    pub(crate) fn open(path: &Path, committed: u64, least: Severity) -> io::Result<Self> {
        let mut file = OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let written = written_lines(&bytes);
        if written.length < bytes.len() {
            file.set_len(written.length as u64)?;
        }
        file.seek(SeekFrom::End(0))?;
        let last = if written.last_sequence <= committed { written.last_sequence } else { 0 };
        let (channel, notices) = (format!("file:{}", path.display()), written_notices(&bytes));
        Ok(JsonLinesFile { lines: JsonLines::new(channel, Synced(file), last, notices), least })
    }
}

impl Notifier for JsonLinesFile {
    fn channel(&self) -> &str {
        Notifier::channel(&self.lines)
    }

    async fn publish(&self, messages: &[OutboxMessage], budget: Duration) -> Result<(), NotifyError> {
        self.lines.publish(messages, budget).await
    }
}

impl NoticeChannel for JsonLinesFile {
    fn channel(&self) -> &str {
        NoticeChannel::channel(&self.lines)
    }

    fn least(&self) -> Severity {
        self.least
    }

    async fn tell_notice(&self, notice: &Notice, budget: Duration) -> Result<(), NotifyError> {
        self.lines.tell_notice(notice, budget).await
    }
}

/// A file whose flush waits for the disk.
#[derive(Debug)]
struct Synced(File);

impl Write for Synced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use linkcast_domain::{Alert, AlertState, Cause, NoticeKind, Timestamp};

    use super::*;
    use crate::database::ready;

    fn message(sequence: u64) -> OutboxMessage {
        let alert = Alert {
            alert_id: "a1".into(),
            state: AlertState::Firing,
            fabric: "lab".into(),
            group: "stream:x".into(),
            cause: Cause::SeriesMissing,
            streams: vec!["x".parse().unwrap()],
            names: vec![],
            opened: Timestamp::from_millis(1_000),
            updated: Timestamp::from_millis(9_000),
            risk_score: 91.4,
            confidence: 0.9,
            summary: "x will drop".into(),
            recommendations: vec![],
            insights: vec![],
        };
        OutboxMessage { sequence, id: format!("a1-{sequence}"), alert }
    }

    fn publish(path: &Path, committed: u64, messages: &[OutboxMessage]) {
        let file = JsonLinesFile::open(path, committed, Severity::Info).unwrap();
        ready(file.publish(messages, Duration::ZERO)).unwrap();
    }

    #[test]
    fn a_torn_line_is_written_again_and_a_whole_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.jsonl");
        publish(&path, 0, &[message(1), message(2)]);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 7]).unwrap();
        publish(&path, 2, &[message(1), message(2)]);
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }

    #[test]
    fn a_notice_stands_in_the_file_once_and_hides_no_alert() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.jsonl");
        publish(&path, 0, &[message(1)]);
        let (place, what) = (("lab", "link-health"), ("1/start", Timestamp::EPOCH));
        let notice = Notice::of(NoticeKind::Rollout, place, what, Severity::Info, "it began".to_owned());
        for _ in 0..2 {
            let file = JsonLinesFile::open(&path, 1, Severity::Info).unwrap();
            ready(file.tell_notice(&notice, Duration::ZERO)).unwrap();
            ready(file.tell_notice(&notice, Duration::ZERO)).unwrap();
        }
        publish(&path, 1, &[message(1)]);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.lines().nth(1).unwrap().starts_with(r#"{"notice":{"id":""#), "{text}");
    }

    #[test]
    fn a_new_database_adds_to_the_file_of_an_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.jsonl");
        publish(&path, 0, &[message(1), message(2)]);
        publish(&path, 0, &[message(1)]);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
    }
}
