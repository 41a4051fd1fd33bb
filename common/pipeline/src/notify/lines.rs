//! Alerts as JSON lines: one message a line, in order, none twice.
//!
//! A message may come again after a crash, because the file was written and the store was not told. The file itself
//! knows what it has: its last whole line holds the last sequence. Whoever opens it reads that first, cuts off a line
//! that was torn, and a repeated message is then passed over; so the file of a disturbed run equals that of an
//! undisturbed one.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use linkcast_domain::ports::{NoticeChannel, Notifier, NotifyError, OutboxMessage};
use linkcast_domain::{Notice, Retry, Severity};
use serde::{Deserialize, Serialize};

/// What a file of lines holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WrittenLines {
    /// Bytes up to the end of the last whole line: cut the file there.
    pub length: usize,
    /// The last message's sequence, 0 if there is none.
    pub last_sequence: u64,
}

/// Reads what a file of lines holds, from its bytes.
pub fn written_lines(bytes: &[u8]) -> WrittenLines {
    let length = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    let whole = bytes.get(..length).unwrap_or_default();
    let last_sequence = whole
        .split(|byte| *byte == b'\n')
        .rev()
        .find_map(|line| serde_json::from_slice::<OutboxMessage>(line).ok())
        .map_or(0, |message| message.sequence);
    WrittenLines { length, last_sequence }
}

/// A notice's line: `{"notice": {...}}`, so that it is never taken for an alert's.
#[derive(Serialize, Deserialize)]
struct NoticeLine<N> {
    notice: N,
}

/// A notice as far as it says which it is.
#[derive(Deserialize)]
struct Identified {
    id: String,
}

/// How a notice's line begins.
const NOTICE_LINE: &[u8] = br#"{"notice":"#;

/// The ids of the notices that a file of lines holds.
pub fn written_notices(bytes: &[u8]) -> BTreeSet<String> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| line.starts_with(NOTICE_LINE));
    lines
        .filter_map(|line| serde_json::from_slice::<NoticeLine<Identified>>(line).ok())
        .map(|line| line.notice.id)
        .collect()
}

/// The channel that writes lines.
#[derive(Debug)]
pub struct JsonLines<W> {
    channel: String,
    out: Mutex<Written<W>>,
}

#[derive(Debug)]
struct Written<W> {
    writer: W,
    last_sequence: u64,
    notices: BTreeSet<String>,
}

impl<W: Write + Send> JsonLines<W> {
    /// A channel that appends to `writer`, which holds messages up to `last_sequence` and these notices.
    pub fn new(channel: String, writer: W, last_sequence: u64, notices: BTreeSet<String>) -> Self {
        JsonLines { channel, out: Mutex::new(Written { writer, last_sequence, notices }) }
    }

    fn write(&self, messages: &[OutboxMessage]) -> Result<(), std::io::Error> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        for message in messages {
            if message.sequence > out.last_sequence {
                let mut line = serde_json::to_vec(message)?;
                line.push(b'\n');
                out.writer.write_all(&line)?;
                out.last_sequence = message.sequence;
            }
        }
        out.writer.flush()
    }

    fn write_notice(&self, notice: &Notice) -> Result<(), std::io::Error> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.notices.contains(&notice.id) {
            return Ok(());
        }
        let mut line = serde_json::to_vec(&NoticeLine { notice })?;
        line.push(b'\n');
        out.writer.write_all(&line)?;
        out.notices.insert(notice.id.clone());
        out.writer.flush()
    }
}

impl<W: Write + Send> Notifier for JsonLines<W> {
    fn channel(&self) -> &str {
        &self.channel
    }

    async fn publish(&self, messages: &[OutboxMessage], _budget: Duration) -> Result<(), NotifyError> {
        self.write(messages).map_err(|error| NotifyError {
            channel: self.channel.clone(),
            reason: format!("expected to append {} lines: {error}", messages.len()),
            retry: Retry::Later,
        })
    }
}

impl<W: Write + Send> NoticeChannel for JsonLines<W> {
    fn channel(&self) -> &str {
        &self.channel
    }

    fn least(&self) -> Severity {
        Severity::Info
    }

    async fn tell_notice(&self, notice: &Notice, _budget: Duration) -> Result<(), NotifyError> {
        self.write_notice(notice).map_err(|error| NotifyError {
            channel: self.channel.clone(),
            reason: format!("expected to append a line: {error}"),
            retry: Retry::Later,
        })
    }
}
