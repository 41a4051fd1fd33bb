//! Silence: a source that stopped answering, and ports that a living source no longer lists.
//!
//! Missing data looks like health to whoever only looks at values. A source that says nothing is one condition, and
//! its ports are none; a port is missing only if its source lists every port, and only if it was ever up. A host's ports get
//! the time a restart takes.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use linkcast_domain::ports::{Coverage, SourceRecord};
use linkcast_domain::{Cause, NodeGuid, StreamId, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use crate::alerts::SOURCE_PREFIX;
use crate::conditions::Silence;
use crate::settings::MissingPolicy;
use crate::shards::Shards;
use crate::stream::{Missing, Saved, Stream};
use crate::watch::SeenUp;

/// Silence is looked for once in each stretch of so many milliseconds: it takes minutes to count.
const SCAN_MILLIS: i64 = 30_000;

/// Whether silence is to be looked for at `now`. The stretches lie on a fixed grid of the input's time and `before` is
/// when any source was last heard, which a store keeps: so a restarted pipeline looks at the same sweeps.
pub(crate) fn is_scan_due(before: Option<Timestamp>, now: Timestamp) -> bool {
    let stretch = |time: Timestamp| time.millis().div_euclid(SCAN_MILLIS);
    before.is_none_or(|before| stretch(now) > stretch(before))
}

/// A silence that was found.
pub(crate) struct Found {
    pub(crate) stream: StreamId,
    cause: Cause,
    since: Timestamp,
    risk: f64,
}

impl Found {
    pub(crate) fn silence(&self, now: Timestamp) -> Silence<'_> {
        let (explanation, recommendation) = match self.cause {
            Cause::SourceSilent => (
                format!("nothing was heard from the source since {}", self.since),
                "check the exporter and the network to it; the ports behind it are not judged meanwhile",
            ),
            _ => (
                format!("the port reported until {} and its source no longer lists it", self.since),
                "check whether the node is powered and its link is up",
            ),
        };
        Silence {
            stream: &self.stream,
            cause: self.cause,
            since: self.since,
            now,
            risk: self.risk,
            explanation,
            recommendation,
        }
    }
}

/// The stream id that stands for a source.
pub(crate) fn stand_in(source: &str) -> Option<StreamId> {
    format!("{SOURCE_PREFIX}{source}").parse().ok()
}

/// The number by which streams remember their source.
pub(crate) fn source_number(source: &str) -> u32 {
    xxh3_64(source.as_bytes()) as u32
}

/// Notes that a source was heard; the usual interval follows slowly.
pub(crate) fn note_interval(record: &mut SourceRecord, time: Timestamp) {
    let Some(last_heard) = record.last_heard else {
        record.last_heard = Some(time);
        return;
    };
    let interval = time.seconds_since(last_heard);
    if interval > 0.0 {
        record.interval_s = if record.interval_s == 0.0 {
            interval
        } else {
            (record.interval_s * 7.0 + interval.min(record.interval_s * 3.0)) / 8.0
        };
        record.last_heard = Some(time);
    }
}

/// Every silence that is new at `now`.
pub(crate) fn find(
    policy: &MissingPolicy,
    sources: &BTreeMap<String, SourceRecord>,
    shards: &mut Shards,
    switches: &HashSet<NodeGuid>,
    now: Timestamp,
) -> Vec<Found> {
    let mut found: Vec<Found> =
        sources.values().filter_map(|source| silent_source(policy, source, now)).collect();
    let is_listing = |source: &&SourceRecord| {
        source.coverage == Coverage::Whole
            && source.last_heard.is_some_and(|heard| now.since(heard) <= limit(policy, 0.0))
    };
    let listing: HashSet<u32> =
        sources.values().filter(is_listing).map(|source| source_number(&source.name)).collect();
    let mut missing: Vec<Found> = shards
        .iter_mut()
        .filter(|stream| listing.contains(&stream.watch.source))
        .filter_map(|stream| missing(policy, stream, switches, now))
        .collect();
    missing.sort_by(|left, right| left.stream.cmp(&right.stream));
    found.extend(missing);
    found
}

/// The silence of a source that was heard once and is overdue.
pub(crate) fn silent_source(policy: &MissingPolicy, source: &SourceRecord, now: Timestamp) -> Option<Found> {
    let since = source.last_heard?;
    if now.since(since) <= limit(policy, source.interval_s) {
        return None;
    }
    let stream = stand_in(&source.name)?;
    Some(Found { stream, cause: Cause::SourceSilent, since, risk: policy.risk })
}

fn limit(policy: &MissingPolicy, interval_s: f64) -> Duration {
    Duration::try_from_secs_f64(interval_s * policy.intervals).unwrap_or_default().max(policy.at_least)
}

fn missing(
    policy: &MissingPolicy,
    stream: &mut Stream,
    switches: &HashSet<NodeGuid>,
    now: Timestamp,
) -> Option<Found> {
    let last = stream.watch.last_time?;
    if stream.missing == Missing::Yes || stream.watch.seen_up != SeenUp::Once {
        return None;
    }
    let on_switch = stream.id.port().is_none_or(|port| switches.contains(&port.node));
    let usual = limit(policy, f64::from(stream.watch.interval_millis) / 1000.0);
    let patience = if on_switch { usual } else { usual.max(policy.host) };
    if now.since(last) <= patience {
        return None;
    }
    stream.missing = Missing::Yes;
    stream.saved = Saved::No;
    Some(Found { stream: stream.id.clone(), cause: Cause::SeriesMissing, since: last, risk: policy.risk })
}
