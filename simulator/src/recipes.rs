//! How faults show: for each type the causes known from the field, and the traces each leaves at either end.
//!
//! A recipe is data, so that the whole clinical picture can be read in one place. Rates are those of a fault of
//! magnitude 1 at full growth; real magnitudes spread over two orders around it. Pictures overlap on purpose: symbol
//! errors lead to drops, to losses and to a narrower link alike, and waiting has five causes. Sources of the evidence:
//! vendors' event lists, the thresholds of published monitors, and kernel and driver issue threads.

use linkcast_domain::PredictionType as Type;
use linkcast_telemetry::Counter;

/// Where a fault can sit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// On the cable of an adapter; the adapter is the near end.
    Adapter,
    /// On an adapter with a latency probe: a fault that nothing else shows would leave no trace elsewhere.
    Probed,
    /// On any cable.
    Anywhere,
    /// Between two switches.
    Trunk,
}

/// The end a symptom shows at: the port at fault, or its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Near,
    Far,
    Both,
}

/// When a symptom shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// From onset, growing until impact.
    Growing,
    /// From impact on.
    Impact,
}

/// How a fault grows from onset to impact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Linear,
    Exponential,
    Stepwise,
    /// Comes and goes, more and more often.
    Intermittent,
    /// No warning worth the name: minutes.
    Sudden,
}

/// One trace of a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Symptom {
    /// Events of a counter, a second.
    Count(Counter, Side, f64, Phase),
    /// Further share of time in which that side waits to send.
    Wait(Side, f64, Phase),
    /// Factor on what that side sends.
    Transmit(Side, f64, Phase),
    /// What that side sends at least, as a share of the rate.
    Load(Side, f64, Phase),
    /// What that side sends swings by this share, with a period in minutes.
    Swing(Side, f64, f64),
    /// Factor on the latency seen by a probe at the near end.
    Latency(f64, Phase),
    /// Times the link drops, an hour.
    Drops(f64, Phase),
    /// The link trains to this share of its rate at impact.
    Narrow(f64),
}

/// One cause and its picture.
#[derive(Debug)]
pub(crate) struct Recipe {
    pub(crate) class: Type,
    pub(crate) cause: &'static str,
    pub(crate) site: Site,
    pub(crate) paces: &'static [Pace],
    pub(crate) symptoms: &'static [Symptom],
}

use Counter::{
    BufferOverruns, ImpliedNakSequenceErrors, LinkErrorRecoveries, LocalAckTimeouts,
    LocalLinkIntegrityErrors, MemoryRegistrationFailures, NotificationPointCnpSent, OutOfBuffer,
    PacketSequenceErrors, RcvErrors, RcvRemotePhysicalErrors, ReactionPointCnpHandled, ReqCqeErrors,
    ReqRemoteAccessErrors, RespCqeErrors, RespRemoteAccessErrors, RnrNakRetryErrors, SymbolErrors,
    TransportRetriesExceeded, Vl15Dropped, XmitDiscards,
};
use Pace::{Exponential, Intermittent, Linear, Stepwise, Sudden};
use Phase::{Growing, Impact};
use Side::{Both, Far, Near};
use Site::{Adapter, Anywhere, Probed, Trunk};
use Symptom::{Count, Drops, Latency, Load, Narrow, Swing, Transmit, Wait};

const SLOW: &[Pace] = &[Linear, Exponential, Exponential, Stepwise, Intermittent];
const ANY: &[Pace] = &[Linear, Exponential, Stepwise, Intermittent, Sudden];
const ABRUPT: &[Pace] = &[Sudden, Sudden, Stepwise];

const fn recipe(
    class: Type,
    cause: &'static str,
    site: Site,
    paces: &'static [Pace],
    symptoms: &'static [Symptom],
) -> Recipe {
    Recipe { class, cause, site, paces, symptoms }
}

/// Every cause simulated.
pub(crate) static RECIPES: &[Recipe] = &[
    recipe(
        Type::ConnectionInstability,
        "dirty optical connector",
        Anywhere,
        SLOW,
        &[
            Count(SymbolErrors, Near, 0.8, Growing),
            Count(LinkErrorRecoveries, Near, 0.0015, Growing),
            Count(RcvErrors, Near, 0.02, Growing),
            Drops(7.0, Impact),
        ],
    ),
    recipe(
        Type::ConnectionInstability,
        "failing transceiver",
        Anywhere,
        SLOW,
        &[
            Count(SymbolErrors, Both, 0.3, Growing),
            Count(LinkErrorRecoveries, Both, 0.004, Growing),
            Drops(12.0, Impact),
        ],
    ),
    recipe(
        Type::ConnectionInstability,
        "overheating module",
        Anywhere,
        &[Intermittent, Linear],
        &[
            Count(SymbolErrors, Far, 0.5, Growing),
            Count(LinkErrorRecoveries, Far, 0.003, Growing),
            Count(LocalLinkIntegrityErrors, Far, 0.001, Growing),
            Drops(5.0, Impact),
        ],
    ),
    recipe(
        Type::ConnectionInstability,
        "loose cable latch",
        Anywhere,
        ABRUPT,
        &[Count(LinkErrorRecoveries, Both, 0.002, Growing), Drops(0.6, Growing), Drops(20.0, Impact)],
    ),
    recipe(
        Type::PacketLossDetected,
        "bent cable",
        Anywhere,
        ANY,
        &[
            Count(SymbolErrors, Near, 1.5, Growing),
            Count(RcvErrors, Near, 0.5, Growing),
            Count(RcvRemotePhysicalErrors, Far, 0.15, Growing),
        ],
    ),
    recipe(
        Type::PacketLossDetected,
        "head-of-queue lifetime expiring behind a receiver that does not drain",
        Adapter,
        ANY,
        &[
            Count(XmitDiscards, Far, 4.0, Growing),
            Wait(Far, 0.25, Growing),
            Count(PacketSequenceErrors, Near, 0.01, Impact),
        ],
    ),
    recipe(
        Type::PacketLossDetected,
        "buffer credits misconfigured",
        Trunk,
        ANY,
        &[
            Count(BufferOverruns, Near, 0.04, Growing),
            Count(Vl15Dropped, Near, 0.01, Growing),
            Count(XmitDiscards, Far, 0.8, Growing),
        ],
    ),
    recipe(
        Type::PacketLossDetected,
        "marginal serdes after a firmware update",
        Anywhere,
        SLOW,
        &[
            Count(RcvErrors, Near, 0.3, Growing),
            Count(RcvRemotePhysicalErrors, Near, 0.2, Growing),
            Count(SymbolErrors, Near, 0.05, Growing),
        ],
    ),
    recipe(
        Type::PerformanceDegradation,
        "link retrained to half its width",
        Anywhere,
        SLOW,
        &[
            Count(SymbolErrors, Near, 0.15, Growing),
            Count(LinkErrorRecoveries, Both, 0.0012, Growing),
            Narrow(0.5),
            Wait(Both, 0.15, Impact),
        ],
    ),
    recipe(
        Type::PerformanceDegradation,
        "congested path after a routing change",
        Trunk,
        ANY,
        &[Wait(Near, 0.4, Growing), Transmit(Far, 0.7, Growing)],
    ),
    recipe(
        Type::PerformanceDegradation,
        "host bridge trained to half its lanes",
        Adapter,
        ANY,
        &[Wait(Far, 0.3, Growing), Transmit(Both, 0.6, Growing), Latency(1.5, Growing)],
    ),
    recipe(
        Type::BandwidthThrottling,
        "module thermal throttling",
        Anywhere,
        SLOW,
        &[Transmit(Both, 0.55, Growing), Wait(Both, 0.12, Growing), Narrow(0.5)],
    ),
    recipe(
        Type::BandwidthThrottling,
        "adapter throttled by its slot's power limit",
        Adapter,
        ANY,
        &[
            Count(ReactionPointCnpHandled, Near, 150.0, Growing),
            Count(NotificationPointCnpSent, Near, 60.0, Growing),
            Transmit(Both, 0.3, Growing),
            Wait(Far, 0.2, Growing),
        ],
    ),
    recipe(
        Type::BandwidthThrottling,
        "congestion control misconfigured",
        Adapter,
        ANY,
        &[Count(ReactionPointCnpHandled, Near, 500.0, Growing), Transmit(Near, 0.35, Growing)],
    ),
    recipe(
        Type::ResourceSaturation,
        "link filled by a runaway transfer",
        Anywhere,
        ANY,
        &[Load(Near, 0.97, Growing), Wait(Near, 0.3, Growing)],
    ),
    recipe(
        Type::ResourceSaturation,
        "receive queues too small",
        Adapter,
        ANY,
        &[
            Count(OutOfBuffer, Near, 15.0, Growing),
            Count(RnrNakRetryErrors, Near, 4.0, Growing),
            Wait(Far, 0.08, Growing),
        ],
    ),
    recipe(
        Type::LatencySpike,
        "flow control mis-set",
        Adapter,
        ANY,
        &[
            Latency(6.0, Growing),
            Wait(Both, 0.15, Growing),
            Count(NotificationPointCnpSent, Near, 60.0, Growing),
        ],
    ),
    recipe(
        Type::LatencySpike,
        "host processor in a deep idle state",
        Probed,
        ABRUPT,
        &[Latency(4.0, Growing)],
    ),
    recipe(
        Type::LatencySpike,
        "incast from a misplaced job",
        Adapter,
        ANY,
        &[
            Latency(3.5, Growing),
            Wait(Far, 0.3, Growing),
            Count(NotificationPointCnpSent, Near, 200.0, Growing),
            Count(LocalAckTimeouts, Near, 0.003, Growing),
        ],
    ),
    recipe(
        Type::QpErrorRateHigh,
        "firmware fault of the peer's adapter",
        Adapter,
        ANY,
        &[
            Count(ReqCqeErrors, Near, 0.8, Growing),
            Count(RespCqeErrors, Near, 0.4, Growing),
            Count(LocalAckTimeouts, Near, 0.02, Growing),
        ],
    ),
    recipe(
        Type::QpErrorRateHigh,
        "stale remote keys after a failover",
        Adapter,
        ABRUPT,
        &[
            Count(ReqRemoteAccessErrors, Near, 1.5, Growing),
            Count(RespRemoteAccessErrors, Near, 0.8, Growing),
            Count(ReqCqeErrors, Near, 0.8, Growing),
        ],
    ),
    recipe(
        Type::QpErrorRateHigh,
        "queue pairs out of sequence after a driver update",
        Adapter,
        ANY,
        &[
            Count(PacketSequenceErrors, Near, 3.0, Growing),
            Count(ImpliedNakSequenceErrors, Near, 0.5, Growing),
        ],
    ),
    recipe(
        Type::MemoryRegistrationFailure,
        "memory keys exhausted",
        Adapter,
        SLOW,
        &[
            Count(MemoryRegistrationFailures, Near, 0.15, Growing),
            Count(ReqCqeErrors, Near, 0.04, Impact),
            Transmit(Both, 0.3, Impact),
        ],
    ),
    recipe(
        Type::MemoryRegistrationFailure,
        "locked-memory limit reached",
        Adapter,
        ABRUPT,
        &[Count(MemoryRegistrationFailures, Near, 1.5, Growing), Transmit(Both, 0.6, Impact)],
    ),
    recipe(
        Type::RdmaTimeout,
        "peer adapter hangs",
        Adapter,
        ANY,
        &[
            Count(PacketSequenceErrors, Near, 0.2, Growing),
            Count(LocalAckTimeouts, Near, 0.1, Growing),
            Count(LocalAckTimeouts, Near, 1.5, Impact),
            Count(TransportRetriesExceeded, Near, 0.2, Impact),
            Transmit(Both, 0.25, Impact),
        ],
    ),
    recipe(
        Type::RdmaTimeout,
        "acknowledgements lost on a degraded path",
        Adapter,
        ANY,
        &[
            Count(LocalAckTimeouts, Near, 0.4, Growing),
            Count(TransportRetriesExceeded, Near, 0.03, Growing),
            Latency(1.6, Growing),
        ],
    ),
    recipe(
        Type::AnomalyDetected,
        "traffic swings in one direction only",
        Anywhere,
        ABRUPT,
        &[Swing(Near, 0.85, 8.0)],
    ),
    recipe(
        Type::AnomalyDetected,
        "waits without load",
        Anywhere,
        ANY,
        &[Wait(Near, 0.08, Growing), Transmit(Near, 0.5, Growing), Latency(1.7, Growing)],
    ),
    recipe(
        Type::AnomalyDetected,
        "one direction falls silent at intervals",
        Anywhere,
        ABRUPT,
        &[Swing(Far, 1.0, 25.0), Count(PacketSequenceErrors, Near, 0.02, Growing)],
    ),
];
