//! CloudWatch metrics as lines of the log (the embedded metric format), by enum.
//!
//! A metric's name and unit are one variant of an enum the function declares, so a misspelt name does not compile. Dimensions
//! are few and fixed at start, for each combination of values is a metric that is paid for: an id can never be one.
//! Lines are written before the handler returns; nothing is left for a timer in a sandbox that freezes.

use std::collections::BTreeMap;

use linkcast_domain::Timestamp;
use serde_json::{Map, Value, json};

/// Metrics in one document, CloudWatch's own limit.
const METRICS_A_DOCUMENT: usize = 100;

/// Values of one metric in one document, CloudWatch's own limit.
const VALUES_A_METRIC: usize = 100;

/// Dimensions of a function's own; CloudWatch takes 30.
const DIMENSIONS: usize = 29;

/// What a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Milliseconds.
    Milliseconds,
    /// Bytes.
    Bytes,
    /// Per cent.
    Percent,
    /// Anything else.
    None,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Count => "Count",
            Unit::Milliseconds => "Milliseconds",
            Unit::Bytes => "Bytes",
            Unit::Percent => "Percent",
            Unit::None => "None",
        }
    }
}

/// A function's metrics: an enum of its own.
pub trait Metric: Copy + Ord {
    /// The name, in upper camel case.
    fn name(self) -> &'static str;

    /// What it counts.
    fn unit(self) -> Unit;
}

/// A property all of a function's metrics share, fixed when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// Its name.
    pub name: &'static str,
    /// Its value, one of few.
    pub value: String,
}

/// A choice of dimensions CloudWatch would refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    /// Too many.
    #[error("{found} dimensions: expected at most {DIMENSIONS}")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// A value that is none.
    #[error("dimension {name} has a value of {length} bytes: expected 1 to 1024 printable ASCII characters")]
    BadValue {
        /// The dimension.
        name: &'static str,
        /// How long its value is.
        length: usize,
    },
}

/// What one invocation counts.
#[derive(Clone, Debug)]
pub struct Metrics<M> {
    namespace: String,
    dimensions: Vec<Dimension>,
    values: BTreeMap<M, Vec<f64>>,
}

impl<M: Metric> Metrics<M> {
    /// Nothing counted yet, under `namespace` and `dimensions`.
    ///
    /// # Errors
    /// Dimensions CloudWatch would refuse.
    pub fn new(namespace: &str, dimensions: Vec<Dimension>) -> Result<Self, MetricError> {
        if dimensions.len() > DIMENSIONS {
            return Err(MetricError::TooMany { found: dimensions.len() });
        }
        let is_bad = |value: &str| {
            let printable = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            value.trim().is_empty() || value.len() > 1024 || !printable
        };
        if let Some(bad) = dimensions.iter().find(|dimension| is_bad(&dimension.value)) {
            return Err(MetricError::BadValue { name: bad.name, length: bad.value.len() });
        }
        Ok(Metrics { namespace: namespace.to_owned(), dimensions, values: BTreeMap::new() })
    }

    /// Counts a value. A value that is no number is left out: CloudWatch would drop the whole document.
    pub fn record(&mut self, metric: M, value: f64) {
        if value.is_finite() {
            self.values.entry(metric).or_default().push(value);
        }
    }

    /// The documents, one a line, and begins anew. Nothing counted, no line.
    pub fn flush(&mut self, now: Timestamp) -> Vec<String> {
        let values = std::mem::take(&mut self.values);
        let mut portions: Vec<(M, Vec<f64>)> = Vec::new();
        for (metric, values) in values {
            portions.extend(values.chunks(VALUES_A_METRIC).map(|part| (metric, part.to_vec())));
        }
        let mut documents: Vec<BTreeMap<M, Vec<f64>>> = Vec::new();
        for (metric, part) in portions {
            let free = |document: &&mut BTreeMap<M, Vec<f64>>| {
                document.len() < METRICS_A_DOCUMENT && !document.contains_key(&metric)
            };
            match documents.iter_mut().find(free) {
                Some(document) => {
                    document.insert(metric, part);
                }
                None => documents.push(BTreeMap::from([(metric, part)])),
            }
        }
        documents.iter().map(|document| self.document(now, document).to_string()).collect()
    }

    fn document(&self, now: Timestamp, values: &BTreeMap<M, Vec<f64>>) -> Value {
        let names: Vec<&str> = self.dimensions.iter().map(|dimension| dimension.name).collect();
        let metrics: Vec<Value> = values
            .keys()
            .map(|metric| json!({ "Name": metric.name(), "Unit": metric.unit().name() }))
            .collect();
        let mut document = Map::new();
        let directive = json!({ "Namespace": self.namespace, "Dimensions": [names], "Metrics": metrics });
        let head = json!({ "Timestamp": now.millis(), "CloudWatchMetrics": [directive] });
        document.insert("_aws".to_owned(), head);
        for dimension in &self.dimensions {
            document.insert(dimension.name.to_owned(), dimension.value.clone().into());
        }
        for (metric, values) in values {
            let value = match values.as_slice() {
                [one] => json!(one),
                many => json!(many),
            };
            document.insert(metric.name().to_owned(), value);
        }
        Value::Object(document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
    enum Meter {
        Records,
        Took,
        Numbered(u16),
    }

    impl Metric for Meter {
        fn name(self) -> &'static str {
            match self {
                Meter::Records => "Records",
                Meter::Took => "Took",
                Meter::Numbered(number) => format!("Numbered{number}").leak(),
            }
        }

        fn unit(self) -> Unit {
            if self == Meter::Took { Unit::Milliseconds } else { Unit::Count }
        }
    }

    fn metrics() -> Metrics<Meter> {
        Metrics::new("App", vec![Dimension { name: "Stage", value: "test".into() }]).unwrap()
    }

    #[test]
    fn a_document_declares_what_it_holds() {
        let mut metrics = metrics();
        metrics.record(Meter::Took, 12.5);
        metrics.record(Meter::Records, 3.0);
        metrics.record(Meter::Took, 7.0);
        metrics.record(Meter::Took, f64::NAN);
        let lines = metrics.flush(Timestamp::from_millis(1_700_000_000_000));
        let found: Value = serde_json::from_str(&lines[0]).unwrap();
        let expected = json!({
            "_aws": { "Timestamp": 1_700_000_000_000_i64, "CloudWatchMetrics": [{
                "Namespace": "App", "Dimensions": [["Stage"]],
                "Metrics": [{ "Name": "Records", "Unit": "Count" }, { "Name": "Took", "Unit": "Milliseconds" }],
            }]},
            "Stage": "test", "Records": 3.0, "Took": [12.5, 7.0],
        });
        assert_eq!((lines.len(), found), (1, expected));
        assert!(metrics.flush(Timestamp::from_millis(0)).is_empty(), "what was written is not written again");
    }

    #[test]
    fn no_document_is_beyond_cloudwatchs_limits_and_none_loses_a_value() {
        let mut metrics = metrics();
        (0..250).for_each(|value| metrics.record(Meter::Took, f64::from(value)));
        (0..150).for_each(|number| metrics.record(Meter::Numbered(number), 1.0));
        let mut took = Vec::new();
        let mut numbered = 0;
        for line in metrics.flush(Timestamp::from_millis(0)) {
            let document: Map<String, Value> = serde_json::from_str(&line).unwrap();
            assert!(document.len() <= 2 + METRICS_A_DOCUMENT);
            numbered += document.keys().filter(|name| name.starts_with("Numbered")).count();
            let values = document.get("Took").and_then(Value::as_array);
            assert!(values.is_none_or(|values| values.len() <= VALUES_A_METRIC));
            took.extend(values.into_iter().flatten().filter_map(Value::as_f64));
        }
        assert_eq!((took.len(), took.iter().sum::<f64>(), numbered), (250, 31_125.0, 150));
    }

    #[test]
    fn dimensions_cloudwatch_would_refuse_are_refused_at_start() {
        let dimension = |value: &str| Dimension { name: "Stage", value: value.to_owned() };
        let made = |dimensions| Metrics::<Meter>::new("App", dimensions).map(|_| ());
        assert_eq!(made(vec![dimension("a"); 30]), Err(MetricError::TooMany { found: 30 }));
        assert_eq!(made(vec![dimension(" ")]), Err(MetricError::BadValue { name: "Stage", length: 1 }));
        assert!(made(vec![dimension("größe")]).is_err());
        assert!(made(vec![dimension("a"); 29]).is_ok());
    }
}
