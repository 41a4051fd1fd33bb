//! What the functions count, as CloudWatch metrics by enum.
//!
//! One list for all of them, so that a dashboard's name exists in one place. The units a call of the table costs are counted
//! with the rest: what a fabric costs is seen the minute it changes.

use linkcast_lambda::{Dimension, Invocation, LineSink, Metric, Metrics, StandardOutput, Temperature, Unit};

use crate::meter::Usage;

/// A metric of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Count {
    /// Records delivered.
    Records,
    /// Records to be delivered again.
    FailedRecords,
    /// Samples and signs of life made.
    Arrivals,
    /// Readings that were not newer than their stream's last.
    StaleReadings,
    /// Insights made.
    Insights,
    /// Alerts that opened, changed or resolved.
    Alerts,
    /// Messages told.
    Messages,
    /// Channels, targets or requests that failed.
    Failures,
    /// Answers given in the place of another variant.
    Fallbacks,
    /// Attempts that failed.
    FailedAttempts,
    /// Routing policies that could not be followed.
    BadPolicies,
    /// Read units.
    ReadUnits,
    /// Write units.
    WriteUnits,
    /// Starts of a sandbox.
    ColdStarts,
}

impl Metric for Count {
    fn name(self) -> &'static str {
        match self {
            Count::Records => "Records",
            Count::FailedRecords => "FailedRecords",
            Count::Arrivals => "Arrivals",
            Count::StaleReadings => "StaleReadings",
            Count::Insights => "Insights",
            Count::Alerts => "Alerts",
            Count::Messages => "Messages",
            Count::Failures => "Failures",
            Count::Fallbacks => "Fallbacks",
            Count::FailedAttempts => "FailedAttempts",
            Count::BadPolicies => "BadPolicies",
            Count::ReadUnits => "ReadUnits",
            Count::WriteUnits => "WriteUnits",
            Count::ColdStarts => "ColdStarts",
        }
    }

    fn unit(self) -> Unit {
        Unit::Count
    }
}

/// Writes one invocation's counts.
pub fn write_counts(
    (function, fabric): (&str, &str),
    counts: &[(Count, f64)],
    usage: Usage,
    invocation: &Invocation<'_>,
) {
    let dimensions = vec![
        Dimension { name: "Function", value: function.to_owned() },
        Dimension { name: "Fabric", value: fabric.to_owned() },
    ];
    // A fabric's name CloudWatch would refuse costs the metrics, not the work.
    let Ok(mut metrics) = Metrics::new("Linkcast", dimensions) else { return };
    for (count, value) in counts {
        metrics.record(*count, *value);
    }
    metrics.record(Count::ReadUnits, usage.read_units);
    metrics.record(Count::WriteUnits, usage.write_units);
    if invocation.temperature == Temperature::Cold {
        metrics.record(Count::ColdStarts, 1.0);
    }
    for line in metrics.flush(invocation.clock.now()) {
        StandardOutput.write_line(&line);
    }
}
