//! UFM Telemetry's CSV, in both header dialects.
//!
//! An empty cell is no value. `*Extended` data are 4-octet words whatever the field page says, `converted_enterprise`
//! names are bytes, and the bytes a packet decide where names and numbers disagree. XDR ports report planes beside
//! their aggregate: planes are dropped, for they would count everything twice.

use std::borrow::Cow;

use linkcast_domain::{CounterName, NodeGuid, PortFacts, PortId, Timestamp};

use crate::counter_names::{counter_by_name, is_data};
use crate::octets::words_to_bytes;
use crate::rows::{lines, split_row, text};
use crate::{Counter, Counters, Fate, NoticeKind, Origin, Parsed, Range, Reading};

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
enum Column {
    Time,
    NodeGuid,
    PortGuid,
    PortNumber,
    PortType,
    Name,
    Words(Counter),
    Counter(Counter),
    Other(CounterName),
    Gauge(CounterName),
    Skipped,
}

impl Column {
    fn named(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "timestamp" => return Column::Time,
            "node_guid" => return Column::NodeGuid,
            "port_guid" => return Column::PortGuid,
            "port_num" | "port_number" => return Column::PortNumber,
            "port_type" => return Column::PortType,
            "node_description" => return Column::Name,
            "infiniband_mbout_u_gb" => return Column::Counter(Counter::XmitBytes),
            "infiniband_mbin_u_gb" => return Column::Counter(Counter::RcvBytes),
            "infiniband_symbolerrors_u_errors" => return Column::Counter(Counter::SymbolErrors),
            "source_id" | "tag" | "sys_image_guid" | "aport" | "" => return Column::Skipped,
            _ => {}
        }
        match counter_by_name(name) {
            Some(counter) if is_data(counter) => Column::Words(counter),
            Some(counter) => Column::Counter(counter),
            None if is_gauge(name) => Column::Gauge(name.into()),
            None => Column::Other(name.into()),
        }
    }
}

/// A column with its name, by which its refusals are told.
fn named(name: &str) -> (String, Column) {
    (name.to_owned(), Column::named(name))
}

/// Levels and ratios, which rise and fall, by the words their names hold.
fn is_gauge(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = ["ber", "temperature", "power", "cbw", "voltage", "bias", "time_since", "latency"];
    words.iter().any(|word| name.contains(word))
}

/// Reads UFM Telemetry's CSV.
pub(crate) fn parse(bytes: &[u8], origin: &Origin) -> Parsed {
    let mut parsed = Parsed::default();
    let mut rows = lines(bytes);
    let Some((_, header)) = rows.next() else { return parsed };
    let mut fields = Vec::new();
    split_row(header, b',', &mut fields);
    let columns: Vec<_> = fields.iter().map(|name| named(text(name).unwrap_or_default())).collect();
    parsed.account.add(Fate::Used);
    for (number, line) in rows {
        if line.trim_ascii().is_empty() {
            parsed.account.add(Fate::Ignored);
            continue;
        }
        split_row(line, b',', &mut fields);
        let refused_before = parsed.rejects.total();
        let fate = parse_row(&columns, &fields, number, origin, &mut parsed);
        let is_whole = parsed.rejects.total() == refused_before;
        parsed.account.add(if is_whole { fate } else { Fate::Rejected });
    }
    crate::prometheus::units::check(
        &mut parsed,
        columns.iter().any(|(_, column)| matches!(column, Column::Words(_))),
    );
    parsed
}

/// The identity of a row and what it holds, as its cells come in.
struct Row {
    node: Option<NodeGuid>,
    port: Option<u16>,
    is_plane: bool,
    facts: PortFacts,
    reading: Reading,
}

fn parse_row(
    columns: &[(String, Column)],
    fields: &[Cow<'_, [u8]>],
    line: u64,
    origin: &Origin,
    parsed: &mut Parsed,
) -> Fate {
    let nobody = PortId { node: NodeGuid(0), port: 0 };
    let mut row = Row {
        node: None,
        port: None,
        is_plane: false,
        facts: PortFacts::default(),
        reading: Reading {
            stream: nobody.into(),
            time: origin.time,
            counters: Counters::default(),
            other: Vec::new(),
            gauges: Vec::new(),
            facts: None,
        },
    };
    for ((name, column), field) in columns.iter().zip(fields) {
        let cell = text(field).unwrap_or("\u{fffd}");
        if cell.is_empty() || cell.eq_ignore_ascii_case("na") || cell.eq_ignore_ascii_case("n/a") {
            continue;
        }
        if let Some(expected) = row.take(column, cell) {
            parsed.rejects.add(origin, line, Some(name.as_bytes()), field, expected);
        }
    }
    if row.is_plane {
        parsed.notice(NoticeKind::AggregateDropped, line, || {
            "a plane of an XDR port, counted in its aggregate".into()
        });
        return Fate::Ignored;
    }
    let node = row.node.or(row.facts.port_guid);
    let (Some(node), Some(port)) = (node, row.port) else {
        parsed.rejects.add(origin, line, None, b"", "a node GUID and a port number");
        return Fate::Rejected;
    };
    row.reading.stream = PortId { node, port }.into();
    row.reading.other.sort_by(|left, right| left.0.cmp(&right.0));
    row.reading.gauges.sort_by(|left, right| left.0.cmp(&right.0));
    if row.facts != PortFacts::default() {
        parsed.ports.push((row.reading.stream.clone(), row.facts));
    }
    let is_empty =
        row.reading.counters.is_empty() && row.reading.other.is_empty() && row.reading.gauges.is_empty();
    if is_empty {
        return Fate::Ignored;
    }
    parsed.readings.push(row.reading);
    Fate::Used
}

impl Row {
    /// Takes one cell over; gives what was expected where it cannot be used.
    fn take(&mut self, column: &Column, cell: &str) -> Option<&'static str> {
        const GUID: &str = "a GUID: up to 16 hexadecimal digits";
        let taken = match column {
            Column::Skipped => Some(()),
            Column::Time => cell.parse::<i64>().ok().map(|micros| {
                self.reading.time = Some(Timestamp::from_millis(micros.div_euclid(1_000)));
            }),
            Column::NodeGuid => cell.parse().ok().map(|guid| self.node = Some(guid)),
            Column::PortGuid => cell.parse().ok().map(|guid| self.facts.port_guid = Some(guid)),
            Column::PortNumber => cell.parse().ok().map(|port| self.port = Some(port)),
            Column::PortType => {
                self.is_plane = cell.eq_ignore_ascii_case("plane");
                Some(())
            }
            Column::Name => {
                self.facts.node_name = Some(cell.into());
                Some(())
            }
            Column::Words(counter) => cell.parse().ok().map(|words| {
                let (bytes, range) = words_to_bytes(words, 64);
                self.reading.counters.set(*counter, bytes, range);
            }),
            Column::Counter(counter) => {
                cell.parse().ok().map(|value| self.reading.counters.set(*counter, value, Range::Clamps(64)))
            }
            Column::Other(name) => {
                if let Ok(value) = cell.parse() {
                    self.reading.other.push((name.clone(), value));
                }
                Some(())
            }
            Column::Gauge(name) => {
                // A module that is not plugged in reports 0C.
                let level = cell.trim_end_matches('C').parse::<f64>().ok().filter(|value| value.is_finite());
                if let Some(level) = level.filter(|_| cell != "0C") {
                    self.reading.gauges.push((name.clone(), level));
                }
                Some(())
            }
        };
        let expected = match column {
            Column::Time => "epoch microseconds",
            Column::NodeGuid | Column::PortGuid => GUID,
            Column::PortNumber => "a port number",
            _ => "a whole number, or nothing",
        };
        if taken.is_some() { None } else { Some(expected) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Parsed {
        let parsed = parse(text.as_bytes(), &Origin::named("ufm.csv"));
        assert!(parsed.account.adds_up());
        parsed
    }

    #[test]
    fn words_become_bytes_microseconds_milliseconds_and_empty_cells_nothing() {
        let parsed = parse_text(
            "timestamp,node_guid,port_guid,port_num,PortXmitDataExtended,PortXmitPktsExtended,PortRcvErrorsExtended\n\
             1700000000000000,0x200000,0x200000,2,72000000,1000000,\n\n",
        );
        let reading = &parsed.readings[0];
        assert_eq!(reading.stream.as_str(), "0000000000200000/2");
        assert_eq!(reading.time, Some(Timestamp::from_millis(1_700_000_000_000)));
        assert_eq!(reading.counters.get(Counter::XmitBytes), Some(288_000_000));
        assert_eq!(reading.counters.get(Counter::RcvErrors), None);
        assert!(parsed.rejects.is_empty());
    }

    #[test]
    fn the_secondary_dialect_and_its_texts_are_read() {
        let parsed = parse_text(
            "timestamp,Node_GUID,Port_Number,Symbol_Errors,Module_Temperature,Raw_Errors_Lane_0,Symbol_BER\n\
             1700000000000000,200000,2,7,45C,12,N/A\n1700000000000000,200000,3,NA,0C,1,1e-15\n",
        );
        assert_eq!(parsed.readings[0].counters.get(Counter::SymbolErrors), Some(7));
        assert_eq!(parsed.readings[0].gauges, [(CounterName::from("Module_Temperature"), 45.0)]);
        assert_eq!(parsed.readings[0].other, [(CounterName::from("Raw_Errors_Lane_0"), 12)]);
        assert_eq!(parsed.readings[1].gauges, [(CounterName::from("Symbol_BER"), 1e-15)]);
    }

    #[test]
    fn planes_are_dropped_with_a_notice() {
        let parsed = parse_text(
            "node_guid,port_num,port_type,PortRcvErrorsExtended\n1,1,aggregated,4\n1,1,plane,2\n1,2,legacy,3\n",
        );
        assert_eq!(parsed.readings.len(), 2);
        assert_eq!(parsed.notices[0].kind, NoticeKind::AggregateDropped);
    }

    #[test]
    fn one_bad_cell_costs_no_other() {
        let parsed =
            parse_text("node_guid,port_num,PortRcvErrorsExtended,PortXmitWaitExtended\n1,1,x,9\n,1,1,1\n");
        assert_eq!(parsed.readings[0].counters.get(Counter::XmitWait), Some(9));
        assert_eq!(parsed.rejects.total(), 2);
        assert_eq!(parsed.rejects.kept()[0].line, 2);
        assert_eq!(parsed.rejects.kept()[0].field.as_deref(), Some("PortRcvErrorsExtended"));
    }
}
