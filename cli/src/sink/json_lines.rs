//! A file of JSON lines, one alert a line, synced before a message counts as told.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use linkcast_domain::Retry;
use linkcast_domain::ports::{Notifier, NotifyError, OutboxMessage};

/// A file that grows.
#[derive(Debug)]
pub(crate) struct JsonLinesFile {
    channel: String,
    file: Mutex<File>,
}

impl JsonLinesFile {
    /// Opens `path` for appending, making it if it is not there.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(JsonLinesFile { channel: format!("file:{}", path.display()), file: Mutex::new(file) })
    }

    fn append(&self, messages: &[OutboxMessage]) -> io::Result<()> {
        let mut lines = Vec::new();
        for message in messages {
            serde_json::to_writer(&mut lines, message)?;
            lines.push(b'\n');
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&lines)?;
        file.sync_data()
    }
}

impl Notifier for JsonLinesFile {
    fn channel(&self) -> &str {
        &self.channel
    }

    async fn publish(&self, messages: &[OutboxMessage], _budget: Duration) -> Result<(), NotifyError> {
        self.append(messages).map_err(|error| NotifyError {
            channel: self.channel.clone(),
            reason: error.to_string(),
            retry: Retry::Later,
        })
    }
}
