//! What the pipeline remembers of a stream beside its folds: when its link came and went, and what was said of it.
//!
//! The folds know numbers; the watch knows circumstances. A link drop is no fault where a host restarts, symbol
//! errors are none on a fresh cable, and nothing is one on a port that never had a link.

use std::collections::HashSet;
use std::time::Duration;

use linkcast_domain::{NodeGuid, PortFacts, PredictionType, SampleField, SampleValues, Timestamp};

use crate::gate::{Evidence, LastInsight, only_remembered};
use crate::settings::ConditionPolicy;

/// Symbol errors stay in the longest window for so long.
const LONGEST_SYMBOL_WINDOW: Duration = Duration::from_secs(125 * 60);

/// A stream's circumstances.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watch {
    /// The last reading or sample.
    pub last_time: Option<Timestamp>,
    /// The usual time between two of them, milliseconds.
    pub interval_millis: u32,
    /// When the link was last seen to come up.
    pub up_since: Option<Timestamp>,
    /// When the link last dropped.
    pub last_drop: Option<Timestamp>,
    /// How many drops followed one another, none longer after the one before than a restart takes.
    pub drop_run: u8,
    /// Since when it is down, if it has not come back.
    pub down_since: Option<Timestamp>,
    /// Whether the port was ever seen up.
    pub seen_up: SeenUp,
    /// How many counters stood at their maximum.
    pub saturated: u16,
    /// The last insight kept.
    pub insight: Option<LastInsight>,
    /// Which source reported it last.
    pub source: u32,
}

/// Whether a port was ever seen up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SeenUp {
    /// Nothing is known yet.
    #[default]
    Unknown,
    /// Looked at and never up: no cable, and no trouble.
    Never,
    /// At least once.
    Once,
}

impl SeenUp {
    /// The value whose discriminant is `byte`.
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        [SeenUp::Unknown, SeenUp::Never, SeenUp::Once].get(usize::from(byte)).copied()
    }
}

/// What a sample's evidence amounts to under the stream's circumstances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// What makes the sample worth scoring.
    pub worth_scoring: Evidence,
    /// What may open a condition, or keep one open.
    pub firm: Evidence,
    /// Whether the link came back after a drop that nothing but a restart explains.
    pub came_back: bool,
}

/// Both ends of a stream's link, as far as known.
#[derive(Clone, Copy, Debug)]
pub struct LinkEnds<'a> {
    /// This end.
    pub facts: &'a PortFacts,
    /// Every node known to be a switch.
    pub switches: &'a HashSet<NodeGuid>,
    /// This end's node, if the stream belongs to a port.
    pub node: Option<NodeGuid>,
}

impl LinkEnds<'_> {
    /// Whether one end may be a host, which restarts; an end that is not known may be one.
    pub fn may_be_host(&self) -> bool {
        let is_switch = |node: Option<NodeGuid>| node.is_some_and(|node| self.switches.contains(&node));
        !is_switch(self.node) || !is_switch(self.facts.peer.map(|peer| peer.node))
    }
}

impl Watch {
    /// Notes a reading's or sample's time; the usual interval follows slowly.
    pub fn hear(&mut self, time: Timestamp) {
        if let Some(last) = self.last_time {
            let interval = u32::try_from(time.since(last).as_millis()).unwrap_or(u32::MAX);
            let usual = self.interval_millis;
            self.interval_millis = match usual {
                0 => interval,
                // One long gap must not teach that gaps are usual.
                _ => (u64::from(usual) * 7 + u64::from(interval.min(usual.saturating_mul(3)))).div_ceil(8)
                    as u32,
            };
        }
        self.last_time = Some(time);
    }

    /// Weighs a sample's evidence and notes what the link did.
    pub fn weigh(
        &mut self,
        policy: &ConditionPolicy,
        link: LinkEnds<'_>,
        (time, values): (Timestamp, &SampleValues),
        evidence: Evidence,
    ) -> Weighed {
        let came_back = self.note_link(policy, time, values);
        let saturated = values.get(SampleField::SaturatedCounters).unwrap_or(0.0) as u16;
        let newly_saturated = saturated > self.saturated;
        self.saturated = saturated;
        if self.seen_up != SeenUp::Once {
            return Weighed {
                worth_scoring: Evidence::default(),
                firm: Evidence::default(),
                came_back: false,
            };
        }
        let mut worth_scoring = evidence.without(self.fresh_link_signs(policy, time));
        if newly_saturated {
            worth_scoring = worth_scoring.and(Evidence::SATURATED);
        }
        let drops = self.drop_signs(policy, link, time);
        let notes = Evidence::RESET.and(Evidence::SATURATED).and(Evidence::LINK_DOWNED);
        Weighed {
            worth_scoring: worth_scoring.and(drops),
            firm: worth_scoring.without(notes).without(only_remembered(values)).and(drops),
            came_back: came_back && drops.is_empty() && link.may_be_host(),
        }
    }

    /// Follows the link up and down; tells whether it came back in this sample.
    fn note_link(&mut self, policy: &ConditionPolicy, time: Timestamp, values: &SampleValues) -> bool {
        let moves = [
            SampleField::RcvPackets,
            SampleField::BandwidthGbps,
            SampleField::Utilization,
            SampleField::LatencyP99,
        ];
        let traffic = moves.into_iter().any(|field| values.raw(field) > 0.0);
        let drops = values.raw(SampleField::LinkDowned);
        if drops > 0.0 {
            let goes_on = self.last_drop.is_some_and(|last| time.since(last) <= policy.reboot_hold);
            let before = if goes_on { self.drop_run } else { 0 };
            self.drop_run = before.saturating_add(drops as u8);
            self.last_drop = Some(time);
            self.down_since = self.down_since.or(Some(time));
            return false;
        }
        if !traffic {
            if self.seen_up == SeenUp::Unknown {
                self.seen_up = SeenUp::Never;
            }
            return false;
        }
        // A port that was up when it was first looked at has no fresh cable.
        let first = self.seen_up == SeenUp::Never;
        self.seen_up = SeenUp::Once;
        let came_back = self.down_since.take().is_some();
        if came_back || first {
            self.up_since = Some(time);
        }
        came_back
    }

    /// Symbol errors that a fresh link explains: all of them for some minutes, and then those still in the long window.
    fn fresh_link_signs(&self, policy: &ConditionPolicy, time: Timestamp) -> Evidence {
        let training = Evidence::SYMBOLS_12M
            .and(Evidence::SYMBOLS_125M)
            .and(Evidence::RECOVERIES)
            .and(Evidence::UNCOUNTED);
        if self.down_since.is_some() {
            return training;
        }
        let Some(up_since) = self.up_since else { return Evidence::default() };
        let age = time.since(up_since);
        if age < policy.fresh_link {
            training
        } else if age < policy.fresh_link + LONGEST_SYMBOL_WINDOW {
            Evidence::SYMBOLS_125M
        } else {
            Evidence::default()
        }
    }

    /// A drop by itself is no trouble, for hosts restart and cables are swapped; one that repeats or lasts is.
    fn drop_signs(&self, policy: &ConditionPolicy, link: LinkEnds<'_>, time: Timestamp) -> Evidence {
        let since_drop = self.last_drop.map(|drop| time.since(drop));
        let recent = |limit: Duration| since_drop.is_some_and(|since| since <= limit);
        let hold = if link.may_be_host() { policy.reboot_hold } else { policy.trunk_hold };
        let stayed = self.down_since.is_some_and(|down| time.since(down) > hold);
        if stayed {
            Evidence::STAYED_DOWN
        } else if u32::from(self.drop_run) >= policy.flap_drops && recent(policy.reboot_hold) {
            Evidence::FLAPPING
        } else {
            Evidence::default()
        }
    }
}

/// The class as a byte, 255 for none.
pub(crate) fn class_byte(insight: Option<LastInsight>) -> u8 {
    insight.map_or(u8::MAX, |insight| insight.class.index() as u8)
}

/// The last insight of a byte and its companions.
pub(crate) fn last_insight(class: u8, time: Timestamp, step: u8) -> Option<LastInsight> {
    let class = PredictionType::from_index(usize::from(class))?;
    Some(LastInsight { time, class, step })
}
