//! Which trace each stream's work belongs to, and how it is handed on through the table and the bus.
//!
//! Neither the table nor its stream hands a trace on, so an item carries it in an attribute of its own. Only a trace that is recorded is
//! carried: the others would be paid for with every item and be of use to nobody.

use std::collections::HashMap;

use linkcast_domain::StreamId;
use linkcast_lambda::{Sampling, TraceContext};

use crate::StreamRecord;
use crate::item::{PK, TRACE};

/// The traces of one invocation.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    own: Option<TraceContext>,
    by_stream: HashMap<StreamId, TraceContext>,
}

impl Traces {
    /// Those of an invocation that no record led to.
    pub fn of_invocation(own: Option<TraceContext>) -> Self {
        Traces { own, by_stream: HashMap::new() }
    }

    /// Those that a table's records carry; a stream whose record carries none belongs to the invocation's own. A trace that cannot
    /// be read is dropped: it is never worth a record.
    pub fn of_records<'a>(own: Option<TraceContext>, records: impl IntoIterator<Item = &'a str>) -> Self {
        let name = format!("\"{TRACE}\"");
        let carried = |record: &str| {
            // Most records carry none, and are not read here.
            if !record.contains(&name) {
                return None;
            }
            let image = serde_json::from_str::<StreamRecord>(record).ok()?.dynamodb.new_image?;
            let text = |name: &str| image.get(name)?.text.as_deref();
            let stream = text(PK)?.strip_prefix("stream#")?.parse().ok()?;
            Some((stream, text(TRACE)?.parse().ok()?))
        };
        Traces { own, by_stream: records.into_iter().filter_map(carried).collect() }
    }

    /// The recorded trace that work on a stream belongs to.
    pub(crate) fn of(&self, stream: &StreamId) -> Option<TraceContext> {
        let trace = self.by_stream.get(stream).copied().or(self.own);
        trace.filter(|trace| trace.sampling() == Sampling::Recorded)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RECORDED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn trace(header: &str) -> TraceContext {
        header.parse().unwrap()
    }

    #[test]
    fn a_record_hands_its_trace_on_and_others_belong_to_the_invocation() {
        let own = trace("00-11111111111111111111111111111111-2222222222222222-01");
        let record = json!({"dynamodb": {"NewImage": {
            "pk": {"S": "stream#0000000000000001/1"}, "x": {"S": RECORDED}
        }}});
        let damaged = json!({"dynamodb": {"NewImage": {
            "pk": {"S": "stream#0000000000000002/1"}, "x": {"S": "no trace"}
        }}});
        let records = [record, damaged].map(|record| record.to_string());
        let traces = Traces::of_records(Some(own), records.iter().map(String::as_str));
        assert_eq!(traces.of(&"0000000000000001/1".parse().unwrap()), Some(trace(RECORDED)));
        assert_eq!(traces.of(&"0000000000000002/1".parse().unwrap()), Some(own));
    }

    #[test]
    fn a_trace_that_is_not_recorded_is_not_carried() {
        let dropped = trace("00-11111111111111111111111111111111-2222222222222222-00");
        let traces = Traces::of_invocation(Some(dropped));
        assert_eq!(traces.of(&"0000000000000001/1".parse().unwrap()), None);
    }
}
