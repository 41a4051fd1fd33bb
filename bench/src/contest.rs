//! Contestants run in turns, round after round, and what is compared is each round with itself.
//!
//! A machine is never equally fast twice: another process wakes, a clock slows down. Contestants that take turns
//! share that weather, so a ratio is taken within a round and the median of the rounds is reported, with the least
//! and the most beside it. Work that computes is timed by the processor time of its thread, which a busy neighbour
//! disturbs least.

use std::time::Duration;

use anyhow::Result;
use rustix::time::{ClockId, clock_gettime};

/// Someone who does the work once a round and says how many seconds a unit of it took.
pub(crate) struct Contestant<'a> {
    pub(crate) who: String,
    round: Box<dyn FnMut() -> Result<f64> + 'a>,
}

impl<'a> Contestant<'a> {
    pub(crate) fn new(who: impl Into<String>, round: impl FnMut() -> Result<f64> + 'a) -> Self {
        Contestant { who: who.into(), round: Box::new(round) }
    }
}

/// How a contestant did over all rounds.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) who: String,
    /// The median of the rounds, seconds a unit.
    pub(crate) seconds: f64,
    /// How many times the first contestant's time this one took.
    pub(crate) ratio: Ratio,
}

/// A ratio's median over the rounds, and its least and most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// Lets every contestant run `rounds` times in turns, after one round that does not count.
pub(crate) fn alternate(mut contestants: Vec<Contestant<'_>>, rounds: usize) -> Result<Vec<Standing>> {
    let mut seconds: Vec<Vec<f64>> = vec![Vec::with_capacity(rounds); contestants.len()];
    for round in 0..=rounds {
        for (contestant, seconds) in contestants.iter_mut().zip(&mut seconds) {
            let took = (contestant.round)()?;
            if round > 0 {
                seconds.push(took);
            }
        }
    }
    let first = seconds.first().cloned().unwrap_or_default();
    let standing = |(contestant, seconds): (Contestant<'_>, Vec<f64>)| {
        let ratios: Vec<f64> = seconds.iter().zip(&first).map(|(own, first)| own / first).collect();
        Standing { who: contestant.who, seconds: quantile(seconds, 0.5), ratio: Ratio::of(ratios) }
    };
    Ok(contestants.into_iter().zip(seconds).map(standing).collect())
}

impl Ratio {
    fn of(ratios: Vec<f64>) -> Self {
        Ratio {
            median: quantile(ratios.clone(), 0.5),
            least: quantile(ratios.clone(), 0.0),
            most: quantile(ratios, 1.0),
        }
    }
}

/// The value below which this share of the values lies; NaN of none.
pub(crate) fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len().saturating_sub(1) as f64 * share).round() as usize;
    values.get(place).copied().unwrap_or(f64::NAN)
}

/// The processor time, in seconds, that this thread spends on `work`.
pub(crate) fn processor_seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let start = thread_time();
    let made = std::hint::black_box(work());
    let seconds = (thread_time() - start).as_secs_f64();
    drop(made);
    seconds
}

fn thread_time() -> Duration {
    time_of(ClockId::ThreadCPUTime)
}

/// The processor time that all threads of this process have had.
pub(crate) fn process_time() -> Duration {
    time_of(ClockId::ProcessCPUTime)
}

fn time_of(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_within_a_round() {
        let mut slow_round = 0.0;
        let mut own = 0.0;
        let contestants = vec![
            Contestant::new("ours", move || {
                slow_round += 1.0;
                Ok(slow_round)
            }),
            Contestant::new("peer", move || {
                own += 1.0;
                Ok(3.0 * own)
            }),
        ];
        let standings = alternate(contestants, 5).unwrap();
        assert_eq!(standings[1].ratio.median, 3.0);
        assert_eq!(standings[1].ratio.most, 3.0);
        assert_eq!(standings[0].seconds, 4.0);
    }
}
