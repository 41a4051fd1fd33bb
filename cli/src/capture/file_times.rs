//! When a file's content was read, told by the file's name.
//!
//! Command outputs carry no time of their own. People name them `t0030.out`, `2026-01-31T08-00-00Z.prom` or
//! `1769846400.csv`; the part of the name that says when is also what joins the files of one instant.

use linkcast_domain::Timestamp;

/// The instant that `t0000` stands for: 2026-01-01T00:00:00Z. A series that counts from its own start has no date, and
/// a fixed one makes two replays of it the same.
pub(crate) const REPLAY_EPOCH_MILLIS: i64 = 1_767_225_600_000;

/// The time in a file's name, if it says one: `t` and seconds since the start; RFC 3339, also with hyphens or nothing
/// for its colons; epoch seconds or milliseconds.
pub(crate) fn time_in_name(name: &str) -> Option<Timestamp> {
    seconds_since_start(name).or_else(|| calendar_time(name)).or_else(|| epoch_time(name))
}

/// `t0030`, `t0120-after-reset.basic.out`.
fn seconds_since_start(name: &str) -> Option<Timestamp> {
    let rest = name.strip_prefix(['t', 'T'])?;
    let digits = leading_digits(rest);
    let after = rest.get(digits.len()..)?;
    if digits.is_empty() || digits.len() > 9 || after.starts_with(|next: char| next.is_alphanumeric()) {
        return None;
    }
    let seconds: i64 = digits.parse().ok()?;
    Some(Timestamp::from_millis(REPLAY_EPOCH_MILLIS + seconds * 1000))
}

/// `2026-01-31T08:00:00Z`, `2026-01-31T08-00-00Z`, `20260131T080000Z`, anywhere in the name.
fn calendar_time(name: &str) -> Option<Timestamp> {
    name.char_indices().filter(|(_, character)| character.is_ascii_digit()).find_map(|(at, _)| {
        let begins = at == 0 || !name.as_bytes().get(at - 1).is_some_and(u8::is_ascii_digit);
        if begins { calendar_time_at(name.get(at..)?) } else { None }
    })
}

fn calendar_time_at(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(['T', '_'])?;
    let date: String = date.chars().filter(|character| *character != '-').collect();
    let mut clock: String = String::new();
    for character in time.chars() {
        match character {
            '0'..='9' if clock.len() < 6 => clock.push(character),
            ':' | '-' if clock.len() < 6 => {}
            _ => break,
        }
    }
    let is_whole = date.len() == 8 && clock.len() == 6 && date.bytes().all(|byte| byte.is_ascii_digit());
    if !is_whole {
        return None;
    }
    let (year, month, day) = (date.get(..4)?, date.get(4..6)?, date.get(6..)?);
    let (hour, minute, second) = (clock.get(..2)?, clock.get(2..4)?, clock.get(4..)?);
    format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().ok()
}

/// Ten digits are epoch seconds, thirteen milliseconds.
fn epoch_time(name: &str) -> Option<Timestamp> {
    name.split(|character: char| !character.is_ascii_digit()).find_map(|digits| match digits.len() {
        10 => Some(Timestamp::from_millis(digits.parse::<i64>().ok()? * 1000)),
        13 => Some(Timestamp::from_millis(digits.parse().ok()?)),
        _ => None,
    })
}

fn leading_digits(text: &str) -> &str {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(time_in_name(name), expected.map(|text| text.parse().unwrap()), "{name}");
    }

    #[test]
    fn a_name_that_counts_from_the_start_counts_from_the_replay_epoch() {
        check("t0000.x.out", Some("2026-01-01T00:00:00Z"));
        check("t0030.basic.out", Some("2026-01-01T00:00:30Z"));
        check("t0120-after-reset.x.out", Some("2026-01-01T00:02:00Z"));
    }

    #[test]
    fn a_calendar_time_is_read_with_or_without_its_colons() {
        check("2026-01-31T08:00:00Z.prom", Some("2026-01-31T08:00:00Z"));
        check("leaf7-2026-01-31T08-00-00Z.prom", Some("2026-01-31T08:00:00Z"));
        check("scrape_20260131T080000.csv", Some("2026-01-31T08:00:00Z"));
        check("scrape-20260131_080000.csv", Some("2026-01-31T08:00:00Z"));
    }

    #[test]
    fn an_epoch_is_read_in_seconds_or_milliseconds() {
        check("1769846400.csv", Some("2026-01-31T08:00:00Z"));
        check("ufm-1769846400000.csv", Some("2026-01-31T08:00:00Z"));
    }

    #[test]
    fn a_name_without_time_has_none() {
        check("switch.prom", None);
        check("test1.out", None);
        check("0x7cfe9003009ce5b0.out", None);
        check("t0030x.out", None);
        check("perfquery-x-l.leaf-r01.out", None);
    }
}
