//! What an event does to one link in one interval, as both ends' counters will show it.
//!
//! Events of all kinds are folded into one of these a link, from the link's point of view, so that what leaves one end
//! arrives at the other and a link that drops counts at both.

use linkcast_telemetry::Counter;

/// Which end of a link: the one with the lower port index, or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Low,
    High,
}

impl End {
    pub(crate) fn other(self) -> End {
        match self {
            End::Low => End::High,
            End::High => End::Low,
        }
    }
}

/// What a port's counters lose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reset {
    #[default]
    None,
    /// Another tool wrote the port counters to zero.
    PortCounters,
    /// The device restarted: everything is zero.
    Everything,
}

/// What happens at one end in one interval.
#[derive(Clone, Debug)]
pub(crate) struct EndEffect {
    expected: [f64; Counter::COUNT],
    /// Factor on what this end sends.
    pub(crate) transmit: f64,
    /// What this end sends at least, as a share of the rate.
    pub(crate) floor: f64,
    /// Further share of the interval in which this end waits to send.
    pub(crate) wait: f64,
    /// Factor on the latency a probe at this end sees.
    pub(crate) latency: f64,
    /// Whether nobody reads this end.
    pub(crate) silent: bool,
    pub(crate) reset: Reset,
}

impl Default for EndEffect {
    fn default() -> Self {
        EndEffect {
            expected: [0.0; Counter::COUNT],
            transmit: 1.0,
            floor: 0.0,
            wait: 0.0,
            latency: 1.0,
            silent: false,
            reset: Reset::None,
        }
    }
}

impl EndEffect {
    /// Adds events of a counter that are expected in the interval.
    pub(crate) fn expect_events(&mut self, counter: Counter, events: f64) {
        if let Some(expected) = self.expected.get_mut(counter as usize) {
            *expected += events;
        }
    }

    /// The counters with expected events.
    pub(crate) fn expected(&self) -> impl Iterator<Item = (Counter, f64)> + '_ {
        Counter::ALL.iter().copied().zip(self.expected).filter(|(_, events)| *events > 0.0)
    }
}

/// What happens to one link in one interval.
#[derive(Clone, Debug)]
pub(crate) struct LinkEffect {
    /// Times the link went down.
    pub(crate) downs: u64,
    /// Share of the interval in which it was down.
    pub(crate) down_share: f64,
    /// Whether it is down when the interval ends.
    pub(crate) ends_down: bool,
    /// Factor on the trained rate.
    pub(crate) speed: f64,
    low: EndEffect,
    high: EndEffect,
}

impl Default for LinkEffect {
    fn default() -> Self {
        LinkEffect {
            downs: 0,
            down_share: 0.0,
            ends_down: false,
            speed: 1.0,
            low: EndEffect::default(),
            high: EndEffect::default(),
        }
    }
}

impl LinkEffect {
    /// What happens at one end.
    pub(crate) fn end(&self, end: End) -> &EndEffect {
        match end {
            End::Low => &self.low,
            End::High => &self.high,
        }
    }

    /// What happens at one end, to be added to.
    pub(crate) fn end_mut(&mut self, end: End) -> &mut EndEffect {
        match end {
            End::Low => &mut self.low,
            End::High => &mut self.high,
        }
    }
}
