//! What an answer costs: prices in whole billionths of a dollar, and what they make of tokens and time.
//!
//! Prices are the policy's, for they differ by region and contract. What is shared by several insights is shared to the unit,
//! so that a sum over insights is the bill this models: tokens as counted by the model, an endpoint's time as measured from
//! here, a function's time and the table's write units. What a real-time endpoint costs while nobody asks it is not in it.

use linkcast_domain::{NanoDollars, Usage};
use serde::{Deserialize, Serialize};

/// Tokens a price is for.
const TOKENS: u64 = 1_000_000;
/// Write units a price is for.
const UNITS: u64 = 1_000_000;
/// Microseconds of an hour.
const HOUR_US: u64 = 3_600_000_000;
/// Megabytes times microseconds of a gigabyte-second.
const GIGABYTE_SECOND: u64 = 1_024 * 1_000_000;

/// What a variant costs; what is not said costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VariantPrices {
    /// A million tokens read, billionths of a dollar.
    pub million_input_tokens: NanoDollars,
    /// A million tokens written.
    pub million_output_tokens: NanoDollars,
    /// A gigabyte-second of a serverless endpoint.
    pub gigabyte_second: NanoDollars,
    /// The memory of that endpoint, megabytes.
    pub memory_mb: u32,
    /// An hour of a real-time endpoint's instance.
    pub instance_hour: NanoDollars,
}

/// What the function itself and the table cost; what is not said costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FunctionPrices {
    /// A gigabyte-second of the function, billionths of a dollar.
    pub gigabyte_second: NanoDollars,
    /// The function's memory, megabytes.
    pub memory_mb: u32,
    /// A million write units of the table.
    pub million_write_units: NanoDollars,
    /// Write units an insight takes.
    pub write_units_an_insight: u32,
}

impl VariantPrices {
    /// Whether nothing of it costs anything.
    pub fn is_free(&self) -> bool {
        *self == VariantPrices::default()
    }

    /// What these tokens cost.
    pub fn tokens(&self, usage: Usage) -> NanoDollars {
        self.million_input_tokens.times(usage.input_tokens, TOKENS)
            + self.million_output_tokens.times(usage.output_tokens, TOKENS)
    }

    /// What an endpoint's time costs.
    pub fn endpoint(&self, micros: u64) -> NanoDollars {
        let serverless = micros.saturating_mul(u64::from(self.memory_mb));
        self.gigabyte_second.times(serverless, GIGABYTE_SECOND) + self.instance_hour.times(micros, HOUR_US)
    }
}

impl FunctionPrices {
    /// Whether nothing of it costs anything.
    pub fn is_free(&self) -> bool {
        *self == FunctionPrices::default()
    }

    /// What the function's time costs.
    pub fn function(&self, micros: u64) -> NanoDollars {
        self.gigabyte_second.times(micros.saturating_mul(u64::from(self.memory_mb)), GIGABYTE_SECOND)
    }

    /// What writing one insight costs.
    pub fn table(&self) -> NanoDollars {
        self.million_write_units.times(u64::from(self.write_units_an_insight), UNITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_time_have_their_price() {
        let prices = VariantPrices {
            million_input_tokens: NanoDollars(250_000_000),
            million_output_tokens: NanoDollars(1_250_000_000),
            gigabyte_second: NanoDollars(20_000),
            memory_mb: 4_096,
            instance_hour: NanoDollars(0),
        };
        assert_eq!(prices.tokens(Usage { input_tokens: 1_000, output_tokens: 100 }), NanoDollars(375_000));
        assert_eq!(prices.endpoint(50_000), NanoDollars(4_000), "4 GB for 50 ms at 20,000 a gigabyte-second");
        let hourly = VariantPrices { instance_hour: NanoDollars(86_700_000), ..VariantPrices::default() };
        assert_eq!(hourly.endpoint(1_000_000), NanoDollars(24_083));
        assert_eq!(VariantPrices::default().endpoint(u64::MAX), NanoDollars(0));
    }

    #[test]
    fn a_function_is_paid_by_memory_and_time_and_the_table_by_units() {
        let prices = FunctionPrices {
            gigabyte_second: NanoDollars(13_334),
            memory_mb: 512,
            million_write_units: NanoDollars(625_000_000),
            write_units_an_insight: 6,
        };
        assert_eq!(prices.function(1_000_000), NanoDollars(6_667));
        assert_eq!(prices.table(), NanoDollars(3_750));
    }
}
