//! Words or bytes? The numbers tell: no InfiniBand packet is shorter than 24 bytes or longer than 4,200.
//!
//! Off by four is the oldest fault of this trade, in exporters and in what reads them. Where a manual and the numbers
//! disagree (UFM), the numbers decide for the whole source at once; where a source states its unit, it is only told.

use crate::{Counter, NoticeKind, Parsed, Range, Reading};

/// Bytes a packet can have on the wire.
const PLAUSIBLE_BYTES_PER_PACKET: std::ops::RangeInclusive<f64> = 24.0..=4200.0;
/// Fewer packets say too little.
const ENOUGH_PACKETS: u64 = 1000;

/// Settles undecided units and remarks on implausible ones.
pub(crate) fn check(parsed: &mut Parsed, has_undecided_units: bool) {
    let tally = tally(&parsed.readings);
    if tally.implausible * 2 <= tally.checked {
        return;
    }
    let share = format!("{} of {} counters", tally.implausible, tally.checked);
    if has_undecided_units && tally.too_long * 2 > tally.checked {
        for reading in &mut parsed.readings {
            take_as_bytes(reading);
        }
        parsed.notice(NoticeKind::WordsOrBytes, 0, || {
            format!("{share} would mean packets over 4200 bytes if data were in words: taken as bytes")
        });
    } else {
        parsed.notice(NoticeKind::WordsOrBytes, 0, || {
            format!("{share} mean packets outside 24 to 4200 bytes: the source may mix words and bytes")
        });
    }
}

#[derive(Default)]
struct Tally {
    checked: u64,
    implausible: u64,
    too_long: u64,
}

fn tally(readings: &[Reading]) -> Tally {
    const PAIRS: [(Counter, Counter); 2] =
        [(Counter::XmitBytes, Counter::XmitPackets), (Counter::RcvBytes, Counter::RcvPackets)];
    let mut tally = Tally::default();
    for reading in readings {
        for (data, packets) in PAIRS {
            let (Some(bytes), Some(count)) = (reading.counters.get(data), reading.counters.get(packets))
            else {
                continue;
            };
            let is_clamped = reading.counters.range(data) != Range::Clamps(64);
            if is_clamped || bytes == 0 || count < ENOUGH_PACKETS {
                continue;
            }
            let bytes_per_packet = bytes as f64 / count as f64;
            tally.checked += 1;
            tally.implausible += u64::from(!PLAUSIBLE_BYTES_PER_PACKET.contains(&bytes_per_packet));
            tally.too_long += u64::from(bytes_per_packet > *PLAUSIBLE_BYTES_PER_PACKET.end());
        }
    }
    tally
}

fn take_as_bytes(reading: &mut Reading) {
    for data in [Counter::XmitBytes, Counter::RcvBytes] {
        if let Some(bytes) = reading.counters.get(data) {
            let range = reading.counters.range(data);
            reading.counters.set(data, if bytes == u64::MAX { bytes } else { bytes / 4 }, range);
        }
    }
}
