//! What a server has done, for Prometheus.
//!
//! Counters are plain numbers that many requests add to at once; only `/metrics` puts them into words. Names and units follow
//! Prometheus' rules: totals end in `_total`, times are seconds.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::gate::Gate;
use crate::models::Models;

/// Which door a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Route {
    /// `/ping`
    Ping,
    /// `/invocations`
    Invocations,
    /// `/endpoints/{name}/invocations`
    Endpoint,
    /// `/models`
    Models,
    /// `/metrics`
    Metrics,
    /// Any other.
    Other,
}

impl Route {
    const ALL: [Route; 6] =
        [Route::Ping, Route::Invocations, Route::Endpoint, Route::Models, Route::Metrics, Route::Other];

    fn name(self) -> &'static str {
        match self {
            Route::Ping => "ping",
            Route::Invocations => "invocations",
            Route::Endpoint => "endpoint",
            Route::Models => "models",
            Route::Metrics => "metrics",
            Route::Other => "other",
        }
    }
}

/// Every status this server gives; the last stands for what it never should.
const STATUSES: [u16; 12] = [200, 400, 404, 405, 406, 408, 413, 415, 424, 500, 503, 0];

/// The upper bounds of the latency's buckets, seconds.
const BOUNDS: [f64; 14] =
    [5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.5, 2.5, 10.0];

/// Why somebody was sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Rejection {
    /// No place, and none to wait in or none in time.
    Overload,
    /// A body or a number of rows over the limit.
    TooLarge,
    /// A body that did not come in time.
    TooSlow,
}

/// Counters of one server.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: [[AtomicU64; STATUSES.len()]; Route::ALL.len()],
    buckets: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
    rejected: [AtomicU64; 3],
}

impl Metrics {
    /// A request was answered. Only those that ask for predictions go into the histogram.
    pub(crate) fn answered(&self, route: Route, status: u16, took: Duration) {
        let place = STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len() - 1);
        if let Some(counter) = self.requests.get(route as usize).and_then(|counters| counters.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        if matches!(route, Route::Invocations | Route::Endpoint) {
            let seconds = took.as_secs_f64();
            let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
            if let Some(bucket) = self.buckets.get(bucket) {
                bucket.fetch_add(1, Ordering::Relaxed);
            }
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            self.microseconds.fetch_add(micros, Ordering::Relaxed);
        }
    }

    /// Somebody was sent away.
    pub(crate) fn rejected(&self, why: Rejection) {
        if let Some(counter) = self.rejected.get(why as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Everything, as Prometheus reads it.
    pub(crate) fn text(&self, gate: &Gate, models: &Models) -> String {
        let mut page = Page::default();
        self.requests_on(&mut page);
        self.latency_on(&mut page);
        page.head("linkcast_server_in_flight", "gauge", "Requests that are worked on.");
        page.line("linkcast_server_in_flight", gate.in_flight());
        page.head("linkcast_server_waiting", "gauge", "Requests that wait for a place.");
        page.line("linkcast_server_waiting", gate.waiting());
        page.head("linkcast_server_rejected_total", "counter", "Requests that were sent away.");
        for (why, counter) in ["overload", "too_large", "too_slow"].into_iter().zip(&self.rejected) {
            page.line(&format!("linkcast_server_rejected_total{{reason=\"{why}\"}}"), read(counter));
        }
        models_on(&mut page, models);
        page.head("linkcast_server_build_info", "gauge", "The program.");
        let version = env!("CARGO_PKG_VERSION");
        page.line(&format!("linkcast_server_build_info{{version=\"{version}\"}}"), 1);
        page.0
    }

    fn requests_on(&self, page: &mut Page) {
        page.head("linkcast_server_requests_total", "counter", "Requests by route and status.");
        for (route, counters) in Route::ALL.into_iter().zip(&self.requests) {
            for (status, counter) in STATUSES.into_iter().zip(counters) {
                let count = read(counter);
                if count > 0 {
                    let route = route.name();
                    let name = "linkcast_server_requests_total";
                    page.line(&format!("{name}{{route=\"{route}\",status=\"{status}\"}}"), count);
                }
            }
        }
    }

    fn latency_on(&self, page: &mut Page) {
        let name = "linkcast_server_request_seconds";
        page.head(name, "histogram", "From the request's head to its answer, of requests for predictions.");
        let mut count = 0;
        let bounds = BOUNDS.into_iter().map(|bound| bound.to_string()).chain(["+Inf".to_owned()]);
        for (bound, bucket) in bounds.zip(&self.buckets) {
            count += read(bucket);
            page.line(&format!("{name}_bucket{{le=\"{bound}\"}}"), count);
        }
        page.line(&format!("{name}_sum"), read(&self.microseconds) as f64 / 1e6);
        page.line(&format!("{name}_count"), count);
    }
}

fn models_on(page: &mut Page, models: &Models) {
    let counters = [
        ("linkcast_server_rows_total", "Rows that were answered."),
        ("linkcast_server_model_swaps_total", "Models that took the place of another."),
        ("linkcast_server_model_refused_total", "Models that were refused while another went on."),
    ];
    for (place, (name, help)) in counters.into_iter().enumerate() {
        page.head(name, "counter", help);
        for endpoint in models.all() {
            let counter = [&endpoint.rows, &endpoint.swaps, &endpoint.refused];
            let count = counter.get(place).map_or(0, |counter| read(counter));
            page.line(&format!("{name}{{model=\"{}\"}}", endpoint.name), count);
        }
    }
    let name = "linkcast_server_model_info";
    page.head(name, "gauge", "The models that answer.");
    for fact in models.facts() {
        let (version, schema) = (label(&fact.model_version), fact.feature_schema);
        let (model, digest) = (fact.name, fact.digest);
        page.line(
            &format!(
                "{name}{{model=\"{model}\",version=\"{version}\",digest=\"{digest}\",feature_schema=\"{schema}\"}}"
            ),
            1,
        );
    }
}

/// A label's value, escaped as the format asks.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[derive(Default)]
struct Page(String);

// Writing to a string cannot fail.
impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, series: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{series} {value}");
    }
}
