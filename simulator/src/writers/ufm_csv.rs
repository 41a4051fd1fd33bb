//! UFM Telemetry's CSV: words, microseconds, an empty last row.

use std::io::{self, Write};

use super::View;
use super::vocabulary::{in_words, port_counters};

/// Writes a sweep as the primary endpoint serves it.
pub(super) fn write(views: &[View<'_>], out: &mut dyn Write) -> io::Result<()> {
    write!(out, "timestamp,source_id,tag,node_guid,port_guid,port_num")?;
    for counter in port_counters() {
        write!(out, ",{}Extended", counter.name())?;
    }
    writeln!(out)?;
    for view in views {
        let micros = view.reading.time.map_or(0, |time| time.millis() * 1000);
        let guid = view.port.node;
        write!(out, "{micros},0x{guid},,0x{guid},0x{guid},{}", view.port.port)?;
        for counter in port_counters() {
            match view.reading.counters.get(counter) {
                Some(value) => write!(out, ",{}", in_words(counter, value))?,
                None => write!(out, ",")?,
            }
        }
        writeln!(out)?;
    }
    writeln!(out)
}
