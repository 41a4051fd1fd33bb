//! One host's `/sys/class/infiniband`, as files to be written or handed to a parser.

use linkcast_telemetry::{Counter, Reading};

use super::vocabulary::{driver_counters, in_words, port_counters};
use super::{View, views};
use crate::fabric::Fabric;

/// Path under `/sys/class/infiniband`, and content, of every attribute of one host's adapters.
pub fn sysfs_tree(fabric: &Fabric, readings: &[Reading]) -> Vec<(String, Vec<u8>)> {
    views(fabric, readings).flat_map(|view| attributes(&view)).collect()
}

fn attributes(view: &View<'_>) -> Vec<(String, Vec<u8>)> {
    let port = format!("{}/ports/{}", view.device(), view.port.port);
    let (lane, _) = view.lane();
    let lanes = view.facts.lanes.unwrap_or(4);
    let (state, physical) =
        if view.is_active() { ("4: ACTIVE", "5: LinkUp") } else { ("1: DOWN", "2: Polling") };
    let mut files = vec![
        (format!("{}/node_guid", view.device()), colons(view.port.node.0)),
        (format!("{port}/state"), state.to_owned()),
        (format!("{port}/phys_state"), physical.to_owned()),
        (format!("{port}/rate"), format!("{} Gb/sec ({lanes}X {lane})", view.rate_gbps())),
        (format!("{port}/link_layer"), "InfiniBand".to_owned()),
    ];
    for counter in port_counters() {
        if let Some(value) = view.reading.counters.get(counter) {
            let path = format!("{port}/counters/{}", attribute(counter));
            files.push((path, in_words(counter, value).to_string()));
        }
    }
    for counter in driver_counters() {
        if let Some(value) = view.reading.counters.get(counter) {
            files.push((format!("{port}/hw_counters/{}", counter.name()), value.to_string()));
        }
    }
    files.into_iter().map(|(path, text)| (path, format!("{text}\n").into_bytes())).collect()
}

/// `946d:ae03:0000:0010`.
fn colons(guid: u64) -> String {
    let digits = format!("{guid:016x}");
    let groups: Vec<String> =
        digits.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    groups.join(":")
}

/// The kernel's name of a port counter.
fn attribute(counter: Counter) -> &'static str {
    match counter {
        Counter::XmitBytes => "port_xmit_data",
        Counter::RcvBytes => "port_rcv_data",
        Counter::XmitPackets => "port_xmit_packets",
        Counter::RcvPackets => "port_rcv_packets",
        Counter::SymbolErrors => "symbol_error",
        Counter::LinkErrorRecoveries => "link_error_recovery",
        Counter::LinkDowned => "link_downed",
        Counter::RcvErrors => "port_rcv_errors",
        Counter::RcvRemotePhysicalErrors => "port_rcv_remote_physical_errors",
        Counter::RcvSwitchRelayErrors => "port_rcv_switch_relay_errors",
        Counter::XmitDiscards => "port_xmit_discards",
        Counter::XmitConstraintErrors => "port_xmit_constraint_errors",
        Counter::RcvConstraintErrors => "port_rcv_constraint_errors",
        Counter::LocalLinkIntegrityErrors => "local_link_integrity_errors",
        Counter::BufferOverruns => "excessive_buffer_overrun_errors",
        Counter::Vl15Dropped => "VL15_dropped",
        Counter::XmitWait => "port_xmit_wait",
        driver => driver.name(),
    }
}
