//! Doing a thing once although it is asked for again.
//!
//! Queues deliver at least once. Where a write has a natural key (an insight's id, a sample's stream and time) that key is
//! enough, and this is not needed. Where it has none (telling people, starting a job), a record is kept by a hash of function and
//! business key: in progress until the invocation's deadline, so that a killed function frees it, then complete with its result.
//! The same key with another payload is an error, and not a repetition.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use linkcast_domain::ports::StoreError;
use linkcast_domain::{Budget, Clock, Retry, Timestamp};
use sha2::{Digest, Sha256};

use crate::failure::Named;

/// Names one doing of one thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key of `business_key` within `function`.
    pub fn of(function: &str, business_key: &str) -> Self {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        let hash = Sha256::new()
            .chain_update((function.len() as u64).to_le_bytes())
            .chain_update(function)
            .chain_update(business_key);
        IdempotencyKey(hex(&hash.finalize()))
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// An attempt at a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which thing.
    pub key: IdempotencyKey,
    /// A hash of what was asked.
    pub payload: String,
    /// When the attempt began.
    pub now: Timestamp,
    /// When it must have ended: from then on another may begin.
    pub until: Timestamp,
}

/// What a store says to an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Once {
    /// Nobody did it or is at it: go ahead. The attempt is recorded.
    Begin,
    /// It was done, with this result.
    Done(Vec<u8>),
    /// Another is at it until then.
    InProgress(Timestamp),
    /// The key was used for another payload.
    OtherPayload,
}

/// Remembers what was done. Each call is one conditional write.
pub trait IdempotencyStore: Send + Sync {
    /// Records the attempt, unless the thing was done or another attempt has not run out.
    fn begin(&self, attempt: &Attempt) -> impl Future<Output = Result<Once, StoreError>> + Send;

    /// Records the result, to be remembered until `expires`. Does nothing if the record is no longer this attempt's.
    fn complete(
        &self,
        attempt: &Attempt,
        result: &[u8],
        expires: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes back the attempt, which failed: another may begin at once.
    fn release(&self, attempt: &Attempt) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A thing that was not done.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError<E> {
    /// The record could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another invocation is at it.
    #[error("another invocation is doing {key} until {until}")]
    InProgress {
        /// Which thing.
        key: IdempotencyKey,
        /// When the other must have ended.
        until: Timestamp,
    },
    /// The key was used for another payload.
    #[error("{key} was asked for before with another payload")]
    OtherPayload {
        /// Which thing.
        key: IdempotencyKey,
    },
    /// The work itself failed; another attempt may begin at once.
    #[error("the work of {key} failed")]
    Work {
        /// Which thing.
        key: IdempotencyKey,
        /// Why.
        #[source]
        source: E,
    },
}

impl<E: std::error::Error + 'static> Named for IdempotencyError<E> {
    fn name(&self) -> &'static str {
        match self {
            IdempotencyError::Store(_) => "IdempotencyStoreFailed",
            IdempotencyError::InProgress { .. } => "AlreadyInProgress",
            IdempotencyError::OtherPayload { .. } => "IdempotencyKeyReused",
            IdempotencyError::Work { .. } => "IdempotentWorkFailed",
        }
    }

    fn class(&self) -> Retry {
        match self {
            IdempotencyError::Store(error) => error.class(),
            IdempotencyError::InProgress { .. } | IdempotencyError::Work { .. } => Retry::Later,
            IdempotencyError::OtherPayload { .. } => Retry::Never,
        }
    }
}

/// Does `work` unless it was done for `key` before; gives its result, or the remembered one.
///
/// A result that cannot be recorded after the work was done is an error although the work took effect: the record then
/// runs out at the deadline, and the work is done again.
///
/// # Errors
/// The store's, the work's, another invocation at it, or a key used for another payload.
pub async fn once<S, W, E>(
    store: &S,
    (key, payload): (IdempotencyKey, &[u8]),
    (budget, clock): (&Budget, &dyn Clock),
    remember: Duration,
    work: W,
) -> Result<Vec<u8>, IdempotencyError<E>>
where
    S: IdempotencyStore,
    W: AsyncFnOnce() -> Result<Vec<u8>, E>,
{
    let now = clock.now();
    let attempt = Attempt { key, payload: hex(&Sha256::digest(payload)), now, until: budget.deadline() };
    match store.begin(&attempt).await? {
        Once::Done(result) => return Ok(result),
        Once::InProgress(until) => return Err(IdempotencyError::InProgress { key: attempt.key, until }),
        Once::OtherPayload => return Err(IdempotencyError::OtherPayload { key: attempt.key }),
        Once::Begin => {}
    }
    match work().await {
        Ok(result) => {
            store.complete(&attempt, &result, now.plus(remember)).await?;
            Ok(result)
        }
        Err(source) => {
            store.release(&attempt).await?;
            Err(IdempotencyError::Work { key: attempt.key, source })
        }
    }
}

/// The same promises kept in memory.
#[derive(Debug, Default)]
pub struct MemoryIdempotency(Mutex<BTreeMap<IdempotencyKey, Remembered>>);

#[derive(Clone, Debug)]
struct Remembered {
    payload: String,
    began: Timestamp,
    expires: Timestamp,
    result: Option<Vec<u8>>,
}

impl MemoryIdempotency {
    fn records<T>(&self, work: impl FnOnce(&mut BTreeMap<IdempotencyKey, Remembered>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Remembered {
    fn is_of(&self, attempt: &Attempt) -> bool {
        self.result.is_none() && self.began == attempt.now && self.payload == attempt.payload
    }
}

impl IdempotencyStore for MemoryIdempotency {
    async fn begin(&self, attempt: &Attempt) -> Result<Once, StoreError> {
        Ok(self.records(|records| {
            let live = records.get(&attempt.key).filter(|record| record.expires > attempt.now);
            match live {
                Some(record) if record.payload != attempt.payload => Once::OtherPayload,
                Some(Remembered { result: Some(result), .. }) => Once::Done(result.clone()),
                Some(record) => Once::InProgress(record.expires),
                None => {
                    let (payload, began, expires) = (attempt.payload.clone(), attempt.now, attempt.until);
                    let record = Remembered { payload, began, expires, result: None };
                    records.insert(attempt.key.clone(), record);
                    Once::Begin
                }
            }
        }))
    }

    async fn complete(&self, attempt: &Attempt, result: &[u8], expires: Timestamp) -> Result<(), StoreError> {
        self.records(|records| {
            if let Some(record) = records.get_mut(&attempt.key).filter(|record| record.is_of(attempt)) {
                record.result = Some(result.to_vec());
                record.expires = expires;
            }
        });
        Ok(())
    }

    async fn release(&self, attempt: &Attempt) -> Result<(), StoreError> {
        self.records(|records| {
            if records.get(&attempt.key).is_some_and(|record| record.is_of(attempt)) {
                records.remove(&attempt.key);
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panic::tests::now;
    use linkcast_domain::FixedClock;
    use std::io::Error;

    fn ask(
        store: &MemoryIdempotency,
        payload: &str,
        at: i64,
        outcome: Result<&str, &'static str>,
    ) -> Result<String, IdempotencyError<Error>> {
        let clock = FixedClock(Timestamp::from_millis(at));
        let budget = Budget::of(Duration::from_millis(1_000), &clock);
        let key = IdempotencyKey::of("alert", "cable 7");
        let work = async || outcome.map(|text| text.as_bytes().to_vec()).map_err(Error::other);
        let remember = Duration::from_secs(60);
        let result = now(once(store, (key, payload.as_bytes()), (&budget, &clock), remember, work));
        result.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn a_repetition_gets_the_first_result_until_it_is_forgotten() {
        let store = MemoryIdempotency::default();
        assert_eq!(ask(&store, "a", 0, Ok("first")).unwrap(), "first");
        assert_eq!(ask(&store, "a", 59_000, Ok("second")).unwrap(), "first");
        assert_eq!(ask(&store, "a", 60_000, Ok("third")).unwrap(), "third");
    }

    #[test]
    fn a_failure_frees_the_key_at_once() {
        let store = MemoryIdempotency::default();
        let error = ask(&store, "a", 0, Err("no route")).unwrap_err();
        assert_eq!(error.name(), "IdempotentWorkFailed");
        assert_eq!(ask(&store, "a", 1, Ok("done")).unwrap(), "done");
    }

    #[test]
    fn the_same_key_for_another_payload_is_an_error() {
        let store = MemoryIdempotency::default();
        ask(&store, "a", 0, Ok("first")).unwrap();
        let error = ask(&store, "b", 1, Ok("second")).unwrap_err();
        assert_eq!((error.name(), error.class()), ("IdempotencyKeyReused", Retry::Never));
    }

    #[test]
    fn a_killed_function_frees_its_key_at_its_deadline_and_cannot_complete_it_later() {
        let store = MemoryIdempotency::default();
        let (key, payload) = (IdempotencyKey::of("alert", "cable 7"), hex(&Sha256::digest("a")));
        let killed =
            Attempt { key, payload, now: Timestamp::from_millis(0), until: Timestamp::from_millis(1_000) };
        assert_eq!(now(store.begin(&killed)).unwrap(), Once::Begin);
        assert_eq!(ask(&store, "a", 999, Ok("early")).unwrap_err().name(), "AlreadyInProgress");
        assert_eq!(ask(&store, "a", 1_000, Ok("again")).unwrap(), "again");
        now(store.complete(&killed, b"ghost", Timestamp::from_millis(99_000))).unwrap();
        assert_eq!(ask(&store, "a", 1_001, Ok("more")).unwrap(), "again");
    }

    #[test]
    fn keys_of_other_functions_and_cuts_are_other_keys() {
        let key = IdempotencyKey::of("ab", "c");
        assert_ne!(key, IdempotencyKey::of("a", "bc"));
        assert_eq!(key.as_str().len(), 64);
    }
}
