//! Which alert is about which episode.

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_domain::Cause;
use linkcast_domain::{Alert, Episode, PredictionType, StreamId, Timestamp};
use serde::{Deserialize, Serialize};

/// An alert as judged: when it opened and what it spoke of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RaisedAlert {
    /// The streams it speaks of.
    pub streams: Vec<StreamId>,
    /// When people were told.
    pub opened: Timestamp,
    /// What it says it is; a missing series is no forecast of a fault's type.
    pub class: Option<PredictionType>,
}

impl From<&Alert> for RaisedAlert {
    fn from(alert: &Alert) -> Self {
        let class = match alert.cause {
            Cause::Predicted(class) => Some(class),
            Cause::SeriesMissing | Cause::SourceSilent => None,
        };
        RaisedAlert { streams: alert.streams.clone(), opened: alert.opened, class }
    }
}

/// Which streams are the two ends of one link: an alert on either is about both.
pub type Peers = BTreeMap<StreamId, StreamId>;

/// How long after its end an episode may still be spoken of.
const GRACE: Duration = Duration::from_secs(30 * 60);

/// Whether an alert that opened at `opened` may be about the episode: from its onset to half an hour after its end.
pub fn is_in_time(episode: &Episode, opened: Timestamp) -> bool {
    episode.onset <= opened && opened <= episode.end.plus(GRACE)
}

/// What an alert turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The first alert of the fault at this place in the list of episodes.
    Found(usize),
    /// A further alert of a fault already found.
    Repeat,
    /// About a benign episode, at this place in the list.
    Benign(usize),
    /// About nothing that happened.
    Unfounded,
}

/// Alerts with their verdicts, in the order they opened.
pub(super) fn match_alerts<'a>(
    episodes: &[Episode],
    alerts: &'a [RaisedAlert],
    peers: &Peers,
) -> Vec<(&'a RaisedAlert, Verdict)> {
    let index = index(episodes);
    let mut in_order: Vec<_> = alerts.iter().collect();
    in_order.sort_by(|one, other| (one.opened, &one.streams).cmp(&(other.opened, &other.streams)));
    let mut found = vec![false; episodes.len()];
    let judged = in_order.into_iter().map(|alert| {
        let verdict = verdict(&candidates(alert, episodes, &index, peers), episodes, &found, alert);
        if let Verdict::Found(place) = verdict {
            found.get_mut(place).into_iter().for_each(|found| *found = true);
        }
        (alert, verdict)
    });
    judged.collect()
}

/// The episodes each stream shows.
fn index(episodes: &[Episode]) -> BTreeMap<&StreamId, Vec<usize>> {
    let mut index: BTreeMap<&StreamId, Vec<usize>> = BTreeMap::new();
    for (place, episode) in episodes.iter().enumerate() {
        for stream in &episode.streams {
            index.entry(stream).or_default().push(place);
        }
    }
    index
}

/// The episodes an alert may be about, in the list's order.
fn candidates(
    alert: &RaisedAlert,
    episodes: &[Episode],
    index: &BTreeMap<&StreamId, Vec<usize>>,
    peers: &Peers,
) -> Vec<usize> {
    let streams = alert.streams.iter().flat_map(|stream| std::iter::once(stream).chain(peers.get(stream)));
    let places = streams.filter_map(|stream| index.get(stream)).flatten().copied();
    let may_be =
        |place: &usize| episodes.get(*place).is_some_and(|episode| is_in_time(episode, alert.opened));
    let mut places: Vec<usize> = places.filter(may_be).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// A fault not yet found goes before one already found, a fault before a benign episode, and among faults the one
/// whose type the alert names; then the order of the list.
fn verdict(candidates: &[usize], episodes: &[Episode], found: &[bool], alert: &RaisedAlert) -> Verdict {
    let fault = |place: &usize| episodes.get(*place).and_then(Episode::fault);
    let is_found = |place: &usize| found.get(*place).copied().unwrap_or(false);
    let faults = candidates.iter().filter(|place| fault(place).is_some());
    let best = faults.min_by_key(|place| (is_found(place), fault(place) != alert.class));
    match (best, candidates.first()) {
        (Some(place), _) if is_found(place) => Verdict::Repeat,
        (Some(place), _) => Verdict::Found(*place),
        (None, Some(place)) => Verdict::Benign(*place),
        (None, None) => Verdict::Unfounded,
    }
}
