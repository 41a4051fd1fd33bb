//! One stream's state as bytes: the differ's, the fold's and the watch's, one after another.
//!
//! The first two bring their own versions and checks; this form has a version of its own for the rest. A state of
//! another version is refused: to go on with half a memory would be worse than to begin anew by decision.

use linkcast_domain::ports::{SavedState, StreamRecord};
use linkcast_domain::{PortState, StreamId, Timestamp};
use linkcast_features::{StateError, StreamState};
use linkcast_telemetry::{DamagedDifferError, Differ};

use crate::stream::{Following, Missing, Saved, Stream};
use crate::watch::{SeenUp, Watch, class_byte, last_insight};

const VERSION: u8 = 2;

/// Stands for no time.
const NO_TIME: i64 = i64::MIN;

/// A stored state that cannot be taken up.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StreamStateError {
    /// Ends early, or is of another version.
    #[error("the state of stream {stream} is not of form {VERSION}, or ends early")]
    Form {
        /// Whose.
        stream: StreamId,
    },
    /// The counters' part.
    #[error("the counters' part of the state of stream {stream} cannot be read")]
    Differ {
        /// Whose.
        stream: StreamId,
        /// Why.
        #[source]
        source: DamagedDifferError,
    },
    /// The features' part.
    #[error("the features' part of the state of stream {stream} cannot be read")]
    Fold {
        /// Whose.
        stream: StreamId,
        /// Why.
        #[source]
        source: StateError,
    },
}

/// The stream's state for a store; nothing before its first reading.
pub(crate) fn saved(stream: &Stream) -> Option<SavedState> {
    let last_time = stream.watch.last_time?;
    let (differ, fold) = (stream.differ.to_bytes(), stream.fold.to_bytes());
    let mut bytes = Vec::with_capacity(differ.len() + fold.len() + 80);
    bytes.push(VERSION);
    for part in [&differ, &fold] {
        bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    put_watch(&mut bytes, &stream.watch);
    bytes.push(u8::from(stream.missing == Missing::Yes));
    Some(SavedState { stream: stream.id.clone(), last_time, bytes })
}

fn put_watch(bytes: &mut Vec<u8>, watch: &Watch) {
    let insight_time = watch.insight.map(|insight| insight.time);
    for time in [watch.last_time, watch.up_since, watch.last_drop, watch.down_since, insight_time] {
        bytes.extend_from_slice(&time.map_or(NO_TIME, Timestamp::millis).to_le_bytes());
    }
    bytes.extend_from_slice(&watch.interval_millis.to_le_bytes());
    bytes.extend_from_slice(&watch.source.to_le_bytes());
    bytes.extend_from_slice(&watch.saturated.to_le_bytes());
    bytes.push(watch.seen_up as u8);
    bytes.push(watch.drop_run);
    bytes.push(class_byte(watch.insight));
    bytes.push(watch.insight.map_or(0, |insight| insight.step));
}

/// The stream a store had.
pub(crate) fn restored(record: StreamRecord) -> Result<Stream, StreamStateError> {
    let mut stream = Stream::new(record.stream.clone());
    stream.facts = record.facts;
    if stream.facts.state == Some(PortState::Active) {
        // Heard of and not yet heard: there is no state to say so.
        stream.watch.seen_up = SeenUp::Once;
    }
    let Some(state) = record.state else { return Ok(stream) };
    let form = || StreamStateError::Form { stream: record.stream.clone() };
    let mut reader = Reader(&state.bytes);
    if reader.byte().ok_or_else(form)? != VERSION {
        return Err(form());
    }
    let (differ, fold) = (reader.part().ok_or_else(form)?, reader.part().ok_or_else(form)?);
    stream.differ = Differ::from_bytes(differ)
        .map_err(|source| StreamStateError::Differ { stream: record.stream.clone(), source })?;
    *stream.fold = StreamState::from_bytes(fold)
        .map_err(|source| StreamStateError::Fold { stream: record.stream.clone(), source })?;
    stream.watch = reader.watch().ok_or_else(form)?;
    stream.missing = if reader.byte().ok_or_else(form)? == 1 { Missing::Yes } else { Missing::No };
    stream.following = Following::No;
    stream.saved = Saved::Yes;
    Ok(stream)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn part(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_le_bytes(self.array()?) as usize;
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    fn time(&mut self) -> Option<Option<Timestamp>> {
        let millis = i64::from_le_bytes(self.array()?);
        Some((millis != NO_TIME).then(|| Timestamp::from_millis(millis)))
    }

    fn watch(&mut self) -> Option<Watch> {
        let (last_time, up_since, last_drop) = (self.time()?, self.time()?, self.time()?);
        let (down_since, insight_time) = (self.time()?, self.time()?);
        let interval_millis = u32::from_le_bytes(self.array()?);
        let source = u32::from_le_bytes(self.array()?);
        let saturated = u16::from_le_bytes(self.array()?);
        let seen_up = SeenUp::from_byte(self.byte()?)?;
        let drop_run = self.byte()?;
        let (class, step) = (self.byte()?, self.byte()?);
        let insight = insight_time.and_then(|time| last_insight(class, time, step));
        Some(Watch {
            last_time,
            interval_millis,
            up_since,
            last_drop,
            drop_run,
            down_since,
            seen_up,
            saturated,
            insight,
            source,
        })
    }
}
