//! Where and when a fault can be told from a sound port: at which end, through what, in which minutes.
//!
//! The truth of a fault is one thing and what a port's numbers hold of it another. A registration that fails on an adapter
//! leaves nothing at the switch; an exponential growth leaves nothing for half of its time; what comes and goes is gone
//! in between. Asked about such a row nobody can answer but by guessing, so the truth says which rows those are. It is
//! worked out from the recipe and never from what a counter or a feature came to: a trace shows while so much of it
//! is expected within the time that a monitor looks back that it would be an accident to see nothing.

use linkcast_domain::Channel;
use linkcast_telemetry::Counter;

use crate::effect::End;
use crate::fault::Fault;
use crate::recipes::{Phase, Side, Symptom};

const MINUTE_MS: i64 = 60_000;

/// Events within view that leave one chance in twenty of none: e⁻³.
const FEW_EVENTS: f64 = 3.0;

/// Congestion notifications within five minutes that a busy fabric does not send anyway: ten a second.
const MANY_NOTIFICATIONS: f64 = 3_000.0;

/// Drops within view that leave one chance in seven of none.
const FEW_DROPS: f64 = 2.0;

/// Share of time spent waiting that a port without congestion does not reach.
const WAITING: f64 = 0.05;

/// A link as full as no usual job makes it.
const FULL: f64 = 0.8;

/// Amplitude of a swing beyond what jobs do.
const SWINGING: f64 = 0.4;

/// Factor on latency beyond its noise.
const SLOWER: f64 = 1.3;

/// What is known of a port beside its own counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruments {
    /// Whether its host's driver counters are read.
    pub(crate) driver: bool,
    /// Whether a probe measures its latency.
    pub(crate) probe: bool,
}

/// A stretch of time in which something shows, ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) through: Channel,
    pub(crate) from: i64,
    pub(crate) until: i64,
}

/// How a counter is looked at: through what, how many minutes back, and how many events there are a sign.
#[derive(Clone, Copy, Debug, PartialEq)]
struct View {
    through: Channel,
    minutes: usize,
    events: f64,
}

/// When `fault` shows at `end`, by channel.
pub(crate) fn shown_at(fault: &Fault, end: End, instruments: Instruments) -> Vec<Shown> {
    let mut shown = Vec::new();
    for view in views(fault, end, instruments) {
        let events: Vec<f64> = minutes(fault).map(|time| expected(fault, end, view, time)).collect();
        let mut sum = 0.0;
        let mut held = Vec::with_capacity(events.len());
        for (place, count) in events.iter().enumerate() {
            let gone = place.checked_sub(view.minutes).and_then(|place| events.get(place));
            sum += count - gone.copied().unwrap_or(0.0);
            held.push(sum >= view.events);
        }
        spans(fault, view.through, held.into_iter(), &mut shown);
    }
    for symptom in fault.recipe.symptoms {
        if let Some(through) = felt_through(symptom, fault, end, instruments) {
            let strong = minutes(fault).map(|time| is_strong(fault, symptom, time));
            spans(fault, through, strong, &mut shown);
        }
    }
    shown
}

/// The ends of a fault's minutes.
fn minutes(fault: &Fault) -> impl Iterator<Item = i64> + use<> {
    let (onset, end) = (fault.onset, fault.end);
    (1..).map(move |minute| onset + minute * MINUTE_MS).take_while(move |time| *time <= end)
}

/// Adds the stretches in which `held` is true, minute by minute.
fn spans(fault: &Fault, through: Channel, held: impl Iterator<Item = bool>, shown: &mut Vec<Shown>) {
    let mut open: Option<Shown> = None;
    for (time, held) in minutes(fault).zip(held) {
        match &mut open {
            Some(span) if held => span.until = (time + MINUTE_MS - 1).min(fault.end),
            None if held => {
                open = Some(Shown { through, from: time, until: (time + MINUTE_MS - 1).min(fault.end) });
            }
            _ => shown.extend(open.take()),
        }
    }
    shown.extend(open);
}

/// The views under which this end counts anything of the fault.
fn views(fault: &Fault, end: End, instruments: Instruments) -> Vec<View> {
    let mut views: Vec<View> = Vec::new();
    for symptom in fault.recipe.symptoms {
        let view = match *symptom {
            Symptom::Count(counter, side, ..) if is_at(fault, side, end) => view(counter),
            Symptom::Drops(..) => Some(DROPS),
            _ => None,
        };
        let is_read = |view: &View| view.through != Channel::HostErrors || instruments.driver;
        if let Some(view) = view.filter(is_read).filter(|view| !views.contains(view)) {
            views.push(view);
        }
    }
    views
}

/// A drop is remembered for half a day.
const DROPS: View = View { through: Channel::PortErrors, minutes: 720, events: FEW_DROPS };

/// How a counter is looked at: the shortest memory that the feature schema has of it. `None` for what no feature holds.
fn view(counter: Counter) -> Option<View> {
    use Counter as C;
    let (through, minutes) = match counter {
        C::SymbolErrors => (Channel::PortErrors, 12),
        C::LinkErrorRecoveries | C::LocalLinkIntegrityErrors | C::BufferOverruns => (Channel::PortErrors, 60),
        C::RcvErrors | C::RcvRemotePhysicalErrors | C::XmitDiscards => (Channel::PortErrors, 5),
        C::LocalAckTimeouts
        | C::RnrNakRetryErrors
        | C::OutOfBuffer
        | C::MemoryRegistrationFailures
        | C::NotificationPointCnpSent
        | C::ReactionPointCnpHandled => (Channel::HostErrors, 5),
        C::ReqCqeErrors
        | C::RespCqeErrors
        | C::ReqRemoteAccessErrors
        | C::RespRemoteAccessErrors
        | C::PacketSequenceErrors
        | C::ImpliedNakSequenceErrors => (Channel::HostErrors, 1),
        _ => return None,
    };
    let events = match counter {
        C::NotificationPointCnpSent | C::ReactionPointCnpHandled => MANY_NOTIFICATIONS,
        _ => FEW_EVENTS,
    };
    Some(View { through, minutes, events })
}

/// Events under one view that are expected in the minute up to `time`.
fn expected(fault: &Fault, end: End, wanted: View, time: i64) -> f64 {
    let middle = time - MINUTE_MS / 2;
    let events = fault.recipe.symptoms.iter().map(|symptom| match *symptom {
        Symptom::Count(counter, side, per_second, phase)
            if is_at(fault, side, end) && view(counter) == Some(wanted) =>
        {
            per_second * fault.magnitude * fault.level(phase, middle) * 60.0
        }
        Symptom::Drops(per_hour, phase) if wanted == DROPS => {
            per_hour * fault.depth * fault.level(phase, middle) / 60.0
        }
        _ => 0.0,
    });
    events.sum()
}

/// What a symptom that is no count is felt through at this end.
fn felt_through(symptom: &Symptom, fault: &Fault, end: End, instruments: Instruments) -> Option<Channel> {
    match *symptom {
        Symptom::Wait(side, ..) => is_at(fault, side, end).then_some(Channel::Waiting),
        // What one end sends the other receives.
        Symptom::Load(..) | Symptom::Swing(..) => Some(Channel::Traffic),
        Symptom::Latency(..) => (end == fault.near && instruments.probe).then_some(Channel::Latency),
        Symptom::Narrow(_) => Some(Channel::LinkRate),
        // Less traffic is what a sound port has whose job does something else.
        Symptom::Transmit(..) | Symptom::Count(..) | Symptom::Drops(..) => None,
    }
}

/// Whether a symptom that is no count is beyond what sound ports do, in the minute up to `time`.
fn is_strong(fault: &Fault, symptom: &Symptom, time: i64) -> bool {
    let level = |phase: Phase| fault.depth * fault.level(phase, time - MINUTE_MS / 2);
    match *symptom {
        Symptom::Wait(_, ratio, phase) => ratio * level(phase) >= WAITING,
        Symptom::Load(_, floor, phase) => {
            (floor - 0.12 * (1.0 - fault.depth)) * fault.level(phase, time - MINUTE_MS / 2) >= FULL
        }
        Symptom::Swing(_, amplitude, _) => amplitude * level(Phase::Growing) >= SWINGING,
        Symptom::Latency(factor, phase) => 1.0 + (factor - 1.0) * level(phase) >= SLOWER,
        Symptom::Narrow(_) => time > fault.impact,
        Symptom::Transmit(..) | Symptom::Count(..) | Symptom::Drops(..) => false,
    }
}

fn is_at(fault: &Fault, side: Side, end: End) -> bool {
    match side {
        Side::Near => end == fault.near,
        Side::Far => end != fault.near,
        Side::Both => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Draw;
    use crate::recipes::{Pace, RECIPES};

    const WHOLE: Instruments = Instruments { driver: true, probe: true };

    fn fault(cause: &str, pace: Pace) -> Fault {
        Fault {
            recipe: RECIPES.iter().find(|recipe| recipe.cause == cause).unwrap(),
            near: End::Low,
            pace,
            onset: 0,
            impact: 10 * 60 * MINUTE_MS,
            end: 12 * 60 * MINUTE_MS,
            magnitude: 1.0,
            depth: 1.0,
            draw: Draw::of(1),
        }
    }

    #[test]
    fn what_only_an_adapter_counts_never_shows_at_the_switch() {
        let keys = fault("memory keys exhausted", Pace::Linear);
        assert!(shown_at(&keys, End::High, Instruments { driver: false, probe: false }).is_empty());
        let near = shown_at(&keys, End::Low, WHOLE);
        // 0.15/s · t/10 h over the last five minutes is 3 events at the 43rd minute.
        let failing = near.iter().find(|shown| shown.through == Channel::HostErrors).unwrap();
        assert_eq!((failing.from / MINUTE_MS, failing.until), (43, keys.end));
    }

    #[test]
    fn a_port_without_a_driver_or_probe_shows_nothing_of_theirs() {
        let slow = fault("host processor in a deep idle state", Pace::Linear);
        assert!(shown_at(&slow, End::Low, Instruments { driver: true, probe: false }).is_empty());
        let probed = shown_at(&slow, End::Low, WHOLE);
        assert_eq!(probed.len(), 1);
        assert_eq!(probed[0].from / MINUTE_MS, 61, "a tenth of 4 − 1 is 30 % more");
    }

    #[test]
    fn what_comes_and_goes_shows_in_pieces() {
        let loss = fault("marginal serdes after a firmware update", Pace::Intermittent);
        let pieces = shown_at(&loss, End::Low, WHOLE);
        let received = pieces.iter().filter(|shown| shown.through == Channel::PortErrors).count();
        assert!(received > 3, "{pieces:?}");
        assert!(pieces.iter().all(|shown| shown.from <= shown.until && shown.until <= loss.end));
    }

    #[test]
    fn less_traffic_alone_is_no_sign() {
        let hang = fault("peer adapter hangs", Pace::Linear);
        assert!(shown_at(&hang, End::High, Instruments { driver: false, probe: false }).is_empty());
    }

    #[test]
    fn every_cause_shows_at_its_own_end_when_it_is_as_bad_as_it_gets() {
        for recipe in RECIPES {
            let worst = Fault { recipe, magnitude: 5.0, ..fault("bent cable", Pace::Linear) };
            let ends = [End::Low, End::High].map(|end| shown_at(&worst, end, WHOLE));
            assert!(ends.iter().any(|shown| !shown.is_empty()), "{}", recipe.cause);
        }
    }
}
