//! How a series scatters by itself: how far an hour's number strays from what it is at that hour of the day, and for how long.
//!
//! Numbers of neighbouring hours are alike, so hours are no independent trials. Blocks of hours twice as long as the series remembers
//! nearly are: the scatter of their means is what a look's mean is held against, in Student's t. What blocks of that length
//! still share makes their means scatter less than independent ones would by a part of tau/2 in a block's length, for a memory
//! that fades exponentially; that part is put back.

use crate::autocorrelation::integrated_time;
use crate::report::{Lacking, Missing};
use crate::settings::DriftSettings;
use crate::student;

/// The least scatter of a block's mean that is believed: a reference that never moved has seen little, and a change of half a
/// percent of places is nothing.
const LEAST_DEVIATION: f64 = 0.005;

/// Cycles after which the pattern within a cycle is known well enough to be taken off.
const LEAST_CYCLES: f64 = 3.0;

/// A reference's numbers of one aspect, less the day's pattern.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Residuals {
    pattern: Vec<f64>,
    mean: f64,
    numbers: Vec<f64>,
}

/// How the means of blocks scatter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scatter {
    residuals: Residuals,
    /// The variance of a block's mean.
    variance: f64,
    /// Hours in a block, and blocks.
    pub(crate) block: f64,
    pub(crate) blocks: f64,
}

/// What a look's mean says against the reference's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Trial {
    /// The look's mean less what the reference has at those hours.
    pub(crate) change: f64,
    /// The chance of such a change or a greater one without drift.
    pub(crate) p: f64,
    /// Hours that it rests on.
    pub(crate) hours: u32,
}

impl Residuals {
    pub(crate) fn of(past: &[(i64, f64)], cycle: u32) -> Self {
        let cycle = if past.len() as f64 >= LEAST_CYCLES * f64::from(cycle) { cycle.max(1) } else { 1 };
        let mean = past.iter().map(|(_, number)| number).sum::<f64>() / past.len().max(1) as f64;
        let mut sums = vec![(0.0, 0.0_f64); cycle as usize];
        for (hour, number) in past {
            if let Some((sum, count)) = sums.get_mut(phase(*hour, cycle)) {
                (*sum, *count) = (*sum + number, *count + 1.0);
            }
        }
        let pattern = sums.iter().map(|(sum, count)| if *count > 0.0 { sum / count } else { mean }).collect();
        let mut residuals = Residuals { pattern, mean, numbers: Vec::new() };
        residuals.numbers =
            past.iter().map(|(hour, number)| residuals.less_pattern(*hour, *number)).collect();
        residuals
    }

    fn less_pattern(&self, hour: i64, number: f64) -> f64 {
        number - self.pattern.get(phase(hour, self.pattern.len() as u32)).unwrap_or(&self.mean)
    }

    /// How long the series remembers, hours.
    pub(crate) fn tau(&self) -> f64 {
        integrated_time(&self.numbers)
    }
}

fn phase(hour: i64, cycle: u32) -> usize {
    usize::try_from(hour.rem_euclid(i64::from(cycle.max(1)))).unwrap_or(0)
}

impl Scatter {
    /// The scatter of blocks as long as twice `tau`.
    ///
    /// # Errors
    /// Fewer blocks than make a scatter.
    pub(crate) fn of(residuals: Residuals, tau: f64, settings: &DriftSettings) -> Result<Self, Missing> {
        let count = residuals.numbers.len();
        let block = (2.0 * tau).ceil().max(1.0) as usize;
        let (have, need) = ((count / block) as u64, u64::from(settings.least_blocks.max(2)));
        if have < need {
            let of = if count == 0 { Lacking::ReferenceSamples } else { Lacking::ReferenceBlocks };
            return Err(Missing { of, have, need });
        }
        let spare = count % block;
        let whole = residuals.numbers.get(spare..).unwrap_or_default();
        let means: Vec<f64> =
            whole.chunks_exact(block).map(|part| part.iter().sum::<f64>() / block as f64).collect();
        let mean = means.iter().sum::<f64>() / means.len() as f64;
        let squares = means.iter().map(|one| (one - mean) * (one - mean)).sum::<f64>();
        let shared = if block > 1 { tau / (2.0 * block as f64) } else { 0.0 };
        // The pattern follows a cycle's numbers as far as one in so many cycles goes.
        let cycles = count as f64 / residuals.pattern.len() as f64;
        let followed = if residuals.pattern.len() > 1 { cycles / (cycles - 1.0) } else { 1.0 };
        let variance = squares / (means.len() as f64 - 1.0) / (1.0 - shared) * followed;
        let variance = variance.max(LEAST_DEVIATION * LEAST_DEVIATION);
        let (block, blocks) = (block as f64, means.len() as f64);
        Ok(Scatter { residuals, variance, block, blocks })
    }

    /// Holds a look's hours against the reference.
    pub(crate) fn hold(&self, look: &[(i64, f64)]) -> Option<Trial> {
        let hours = u32::try_from(look.len()).ok().filter(|hours| *hours > 0)?;
        let residuals = look.iter().map(|(hour, number)| self.residuals.less_pattern(*hour, *number));
        let change = residuals.sum::<f64>() / f64::from(hours);
        let deviation = (self.variance_of_mean(f64::from(hours)) + self.variance_of_reference()).sqrt();
        let p = student::two_sided(change / deviation, self.blocks - 1.0);
        Some(Trial { change, p, hours })
    }

    /// The variance of the mean of so many hours.
    pub(crate) fn variance_of_mean(&self, hours: f64) -> f64 {
        self.variance * self.block / hours
    }

    /// The variance of the reference's mean.
    pub(crate) fn variance_of_reference(&self) -> f64 {
        self.variance_of_mean(self.residuals.numbers.len() as f64)
    }
}
