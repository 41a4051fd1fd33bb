//! Whether one model truly beats another on the same cases, or was lucky with them.
//!
//! Rows of one stream, and the faults of one, resemble each other, so whole groups are drawn and never rows. Both models are judged on the very
//! same draw (paired), which takes away what the draw itself does to both. Draws come from a fixed seed: the same
//! inputs give the same interval.

use serde::Serialize;

use super::intervals::Interval;
use crate::metrics::rounded;

/// What may be concluded of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// The whole interval lies above 0.
    Better,
    /// The whole interval lies below 0.
    Worse,
    /// The interval holds 0.
    NotToldApart,
}

/// A difference with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PairedDifference {
    /// The figure of the first.
    pub candidate: f64,
    /// The figure of the second.
    pub live: f64,
    /// The first less the second.
    pub difference: f64,
    /// The middle 95 % of the draws' differences.
    pub interval: Interval,
    /// Groups drawn from.
    pub groups: usize,
    /// Draws.
    pub draws: usize,
    /// What it comes to.
    pub conclusion: Conclusion,
}

/// The difference of `figure` between the two sides of `groups`. `sum` adds up a side of the groups drawn, each given with how
/// often it was drawn. None without groups or draws.
pub fn paired_bootstrap<G, S>(
    groups: &[(G, G)],
    draws: usize,
    seed: u64,
    sum: impl Fn(&mut dyn Iterator<Item = (&G, f64)>) -> S,
    figure: impl Fn(&S) -> f64,
) -> Option<PairedDifference> {
    if groups.is_empty() || draws == 0 {
        return None;
    }
    let judge = |times: &[f64]| {
        let candidate = sum(&mut groups.iter().map(|(one, _)| one).zip(times.iter().copied()));
        let live = sum(&mut groups.iter().map(|(_, other)| other).zip(times.iter().copied()));
        (figure(&candidate), figure(&live))
    };
    let (candidate, live) = judge(&vec![1.0; groups.len()]);
    let mut random = SplitMix(seed);
    let mut differences: Vec<f64> = (0..draws)
        .map(|_| {
            let (candidate, live) = judge(&random.times(groups.len()));
            candidate - live
        })
        .collect();
    differences.sort_by(f64::total_cmp);
    let interval = Interval { low: quantile(&differences, 0.025), high: quantile(&differences, 0.975) };
    let conclusion = match (interval.low > 0.0, interval.high < 0.0) {
        (true, _) => Conclusion::Better,
        (_, true) => Conclusion::Worse,
        _ => Conclusion::NotToldApart,
    };
    Some(PairedDifference {
        candidate: rounded(candidate),
        live: rounded(live),
        difference: rounded(candidate - live),
        interval,
        groups: groups.len(),
        draws,
        conclusion,
    })
}

/// The value below which the share `rank` of the sorted values lies, the nearest from above.
fn quantile(sorted: &[f64], rank: f64) -> f64 {
    let place = (rank * sorted.len() as f64) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied().map_or(0.0, rounded)
}

/// SplitMix64 (Steele and others 2014): short, and the same on every machine.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// How often each of `groups` is drawn when as many are drawn with putting back.
    fn times(&mut self, groups: usize) -> Vec<f64> {
        let mut times = vec![0.0; groups];
        for _ in 0..groups {
            let place = ((u128::from(self.next()) * groups as u128) >> 64) as usize;
            times.get_mut(place).into_iter().for_each(|count| *count += 1.0);
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Counts = (f64, f64);

    /// Right answers and answers of groups, summed.
    fn summed(groups: &mut dyn Iterator<Item = (&Counts, f64)>) -> Counts {
        groups.fold((0.0, 0.0), |sum, (group, times)| (sum.0 + group.0 * times, sum.1 + group.1 * times))
    }

    fn compare(groups: &[(Counts, Counts)]) -> PairedDifference {
        paired_bootstrap(groups, 1_000, 7, summed, |(right, all)| right / all).unwrap()
    }

    #[test]
    fn a_model_that_is_right_more_often_in_nearly_every_group_is_better() {
        let groups: Vec<_> =
            (0..100).map(|place| ((if place < 90 { 9.0 } else { 7.0 }, 10.0), (8.0, 10.0))).collect();
        let found = compare(&groups);
        assert_eq!((found.candidate, found.live, found.difference), (0.88, 0.8, 0.08));
        assert!(found.interval.low > 0.06 && found.interval.high < 0.1, "{found:?}");
        assert_eq!(found.conclusion, Conclusion::Better);
    }

    #[test]
    fn the_same_model_differs_by_nothing_and_luck_in_two_groups_is_told_from_merit() {
        let same = compare(&[((9.0, 10.0), (9.0, 10.0)), ((3.0, 10.0), (3.0, 10.0))]);
        assert_eq!(
            (same.interval, same.conclusion),
            (Interval { low: 0.0, high: 0.0 }, Conclusion::NotToldApart)
        );
        let lucky = compare(&[((9.0, 10.0), (5.0, 10.0)), ((3.0, 10.0), (4.0, 10.0))]);
        assert_eq!(lucky.conclusion, Conclusion::NotToldApart, "{lucky:?}");
    }

    #[test]
    fn the_same_seed_draws_the_same_and_nothing_is_drawn_from_nothing() {
        let groups = [((9.0, 10.0), (5.0, 10.0)), ((3.0, 10.0), (4.0, 10.0)), ((6.0, 10.0), (4.0, 10.0))];
        assert_eq!(compare(&groups), compare(&groups));
        assert!(paired_bootstrap(&[] as &[(Counts, Counts)], 10, 7, summed, |sum| sum.0).is_none());
    }

    #[test]
    fn as_many_groups_are_drawn_as_there_are() {
        let times = SplitMix(1).times(1_000);
        assert_eq!(times.iter().sum::<f64>(), 1_000.0);
        let never = times.iter().filter(|times| **times == 0.0).count();
        assert!((330..410).contains(&never), "{never} of 1,000 where 368 are expected");
    }
}
