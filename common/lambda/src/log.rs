//! The log: one JSON object a line, each with its request's id.
//!
//! CloudWatch bills and searches by line, so a record is one line whatever it holds, newlines in a message included. Fields
//! are kept as fields, for a query cannot look into a sentence. A span's fields (the request id first of all) are on
//! every line written inside it. Nothing here formats a payload, and a [`crate::Secret`] prints as one.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use linkcast_domain::Clock;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber, span};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Where lines go.
pub trait LineSink: Send + Sync + 'static {
    /// Writes one line; `line` has no end-of-line of its own.
    fn write_line(&self, line: &str);
}

/// Lambda takes a function's lines from its standard output.
#[derive(Clone, Copy, Debug, Default)]
pub struct StandardOutput;

impl LineSink for StandardOutput {
    fn write_line(&self, line: &str) {
        // A log that cannot be written has nowhere to say so.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

impl LineSink for Arc<Mutex<Vec<String>>> {
    fn write_line(&self, line: &str) {
        self.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
    }
}

/// The layer that writes the lines.
pub struct JsonLog<S> {
    sink: S,
    clock: Box<dyn Clock>,
    least: Level,
}

impl<S: LineSink> JsonLog<S> {
    /// Writes what is at least as grave as `least` to `sink`, with `clock`'s time.
    pub fn new(sink: S, clock: Box<dyn Clock>, least: Level) -> Self {
        JsonLog { sink, clock, least }
    }
}

/// A span's fields.
struct SpanFields(Map<String, Value>);

impl<T, S> Layer<T> for JsonLog<S>
where
    T: Subscriber + for<'a> LookupSpan<'a>,
    S: LineSink,
{
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, T>) {
        let mut fields = Map::new();
        attributes.record(&mut Fields(&mut fields));
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanFields(fields));
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, T>) {
        let Some(span) = context.span(id) else { return };
        if let Some(SpanFields(fields)) = span.extensions_mut().get_mut::<SpanFields>() {
            values.record(&mut Fields(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, T>) {
        let metadata = event.metadata();
        if *metadata.level() > self.least {
            return;
        }
        let mut line = Map::new();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(SpanFields(fields)) = span.extensions().get::<SpanFields>() {
                line.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
        }
        event.record(&mut Fields(&mut line));
        line.insert("timestamp".to_owned(), self.clock.now().to_string().into());
        line.insert("level".to_owned(), metadata.level().as_str().into());
        line.insert("target".to_owned(), metadata.target().into());
        self.sink.write_line(&Value::Object(line).to_string());
    }
}

/// Keeps numbers and flags as such.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, crate::failure::chain(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use linkcast_domain::{FixedClock, Timestamp};
    use serde_json::json;
    use tracing_subscriber::layer::SubscriberExt;

    fn logged(least: Level, work: impl FnOnce()) -> Vec<Value> {
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let clock = Box::new(FixedClock(Timestamp::from_millis(1_700_000_000_000)));
        let log = JsonLog::new(Arc::clone(&lines), clock, least);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(log), work);
        let lines = lines.lock().unwrap();
        assert!(lines.iter().all(|line| !line.contains('\n')), "{lines:?}");
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_record_is_one_line_with_its_request_and_fields() {
        let lines = logged(Level::INFO, || {
            let span = tracing::info_span!("invocation", requestId = "r-1", cold = tracing::field::Empty);
            let _inside = span.enter();
            span.record("cold", true);
            tracing::info!(records = 3_u64, ratio = 0.5, "batch\ndone");
        });
        let expected = json!({
            "timestamp": "2023-11-14T22:13:20.000Z", "level": "INFO", "target": module_path!(), "requestId": "r-1",
            "cold": true, "records": 3, "ratio": 0.5, "message": "batch\ndone",
        });
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn what_is_less_grave_is_not_written() {
        let lines = logged(Level::WARN, || {
            tracing::info!("hidden");
            tracing::error!("shown");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["level"], "ERROR");
    }

    #[test]
    fn a_secret_is_not_written_and_an_error_is_written_with_its_causes() {
        let token = Secret::new("s3cr3t");
        let error = crate::StartError::Load { source: "no model".into() };
        let lines = logged(Level::INFO, || {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::error!(%token, key = ?token, error, "could not start");
        });
        assert!(!lines[0].to_string().contains("s3cr3t"));
        assert_eq!(lines[0]["error"], "could not load what the function depends on: no model");
    }
}
