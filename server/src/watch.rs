//! Model folders are looked at again and again; what changed is loaded, tried, and only then answers.
//!
//! A folder is judged by its files' own facts, which change with every write, rename and exchanged link. It is read once it has
//! looked the same twice, so that one in the middle of being written is left alone; half a model that is read all the same is
//! refused by its card's digests, the old one goes on, and the next change is another try.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use linkcast_scoring::{CARD_FILE, CLASSIFIER_FILE, Horizon, PACKED_FILE, REGRESSOR_FILE};
use tokio::sync::Notify;

use crate::EndpointName;
use crate::models::{Endpoint, Loaded, Models, read_model};
use crate::refusal::chain;

/// What whoever runs a server should hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Another model answers.
    Swapped {
        /// Under which name.
        name: EndpointName,
        /// The version that answered before.
        from: String,
        /// The version that answers now.
        to: String,
    },
    /// A model was refused, and the one before it goes on.
    Refused {
        /// Under which name.
        name: EndpointName,
        /// Why.
        why: String,
        /// The version that goes on answering.
        stays: String,
    },
    /// No connection could be taken in for a moment.
    NotAccepted {
        /// Why.
        why: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Swapped { name, from, to } => {
                write!(f, "{name}: version {to} answers in place of version {from}")
            }
            Notice::Refused { name, why, stays } => {
                write!(f, "{name}: version {stays} goes on answering, as another model was refused: {why}")
            }
            Notice::NotAccepted { why } => write!(f, "a connection could not be accepted: {why}"),
        }
    }
}

/// Who is told.
pub(crate) type Tell = Arc<dyn Fn(&Notice) + Send + Sync>;

/// Looks after every folder until the task ends: at each `interval`, and at once when `now` is notified.
pub(crate) async fn watch(models: Arc<Models>, interval: Option<Duration>, now: Arc<Notify>, tell: Tell) {
    let mut folders: Vec<Watched> = models.all().iter().map(Watched::new).collect();
    loop {
        let urgency = match interval {
            None => {
                now.notified().await;
                Urgency::AtOnce
            }
            Some(interval) => match tokio::time::timeout(interval, now.notified()).await {
                Ok(()) => Urgency::AtOnce,
                Err(_) => Urgency::WhenStill,
            },
        };
        let (models, tell) = (Arc::clone(&models), Arc::clone(&tell));
        // Files are read and a model is tried on a thread that may wait.
        let looked = tokio::task::spawn_blocking(move || {
            for (watched, endpoint) in folders.iter_mut().zip(models.all()) {
                if let Some(notice) = watched.look(endpoint, urgency) {
                    tell(&notice);
                }
            }
            folders
        });
        let Ok(back) = looked.await else { return };
        folders = back;
    }
}

/// When a folder that looks different is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Urgency {
    /// Once it looked the same twice.
    WhenStill,
    /// Now, even if it looks as it did.
    AtOnce,
}

/// What was seen of a folder.
struct Watched {
    /// As it was when it was last read.
    read: Vec<Option<FileFacts>>,
    /// As it was at the last look.
    seen: Vec<Option<FileFacts>>,
}

/// What changes whenever a file is written, replaced, or reached by another link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileFacts {
    device: u64,
    inode: u64,
    length: u64,
    changed_seconds: i64,
    changed_nanoseconds: i64,
}

impl Watched {
    /// Nothing was seen yet: the first still look reads the folder again, for it may have changed since it was loaded.
    fn new(endpoint: &Endpoint) -> Self {
        let seen = endpoint.folder.as_deref().map(facts).unwrap_or_default();
        Watched { read: Vec::new(), seen }
    }

    fn look(&mut self, endpoint: &Endpoint, urgency: Urgency) -> Option<Notice> {
        let folder = endpoint.folder.as_deref()?;
        let now = facts(folder);
        let is_still = now == self.seen;
        self.seen.clone_from(&now);
        if urgency == Urgency::WhenStill && (!is_still || now == self.read) {
            return None;
        }
        self.read = now;
        take(endpoint, folder)
    }
}

/// Lets the model in `folder` answer, if it is another one and a sound one.
fn take(endpoint: &Endpoint, folder: &Path) -> Option<Notice> {
    let name = endpoint.name.clone();
    let old = endpoint.current();
    let from = old.model.identity().model_version.clone();
    let found = read_model(folder).map_err(|error| chain(&error));
    let tried = found.and_then(|model| {
        let is_same = model.card_digest() == old.model.card_digest();
        if is_same { Ok(None) } else { Loaded::tried(model).map(Some).map_err(|error| chain(&error)) }
    });
    match tried {
        Ok(None) => None,
        Ok(Some(loaded)) => {
            let to = loaded.model.identity().model_version.clone();
            endpoint.swap(loaded);
            Some(Notice::Swapped { name, from, to })
        }
        Err(why) => {
            endpoint.refused.fetch_add(1, Ordering::Relaxed);
            Some(Notice::Refused { name, why, stays: from })
        }
    }
}

fn facts(folder: &Path) -> Vec<Option<FileFacts>> {
    let files = [CARD_FILE, PACKED_FILE, CLASSIFIER_FILE, REGRESSOR_FILE];
    let files = files.into_iter().chain(Horizon::ALL.map(Horizon::file));
    let facts = files.map(|file| {
        let facts = fs::metadata(folder.join(file)).ok()?;
        Some(FileFacts {
            device: facts.dev(),
            inode: facts.ino(),
            length: facts.len(),
            changed_seconds: facts.ctime(),
            changed_nanoseconds: facts.ctime_nsec(),
        })
    });
    facts.collect()
}
