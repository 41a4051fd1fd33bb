//! The kernel's `/sys/class/infiniband` tree, handed in as paths and contents.
//!
//! The shell walks the tree and leaves out what it cannot read: a file that answers EINVAL or `N/A (no PMA)` costs
//! itself and nothing else. Counters that clamp and counters that wrap lie in two folders of one port.

use std::collections::BTreeMap;

use linkcast_domain::{LinkRate, NodeGuid, PortFacts, PortId, PortState, StreamId};

use crate::{
    Counter, Counters, Fate, LinkSpeed, Origin, Parsed, Range, Reading, counter_names::is_data,
    parse_link_width,
};

/// Reads a tree: every file's path, from `/sys` or from the device's folder, and its content.
pub fn parse_sysfs(files: &[(String, Vec<u8>)], origin: &Origin) -> Parsed {
    let mut parsed = Parsed::default();
    let mut guids: BTreeMap<&str, NodeGuid> = BTreeMap::new();
    let mut ports: BTreeMap<(&str, u16), Port> = BTreeMap::new();
    for (number, (path, content)) in (1..).zip(files) {
        let Some((device, rest)) = device_and_rest(path) else {
            parsed.account.add(Fate::Ignored);
            continue;
        };
        let content = std::str::from_utf8(content).unwrap_or("\u{fffd}").trim();
        if rest == "node_guid" {
            guids.extend(content.parse().ok().filter(|guid| *guid != NodeGuid(0)).map(|guid| (device, guid)));
            parsed.account.add(Fate::Used);
            continue;
        }
        let attribute = rest.strip_prefix("ports/").and_then(|rest| rest.split_once('/'));
        let Some((Ok(port), attribute)) = attribute.map(|(port, rest)| (port.parse(), rest)) else {
            parsed.account.add(Fate::Ignored);
            continue;
        };
        let fate = ports.entry((device, port)).or_default().take(device, attribute, content);
        if fate == Fate::Rejected {
            let expected = "what the kernel documents for this attribute";
            parsed.rejects.add(origin, number, Some(path.as_bytes()), content.as_bytes(), expected);
        }
        parsed.account.add(fate);
    }
    for ((device, number), port) in ports {
        let host = origin.host.as_deref().unwrap_or("localhost");
        let stream: Option<StreamId> = match guids.get(device) {
            Some(node) => Some(PortId { node: *node, port: number }.into()),
            None => format!("{host}/{device}/{number}").parse().ok(),
        };
        if let Some(stream) = stream {
            port.finish(stream, format!("{host} {device}"), origin, &mut parsed);
        }
    }
    parsed
}

/// `…/infiniband/mlx5_0/ports/1/state` or `mlx5_0/ports/1/state` as device and the rest.
fn device_and_rest(path: &str) -> Option<(&str, &str)> {
    let below = path.rsplit_once("infiniband/").map_or(path, |(_, below)| below);
    below.trim_start_matches('/').split_once('/')
}

#[derive(Default)]
struct Port {
    counters: Counters,
    other: BTreeMap<String, u64>,
    facts: PortFacts,
    has_wide_data: bool,
}

impl Port {
    fn take(&mut self, device: &str, attribute: &str, content: &str) -> Fate {
        if content.is_empty() || content.starts_with("N/A") {
            return Fate::Ignored;
        }
        match attribute {
            "rate" => return self.take_rate(content),
            "state" => {
                self.facts.state = state(content);
                return if self.facts.state.is_some() { Fate::Used } else { Fate::Ignored };
            }
            _ => {}
        }
        let Some((folder, name)) = attribute.split_once('/') else { return Fate::Ignored };
        if name == "lifespan" || !matches!(folder, "counters" | "counters_ext" | "hw_counters") {
            return Fate::Ignored;
        }
        let Ok(value) = content.parse::<u64>() else { return Fate::Rejected };
        match folder {
            "hw_counters" => self.take_hardware(device, name, value),
            _ => self.take_pma(name, value, folder == "counters_ext"),
        }
        Fate::Used
    }

    /// mlx5's are 32 bits wide and wrap; other drivers do not say.
    fn take_hardware(&mut self, device: &str, name: &str, value: u64) {
        let is_stated =
            !device.starts_with("hfi1") && !device.starts_with("efa") && !device.starts_with("rdmap");
        let fits = value <= u64::from(u32::MAX);
        let range = if is_stated && fits { Range::Wraps(32) } else { Range::Unstated };
        match Counter::ALL.iter().find(|counter| counter.name() == name) {
            Some(counter) => self.counters.set(*counter, value, range),
            None => {
                self.other.insert(name.into(), value);
            }
        }
    }

    fn take_pma(&mut self, name: &str, value: u64, is_wide: bool) {
        let Some(counter) = pma_counter(name.trim_end_matches("_64")) else {
            self.other.insert(name.into(), value);
            return;
        };
        let is_traffic = matches!(counter, Counter::XmitPackets | Counter::RcvPackets) || is_data(counter);
        if is_traffic && self.has_wide_data && !is_wide && self.counters.is_present(counter) {
            return;
        }
        self.has_wide_data |= is_wide;
        let value = if is_data(counter) { value.saturating_mul(4) } else { value };
        self.counters.set(counter, value, Range::Unstated);
    }

    /// `40 Gb/sec (4X QDR)`: the number is nominal, the generation tells the data rate.
    fn take_rate(&mut self, content: &str) -> Fate {
        let Some((nominal, generation)) = content.split_once(" Gb/sec") else { return Fate::Rejected };
        let inner = generation.trim().trim_start_matches('(').trim_end_matches(')');
        let mut words = inner.split_ascii_whitespace();
        self.facts.lanes = words.next().and_then(parse_link_width);
        let speed = words.next().and_then(LinkSpeed::from_name);
        let by_name = speed.zip(self.facts.lanes).and_then(|(speed, lanes)| speed.data_rate(lanes));
        self.facts.rate = by_name.or_else(|| nominal.trim().parse().ok().and_then(LinkRate::from_gbps));
        if self.facts.rate.is_some() { Fate::Used } else { Fate::Rejected }
    }

    fn finish(mut self, stream: StreamId, name: String, origin: &Origin, parsed: &mut Parsed) {
        self.facts.node_name = Some(name);
        parsed.ports.push((stream.clone(), self.facts.clone()));
        if self.counters.is_empty() && self.other.is_empty() {
            return;
        }
        parsed.readings.push(Reading {
            stream,
            time: origin.time,
            counters: self.counters,
            other: self.other.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            gauges: Vec::new(),
            facts: Some(Box::new(self.facts)),
        });
    }
}

fn state(content: &str) -> Option<PortState> {
    match content.split(':').next()?.trim() {
        "4" => Some(PortState::Active),
        "1" => Some(PortState::Down),
        "2" | "3" => Some(PortState::Training),
        _ => None,
    }
}

fn pma_counter(name: &str) -> Option<Counter> {
    Some(match name {
        "port_xmit_data" => Counter::XmitBytes,
        "port_rcv_data" => Counter::RcvBytes,
        "port_xmit_packets" => Counter::XmitPackets,
        "port_rcv_packets" => Counter::RcvPackets,
        "symbol_error" => Counter::SymbolErrors,
        "link_error_recovery" => Counter::LinkErrorRecoveries,
        "link_downed" => Counter::LinkDowned,
        "port_rcv_errors" => Counter::RcvErrors,
        "port_rcv_remote_physical_errors" => Counter::RcvRemotePhysicalErrors,
        "port_rcv_switch_relay_errors" => Counter::RcvSwitchRelayErrors,
        "port_xmit_discards" => Counter::XmitDiscards,
        "port_xmit_constraint_errors" => Counter::XmitConstraintErrors,
        "port_rcv_constraint_errors" => Counter::RcvConstraintErrors,
        "local_link_integrity_errors" => Counter::LocalLinkIntegrityErrors,
        "excessive_buffer_overrun_errors" => Counter::BufferOverruns,
        "VL15_dropped" => Counter::Vl15Dropped,
        "port_xmit_wait" => Counter::XmitWait,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Parsed {
        let files: Vec<_> =
            files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
        let origin = Origin { host: Some("n1".into()), ..Origin::named("sysfs") };
        let parsed = parse_sysfs(&files, &origin);
        assert!(parsed.account.adds_up());
        parsed
    }

    #[test]
    fn a_port_is_read_with_its_traps() {
        let parsed = tree(&[
            ("/sys/class/infiniband/mlx5_0/node_guid", "0000:0000:0020:0000\n"),
            ("/sys/class/infiniband/mlx5_0/ports/1/rate", "40 Gb/sec (4X QDR)\n"),
            ("/sys/class/infiniband/mlx5_0/ports/1/state", "4: ACTIVE\n"),
            ("/sys/class/infiniband/mlx5_0/ports/1/counters/port_xmit_data", "100\n"),
            ("/sys/class/infiniband/mlx5_0/ports/1/counters/symbol_error", "N/A (no PMA)\n"),
            ("/sys/class/infiniband/mlx5_0/ports/1/hw_counters/out_of_buffer", "7\n"),
            ("/sys/class/infiniband/mlx5_0/ports/1/hw_counters/lifespan", "10\n"),
            ("/sys/class/infiniband/mlx5_0/ports/1/hw_counters/rx_dct_connect", "broken\n"),
        ]);
        let reading = &parsed.readings[0];
        assert_eq!(reading.stream.as_str(), "0000000000200000/1");
        assert_eq!(reading.counters.get(Counter::XmitBytes), Some(400));
        assert_eq!(reading.counters.get(Counter::SymbolErrors), None);
        assert_eq!(reading.counters.range(Counter::OutOfBuffer), Range::Wraps(32));
        assert!(reading.other.is_empty());
        let facts = reading.facts.as_ref().unwrap();
        assert_eq!(facts.rate.unwrap().gbps(), 32.0);
        assert_eq!(facts.state, Some(PortState::Active));
        assert_eq!(parsed.rejects.total(), 1);
    }

    #[test]
    fn a_device_without_a_guid_is_known_by_host_and_name() {
        let parsed = tree(&[
            ("hfi1_0/ports/1/hw_counters/SDMAIdInt1,32", "5"),
            ("mlx5_1/ports/2/rate", "200 Gb/sec (2X NDR)"),
        ]);
        assert_eq!(parsed.readings[0].stream.as_str(), "n1/hfi1_0/1");
        assert_eq!(parsed.readings[0].other[0].0.as_ref(), "SDMAIdInt1,32");
        assert_eq!(parsed.ports[1].1.rate.unwrap().gbps(), 200.0);
    }

    #[test]
    fn the_legacy_folder_of_wide_counters_wins() {
        let parsed = tree(&[
            ("mlx4_0/ports/1/counters_ext/port_xmit_data_64", "9000000000"),
            ("mlx4_0/ports/1/counters/port_xmit_data", "4294967295"),
        ]);
        assert_eq!(parsed.readings[0].counters.get(Counter::XmitBytes), Some(36_000_000_000));
    }
}
