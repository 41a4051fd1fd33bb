//! Absolute counters of one port at one instant, as a source reported them.
//!
//! Every parser produces this one shape and the differ consumes it, so a counter's width and roll-over rule travel
//! with its value: the same counter clamps at 65535 in one source, at 2^64 in another, and wraps in a third.

use linkcast_domain::{CounterName, PortFacts, StreamId, Timestamp};

macro_rules! counters {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A counter Linkcast knows, under its InfiniBand architecture or driver name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Counter { $($(#[$doc])* $variant,)* }

        impl Counter {
            /// Every counter, in order.
            pub const ALL: &'static [Counter] = &[$(Counter::$variant,)*];

            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The canonical name.
            pub fn name(self) -> &'static str {
                match self { $(Counter::$variant => $name,)* }
            }
        }
    };
}

counters! {
    /// Bytes sent (sources that count 4-octet words are converted when read).
    XmitBytes = "PortXmitData",
    /// Bytes received.
    RcvBytes = "PortRcvData",
    /// Packets sent.
    XmitPackets = "PortXmitPkts",
    /// Packets received.
    RcvPackets = "PortRcvPkts",
    /// Symbol errors.
    SymbolErrors = "SymbolErrorCounter",
    /// Successful link error recoveries.
    LinkErrorRecoveries = "LinkErrorRecoveryCounter",
    /// Failed link error recoveries: the link went down.
    LinkDowned = "LinkDownedCounter",
    /// Packets received in error.
    RcvErrors = "PortRcvErrors",
    /// Packets received marked bad by the far side.
    RcvRemotePhysicalErrors = "PortRcvRemotePhysicalErrors",
    /// Packets a switch could not forward.
    RcvSwitchRelayErrors = "PortRcvSwitchRelayErrors",
    /// Outbound packets dropped.
    XmitDiscards = "PortXmitDiscards",
    /// Outbound packets refused by partition or raw filters.
    XmitConstraintErrors = "PortXmitConstraintErrors",
    /// Inbound packets refused by partition or raw filters.
    RcvConstraintErrors = "PortRcvConstraintErrors",
    /// Local link integrity threshold crossings.
    LocalLinkIntegrityErrors = "LocalLinkIntegrityErrors",
    /// Excessive buffer overruns.
    BufferOverruns = "ExcessiveBufferOverrunErrors",
    /// Management packets dropped.
    Vl15Dropped = "VL15Dropped",
    /// Ticks in which data waited to be sent.
    XmitWait = "PortXmitWait",
    /// Host: local acknowledgement timeouts.
    LocalAckTimeouts = "local_ack_timeout_err",
    /// Host: receiver-not-ready retries exhausted.
    RnrNakRetryErrors = "rnr_nak_retry_err",
    /// Host: packets dropped for want of a receive buffer.
    OutOfBuffer = "out_of_buffer",
    /// Host: congestion notifications sent by the notification point.
    NotificationPointCnpSent = "np_cnp_sent",
    /// Host: congestion notifications handled by the reaction point.
    ReactionPointCnpHandled = "rp_cnp_handled",
    /// Host: requester completions in error.
    ReqCqeErrors = "req_cqe_error",
    /// Host: responder completions in error.
    RespCqeErrors = "resp_cqe_error",
    /// Host: requester remote access errors.
    ReqRemoteAccessErrors = "req_remote_access_errors",
    /// Host: responder remote access errors.
    RespRemoteAccessErrors = "resp_remote_access_errors",
    /// Host: remote invalid requests.
    ReqRemoteInvalidRequests = "req_remote_invalid_request",
    /// Host: local length errors.
    RespLocalLengthErrors = "resp_local_length_error",
    /// Host: packet sequence errors.
    PacketSequenceErrors = "packet_seq_err",
    /// Host: implied NAK sequence errors.
    ImpliedNakSequenceErrors = "implied_nak_seq_err",
    /// Host: transport retries exceeded.
    TransportRetriesExceeded = "req_transport_retries_exceeded",
    /// Host: memory registrations that failed.
    MemoryRegistrationFailures = "reg_mr_err",
}

/// How a counter behaves at the end of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Range {
    /// Stops at all ones of this many bits until written: every PMA counter.
    Clamps(u8),
    /// Starts again from zero after this many bits: mlx5 hardware counters.
    Wraps(u8),
    /// The source does not say: 64 bits, but a value at the counter's classic PMA limit is taken as clamped.
    Unstated,
}

/// One port at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Whose.
    pub stream: StreamId,
    /// When, or `None` where the source carries no time and the shell supplies the instant of the scrape.
    pub time: Option<Timestamp>,
    /// The known counters that were present.
    pub counters: Counters,
    /// Counters Linkcast has no name for, under the source's own names, sorted by name.
    pub other: Vec<(CounterName, u64)>,
    /// Measured values that are no counters (`latency_p99` of a probe, module temperature), by name, sorted.
    pub gauges: Vec<(CounterName, f64)>,
    /// What the source said of the port beside counters; boxed, for most readings say nothing new.
    pub facts: Option<Box<PortFacts>>,
}

/// The known counters of one reading: present or absent, each with its range. Absent is not zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Counters {
    present: u64,
    values: [u64; Counter::COUNT],
    ranges: [Range; Counter::COUNT],
}

impl Default for Counters {
    fn default() -> Self {
        Counters { present: 0, values: [0; Counter::COUNT], ranges: [Range::Unstated; Counter::COUNT] }
    }
}

#[expect(clippy::indexing_slicing, reason = "the arrays have one place for each variant of the index's enum")]
impl Counters {
    /// The value, or `None` if the source did not report it.
    #[inline]
    pub fn get(&self, counter: Counter) -> Option<u64> {
        self.is_present(counter).then(|| self.values[counter as usize])
    }

    /// Whether the source reported it.
    #[inline]
    pub fn is_present(&self, counter: Counter) -> bool {
        self.present >> (counter as u8) & 1 == 1
    }

    /// How the counter behaves at the end of its range in this source.
    #[inline]
    pub fn range(&self, counter: Counter) -> Range {
        self.ranges[counter as usize]
    }

    /// Records a value, replacing an earlier one.
    #[inline]
    pub fn set(&mut self, counter: Counter, value: u64, range: Range) {
        self.present |= 1 << (counter as u8);
        self.values[counter as usize] = value;
        self.ranges[counter as usize] = range;
    }

    /// The present counters as bits, the lowest being the first counter.
    #[inline]
    pub(crate) fn present_mask(&self) -> u64 {
        self.present
    }

    /// Calls `visit` for the counters whose bits are set and which are present here.
    #[inline]
    pub(crate) fn visit(&self, mask: u64, mut visit: impl FnMut(Counter, u64, Range)) {
        let mut left = self.present & mask;
        while left != 0 {
            let index = left.trailing_zeros() as usize;
            left &= left - 1;
            visit(Counter::ALL[index], self.values[index], self.ranges[index]);
        }
    }

    /// How many are present.
    pub fn len(&self) -> usize {
        self.present.count_ones() as usize
    }

    /// Whether none is present.
    pub fn is_empty(&self) -> bool {
        self.present == 0
    }

    /// The present counters with their values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Counter, u64)> + '_ {
        Counter::ALL.iter().filter_map(|counter| Some((*counter, self.get(*counter)?)))
    }
}

/// The presence mask has 64 places.
const _: () = assert!(Counter::COUNT <= 64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_was_not_reported_is_absent_and_not_zero() {
        let mut counters = Counters::default();
        counters.set(Counter::SymbolErrors, 0, Range::Clamps(16));
        assert_eq!(counters.get(Counter::SymbolErrors), Some(0));
        assert_eq!(counters.get(Counter::RcvErrors), None);
        assert_eq!(counters.iter().count(), 1);
    }
}
