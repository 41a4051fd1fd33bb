//! The parts of a stream's state as bytes, small enough for one write unit of a table.
//!
//! Folds are packed (see `linkcast_features::packed`), times are told from the last one heard, and small numbers take
//! a byte. The forms have a version of their own: a part of another version is refused, as the embedded form is.

use linkcast_domain::packing::{put, take, take_byte, unzigzag, zigzag};
use linkcast_domain::{Condition, PredictionType, StreamId, Timestamp};
use linkcast_features::StreamState;
use linkcast_telemetry::Differ;
use serde::{Deserialize, Serialize};

use super::{Counting, Folding, Judging};
use crate::codec::StreamStateError;
use crate::gate::LastInsight;
use crate::stream::Missing;
use crate::watch::{SeenUp, Watch};

/// The version of the parts' forms.
pub const STEP_STATE_VERSION: u8 = 1;

/// A part's bytes that cannot be taken up.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StepStateError {
    /// Ends early, or is of another version.
    #[error("the step state of stream {stream} is not of form {STEP_STATE_VERSION}, or is damaged")]
    Form {
        /// Whose.
        stream: StreamId,
    },
    /// The counters or features inside cannot be read.
    #[error(transparent)]
    Inside(#[from] StreamStateError),
}

impl Counting {
    /// The counters' part. Facts are stored beside it, for people read them too.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.told_active)];
        bytes.extend_from_slice(&self.differ.to_bytes());
        bytes
    }

    /// Takes up the counters' part of `stream`.
    ///
    /// # Errors
    /// Bytes that are of another version or damaged.
    pub fn from_bytes(
        stream: &StreamId,
        bytes: &[u8],
        facts: linkcast_domain::PortFacts,
    ) -> Result<Self, StepStateError> {
        let mut rest = bytes;
        let told = take_byte(&mut rest).ok_or_else(|| StepStateError::Form { stream: stream.clone() })?;
        let differ = Differ::from_bytes(rest)
            .map_err(|source| StreamStateError::Differ { stream: stream.clone(), source })?;
        Ok(Counting { differ, facts, told_active: told == 1 })
    }
}

impl Folding {
    /// The last reading's or sample's time; it rises with every write that matters, so a write may be conditional on it.
    pub fn last_time(&self) -> Option<Timestamp> {
        self.watch.last_time
    }

    /// The folds' part.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![STEP_STATE_VERSION];
        put_watch(&mut bytes, &self.watch, self.missing);
        bytes.extend_from_slice(&self.fold.to_packed());
        bytes
    }

    /// Takes up the folds' part of `stream`.
    ///
    /// # Errors
    /// Bytes that are of another version or damaged.
    pub fn from_bytes(stream: &StreamId, bytes: &[u8]) -> Result<Self, StepStateError> {
        let form = || StepStateError::Form { stream: stream.clone() };
        let (version, mut rest) = bytes.split_first().ok_or_else(form)?;
        if *version != STEP_STATE_VERSION {
            return Err(form());
        }
        let (watch, missing) = take_watch(&mut rest).ok_or_else(form)?;
        let fold = StreamState::from_packed(rest)
            .map_err(|source| StreamStateError::Fold { stream: stream.clone(), source })?;
        Ok(Folding { fold: Box::new(fold), watch, missing })
    }
}

/// What insight remembers, as JSON: it is rare, and people read it.
#[derive(Serialize, Deserialize)]
struct JudgingForm {
    version: u8,
    last_time: Option<Timestamp>,
    last: Option<(Timestamp, PredictionType, u8)>,
    conditions: Vec<Condition>,
}

impl Judging {
    /// The judgements' part.
    ///
    /// # Errors
    /// None that a condition can cause.
    pub fn to_bytes(&self, stream: &StreamId) -> Result<Vec<u8>, StepStateError> {
        let form = JudgingForm {
            version: STEP_STATE_VERSION,
            last_time: self.last_time,
            last: self.last.map(|last| (last.time, last.class, last.step)),
            conditions: self.conditions.clone(),
        };
        serde_json::to_vec(&form).map_err(|_| StepStateError::Form { stream: stream.clone() })
    }

    /// Takes up the judgements' part of `stream`.
    ///
    /// # Errors
    /// Bytes that are of another version or damaged.
    pub fn from_bytes(stream: &StreamId, bytes: &[u8]) -> Result<Self, StepStateError> {
        let form = serde_json::from_slice::<JudgingForm>(bytes).ok();
        let form = form.filter(|form| form.version == STEP_STATE_VERSION);
        let JudgingForm { last_time, last, conditions, .. } =
            form.ok_or_else(|| StepStateError::Form { stream: stream.clone() })?;
        let last = last.map(|(time, class, step)| LastInsight { time, class, step });
        Ok(Judging { last_time, last, conditions })
    }
}

/// Times are told back from the last one heard; 0 stands for none, so that one is added to every age.
fn put_watch(bytes: &mut Vec<u8>, watch: &Watch, missing: Missing) {
    let last = watch.last_time.map(Timestamp::millis);
    put(bytes, last.map_or(0, |millis| zigzag(millis).saturating_add(1)));
    for time in [watch.up_since, watch.last_drop, watch.down_since] {
        let age = time.map(|time| last.unwrap_or(0).wrapping_sub(time.millis()));
        put(bytes, age.map_or(0, |age| zigzag(age).saturating_add(1)));
    }
    put(bytes, u64::from(watch.interval_millis));
    bytes.extend_from_slice(&watch.source.to_le_bytes());
    put(bytes, u64::from(watch.saturated));
    bytes.push(watch.seen_up as u8 | u8::from(missing == Missing::Yes) << 2);
    bytes.push(watch.drop_run);
}

fn take_watch(rest: &mut &[u8]) -> Option<(Watch, Missing)> {
    let last = take(rest)?.checked_sub(1).map(unzigzag);
    let mut earlier = || {
        let age = take(rest)?.checked_sub(1).map(unzigzag);
        Some(age.map(|age| Timestamp::from_millis(last.unwrap_or(0).wrapping_sub(age))))
    };
    let (up_since, last_drop, down_since) = (earlier()?, earlier()?, earlier()?);
    let interval_millis = u32::try_from(take(rest)?).ok()?;
    let (source, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    let saturated = u16::try_from(take(rest)?).ok()?;
    let (flags, tail) = rest.split_first_chunk::<2>()?;
    *rest = tail;
    let [flags, drop_run] = *flags;
    let missing = if flags & 4 == 0 { Missing::No } else { Missing::Yes };
    let watch = Watch {
        last_time: last.map(Timestamp::from_millis),
        interval_millis,
        up_since,
        last_drop,
        drop_run,
        down_since,
        seen_up: SeenUp::from_byte(flags & 3)?,
        saturated,
        insight: None,
        source: u32::from_le_bytes(*source),
    };
    Some((watch, missing))
}
