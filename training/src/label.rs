//! Labels, from what truly happened and from nothing else.
//!
//! A row's label is a function of its stream, its time and the list of episodes. No counter and no rule is consulted:
//! a model trained on a rule's verdicts can at best repeat the rule.
//!
//! - **Class.** From onset to end of a fault, every stream the episode lists has the fault's class. Everything else
//!   is normal, benign episodes included: that a reboot looks like a flap and is none is what the model has to learn.
//! - **Risk** (0 to 100) is 0 when normal. A fault starts at [`LabelRules::onset_risk`] and rises in a straight line
//!   to 100 at impact, where it stays until the end: the closer the harm, the higher the risk, so that one threshold
//!   on risk trades lead time against false alarms.
//! - **Phase.** Not every row of a fault holds a trace of it: it grows from nothing, comes and goes, and need not show at
//!   the other end of its link. Called normal, such rows teach the model to overlook first traces; called faulty, to
//!   see ghosts in healthy ports. They are therefore [`Phase::Quiet`] or, after impact, [`Phase::Hidden`], and take no part in
//!   training. Where the truth does not say what showed when, the first [`LabelRules::quiet_share`] of the way to impact
//!   is taken for quiet. For the same reason rows up to [`LabelRules::afterglow`] after the end, whose windows still
//!   hold the fault, are [`Phase::Fading`]: normal by truth, but not trained on. Forecasts are judged by episode, and
//!   there every phase counts in full.

use std::collections::BTreeMap;
use std::time::Duration;

use linkcast_domain::{Channel, Episode, PredictionType, StreamId, Timestamp};
use serde::{Deserialize, Serialize};

/// How truth becomes targets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelRules {
    /// Risk at a fault's onset, 0 to 100.
    pub onset_risk: f64,
    /// The share of the way from onset to impact in which nothing can be seen yet, 0 to 1, where nobody says what could.
    pub quiet_share: f64,
    /// How long after a fault's end its traces stay in the windows.
    pub afterglow: Duration,
}

impl Default for LabelRules {
    fn default() -> Self {
        LabelRules { onset_risk: 40.0, quiet_share: 0.1, afterglow: Duration::from_secs(15 * 60) }
    }
}

/// Where in an episode's life a row lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No fault near.
    Well,
    /// A fault on the way to its impact that cannot be seen here, or not yet; not trained on.
    Quiet,
    /// A fault between its first traces and its impact.
    Growing,
    /// After impact.
    Hurting,
    /// After the impact of a fault that cannot be seen here; not trained on.
    Hidden,
    /// A fault just over, still in the windows; not trained on.
    Fading,
}

impl Phase {
    /// Whether the row itself holds what its label says.
    pub fn is_settled(self) -> bool {
        !matches!(self, Phase::Quiet | Phase::Hidden | Phase::Fading)
    }

    /// Whether the link of such a row has failed already.
    pub fn is_past_impact(self) -> bool {
        matches!(self, Phase::Hurting | Phase::Hidden)
    }
}

/// What a row should be answered with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Label {
    /// The class.
    pub class: PredictionType,
    /// The risk, 0 to 100.
    pub risk: f64,
    /// Where in an episode's life the row lies.
    pub phase: Phase,
}

impl Label {
    /// The label of a row with no fault near.
    pub const WELL: Label = Label { class: PredictionType::Normal, risk: 0.0, phase: Phase::Well };

    /// Whether the row teaches something.
    pub fn is_trained_on(&self) -> bool {
        self.phase.is_settled()
    }
}

/// One fault on one stream.
#[derive(Clone, Debug)]
struct Interval {
    onset: Timestamp,
    impact: Timestamp,
    end: Timestamp,
    class: PredictionType,
    /// When this stream shows it, in order; `None` where nobody says.
    shown: Option<Vec<(Timestamp, Timestamp)>>,
}

/// The faults of each stream, by onset. Streams are found by order and never by hash, so results repeat.
#[derive(Clone, Debug, Default)]
pub struct EpisodeIndex {
    rules: LabelRules,
    faults: BTreeMap<StreamId, Vec<Interval>>,
}

impl EpisodeIndex {
    /// An index of `episodes` under the default rules.
    pub fn new(episodes: &[Episode]) -> Self {
        Self::with_rules(episodes, LabelRules::default())
    }

    /// An index of `episodes` under `rules`, of streams that are seen through every channel.
    pub fn with_rules(episodes: &[Episode], rules: LabelRules) -> Self {
        Self::seen(episodes, rules, |_, _| true)
    }

    /// An index of `episodes` under `rules`, of streams that are seen through those channels of which `sees` says so.
    pub fn seen(episodes: &[Episode], rules: LabelRules, sees: impl Fn(&StreamId, Channel) -> bool) -> Self {
        let mut faults: BTreeMap<StreamId, Vec<Interval>> = BTreeMap::new();
        for episode in episodes {
            let Some(class) = episode.fault() else { continue };
            for stream in &episode.streams {
                let Episode { onset, impact, end, .. } = *episode;
                let shown = shown_by(episode, stream, &sees);
                faults.entry(stream.clone()).or_default().push(Interval { onset, impact, end, class, shown });
            }
        }
        for intervals in faults.values_mut() {
            intervals.sort_by_key(|interval| (interval.onset, interval.impact, interval.class));
        }
        EpisodeIndex { rules, faults }
    }

    /// The rules in force.
    pub fn rules(&self) -> &LabelRules {
        &self.rules
    }
}

/// When a stream shows an episode, one stretch after the other.
fn shown_by(
    episode: &Episode,
    stream: &StreamId,
    sees: impl Fn(&StreamId, Channel) -> bool,
) -> Option<Vec<(Timestamp, Timestamp)>> {
    let showings = episode.shown.as_ref()?.iter();
    let seen = showings.filter(|showing| showing.stream == *stream && sees(stream, showing.through));
    let mut spans: Vec<(Timestamp, Timestamp)> = seen.map(|showing| (showing.from, showing.until)).collect();
    spans.sort_unstable();
    spans.dedup_by(|later, earlier| {
        let overlap = later.0 <= earlier.1;
        earlier.1 = if overlap { earlier.1.max(later.1) } else { earlier.1 };
        overlap
    });
    Some(spans)
}

/// The label of `stream` at `time`. Of several faults at once the one with the highest risk speaks, so the one
/// nearest to harm; of several equally risky ones, the oldest.
pub fn label(stream: &StreamId, time: Timestamp, episodes: &EpisodeIndex) -> Label {
    let mut strongest = Label::WELL;
    for interval in episodes.faults.get(stream).into_iter().flatten() {
        if interval.onset > time {
            break;
        }
        let candidate = label_within(interval, time, &episodes.rules);
        let is_stronger = candidate.risk > strongest.risk
            || (strongest.phase == Phase::Well && candidate.phase != Phase::Well);
        if is_stronger {
            strongest = candidate;
        }
    }
    strongest
}

fn label_within(interval: &Interval, time: Timestamp, rules: &LabelRules) -> Label {
    if time > interval.end {
        let phase = if time.since(interval.end) <= rules.afterglow { Phase::Fading } else { Phase::Well };
        return Label { phase, ..Label::WELL };
    }
    let growth = interval.impact.seconds_since(interval.onset);
    let progress =
        if growth > 0.0 { (time.seconds_since(interval.onset) / growth).clamp(0.0, 1.0) } else { 1.0 };
    let hurts = time >= interval.impact;
    let shows = match &interval.shown {
        None => hurts || progress >= rules.quiet_share,
        Some(spans) => covers(spans, time),
    };
    let phase = match (hurts, shows) {
        (false, false) => Phase::Quiet,
        (false, true) => Phase::Growing,
        (true, true) => Phase::Hurting,
        (true, false) => Phase::Hidden,
    };
    let risk = rules.onset_risk + (100.0 - rules.onset_risk) * progress;
    Label { class: interval.class, risk, phase }
}

/// Whether one of the stretches, which are in order and apart, holds `time`.
fn covers(spans: &[(Timestamp, Timestamp)], time: Timestamp) -> bool {
    let before = spans.partition_point(|(from, _)| *from <= time);
    before.checked_sub(1).and_then(|place| spans.get(place)).is_some_and(|(_, until)| time <= *until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_domain::{BenignKind, EpisodeKind, Showing};

    fn episode(kind: EpisodeKind, minutes: (i64, i64, i64)) -> Episode {
        let at = |minute: i64| Timestamp::from_millis(minute * 60_000);
        Episode {
            id: 1,
            kind,
            streams: vec!["a/1".parse().unwrap(), "b/1".parse().unwrap()],
            onset: at(minutes.0),
            impact: at(minutes.1),
            end: at(minutes.2),
            cause: "dirty connector".into(),
            shown: None,
        }
    }

    fn check(episodes: &[Episode], stream: &str, minute: i64, expected: (PredictionType, f64, Phase)) {
        let index = EpisodeIndex::new(episodes);
        let found = label(&stream.parse().unwrap(), Timestamp::from_millis(minute * 60_000), &index);
        assert_eq!((found.class, found.risk, found.phase), expected, "{stream} at minute {minute}");
    }

    #[test]
    fn risk_rises_from_onset_to_impact_and_stays_until_the_end() {
        use PredictionType::{Normal, PacketLossDetected};
        let loss = [episode(EpisodeKind::Fault(PacketLossDetected), (100, 200, 260))];
        check(&loss, "a/1", 99, (Normal, 0.0, Phase::Well));
        check(&loss, "a/1", 105, (PacketLossDetected, 43.0, Phase::Quiet));
        check(&loss, "a/1", 150, (PacketLossDetected, 70.0, Phase::Growing));
        check(&loss, "b/1", 200, (PacketLossDetected, 100.0, Phase::Hurting));
        check(&loss, "a/1", 260, (PacketLossDetected, 100.0, Phase::Hurting));
        check(&loss, "a/1", 270, (Normal, 0.0, Phase::Fading));
        check(&loss, "a/1", 276, (Normal, 0.0, Phase::Well));
        check(&loss, "c/1", 150, (Normal, 0.0, Phase::Well));
    }

    #[test]
    fn a_benign_episode_is_normal_throughout() {
        let reboot = [episode(EpisodeKind::Benign(BenignKind::HostReboot), (100, 101, 110))];
        check(&reboot, "a/1", 105, (PredictionType::Normal, 0.0, Phase::Well));
    }

    #[test]
    fn of_two_faults_the_one_nearer_to_harm_speaks() {
        use PredictionType::{ConnectionInstability, LatencySpike};
        let both = [
            episode(EpisodeKind::Fault(LatencySpike), (100, 300, 400)),
            episode(EpisodeKind::Fault(ConnectionInstability), (120, 160, 170)),
        ];
        check(&both, "a/1", 150, (ConnectionInstability, 85.0, Phase::Growing));
        check(&both, "a/1", 175, (LatencySpike, 62.5, Phase::Growing));
    }

    #[test]
    fn rows_in_which_a_fault_does_not_show_are_not_trained_on() {
        use PredictionType::RdmaTimeout;
        let showing = |minutes: (i64, i64), through| Showing {
            stream: "a/1".parse().unwrap(),
            through,
            from: Timestamp::from_millis(minutes.0 * 60_000),
            until: Timestamp::from_millis(minutes.1 * 60_000),
        };
        let spans = [
            showing((150, 160), Channel::HostErrors),
            showing((220, 240), Channel::Latency),
            showing((155, 170), Channel::HostErrors),
        ];
        let fault = Episode {
            shown: Some(spans.to_vec()),
            ..episode(EpisodeKind::Fault(RdmaTimeout), (100, 200, 300))
        };
        let whole = std::slice::from_ref(&fault);
        check(whole, "a/1", 149, (RdmaTimeout, 69.4, Phase::Quiet));
        check(whole, "a/1", 165, (RdmaTimeout, 79.0, Phase::Growing));
        check(whole, "a/1", 200, (RdmaTimeout, 100.0, Phase::Hidden));
        check(whole, "a/1", 230, (RdmaTimeout, 100.0, Phase::Hurting));
        check(whole, "b/1", 165, (RdmaTimeout, 79.0, Phase::Quiet));
        let unprobed =
            EpisodeIndex::seen(whole, LabelRules::default(), |_, channel| channel != Channel::Latency);
        let found = label(&"a/1".parse().unwrap(), Timestamp::from_millis(230 * 60_000), &unprobed);
        assert_eq!(found.phase, Phase::Hidden, "without a probe the latency shows nothing");
    }

    #[test]
    fn a_fault_that_hurts_at_once_has_full_risk_from_its_onset() {
        let sudden = [episode(EpisodeKind::Fault(PredictionType::RdmaTimeout), (100, 100, 130))];
        check(&sudden, "a/1", 100, (PredictionType::RdmaTimeout, 100.0, Phase::Hurting));
    }
}
