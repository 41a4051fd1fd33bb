//! How long to leave a failing source alone.
//!
//! Doubling from the interval up to ten minutes, with jitter, so that a hundred collectors do not return to a restarted
//! exporter in the same second.

use std::time::Duration;

/// The longest pause between two attempts.
const LONGEST: Duration = Duration::from_secs(600);

/// A source's attempts so far.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    interval: Duration,
    failures: u32,
    noise: u64,
}

impl Backoff {
    /// A source asked every `interval`; `seed` makes its jitter its own.
    pub(crate) fn new(interval: Duration, seed: u64) -> Self {
        Backoff { interval, failures: 0, noise: seed | 1 }
    }

    /// The source answered.
    pub(crate) fn succeed(&mut self) {
        self.failures = 0;
    }

    /// The source failed; the pause before it is asked again: between half and all of the doubled interval.
    pub(crate) fn fail(&mut self) -> Duration {
        let whole = self.interval.saturating_mul(1 << self.failures.min(10)).min(LONGEST.max(self.interval));
        self.failures = self.failures.saturating_add(1);
        whole.mul_f64(0.5 + 0.5 * self.next_fraction())
    }

    /// xorshift64: enough to spread attempts, and nothing to depend on.
    fn next_fraction(&mut self) -> f64 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        (self.noise >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_start_again_after_an_answer() {
        let mut backoff = Backoff::new(Duration::from_secs(30), 7);
        let pauses: Vec<_> = (0..12).map(|_| backoff.fail()).collect();
        for (attempt, pause) in pauses.iter().enumerate() {
            let whole = Duration::from_secs(30 * (1 << attempt)).min(LONGEST);
            assert!(*pause >= whole / 2 && *pause <= whole, "{attempt}: {pause:?}");
        }
        backoff.succeed();
        assert!(backoff.fail() <= Duration::from_secs(30));
    }

    #[test]
    fn two_sources_do_not_pause_alike() {
        let first = Backoff::new(Duration::from_secs(30), 7).fail();
        assert_ne!(first, Backoff::new(Duration::from_secs(30), 8).fail());
    }
}
