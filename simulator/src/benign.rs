//! What only looks like a fault: outages somebody meant, counters somebody else cleared, jobs that push, exporters that
//! die.

use linkcast_telemetry::Counter;

use crate::effect::{End, LinkEffect, Reset};
use crate::fault::Fault;
use crate::random::power_of_two;
use crate::traffic::Interval;

/// What one event does to one link.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    /// A fault.
    Fault(Box<Fault>),
    /// The link is down; the device at `restarts` comes back with all counters at zero and is not read meanwhile.
    Outage { from: i64, to: i64, restarts: Option<End> },
    /// Somebody wrote the port counters of one end to zero.
    Cleared { at: i64, end: End },
    /// Symbol errors of a cable just plugged in, halving every two minutes.
    Settling { from: i64, per_second: f64 },
    /// A job fills the link from one end.
    Busy { from: i64, to: i64, sender: End, load: f64, discards: f64 },
    /// Nobody reads one end.
    Unread { from: i64, to: i64, end: End },
}

impl Cause {
    /// Adds what the event does in this interval.
    pub(crate) fn apply(&self, interval: &Interval, effect: &mut LinkEffect) {
        match *self {
            Cause::Fault(ref fault) => fault.apply(interval, effect),
            Cause::Outage { from, to, restarts } => outage(interval, effect, from, to, restarts),
            Cause::Cleared { at, end } => {
                if interval.holds(at) {
                    let end = effect.end_mut(end);
                    end.reset = end.reset.max(Reset::PortCounters);
                }
            }
            Cause::Settling { from, per_second } => settle(interval, effect, from, per_second),
            Cause::Busy { from, to, sender, load, discards } => {
                let share = interval.share_within(from, to);
                let sending = effect.end_mut(sender);
                sending.floor = sending.floor.max(load * share);
                sending.wait += (load - 0.6).max(0.0) * share;
                sending.expect_events(Counter::XmitDiscards, discards * share * interval.seconds());
                let receiving = effect.end_mut(sender.other());
                receiving.latency *= 1.0 + 0.8 * share;
                let notifications = 40.0 * share * interval.seconds();
                receiving.expect_events(Counter::NotificationPointCnpSent, notifications);
            }
            Cause::Unread { from, to, end } => {
                if from < interval.to && interval.to <= to {
                    effect.end_mut(end).silent = true;
                }
            }
        }
    }
}

fn outage(interval: &Interval, effect: &mut LinkEffect, from: i64, to: i64, restarts: Option<End>) {
    effect.downs += u64::from(interval.holds(from));
    effect.down_share += interval.share_within(from, to);
    let over = interval.to >= to;
    effect.ends_down |= from < interval.to && !over;
    if let Some(device) = restarts {
        let end = effect.end_mut(device);
        end.silent |= from < interval.to && !over;
        if interval.holds(to) {
            end.reset = Reset::Everything;
        }
    }
}

fn settle(interval: &Interval, effect: &mut LinkEffect, from: i64, per_second: f64) {
    let age_min = (interval.from.max(from) - from) as f64 / 60_000.0;
    let seconds = interval.seconds() * interval.share_within(from, i64::MAX);
    let errors = per_second * seconds * power_of_two(-age_min / 2.0);
    for end in [End::Low, End::High] {
        effect.end_mut(end).expect_events(Counter::SymbolErrors, errors);
        effect.end_mut(end).expect_events(Counter::LinkErrorRecoveries, errors / 400.0);
    }
}
