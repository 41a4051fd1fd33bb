//! The fabric's local hour and day, without a time zone lookup a sample.
//!
//! A zone's offset changes twice a year at most, so the spans of constant offset are listed once, when the
//! calendar is made, and the last one used is remembered: the fold then adds a constant. The memory is a hint
//! that never changes a result, which is why a calendar can be shared between threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::tz::TimeZone;
use linkcast_domain::Timestamp;

const HOUR_MILLIS: i64 = 3_600_000;
const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;
/// Spans of constant offset are listed within these years; instants outside are looked up one by one.
const LISTED_FROM_MILLIS: i64 = 0;
const LISTED_TO_MILLIS: i64 = 4_102_444_800_000; // 2100-01-01T00:00:00Z

/// The fabric's time zone.
#[derive(Debug)]
pub struct Calendar {
    zone: TimeZone,
    spans: Vec<Span>,
    last_used: AtomicUsize,
}

/// A stretch of time `[from, to)` with one offset from UTC.
#[derive(Clone, Copy, Debug)]
struct Span {
    from_millis: i64,
    to_millis: i64,
    offset_millis: i64,
}

/// A name that is no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a time zone: expected a name such as UTC or Europe/Rome")]
pub struct UnknownTimeZone {
    name: String,
}

/// An instant's place in the local day and week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LocalTime {
    /// 0 to 23.
    pub(crate) hour: i64,
    /// Monday is 0.
    pub(crate) day_of_week: i64,
}

impl Default for Calendar {
    fn default() -> Self {
        Calendar::utc()
    }
}

impl Clone for Calendar {
    fn clone(&self) -> Self {
        Calendar { zone: self.zone.clone(), spans: self.spans.clone(), last_used: AtomicUsize::new(0) }
    }
}

impl Calendar {
    /// Universal time.
    pub fn utc() -> Self {
        Calendar::new(TimeZone::UTC)
    }

    /// The calendar of a time zone.
    pub fn new(zone: TimeZone) -> Self {
        let spans = list_spans(&zone);
        Calendar { zone, spans, last_used: AtomicUsize::new(0) }
    }

    /// The calendar of a time zone known by its IANA name, such as `Europe/Rome`.
    pub fn named(name: &str) -> Result<Self, UnknownTimeZone> {
        TimeZone::get(name)
            .map(Calendar::new)
            .map_err(|_| UnknownTimeZone { name: name.chars().take(64).collect() })
    }

    /// The local hour and day of an instant.
    #[inline]
    pub(crate) fn local(&self, time: Timestamp) -> LocalTime {
        let local_millis = time.millis() + self.offset_millis(time.millis());
        let day = local_millis.div_euclid(DAY_MILLIS);
        LocalTime {
            hour: local_millis.rem_euclid(DAY_MILLIS) / HOUR_MILLIS,
            // The epoch was a Thursday, three days after a Monday.
            day_of_week: (day + 3).rem_euclid(7),
        }
    }

    #[inline]
    fn offset_millis(&self, millis: i64) -> i64 {
        match self.spans.get(self.last_used.load(Ordering::Relaxed)) {
            Some(span) if span.holds(millis) => span.offset_millis,
            _ => self.find_offset_millis(millis),
        }
    }

    #[cold]
    fn find_offset_millis(&self, millis: i64) -> i64 {
        let place = self.spans.partition_point(|span| span.to_millis <= millis);
        match self.spans.get(place) {
            Some(span) if span.holds(millis) => {
                self.last_used.store(place, Ordering::Relaxed);
                span.offset_millis
            }
            _ => looked_up_offset_millis(&self.zone, millis),
        }
    }
}

impl Span {
    #[inline]
    fn holds(&self, millis: i64) -> bool {
        self.from_millis <= millis && millis < self.to_millis
    }
}

fn list_spans(zone: &TimeZone) -> Vec<Span> {
    let Ok(start) = jiff::Timestamp::from_millisecond(LISTED_FROM_MILLIS) else { return Vec::new() };
    let mut spans = Vec::new();
    let mut from_millis = LISTED_FROM_MILLIS;
    let mut offset_millis = looked_up_offset_millis(zone, LISTED_FROM_MILLIS);
    for change in zone.following(start) {
        let to_millis = change.timestamp().as_millisecond().min(LISTED_TO_MILLIS);
        if to_millis > from_millis {
            spans.push(Span { from_millis, to_millis, offset_millis });
        }
        from_millis = to_millis;
        offset_millis = i64::from(change.offset().seconds()) * 1000;
        if to_millis == LISTED_TO_MILLIS {
            return spans;
        }
    }
    spans.push(Span { from_millis, to_millis: LISTED_TO_MILLIS, offset_millis });
    spans
}

fn looked_up_offset_millis(zone: &TimeZone, millis: i64) -> i64 {
    jiff::Timestamp::from_millisecond(millis)
        .map_or(0, |instant| i64::from(zone.to_offset(instant).seconds()) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monday_is_day_zero() {
        let monday: Timestamp = "2026-11-16T08:30:00Z".parse().unwrap();
        assert_eq!(Calendar::utc().local(monday), LocalTime { hour: 8, day_of_week: 0 });
    }

    #[test]
    fn an_instant_before_the_epoch_has_its_hour() {
        let wednesday = Timestamp::from_millis(-1);
        assert_eq!(Calendar::utc().local(wednesday), LocalTime { hour: 23, day_of_week: 2 });
    }

    #[test]
    fn the_listed_offsets_are_the_zone_s_own_for_every_hour_of_many_years() {
        for name in ["Europe/Rome", "America/New_York", "Asia/Kolkata", "UTC", "Australia/Lord_Howe"] {
            let calendar = Calendar::named(name).unwrap();
            let zone = TimeZone::get(name).unwrap();
            for hour in (-50_000..1_500_000).step_by(7) {
                let millis = hour * HOUR_MILLIS;
                assert_eq!(calendar.offset_millis(millis), looked_up_offset_millis(&zone, millis), "{name}");
            }
        }
    }

    #[test]
    fn a_name_that_is_no_zone_is_refused() {
        assert!(Calendar::named("Mars/Olympus").unwrap_err().to_string().contains("Mars/Olympus"));
    }
}
