//! What a run is modelled to cost, before it starts.
//!
//! An estimate, not a bill: machines by the hour as AWS lists them for us-east-1 (read 2026-11; SageMaker's prices of processing and
//! training are the same), for as long as each step is expected to take. Storage and requests are cents and left out.

use std::time::Duration;

use linkcast_domain::NanoDollars;

/// Where a run's work is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Workplace {
    /// On a machine that is there anyway.
    Local,
    /// On SageMaker, each step on one machine of this type.
    SageMaker {
        /// As `ml.m5.xlarge`.
        instance_type: String,
    },
}

/// What a run's steps are expected to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunCost {
    /// Making the data set.
    pub preparing: Duration,
    /// Training.
    pub training: Duration,
    /// Judging and registering.
    pub judging: Duration,
}

impl Default for RunCost {
    /// Some thousand ports over a month; a machine is paid from its start, some four minutes before its work begins.
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        RunCost { preparing: minutes(40), training: minutes(25), judging: minutes(20) }
    }
}

/// Billionths of a dollar an hour, on demand, us-east-1.
const PRICES: [(&str, u64); 8] = [
    ("ml.t3.medium", 50_000_000),
    ("ml.t3.xlarge", 200_000_000),
    ("ml.m5.large", 115_000_000),
    ("ml.m5.xlarge", 230_000_000),
    ("ml.m5.2xlarge", 461_000_000),
    ("ml.m5.4xlarge", 922_000_000),
    ("ml.c5.xlarge", 204_000_000),
    ("ml.c5.2xlarge", 408_000_000),
];

/// What a machine that is not in the list is taken to cost: more than any in it, so that a budget errs to the safe side.
const UNKNOWN_PRICE: u64 = 2_000_000_000;

impl RunCost {
    /// What it comes to at `place`.
    pub fn at(&self, place: &Workplace) -> NanoDollars {
        let Workplace::SageMaker { instance_type } = place else { return NanoDollars(0) };
        let known = PRICES.iter().find(|(name, _)| name == instance_type).map(|(_, price)| *price);
        let whole = self.preparing + self.training + self.judging;
        NanoDollars(known.unwrap_or(UNKNOWN_PRICE)).times(whole.as_secs(), 3_600)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_costs_its_machines_time_and_nothing_on_a_machine_that_is_there() {
        let of = |name: &str| RunCost::default().at(&Workplace::SageMaker { instance_type: name.into() });
        assert_eq!(RunCost::default().at(&Workplace::Local), NanoDollars(0));
        assert_eq!(of("ml.m5.xlarge"), NanoDollars(325_833_333), "85 minutes at 23 cents an hour");
        assert!(of("ml.p5.48xlarge") > of("ml.m5.4xlarge"));
    }
}
