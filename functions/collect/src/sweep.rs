//! What a parser made of bytes, as one sweep.

use linkcast_domain::Timestamp;
use linkcast_domain::ports::Coverage;
use linkcast_pipeline::Sweep;
use linkcast_telemetry::{Parsed, merge_readings};

/// A sweep of `source`, taken at `now` where the bytes tell no time of their own.
pub(crate) fn sweep_of(source: String, parsed: Parsed, now: Timestamp, coverage: Coverage) -> Sweep {
    let coverage = if parsed.is_failed_scrape() { Coverage::Selective } else { coverage };
    let read = parsed.readings.iter().filter_map(|reading| reading.time);
    let newest = read.chain(parsed.samples.iter().map(|sample| sample.time)).max();
    Sweep {
        source,
        position: 0,
        time: newest.unwrap_or(now),
        coverage,
        readings: merge_readings(parsed.readings),
        samples: parsed.samples,
        facts: parsed.ports,
    }
}
