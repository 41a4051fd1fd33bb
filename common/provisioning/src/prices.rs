//! What an endpoint will cost, from a table that says where its figures come from.
//!
//! Prices differ by region and contract and change without notice: the table is a beginning, each figure of it can be replaced by
//! one's own, and an instance type it does not know has no price rather than a guessed one.

use linkcast_domain::NanoDollars;
use linkcast_domain::ports::{Machines, Scaling};
use serde::Serialize;

/// Hours of a month, as AWS counts them.
const HOURS_A_MONTH: u64 = 730;

/// The price of an hour of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstancePrice {
    /// The machine's type.
    pub instance: &'static str,
    /// An hour of it.
    pub hour: NanoDollars,
}

/// A table of prices.
#[derive(Clone, Copy, Debug)]
pub struct Prices {
    /// Where its figures come from, and when they were read.
    pub source: &'static str,
    /// A gigabyte-second of a serverless endpoint.
    pub gigabyte_second: NanoDollars,
    /// Machines.
    pub instances: &'static [InstancePrice],
}

/// Prices of us-east-1 as public price lists repeat them; AWS's own page was not at hand. See docs/PROVISIONING.md.
pub const PRICES: Prices = Prices {
    source: "us-east-1, repeated from public lists, 2026-11-22; not AWS's own page",
    gigabyte_second: NanoDollars(20_000),
    instances: &[
        InstancePrice { instance: "ml.c7g.large", hour: NanoDollars(90_000_000) },
        InstancePrice { instance: "ml.c7g.xlarge", hour: NanoDollars(180_000_000) },
        InstancePrice { instance: "ml.m5.large", hour: NanoDollars(115_000_000) },
        InstancePrice { instance: "ml.t3.medium", hour: NanoDollars(50_000_000) },
    ],
};

/// The work that an estimate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// How long a request takes, milliseconds.
    pub request_ms: u64,
    /// Requests a month.
    pub requests_a_month: u64,
}

/// What it will cost; what no price is known for is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// A thousand requests, where requests are paid for, billionths of a dollar.
    pub thousand_requests: Option<NanoDollars>,
    /// An hour with the fewest machines.
    pub hour_min: Option<NanoDollars>,
    /// An hour with the most.
    pub hour_max: Option<NanoDollars>,
    /// A month of the work asked about, with the fewest machines.
    pub month: Option<NanoDollars>,
    /// Where the prices come from.
    pub source: String,
}

/// What `machines` cost. `instance_hour` takes the place of the table's price of a machine.
pub fn estimate(
    (machines, scaling): (&Machines, Option<Scaling>),
    traffic: Traffic,
    prices: &Prices,
    instance_hour: Option<NanoDollars>,
) -> Estimate {
    match machines {
        Machines::Serverless { memory_mb, .. } => {
            let megabyte_ms = u64::from(*memory_mb).saturating_mul(traffic.request_ms);
            let of = |requests: u64| {
                prices.gigabyte_second.times(megabyte_ms.saturating_mul(requests), 1_024 * 1_000)
            };
            let nothing = Some(NanoDollars(0));
            Estimate {
                thousand_requests: Some(of(1_000)),
                hour_min: nothing,
                hour_max: None,
                month: Some(of(traffic.requests_a_month)),
                source: prices.source.to_owned(),
            }
        }
        Machines::Realtime { instance, count } => {
            let listed = prices.instances.iter().find(|price| price.instance == instance);
            let hour = instance_hour.or(listed.map(|price| price.hour));
            let of = |machines: u64, hours: u64| hour.map(|hour| hour.times(machines * hours, 1));
            let (min, max) = scaling.map_or((*count, *count), |scaling| (scaling.min, scaling.max));
            let source = if instance_hour.is_some() { "as given" } else { prices.source };
            Estimate {
                thousand_requests: None,
                hour_min: of(min.into(), 1),
                hour_max: of(max.into(), 1),
                month: of(min.into(), HOURS_A_MONTH),
                source: source.to_owned(),
            }
        }
    }
}
