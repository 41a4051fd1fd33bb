//! From a capture's instants to samples, where no store keeps the streams' pasts.
//!
//! The pipeline does this for itself; features, predict and train need the samples and nothing more, and hold the
//! streams' states in memory.

use std::collections::HashMap;

use linkcast_domain::{PortFacts, Sample, StreamId};
use linkcast_telemetry::{Differ, Reading, Topology};

/// Every stream's past, as far as telling its next sample needs it.
#[derive(Debug, Default)]
pub(crate) struct SampleMaker {
    streams: HashMap<StreamId, (Differ, PortFacts)>,
}

impl SampleMaker {
    /// A maker that knows what `topology` says of ports.
    pub(crate) fn new(topology: &Topology) -> Self {
        let known = topology.ports().map(|(stream, facts)| (stream.clone(), (Differ::new(), facts.clone())));
        SampleMaker { streams: known.collect() }
    }

    /// Takes over what was said of a port.
    pub(crate) fn learn(&mut self, stream: &StreamId, facts: PortFacts) {
        match self.streams.get_mut(stream) {
            Some((_, known)) => known.update(facts),
            None => drop(self.streams.insert(stream.clone(), (Differ::new(), facts))),
        }
    }

    /// The sample that ends with `reading`, if there is one.
    pub(crate) fn sample(&mut self, reading: &Reading) -> Option<Sample> {
        if !self.streams.contains_key(&reading.stream) {
            self.streams.insert(reading.stream.clone(), Default::default());
        }
        let (differ, facts) = self.streams.get_mut(&reading.stream)?;
        if let Some(newer) = &reading.facts {
            facts.update((**newer).clone());
        }
        differ.difference(reading, facts).outcome.ok()
    }
}
