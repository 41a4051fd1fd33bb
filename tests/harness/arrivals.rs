//! Arrivals in trouble, as the handlers' tests hand them to prepare.

use linkcast_domain::ports::ArrivalRecord;
use linkcast_domain::{NodeGuid, PortId, Sample, SampleField, SampleValues, StreamId, Timestamp};

/// The stream of a number: port 1 of the node with that GUID.
pub fn numbered_stream(number: u64) -> StreamId {
    PortId { node: NodeGuid(number), port: 1 }.into()
}

/// A minute after an instant in 2023.
pub fn at_minute(minute: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + minute * 60_000)
}

/// The arrival at `minute`, behind the one a minute before, on a link that loses packets, so that it asks.
pub fn troubled_arrival(number: u64, minute: i64) -> ArrivalRecord {
    let values = SampleValues::default()
        .with(SampleField::RcvPackets, 1e6)
        .with(SampleField::RcvErrors, 5e4)
        .with(SampleField::IntervalS, 60.0);
    let (stream, time) = (numbered_stream(number), at_minute(minute));
    let sample = Sample { stream: stream.clone(), time, values, other: Vec::new() };
    ArrivalRecord {
        stream,
        time,
        before: (minute > 0).then(|| at_minute(minute - 1)),
        source: 7,
        told_active: true,
        sample: Some(Box::new(sample)),
    }
}
