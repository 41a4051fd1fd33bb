//! When a variant is given a rest, and when it is tried again.
//!
//! A variant that fails in a row, or too often of late, is not asked for a while; then one question probes it. What one process
//! finds is written down with the time the rest ends, so that others rest it no longer and no shorter than that, and only the
//! one that writes the probe down first makes it. The embedded model has no breaker: the last tier is never closed.

use std::time::Duration;

use linkcast_domain::{FailureKind, Timestamp};
use serde::{Deserialize, Serialize};

/// Parts the window of recent outcomes has: the oldest is dropped whole.
const PARTS: usize = 6;

/// When a breaker opens and how long it rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerSettings {
    /// Failures in a row that open it.
    pub failures: u32,
    /// Or the share of failures within the window, percent.
    pub rate_percent: u32,
    /// Outcomes the window must have for that.
    pub least_outcomes: u32,
    /// The window, seconds.
    pub window_s: u32,
    /// The first rest, seconds; each that follows on a failed probe is twice as long.
    pub rest_s: u32,
    /// The longest rest, seconds.
    pub longest_rest_s: u32,
    /// Probes in a row that must be answered.
    pub probes: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        BreakerSettings {
            failures: 5,
            rate_percent: 50,
            least_outcomes: 20,
            window_s: 30,
            rest_s: 15,
            longest_rest_s: 300,
            probes: 1,
        }
    }
}

impl BreakerSettings {
    /// The first value that cannot be: its name, what it is and what was expected.
    pub(crate) fn check(&self) -> Result<(), (&'static str, u32, &'static str)> {
        let ranges = [
            ("failures", self.failures, 1..=1_000, "1 to 1000"),
            ("rate_percent", self.rate_percent, 1..=100, "1 to 100"),
            ("least_outcomes", self.least_outcomes, 1..=100_000, "1 to 100000"),
            ("window_s", self.window_s, 1..=3_600, "1 to 3600"),
            ("rest_s", self.rest_s, 1..=3_600, "1 to 3600"),
            ("longest_rest_s", self.longest_rest_s, self.rest_s..=86_400, "rest_s to 86400"),
            ("probes", self.probes, 1..=100, "1 to 100"),
        ];
        match ranges.into_iter().find(|(_, found, range, _)| !range.contains(found)) {
            Some((name, found, _, expected)) => Err((name, found, expected)),
            None => Ok(()),
        }
    }

    fn rest(&self, openings: u32) -> Duration {
        let doubled = u64::from(self.rest_s) << openings.saturating_sub(1).min(20);
        Duration::from_secs(doubled.min(self.longest_rest_s.into()))
    }

    fn part(&self) -> i64 {
        (i64::from(self.window_s) * 1_000 / PARTS as i64).max(1)
    }
}

/// Whether a variant may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// It may.
    Ask,
    /// Whoever writes this verdict down first may ask it once, to see.
    Probe(Verdict),
    /// Not for so long.
    Rest(Duration),
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// The variant is asked.
    Closed,
    /// It rests.
    Open,
    /// One question is on its way to see.
    Probing,
}

/// What a process found of a variant, for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Where the breaker stands.
    pub state: BreakerState,
    /// When it was found.
    pub at: Timestamp,
    /// Until when nobody else asks: the end of the rest, or of the wait for the probe.
    pub until: Timestamp,
    /// Rests since it was last well.
    pub openings: u32,
    /// The failure that opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<FailureKind>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Part {
    number: i64,
    outcomes: u32,
    failures: u32,
}

/// What one process knows of one variant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    parts: [Part; PARTS],
    in_a_row: u32,
    probes: u32,
    /// Its own or another's; none while nobody ever opened it.
    verdict: Option<Verdict>,
}

impl Breaker {
    /// Whether the variant may be asked now; a probe may take `probe_limit`.
    pub fn permit(&self, now: Timestamp, probe_limit: Duration) -> Permit {
        let Some(verdict) = self.verdict.filter(|verdict| verdict.state != BreakerState::Closed) else {
            return Permit::Ask;
        };
        if now < verdict.until {
            return Permit::Rest(verdict.until.since(now));
        }
        Permit::Probe(Verdict {
            state: BreakerState::Probing,
            at: now,
            until: now.plus(probe_limit),
            ..verdict
        })
    }

    /// Where it stands.
    pub fn state(&self) -> BreakerState {
        self.verdict.map_or(BreakerState::Closed, |verdict| verdict.state)
    }

    /// Its last verdict.
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }

    /// Takes up what is written down, by whomever. What was written earlier than what is known here changes nothing.
    pub fn adopt(&mut self, written: Verdict) {
        if self.verdict.is_some_and(|known| written.at < known.at) {
            return;
        }
        if written.state == BreakerState::Closed && self.state() != BreakerState::Closed {
            self.forget();
        }
        self.verdict = Some(written);
    }

    /// Counts one answer; gives the verdict to write down, if it changed.
    pub fn answered(&mut self, settings: &BreakerSettings, now: Timestamp) -> Option<Verdict> {
        self.count(settings, now, 0);
        self.in_a_row = 0;
        let verdict = self.verdict.filter(|verdict| verdict.state != BreakerState::Closed)?;
        self.probes += 1;
        if self.probes < settings.probes {
            return self.say(Verdict { state: BreakerState::Open, at: now, until: now, ..verdict });
        }
        self.forget();
        self.say(Verdict { state: BreakerState::Closed, at: now, until: now, openings: 0, because: None })
    }

    /// Counts one failure; gives the verdict to write down, if it changed.
    pub fn failed(
        &mut self,
        settings: &BreakerSettings,
        now: Timestamp,
        kind: FailureKind,
    ) -> Option<Verdict> {
        self.count(settings, now, 1);
        self.in_a_row += 1;
        let state = self.state();
        let opens = match state {
            BreakerState::Probing => true,
            // One that was on its way when the rest began.
            BreakerState::Open => false,
            BreakerState::Closed => self.is_ill(settings, now),
        };
        if !opens {
            return None;
        }
        self.probes = 0;
        let openings = self.verdict.map_or(0, |verdict| verdict.openings) + 1;
        let until = now.plus(settings.rest(openings));
        self.say(Verdict { state: BreakerState::Open, at: now, until, openings, because: Some(kind) })
    }

    fn say(&mut self, verdict: Verdict) -> Option<Verdict> {
        self.verdict = Some(verdict);
        Some(verdict)
    }

    fn forget(&mut self) {
        self.parts = [Part::default(); PARTS];
        self.in_a_row = 0;
        self.probes = 0;
    }

    fn count(&mut self, settings: &BreakerSettings, now: Timestamp, failures: u32) {
        let number = now.millis().div_euclid(settings.part());
        if let Some(part) = self.parts.get_mut(number.rem_euclid(PARTS as i64) as usize) {
            if part.number != number {
                *part = Part { number, ..Part::default() };
            }
            part.outcomes += 1;
            part.failures += failures;
        }
    }

    fn is_ill(&self, settings: &BreakerSettings, now: Timestamp) -> bool {
        let newest = now.millis().div_euclid(settings.part());
        let recent = self.parts.iter().filter(|part| newest - part.number < PARTS as i64);
        let (outcomes, failures) =
            recent.fold((0, 0), |(all, failed), part| (all + part.outcomes, failed + part.failures));
        let too_often = u64::from(failures) * 100 >= u64::from(settings.rate_percent) * u64::from(outcomes);
        self.in_a_row >= settings.failures || (outcomes >= settings.least_outcomes && too_often)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Duration = Duration::from_secs(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + seconds * 1_000)
    }

    fn opened() -> (Breaker, BreakerSettings) {
        let (mut breaker, settings) = (Breaker::default(), BreakerSettings::default());
        let verdicts: Vec<_> =
            (0..5).filter_map(|second| breaker.failed(&settings, at(second), FailureKind::Timeout)).collect();
        assert_eq!(verdicts.len(), 1, "the fifth failure in a row opens it, once");
        assert_eq!(verdicts[0].until, at(4 + 15));
        assert_eq!(verdicts[0].because, Some(FailureKind::Timeout));
        (breaker, settings)
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_probe_that_is_answered_closes_it() {
        let (mut breaker, settings) = opened();
        assert_eq!(breaker.permit(at(5), WAIT), Permit::Rest(Duration::from_secs(14)));
        let Permit::Probe(probe) = breaker.permit(at(19), WAIT) else { panic!("the rest is over") };
        breaker.adopt(probe);
        assert_eq!(breaker.permit(at(19), WAIT), Permit::Rest(WAIT), "one probe at a time");
        let closed = breaker.answered(&settings, at(19)).unwrap();
        assert_eq!((closed.state, closed.openings), (BreakerState::Closed, 0));
        assert_eq!(breaker.permit(at(19), WAIT), Permit::Ask);
        assert_eq!(breaker.failed(&settings, at(20), FailureKind::Timeout), None, "it begins anew");
    }

    #[test]
    fn a_probe_that_fails_doubles_the_rest_up_to_the_longest() {
        let (mut breaker, settings) = opened();
        let mut now = at(19);
        for rest in [30, 60, 120, 240, 300, 300] {
            let Permit::Probe(probe) = breaker.permit(now, WAIT) else { panic!("the rest is over") };
            breaker.adopt(probe);
            let verdict = breaker.failed(&settings, now, FailureKind::Unavailable).unwrap();
            assert_eq!(verdict.until, now.plus(Duration::from_secs(rest)));
            now = verdict.until;
        }
    }

    #[test]
    fn a_probe_nobody_tells_of_is_made_again() {
        let (mut breaker, _) = opened();
        let Permit::Probe(probe) = breaker.permit(at(19), WAIT) else { panic!("the rest is over") };
        breaker.adopt(probe);
        assert!(matches!(breaker.permit(at(21), WAIT), Permit::Probe(_)), "whoever probed was killed");
    }

    #[test]
    fn a_high_share_of_failures_opens_it_and_a_few_do_not() {
        let (mut breaker, settings) = (Breaker::default(), BreakerSettings::default());
        for second in 0..19 {
            let kind = FailureKind::Throttled;
            let verdict = match second % 2 {
                0 => breaker.failed(&settings, at(second), kind),
                _ => breaker.answered(&settings, at(second)),
            };
            assert_eq!(verdict, None, "second {second}");
        }
        assert!(breaker.failed(&settings, at(19), FailureKind::Throttled).is_some(), "11 of 20 failed");
        let mut aged = Breaker::default();
        for second in 0..40 {
            let old = second * 40;
            assert_eq!(aged.failed(&settings, at(old), FailureKind::Model).is_some(), second == 4);
            if second == 4 {
                break;
            }
        }
    }

    #[test]
    fn what_others_found_is_taken_up_with_the_time_that_is_left() {
        let (opened, settings) = opened();
        let mut other = Breaker::default();
        other.adopt(opened.verdict().unwrap());
        assert_eq!(other.permit(at(10), WAIT), Permit::Rest(Duration::from_secs(9)));
        let late = Verdict { at: at(-100), state: BreakerState::Closed, ..opened.verdict().unwrap() };
        other.adopt(late);
        assert_eq!(other.state(), BreakerState::Open, "older than what is known");
        let well =
            Verdict { at: at(30), until: at(30), state: BreakerState::Closed, openings: 0, because: None };
        other.adopt(well);
        assert_eq!(other.permit(at(30), WAIT), Permit::Ask);
        assert_eq!(other.failed(&settings, at(31), FailureKind::Timeout), None);
    }

    #[test]
    fn a_late_failure_does_not_lengthen_the_rest() {
        let (mut breaker, settings) = opened();
        assert_eq!(breaker.failed(&settings, at(6), FailureKind::Timeout), None);
        assert_eq!(breaker.verdict().unwrap().until, at(19));
    }

    #[test]
    fn settings_that_cannot_be_are_named() {
        let settings = BreakerSettings { longest_rest_s: 3, ..BreakerSettings::default() };
        assert_eq!(settings.check(), Err(("longest_rest_s", 3, "rest_s to 86400")));
        assert_eq!(BreakerSettings::default().check(), Ok(()));
    }
}
