//! What each exporter calls things, and which labels it gives them.

use linkcast_telemetry::Counter;

use super::View;

/// An exporter's way of speaking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vocabulary {
    Treydock,
    NodeExporter,
    Guilbaults,
    Ufm,
}

/// A label and its value.
pub(super) type Label = (&'static str, String);

/// What a family's values are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Measure {
    /// A counter; data in words if the exporter does not convert it.
    Counter(Counter),
    /// The trained rate, bytes a second.
    Rate,
    /// 1 for every port with a peer, which the labels name.
    Uplink,
    /// 4 when active, 1 when down.
    StateId,
    /// 5 when up, 2 when polling.
    PhysicalStateId,
}

/// One family of series.
pub(super) struct Family {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) measure: Measure,
    /// Which ports it is about, where an exporter names switches and adapters apart.
    switches: Option<bool>,
}

/// treydock's and node_exporter's names; guilbaults and UFM derive theirs from the PMA's.
const NAMES: [(Counter, &str, &str); 17] = [
    (Counter::XmitBytes, "transmit_data_bytes", "port_data_transmitted_bytes"),
    (Counter::RcvBytes, "receive_data_bytes", "port_data_received_bytes"),
    (Counter::XmitPackets, "transmit_packets", "port_packets_transmitted"),
    (Counter::RcvPackets, "receive_packets", "port_packets_received"),
    (Counter::SymbolErrors, "symbol_error", "symbol_error"),
    (Counter::LinkErrorRecoveries, "link_error_recovery", "link_error_recovery"),
    (Counter::LinkDowned, "link_downed", "link_downed"),
    (Counter::RcvErrors, "receive_errors", "port_errors_received"),
    (
        Counter::RcvRemotePhysicalErrors,
        "receive_remote_physical_errors",
        "port_receive_remote_physical_errors",
    ),
    (Counter::RcvSwitchRelayErrors, "receive_switch_relay_errors", "port_receive_switch_relay_errors"),
    (Counter::XmitDiscards, "transmit_discards", "port_discards_transmitted"),
    (Counter::XmitConstraintErrors, "transmit_constraint_errors", "port_constraint_errors_transmitted"),
    (Counter::RcvConstraintErrors, "receive_constraint_errors", "port_constraint_errors_received"),
    (Counter::LocalLinkIntegrityErrors, "local_link_integrity_errors", "local_link_integrity_errors"),
    (Counter::BufferOverruns, "excessive_buffer_overrun_errors", "excessive_buffer_overrun_errors"),
    (Counter::Vl15Dropped, "vl15_dropped", "vl15_dropped"),
    (Counter::XmitWait, "transmit_wait", "port_transmit_wait"),
];

/// The PMA's counters.
pub(super) fn port_counters() -> impl Iterator<Item = Counter> {
    NAMES.iter().map(|(counter, ..)| *counter)
}

/// The driver's counters of an adapter.
pub(super) fn driver_counters() -> impl Iterator<Item = Counter> {
    Counter::ALL.iter().copied().filter(|counter| *counter >= Counter::LocalAckTimeouts)
}

/// A counter's value in the words a tool prints: data counters count 4 octets.
pub(super) fn in_words(counter: Counter, value: u64) -> u64 {
    if matches!(counter, Counter::XmitBytes | Counter::RcvBytes) { value / 4 } else { value }
}

impl Vocabulary {
    /// Whether data is left in words.
    pub(super) fn speaks_words(self) -> bool {
        matches!(self, Vocabulary::Guilbaults | Vocabulary::Ufm)
    }

    /// Every family, in the order written.
    pub(super) fn families(self) -> Vec<Family> {
        let family = |name: String, kind, measure, switches| Family { name, kind, measure, switches };
        let counter =
            |name: String, counter, switches| family(name, "counter", Measure::Counter(counter), switches);
        match self {
            Vocabulary::Treydock => [("switch", "switch_port", true), ("hca", "hca", false)]
                .into_iter()
                .flat_map(|(node, port, switches)| {
                    let counters = NAMES.iter().map(move |(known, name, _)| {
                        counter(format!("infiniband_{node}_port_{name}_total"), *known, Some(switches))
                    });
                    let rate = format!("infiniband_{port}_rate_bytes_per_second");
                    let uplink = format!("infiniband_{node}_uplink_info");
                    counters.chain([
                        family(rate, "gauge", Measure::Rate, Some(switches)),
                        family(uplink, "gauge", Measure::Uplink, Some(switches)),
                    ])
                })
                .collect(),
            Vocabulary::NodeExporter => {
                let port = NAMES.iter().map(|(known, _, name)| (name.to_string(), *known));
                let driver = driver_counters().map(|known| (format!("hw_{}", known.name()), known));
                let counters = port
                    .chain(driver)
                    .map(|(name, known)| counter(format!("node_infiniband_{name}_total"), known, None));
                let gauges = [
                    ("node_infiniband_rate_bytes_per_second", Measure::Rate),
                    ("node_infiniband_state_id", Measure::StateId),
                    ("node_infiniband_physical_state_id", Measure::PhysicalStateId),
                ];
                counters
                    .chain(gauges.map(|(name, measure)| family(name.to_string(), "gauge", measure, None)))
                    .collect()
            }
            Vocabulary::Guilbaults => port_counters()
                .map(|known| {
                    counter(format!("infiniband_{}_total", known.name().to_lowercase()), known, None)
                })
                .collect(),
            Vocabulary::Ufm => port_counters()
                .map(|known| counter(format!("{}Extended", known.name()), known, None))
                .collect(),
        }
    }

    /// The labels of a port's series.
    pub(super) fn labels(self, view: &View<'_>) -> Vec<Label> {
        let port = view.port.port.to_string();
        let guid = format!("0x{}", view.port.node);
        match self {
            Vocabulary::Treydock => vec![("guid", guid), ("port", port)],
            Vocabulary::NodeExporter => vec![("device", view.device().to_owned()), ("port", port)],
            Vocabulary::Guilbaults => {
                let component = if view.is_switch() { "switch" } else { "ca" };
                let mut labels = vec![
                    ("component", component.to_owned()),
                    ("local_guid", guid),
                    ("local_name", view.name().to_owned()),
                    ("local_port", port),
                ];
                if let Some(peer) = view.facts.peer {
                    labels.push(("remote_guid", format!("0x{}", peer.node)));
                    labels.push(("remote_name", view.facts.peer_name.clone().unwrap_or_default()));
                    labels.push(("remote_port", peer.port.to_string()));
                }
                labels
            }
            Vocabulary::Ufm => {
                let bare = format!("{:x}", view.port.node.0);
                vec![("source", guid), ("node_guid", bare.clone()), ("port_guid", bare), ("port_num", port)]
            }
        }
    }
}

impl Family {
    /// The labels a family adds to its port's.
    pub(super) fn further_labels(&self, view: &View<'_>) -> Vec<Label> {
        let (Measure::Uplink, Some(peer)) = (self.measure, view.facts.peer) else { return Vec::new() };
        let peer_is_adapter = view.facts.peer_name.as_deref().is_some_and(|name| name.contains(" mlx5_"));
        vec![
            (if view.is_switch() { "switch" } else { "hca" }, view.name().to_owned()),
            ("uplink", view.facts.peer_name.clone().unwrap_or_default()),
            ("uplink_guid", format!("0x{}", peer.node)),
            ("uplink_lid", view.peer_lid.to_string()),
            ("uplink_port", peer.port.to_string()),
            ("uplink_type", if peer_is_adapter { "CA" } else { "SW" }.to_owned()),
        ]
    }

    /// The value for a port, or `None` if the family says nothing of it.
    pub(super) fn value(&self, vocabulary: Vocabulary, view: &View<'_>) -> Option<f64> {
        if self.switches.is_some_and(|switches| switches != view.is_switch()) {
            return None;
        }
        match self.measure {
            Measure::Counter(counter) => {
                let value = view.reading.counters.get(counter)?;
                let value = if vocabulary.speaks_words() { in_words(counter, value) } else { value };
                Some(value as f64)
            }
            Measure::Rate => view.facts.peer.map(|_| view.rate_gbps() * 1.25e8),
            Measure::Uplink => view.facts.peer.map(|_| 1.0),
            Measure::StateId => Some(if view.is_active() { 4.0 } else { 1.0 }),
            Measure::PhysicalStateId => Some(if view.is_active() { 5.0 } else { 2.0 }),
        }
    }
}
