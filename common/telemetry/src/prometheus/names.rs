//! Exporters' spellings of counters.
//!
//! treydock and SckyzO share one vocabulary, node_exporter has its own; guilbaults and UFM print the PMA's names.
//! Counters without a place in a reading get the PMA's name too, so that sources of one port agree.

use crate::Counter;

/// Where a family's value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A counter Linkcast knows.
    Known(Counter),
    /// A counter kept under this name.
    Named(&'static str),
}

use Target::{Known, Named};

/// The part after `infiniband_switch_port_` or `infiniband_hca_port_`, as treydock and SckyzO spell it.
pub(super) fn treydock(name: &str) -> Option<Target> {
    Some(match name.strip_suffix("_total")? {
        "transmit_data_bytes" => Known(Counter::XmitBytes),
        "receive_data_bytes" => Known(Counter::RcvBytes),
        "transmit_packets" => Known(Counter::XmitPackets),
        "receive_packets" => Known(Counter::RcvPackets),
        "symbol_error" => Known(Counter::SymbolErrors),
        "link_error_recovery" => Known(Counter::LinkErrorRecoveries),
        "link_downed" => Known(Counter::LinkDowned),
        "receive_errors" => Known(Counter::RcvErrors),
        "receive_remote_physical_errors" => Known(Counter::RcvRemotePhysicalErrors),
        "receive_switch_relay_errors" => Known(Counter::RcvSwitchRelayErrors),
        "transmit_discards" => Known(Counter::XmitDiscards),
        "transmit_constraint_errors" => Known(Counter::XmitConstraintErrors),
        "receive_constraint_errors" => Known(Counter::RcvConstraintErrors),
        "local_link_integrity_errors" => Known(Counter::LocalLinkIntegrityErrors),
        "excessive_buffer_overrun_errors" => Known(Counter::BufferOverruns),
        "vl15_dropped" => Known(Counter::Vl15Dropped),
        "transmit_wait" => Known(Counter::XmitWait),
        "unicast_transmit_packets" => Named("PortUnicastXmitPkts"),
        "unicast_receive_packets" => Named("PortUnicastRcvPkts"),
        "multicast_transmit_packets" => Named("PortMulticastXmitPkts"),
        "multicast_receive_packets" => Named("PortMulticastRcvPkts"),
        "qp1_dropped" => Named("QP1Dropped"),
        "local_physical_errors" => Named("PortLocalPhysicalErrors"),
        "malformed_packet_errors" => Named("PortMalformedPktErrors"),
        "buffer_overrun_errors" => Named("PortBufferOverrunErrors"),
        // The exporter's own misspelling, kept by everyone who reads it.
        "dli_mapping_errors" | "dlid_mapping_errors" => Named("PortDLIDMappingErrors"),
        "vl_mapping_errors" => Named("PortVLMappingErrors"),
        "looping_errors" => Named("PortLoopingErrors"),
        _ => return None,
    })
}

/// The part after `node_infiniband_`. `legacy_*` are the old `counters_ext`, kept apart from the live ones.
pub(super) fn node_exporter(name: &str) -> Option<Target> {
    let name = name.strip_suffix("_total")?;
    Some(match name {
        "port_data_transmitted_bytes" => Known(Counter::XmitBytes),
        "port_data_received_bytes" => Known(Counter::RcvBytes),
        "port_packets_transmitted" => Known(Counter::XmitPackets),
        "port_packets_received" => Known(Counter::RcvPackets),
        "symbol_error" => Known(Counter::SymbolErrors),
        "link_error_recovery" => Known(Counter::LinkErrorRecoveries),
        "link_downed" => Known(Counter::LinkDowned),
        "port_errors_received" => Known(Counter::RcvErrors),
        "port_receive_remote_physical_errors" => Known(Counter::RcvRemotePhysicalErrors),
        "port_receive_switch_relay_errors" => Known(Counter::RcvSwitchRelayErrors),
        "port_discards_transmitted" => Known(Counter::XmitDiscards),
        "port_constraint_errors_transmitted" => Known(Counter::XmitConstraintErrors),
        "port_constraint_errors_received" => Known(Counter::RcvConstraintErrors),
        "local_link_integrity_errors" => Known(Counter::LocalLinkIntegrityErrors),
        "excessive_buffer_overrun_errors" => Known(Counter::BufferOverruns),
        "vl15_dropped" => Known(Counter::Vl15Dropped),
        "port_transmit_wait" => Known(Counter::XmitWait),
        "unicast_packets_transmitted" => Named("PortUnicastXmitPkts"),
        "unicast_packets_received" => Named("PortUnicastRcvPkts"),
        "multicast_packets_transmitted" => Named("PortMulticastXmitPkts"),
        "multicast_packets_received" => Named("PortMulticastRcvPkts"),
        other => return host_counter(other),
    })
}

/// A driver's hardware counter, with or without `hw_`.
fn host_counter(name: &str) -> Option<Target> {
    let name = name.strip_prefix("hw_").unwrap_or(name);
    let counter = crate::counter_names::counter_by_name(name)?;
    crate::counter_names::basic_bits(counter).is_none().then_some(Known(counter))
}
