//! Events on EventBridge.
//!
//! A call takes ten events and may refuse some of them without an error; each event's fate is told apart.

use std::sync::Arc;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use linkcast_domain::ports::{Bus, BusEvent, NotifyError};
use linkcast_domain::{Budget, Clock, Retry};
use linkcast_lambda::TraceContext;

use crate::client::{Shared, limits};
use crate::traces::Traces;

/// The most events one call takes.
const EVENTS_A_CALL: usize = 10;

/// One bus, and in whose name it is told.
#[derive(Clone, Debug)]
pub struct EventBridge {
    client: Client,
    bus: String,
    source: String,
    traces: Arc<Traces>,
}

impl EventBridge {
    /// The bus `bus`, told of `fabric`.
    pub fn new(shared: &Shared, bus: &str, fabric: &str) -> Self {
        let source = format!("linkcast.{fabric}");
        EventBridge {
            client: Client::new(&shared.config),
            bus: bus.to_owned(),
            source,
            traces: Arc::default(),
        }
    }

    /// The same bus for one invocation: no call outlives its budget.
    pub fn within(&self, budget: &Budget, clock: &dyn Clock) -> Self {
        let config = self.client.config().to_builder().timeout_config(limits(budget, clock)).build();
        EventBridge { client: Client::from_conf(config), ..self.clone() }
    }

    /// The same bus, what is told belonging to these traces: EventBridge hands them on to whom it calls.
    pub fn tracing(&self, traces: Arc<Traces>) -> Self {
        EventBridge { traces, ..self.clone() }
    }

    fn failed(&self, reason: String) -> NotifyError {
        NotifyError { channel: format!("bus {}", self.bus), reason, retry: Retry::Later }
    }

    fn trace_of(&self, event: &BusEvent) -> Option<String> {
        self.traces.of(event.stream.as_ref()?).map(TraceContext::to_xray)
    }

    async fn call(&self, events: &[BusEvent]) -> Vec<Result<(), NotifyError>> {
        let entry = |event: &BusEvent| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.bus)
                .source(&self.source)
                .detail_type(event.kind)
                .detail(&event.detail)
                .set_trace_header(self.trace_of(event))
                .set_resources(event.stream.as_ref().map(|stream| vec![stream.to_string()]))
                .build()
        };
        let entries = events.iter().map(entry).collect();
        match self.client.put_events().set_entries(Some(entries)).send().await {
            Ok(output) => {
                let told = output.entries.unwrap_or_default();
                let mut fates: Vec<Result<(), NotifyError>> = told
                    .into_iter()
                    .map(|entry| match entry.error_code {
                        None => Ok(()),
                        Some(code) => Err(self.failed(code)),
                    })
                    .collect();
                // Silence is no success.
                fates.resize_with(events.len(), || Err(self.failed("no answer for the event".to_owned())));
                fates
            }
            Err(error) => {
                let reason = linkcast_lambda::chain(&error);
                events.iter().map(|_| Err(self.failed(reason.clone()))).collect()
            }
        }
    }
}

impl Bus for EventBridge {
    async fn tell(&self, events: &[BusEvent]) -> Vec<Result<(), NotifyError>> {
        let mut fates = Vec::with_capacity(events.len());
        for part in events.chunks(EVENTS_A_CALL) {
            fates.extend(self.call(part).await);
        }
        fates
    }
}
