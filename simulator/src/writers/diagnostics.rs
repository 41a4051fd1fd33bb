//! What infiniband-diags print: `perfquery`, `ibqueryerrors` and `ibnetdiscover -p`.

use std::io::{self, Write};

use linkcast_telemetry::Counter;

use super::View;
use super::vocabulary::{in_words, port_counters};
use crate::fabric::Fabric;
use crate::plan::CounterWidths;

/// Data and packets, in the order the extended block prints them.
const DATA: [Counter; 4] = [Counter::XmitBytes, Counter::RcvBytes, Counter::XmitPackets, Counter::RcvPackets];

/// The error counters in the order both blocks print them, with the wait ticks last.
fn errors() -> impl Iterator<Item = Counter> {
    port_counters().filter(|counter| !DATA.contains(counter))
}

/// Writes a block a port: extended with its error counters, or basic.
pub(super) fn write_perfquery(
    widths: CounterWidths,
    views: &[View<'_>],
    out: &mut dyn Write,
) -> io::Result<()> {
    for view in views {
        let (lid, port) = (view.lid, view.port.port);
        match widths {
            CounterWidths::Extended => {
                let title = format!("# Port extended counters: Lid {lid} port {port}");
                writeln!(out, "{title} (CapMask: 0x5300 CapMask2: 0x0000002)")?;
                field(out, "PortSelect", port)?;
                field(out, "CounterSelect", "0x0000")?;
                counters(out, view, DATA.into_iter())?;
                field(out, "CounterSelect2", "0x00000000")?;
                counters(out, view, errors())?;
            }
            CounterWidths::Basic => {
                writeln!(out, "# Port counters: Lid {lid} port {port} (CapMask: 0x1300)")?;
                field(out, "PortSelect", port)?;
                field(out, "CounterSelect", "0x0000")?;
                let without_wait = errors().filter(|counter| *counter != Counter::XmitWait);
                counters(out, view, without_wait.chain(DATA).chain([Counter::XmitWait]))?;
            }
        }
    }
    Ok(())
}

fn counters(out: &mut dyn Write, view: &View<'_>, wanted: impl Iterator<Item = Counter>) -> io::Result<()> {
    for counter in wanted {
        if let Some(value) = view.reading.counters.get(counter) {
            field(out, counter.name(), in_words(counter, value))?;
        }
    }
    Ok(())
}

/// `Name:......value`, the value in the 34th column.
fn field(out: &mut dyn Write, name: &str, value: impl std::fmt::Display) -> io::Result<()> {
    writeln!(out, "{:.<33}{value}", format!("{name}:"))
}

/// Writes ports with at least one error, node by node, with their data counters and links.
pub(super) fn write_ibqueryerrors(views: &[View<'_>], out: &mut dyn Write) -> io::Result<()> {
    let (mut nodes, mut bad_nodes, mut bad_ports) = (0, 0, 0);
    for node in views.chunk_by(|one, other| one.port.node == other.port.node) {
        nodes += 1;
        let bad: Vec<&View<'_>> = node.iter().filter(|view| has_error(view)).collect();
        bad_nodes += usize::from(!bad.is_empty());
        bad_ports += bad.len();
        if let Some(first) = bad.first() {
            match first.is_switch() {
                true => writeln!(out, "Errors for 0x{:x} \"{}\"", first.port.node.0, first.name())?,
                false => writeln!(out, "Errors for \"{}\"", first.name())?,
            }
        }
        for view in bad {
            write!(out, "   GUID 0x{:x} port {}:", view.port.node.0, view.port.port)?;
            for counter in errors().chain(DATA) {
                let value = view.reading.counters.get(counter).unwrap_or(0);
                if value > 0 {
                    write!(out, " [{} == {}]", counter.name(), with_suffix(counter, value))?;
                }
            }
            writeln!(out, "\n       Link info: {}", link(view))?;
        }
    }
    writeln!(out, "\n## Summary: {nodes} nodes checked, {bad_nodes} bad nodes found")?;
    let ports = views.len();
    writeln!(out, "##          {ports} ports checked, {bad_ports} ports have errors beyond threshold")?;
    writeln!(out, "## (null)\n## Suppressed:")
}

fn has_error(view: &View<'_>) -> bool {
    errors().any(|counter| view.reading.counters.get(counter).is_some_and(|value| value > 0))
}

/// The raw value, and from 1024 on what people read: bytes of data, units of the rest, by powers of 1024.
fn with_suffix(counter: Counter, value: u64) -> String {
    let raw = in_words(counter, value);
    let unit = if raw == value { "" } else { "B" };
    let (mut scaled, mut prefix) = (value as f64, "");
    for larger in ["K", "M", "G", "T", "P"] {
        if scaled < 1024.0 {
            break;
        }
        scaled /= 1024.0;
        prefix = larger;
    }
    if prefix.is_empty() { raw.to_string() } else { format!("{raw} ({scaled:.3}{prefix}{unit})") }
}

/// A link as `--report-port` draws it.
fn link(view: &View<'_>) -> String {
    let near = format!("{:6} {:3}[  ]", view.lid, view.port.port);
    let Some(peer) = view.facts.peer.filter(|_| view.is_active()) else {
        return format!("{near} ==(                Down/ Polling)==>             [  ] \"\" ( )");
    };
    let (_, signalling) = view.lane();
    let could_be = if view.rate_gbps() < view.capable_gbps() { "Could be 4X" } else { "" };
    format!(
        "{near} ==( {}X {signalling:>13} Gbps Active/  LinkUp)==>  0x{} {:6} {:4}[  ] \"{}\" ({could_be} )",
        view.facts.lanes.unwrap_or(4),
        peer.node,
        view.peer_lid,
        peer.port,
        view.facts.peer_name.as_deref().unwrap_or(""),
    )
}

/// Writes every port as `ibnetdiscover -p` does: both directions of every cable, and the ports without one.
pub fn write_cables(fabric: &Fabric, out: &mut dyn Write) -> io::Result<()> {
    let topology = fabric.topology();
    for (index, stream) in (0u32..).zip(&topology.streams) {
        let (Some(port), Some(facts)) = (stream.port(), fabric.facts(stream)) else { continue };
        let kind = if topology.host(index).is_some() { "CA" } else { "SW" };
        let name = facts.node_name.as_deref().unwrap_or("");
        write!(out, "{kind} {:5} {:2} 0x{} ", topology.lid(index), port.port, port.node)?;
        let speed = match facts.capable.map_or(0, |rate| rate.gbps() as u32) {
            400 => "NDR",
            200 => "HDR",
            _ => "SDR",
        };
        let far = facts.peer.and_then(|peer| Some((peer, topology.index_of(peer)?)));
        match far {
            Some((peer, place)) => {
                let peer_kind = if topology.host(place).is_some() { "CA" } else { "SW" };
                let (lanes, lid) = (facts.lanes.unwrap_or(4), topology.lid(place));
                let peer_name = facts.peer_name.as_deref().unwrap_or("");
                write!(out, "{lanes}x {speed} - {peer_kind} {lid:5} {:2} 0x{} ", peer.port, peer.node)?;
                writeln!(out, "( '{name}' - '{peer_name}' )")?;
            }
            None => writeln!(out, "4x ??? '{name}'")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_puts_its_value_in_the_thirty_fourth_column() {
        let mut out = Vec::new();
        field(&mut out, "PortSelect", 1).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "PortSelect:......................1\n");
    }

    #[test]
    fn suffixes_are_of_bytes_and_by_1024() {
        assert_eq!(with_suffix(Counter::XmitBytes, 178_791_657_179_395 * 4), "178791657179395 (650.440TB)");
        assert_eq!(with_suffix(Counter::XmitDiscards, 19_817), "19817 (19.353K)");
        assert_eq!(with_suffix(Counter::SymbolErrors, 7), "7");
    }
}
