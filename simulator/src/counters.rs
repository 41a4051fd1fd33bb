//! A port's absolute counters and how one interval moves them.
//!
//! Totals are kept apart by how they behave: data counters are 64 bits wide, error counters stay far below 32, and an
//! adapter's driver counters wrap at 32 bits as the hardware's do. A port costs 88 bytes, an adapter 60 more.

use linkcast_telemetry::{Counter, Counters, Range};

use crate::plan::CounterWidths;

/// The first counter of each kind; the enum lists data, errors, wait and driver counters in this order.
const FIRST_ERROR: usize = Counter::SymbolErrors as usize;
const WAIT: usize = Counter::XmitWait as usize;
const FIRST_DRIVER: usize = Counter::LocalAckTimeouts as usize;
const ERROR_COUNT: usize = WAIT - FIRST_ERROR;
const DRIVER_COUNT: usize = Counter::COUNT - FIRST_DRIVER;

/// The port counters of one port.
#[derive(Clone, Debug, Default)]
pub(crate) struct PortTotals {
    pub(crate) xmit_bytes: u64,
    pub(crate) rcv_bytes: u64,
    pub(crate) xmit_packets: u64,
    pub(crate) rcv_packets: u64,
    pub(crate) wait_ticks: u64,
    pub(crate) errors: [u32; ERROR_COUNT],
}

/// The driver's counters of one adapter.
#[derive(Clone, Debug, Default)]
pub(crate) struct DriverTotals {
    counts: [u32; DRIVER_COUNT],
}

impl PortTotals {
    /// Adds events of an error counter; other counters are not this port's to count.
    pub(crate) fn add(&mut self, counter: Counter, events: u64) {
        let index = (counter as usize).wrapping_sub(FIRST_ERROR);
        if let Some(total) = self.errors.get_mut(index) {
            *total = total.saturating_add(u32::try_from(events).unwrap_or(u32::MAX));
        }
    }

    /// Writes the counters into a reading.
    #[inline]
    pub(crate) fn report(&self, widths: CounterWidths, counters: &mut Counters) {
        let data = [
            (Counter::XmitBytes, self.xmit_bytes & !3),
            (Counter::RcvBytes, self.rcv_bytes & !3),
            (Counter::XmitPackets, self.xmit_packets),
            (Counter::RcvPackets, self.rcv_packets),
            (Counter::XmitWait, self.wait_ticks),
        ];
        let errors = Counter::ALL.iter().skip(FIRST_ERROR).zip(self.errors);
        match widths {
            CounterWidths::Extended => {
                for (counter, value) in data {
                    counters.set(counter, value, Range::Clamps(64));
                }
                for (counter, value) in errors {
                    counters.set(*counter, u64::from(value), Range::Clamps(64));
                }
            }
            CounterWidths::Basic => {
                for (counter, value) in data {
                    clamped(counter, value, counters);
                }
                for (counter, value) in errors {
                    clamped(*counter, u64::from(value), counters);
                }
            }
        }
    }
}

impl DriverTotals {
    /// Adds events of a driver counter.
    pub(crate) fn add(&mut self, counter: Counter, events: u64) {
        let index = (counter as usize).wrapping_sub(FIRST_DRIVER);
        if let Some(total) = self.counts.get_mut(index) {
            *total = total.wrapping_add(events as u32);
        }
    }

    /// Writes the counters into a reading.
    #[inline]
    pub(crate) fn report(&self, counters: &mut Counters) {
        for (counter, value) in Counter::ALL.iter().skip(FIRST_DRIVER).zip(self.counts) {
            counters.set(*counter, u64::from(value), Range::Wraps(32));
        }
    }
}

/// The width of a counter in the basic `PortCounters`; data counters count 4-octet words there, so that in bytes they
/// end two bits higher.
pub(crate) fn basic_bits(counter: Counter) -> u8 {
    match counter {
        Counter::XmitBytes | Counter::RcvBytes => 34,
        Counter::XmitPackets | Counter::RcvPackets | Counter::XmitWait => 32,
        Counter::LinkErrorRecoveries
        | Counter::LinkDowned
        | Counter::XmitConstraintErrors
        | Counter::RcvConstraintErrors => 8,
        Counter::LocalLinkIntegrityErrors | Counter::BufferOverruns => 4,
        _ => 16,
    }
}

/// The value as a counter of its basic width shows it: all ones once it is full.
fn clamped(counter: Counter, value: u64, counters: &mut Counters) {
    let octets = if matches!(counter, Counter::XmitBytes | Counter::RcvBytes) { 4 } else { 1 };
    let bits = basic_bits(counter);
    let full = (1 << bits) - 1;
    let shown = if value / octets >= full / octets { full } else { value };
    counters.set(counter, shown, Range::Clamps(bits));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_counters_stop_at_their_width() {
        let mut totals = PortTotals { xmit_bytes: u64::MAX, ..PortTotals::default() };
        totals.add(Counter::SymbolErrors, 70_000);
        totals.add(Counter::BufferOverruns, 20);
        totals.add(Counter::LinkDowned, 20);
        let mut counters = Counters::default();
        totals.report(CounterWidths::Basic, &mut counters);
        assert_eq!(counters.get(Counter::SymbolErrors), Some(65_535));
        assert_eq!(counters.get(Counter::BufferOverruns), Some(15));
        assert_eq!(counters.get(Counter::LinkDowned), Some(20));
        assert_eq!(counters.get(Counter::XmitBytes), Some((1 << 34) - 1));
    }

    #[test]
    fn driver_counters_wrap() {
        let mut totals = DriverTotals::default();
        totals.add(Counter::NotificationPointCnpSent, u64::from(u32::MAX));
        totals.add(Counter::NotificationPointCnpSent, 3);
        let mut counters = Counters::default();
        totals.report(&mut counters);
        assert_eq!(counters.get(Counter::NotificationPointCnpSent), Some(2));
    }
}
