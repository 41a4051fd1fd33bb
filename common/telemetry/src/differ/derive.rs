//! The named values of a sample, derived from the counters' changes.
//!
//! A value that needs a counter the source has but whose change is unknown is itself unknown; a counter the source
//! never had is left out of sums, for most sources have only some of them.

use linkcast_domain::{CounterName, PortFacts, PortState, Sample, SampleField, SampleValues, Timestamp};

use super::{Gap, Interval, change::Changes, wait::wait_bytes_per_tick};
use crate::{Counter, Reading};

/// Counters whose change is a field of its own.
const FIELDS: [(Counter, SampleField); 13] = [
    (Counter::SymbolErrors, SampleField::SymbolErrors),
    (Counter::LinkErrorRecoveries, SampleField::LinkErrorRecoveries),
    (Counter::LinkDowned, SampleField::LinkDowned),
    (Counter::RcvErrors, SampleField::RcvErrors),
    (Counter::RcvRemotePhysicalErrors, SampleField::RcvRemotePhysicalErrors),
    (Counter::RcvPackets, SampleField::RcvPackets),
    (Counter::XmitDiscards, SampleField::XmitDiscards),
    (Counter::LocalLinkIntegrityErrors, SampleField::LocalLinkIntegrityErrors),
    (Counter::BufferOverruns, SampleField::BufferOverruns),
    (Counter::LocalAckTimeouts, SampleField::AckTimeouts),
    (Counter::RnrNakRetryErrors, SampleField::RnrNaks),
    (Counter::OutOfBuffer, SampleField::OutOfBuffer),
    (Counter::MemoryRegistrationFailures, SampleField::MemoryRegistrationFailures),
];

/// Host counters that mean a queue pair in trouble. Flushed completions are left out: every teardown makes them.
const QUEUE_PAIR_ERRORS: [Counter; 11] = [
    Counter::ReqCqeErrors,
    Counter::RespCqeErrors,
    Counter::ReqRemoteAccessErrors,
    Counter::RespRemoteAccessErrors,
    Counter::ReqRemoteInvalidRequests,
    Counter::RespLocalLengthErrors,
    Counter::PacketSequenceErrors,
    Counter::ImpliedNakSequenceErrors,
    Counter::RnrNakRetryErrors,
    Counter::OutOfBuffer,
    Counter::LocalAckTimeouts,
];

/// Counters without a field, by name; the changes of bytes are there as `xmit_gbps` and `rcv_gbps`.
const WITHOUT_FIELD: [Counter; 17] = [
    Counter::RcvConstraintErrors,
    Counter::RcvSwitchRelayErrors,
    Counter::XmitConstraintErrors,
    Counter::XmitPackets,
    Counter::XmitWait,
    Counter::Vl15Dropped,
    Counter::ImpliedNakSequenceErrors,
    Counter::NotificationPointCnpSent,
    Counter::PacketSequenceErrors,
    Counter::ReqCqeErrors,
    Counter::ReqRemoteAccessErrors,
    Counter::ReqRemoteInvalidRequests,
    Counter::TransportRetriesExceeded,
    Counter::RespCqeErrors,
    Counter::RespLocalLengthErrors,
    Counter::RespRemoteAccessErrors,
    Counter::ReactionPointCnpHandled,
];

/// The sample these changes make.
pub(super) fn sample(
    time: Timestamp,
    reading: &Reading,
    facts: &PortFacts,
    changes: &Changes,
    interval: Interval,
    gap: Gap,
) -> Sample {
    let seconds = interval.seconds();
    let traffic = Traffic::of(changes, seconds);
    let mut values = SampleValues::default();
    for (counter, field) in FIELDS {
        set(&mut values, field, changes.get(counter).map(|delta| delta as f64));
    }
    set(&mut values, SampleField::BandwidthGbps, traffic.busier);
    set(&mut values, SampleField::Utilization, utilization(&traffic, facts));
    set(&mut values, SampleField::ErrorRate, error_rate(changes));
    let queue_pair_errors = sum(changes, &QUEUE_PAIR_ERRORS).map(|count| count * 60.0 / seconds);
    set(&mut values, SampleField::QpErrors, queue_pair_errors);
    set(&mut values, SampleField::XmitWaitRatio, wait_ratio(changes, facts, seconds));
    let notifications = [Counter::NotificationPointCnpSent, Counter::ReactionPointCnpHandled];
    set(&mut values, SampleField::CongestionNotifications, sum(changes, &notifications));
    set(&mut values, SampleField::LinkRateGbps, facts.rate.map(|rate| rate.gbps()));
    set(&mut values, SampleField::LinkCapableGbps, facts.capable.map(|rate| rate.gbps()));
    values.set(SampleField::IntervalS, seconds);
    values.set(SampleField::SaturatedCounters, f64::from(changes.saturated));
    values.set(SampleField::Reset, f64::from(u8::from(changes.reset)));
    values.set(SampleField::Gap, f64::from(u8::from(gap == Gap::Missing)));
    let other = passed_on(reading, changes, &traffic, &mut values);
    Sample { stream: reading.stream.clone(), time, values, other }
}

/// Gb/s in each direction.
struct Traffic {
    xmit: Option<f64>,
    rcv: Option<f64>,
    busier: Option<f64>,
}

impl Traffic {
    fn of(changes: &Changes, seconds: f64) -> Self {
        let gbps = |counter: Counter| changes.get(counter).map(|bytes| bytes as f64 * 8.0 / seconds / 1e9);
        let (xmit, rcv) = (gbps(Counter::XmitBytes), gbps(Counter::RcvBytes));
        let unknown = changes.is_withheld(Counter::XmitBytes) || changes.is_withheld(Counter::RcvBytes);
        let busier = [xmit, rcv].into_iter().flatten().reduce(f64::max).filter(|_| !unknown);
        Traffic { xmit, rcv, busier }
    }
}

/// Unconnected ports read as slow SDR links, so that any noise on them would look like load.
fn utilization(traffic: &Traffic, facts: &PortFacts) -> Option<f64> {
    let rate = facts.rate?.gbps();
    let lanes = f64::from(facts.lanes.unwrap_or(4));
    let is_unconnected = match facts.state {
        Some(PortState::Down) => true,
        Some(PortState::Active) => false,
        _ => rate <= 2.0 * lanes && facts.peer.is_none() && facts.peer_name.is_none(),
    };
    traffic.busier.filter(|_| !is_unconnected).map(|gbps| gbps / rate * 100.0)
}

fn error_rate(changes: &Changes) -> Option<f64> {
    let packets = changes.get(Counter::RcvPackets).filter(|packets| *packets > 0)?;
    let errors = sum(changes, &[Counter::RcvErrors, Counter::RcvRemotePhysicalErrors])?;
    Some((errors / packets as f64).min(1.0))
}

fn wait_ratio(changes: &Changes, facts: &PortFacts, seconds: f64) -> Option<f64> {
    let ticks = changes.get(Counter::XmitWait)?;
    let link_bytes = facts.rate?.gbps() * 1e9 / 8.0 * seconds;
    Some((ticks as f64 * wait_bytes_per_tick(facts)? / link_bytes).clamp(0.0, 1.0))
}

/// The sum over those counters the source has; unknown if none, or if the change of one of them is unknown.
fn sum(changes: &Changes, counters: &[Counter]) -> Option<f64> {
    let mut total = None;
    for counter in counters {
        match changes.get(*counter) {
            Some(delta) => total = Some(total.unwrap_or(0.0) + delta as f64),
            None if changes.is_withheld(*counter) => return None,
            None => {}
        }
    }
    total
}

/// Everything without a field, sorted by name; gauges that bear a field's name fill it where no counter did.
fn passed_on(
    reading: &Reading,
    changes: &Changes,
    traffic: &Traffic,
    values: &mut SampleValues,
) -> Vec<(CounterName, f64)> {
    let mut other = Vec::with_capacity(10 + reading.other.len() + reading.gauges.len());
    for counter in WITHOUT_FIELD {
        if let Some(delta) = changes.get(counter) {
            other.push((CounterName::own(counter.name()), delta as f64));
        }
    }
    if let Some(gbps) = traffic.rcv {
        other.push((CounterName::own("rcv_gbps"), gbps));
    }
    if let Some(gbps) = traffic.xmit {
        other.push((CounterName::own("xmit_gbps"), gbps));
    }
    for ((name, _), delta) in reading.other.iter().zip(&changes.other) {
        if let Some(delta) = delta {
            other.push((name.clone(), *delta as f64));
        }
    }
    for (name, value) in &reading.gauges {
        match name.parse::<SampleField>() {
            Ok(field) if values.get(field).is_none() => values.set(field, *value),
            Ok(_) => {}
            Err(_) => other.push((name.clone(), *value)),
        }
    }
    other.sort_by(|left, right| left.0.cmp(&right.0));
    other
}

fn set(values: &mut SampleValues, field: SampleField, value: Option<f64>) {
    if let Some(value) = value {
        values.set(field, value);
    }
}
