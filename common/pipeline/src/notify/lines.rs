//! Alerts as JSON lines: one message a line, in order, none twice.
//!
//! A message may come again after a crash, because the file was written and the store was not told. The file itself
//! knows what it has: its last whole line holds the last sequence. Whoever opens it reads that first, cuts off a line
//! that was torn, and a repeated message is then passed over; so the file of a disturbed run equals that of an
//! undisturbed one.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use linkcast_domain::Retry;
use linkcast_domain::ports::{Notifier, NotifyError, OutboxMessage};

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

/// The channel that writes lines.
#[derive(Debug)]
pub struct JsonLines<W> {
    channel: String,
    out: Mutex<(W, u64)>,
}

impl<W: Write + Send> JsonLines<W> {
    /// A channel that appends to `writer`, which holds messages up to `last_sequence`.
    pub fn new(channel: String, writer: W, last_sequence: u64) -> Self {
        JsonLines { channel, out: Mutex::new((writer, last_sequence)) }
    }

    fn write(&self, messages: &[OutboxMessage]) -> Result<(), std::io::Error> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let (writer, last_sequence) = &mut *out;
        for message in messages {
            if message.sequence > *last_sequence {
                let mut line = serde_json::to_vec(message)?;
                line.push(b'\n');
                writer.write_all(&line)?;
                *last_sequence = message.sequence;
            }
        }
        writer.flush()
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
