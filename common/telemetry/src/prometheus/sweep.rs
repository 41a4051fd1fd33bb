//! The readings being gathered from a stream of samples: one row a port and instant.
//!
//! Exporters print counter by counter, readings are port by port, so this is a transposition: its memory grows with
//! ports, never with lines. The text parser and remote write both fill it.

use linkcast_domain::{
    CounterName, LinkRate, NodeGuid, NodeKind, PortFacts, PortId, PortState, StreamId, Timestamp,
};

use super::family::{Action, DataUnit, RateOf};
use super::identity::{Identity, guid, identify, printed_port};
use super::labels::{Label, Labels};
use super::memory::Validity;
use super::number::Number;
use super::ports::{MOST_PORTS, PortIndex, PortNotes, Ports};
use super::units;
use crate::octets::words_to_bytes;
use crate::{Counters, Fate, LinkSpeed, NoticeKind, Origin, Parsed, Range, Reading};

/// The most readings held; ten times the largest fabric planned for.
const MOST_READINGS: usize = 2_000_000;

/// What a sample's value should have been.
pub(crate) type Expected = &'static str;

const A_COUNT: Expected = "a whole number from 0 to 2^64-1, or NaN";
const A_MEASURE: Expected = "a finite number, or NaN";
const A_GUID: Expected = "a guid label of up to 16 hexadecimal digits";
const ROOM: Expected = "no more ports than the bound";

/// Readings, facts and refusals in the making.
pub(crate) struct Sweep<'o> {
    /// Where the samples come from.
    pub(crate) origin: &'o Origin,
    /// Refusals, the account and notices.
    pub(crate) parsed: Parsed,
    ports: Ports,
    /// For each reading, the port's reading made before it.
    earlier: Vec<Option<u32>>,
    has_undecided_units: bool,
}

/// A port that labels name.
pub(super) struct Placed {
    pub(super) port: PortIndex,
    /// What the labels say beside.
    pub(super) facts: Option<Box<PortFacts>>,
    /// Whether the labels alone named it.
    pub(super) validity: Validity,
}

impl<'o> Sweep<'o> {
    pub(crate) fn new(origin: &'o Origin) -> Self {
        Sweep::with_ports(origin, Ports::default())
    }

    /// With ports that an earlier exposition named.
    pub(super) fn with_ports(origin: &'o Origin, ports: Ports) -> Self {
        let mut sweep = Sweep {
            origin,
            parsed: Parsed::default(),
            earlier: Vec::with_capacity(ports.readings),
            ports,
            has_undecided_units: false,
        };
        sweep.parsed.readings.reserve_exact(sweep.ports.readings);
        sweep
    }

    /// The place of a port, made if need be; `None` beyond the bound.
    pub(crate) fn port(&mut self, identity: Identity) -> Option<PortIndex> {
        let Some(index) = self.ports.name(identity.stream) else {
            self.refuse_ports();
            return None;
        };
        if let Some(facts) = identity.facts {
            self.learn(index, *facts);
        }
        Some(index)
    }

    /// As `port`, for one known from an earlier exposition.
    pub(super) fn port_again(&mut self, index: PortIndex, facts: Option<&PortFacts>) -> Result<(), Expected> {
        if !self.ports.name_again(index) {
            self.refuse_ports();
            return Err(ROOM);
        }
        if let Some(facts) = facts {
            self.learn(index, facts.clone());
        }
        Ok(())
    }

    fn refuse_ports(&mut self) {
        self.parsed.notice(NoticeKind::BoundReached, 0, || {
            format!("more than {MOST_PORTS} ports: the rest is refused")
        });
    }

    /// Does what a family's action says with one sample of a port.
    #[inline]
    pub(crate) fn apply(
        &mut self,
        action: &Action,
        port: PortIndex,
        number: Number,
        time: Option<Timestamp>,
    ) -> Result<Fate, Expected> {
        match (action, number) {
            (_, Number::Absent) => Ok(Fate::Ignored),
            (Action::Counter(counter, range), Number::Whole(value)) => {
                self.reading(port, time).ok_or(ROOM)?.counters.set(*counter, value, *range);
                Ok(Fate::Used)
            }
            (Action::Data(counter, unit, range), Number::Whole(value)) => {
                let (bytes, range) = self.bytes(value, *unit, *range);
                self.reading(port, time).ok_or(ROOM)?.counters.set(*counter, bytes, range);
                Ok(Fate::Used)
            }
            (Action::Other(name), Number::Whole(value)) => {
                let other = &mut self.reading(port, time).ok_or(ROOM)?.other;
                if other.is_empty() {
                    other.reserve_exact(8);
                }
                other.push((name.clone(), value));
                Ok(Fate::Used)
            }
            (Action::Counter(..) | Action::Data(..) | Action::Other(_), Number::Real(_)) => Err(A_COUNT),
            (Action::Gauge(name), number) if number.to_f64().is_finite() => {
                self.reading(port, time).ok_or(ROOM)?.gauges.push((name.clone(), number.to_f64()));
                Ok(Fate::Used)
            }
            (Action::Gauge(_), _) => Err(A_MEASURE),
            (action, number) => self.apply_fact(action, port, number.to_f64()),
        }
    }

    fn bytes(&mut self, value: u64, unit: DataUnit, range: Range) -> (u64, Range) {
        /// What a 32-bit word counter at its limit reads in bytes.
        const CLAMPED_BASIC_BYTES: u64 = 4 * (u32::MAX as u64);
        let is_clamped_basic = range == Range::Unstated
            && match unit {
                DataUnit::Bytes => value == CLAMPED_BASIC_BYTES,
                DataUnit::Words | DataUnit::WordsUnlessImplausible => value == u64::from(u32::MAX),
            };
        if is_clamped_basic {
            return words_to_bytes(u64::from(u32::MAX), 32);
        }
        match unit {
            DataUnit::Bytes => (value, Range::Clamps(64)),
            DataUnit::Words => words_to_bytes(value, 64),
            DataUnit::WordsUnlessImplausible => {
                self.has_undecided_units = true;
                words_to_bytes(value, 64)
            }
        }
    }

    fn apply_fact(&mut self, action: &Action, port: PortIndex, value: f64) -> Result<Fate, Expected> {
        let mut facts = PortFacts::default();
        match action {
            Action::Rate(rate_of) => {
                facts.rate = Some(rate(*rate_of, value).ok_or("a rate in bytes a second")?)
            }
            Action::LaneSpeed => {
                let speed = LinkSpeed::from_lane_signalling_gbps(value).ok_or("a lane's signalling rate")?;
                self.note(port, |notes| notes.lane_speed = Some(speed));
            }
            Action::LaneCount => {
                let lanes = value as u8;
                let is_width = crate::is_link_width(lanes) && f64::from(lanes) == value;
                facts.lanes = Some(is_width.then_some(lanes).ok_or("1, 2, 4, 8 or 12 lanes")?);
            }
            Action::StateId => facts.state = Some(state(value).ok_or("a port state from 1 to 5")?),
            Action::Up => {
                facts.state = Some(if value == 0.0 { PortState::Down } else { PortState::Active });
            }
            _ => return Ok(Fate::Ignored),
        }
        self.learn(port, facts);
        Ok(Fate::Used)
    }

    /// Takes over facts of a port.
    pub(crate) fn learn(&mut self, port: PortIndex, facts: PortFacts) {
        self.note(port, |notes| notes.facts.update(facts));
    }

    fn note(&mut self, port: PortIndex, note: impl FnOnce(&mut PortNotes)) {
        if let Some(row) = self.ports.row(port) {
            note(row.notes.get_or_insert_default());
        }
    }

    /// The reading of a port at an instant, made if need be; `None` beyond the bound.
    #[inline]
    fn reading(&mut self, port: PortIndex, time: Option<Timestamp>) -> Option<&mut Reading> {
        let time = time.or(self.origin.time);
        let row = self.ports.row(port)?;
        let mut at = row.latest;
        while let Some(index) = at {
            if self.parsed.readings.get(index as usize)?.time == time {
                return self.parsed.readings.get_mut(index as usize);
            }
            at = self.earlier.get(index as usize).copied().flatten();
        }
        if self.parsed.readings.len() >= MOST_READINGS {
            return None;
        }
        let index = u32::try_from(self.parsed.readings.len()).ok()?;
        self.earlier.push(row.latest.replace(index));
        self.parsed.readings.push(Reading {
            stream: row.stream.clone(),
            time,
            counters: Counters::default(),
            other: Vec::new(),
            gauges: Vec::new(),
            facts: None,
        });
        self.parsed.readings.last_mut()
    }

    /// Takes over the labels of an info series.
    pub(crate) fn apply_info(&mut self, action: &Action, labels: &Labels<'_>) -> Result<Fate, Expected> {
        if *action != Action::NodeInfo {
            return self.apply_link(labels).map(|_| Fate::Used);
        }
        let node = guid(labels, Label::Guid).ok_or(A_GUID)?;
        let (name, _) = name_and_kind(labels);
        self.parsed.names.extend(name.map(|name| (node, name.to_owned())));
        let lid = labels.get(Label::Lid).and_then(|lid| lid.parse().ok());
        self.parsed.lids.extend(lid.map(|lid| (lid, node)));
        Ok(Fate::Used)
    }

    /// Takes over the labels of a series that tells of a link's far end.
    pub(super) fn apply_link(&mut self, labels: &Labels<'_>) -> Result<Placed, Expected> {
        guid(labels, Label::Guid).ok_or(A_GUID)?;
        let port = printed_port(labels, Label::Guid, Label::Port, self.origin).ok_or("a port label")?;
        let (name, node_kind) = name_and_kind(labels);
        let facts = Some(Box::new(PortFacts {
            node_name: name.map(str::to_owned),
            node_kind,
            peer: printed_port(labels, Label::UplinkGuid, Label::UplinkPort, self.origin),
            peer_name: labels.get(Label::Uplink).map(str::to_owned),
            ..PortFacts::default()
        }));
        let port = self.port(Identity { stream: port.into(), facts: facts.clone() }).ok_or(ROOM)?;
        Ok(Placed { port, facts, validity: Validity::Lasting })
    }

    /// The port that an adapter's rate without a port number belongs to: the one seen, else the first.
    pub(crate) fn port_of_adapter(&mut self, node: NodeGuid) -> Option<PortIndex> {
        let stream = |port| StreamId::from(PortId { node, port });
        let seen = [1, 2].into_iter().find_map(|port| self.ports.named(&stream(port)));
        seen.or_else(|| self.port(Identity { stream: stream(1), facts: None }))
    }

    /// The port a series belongs to; else what becomes of its sample.
    pub(crate) fn port_of_labels(
        &mut self,
        action: &Action,
        labels: &Labels<'_>,
    ) -> Result<PortIndex, Result<Fate, Expected>> {
        self.place_labels(action, labels).map(|placed| placed.port)
    }

    /// As `port_of_labels`, with what the labels told.
    pub(super) fn place_labels(
        &mut self,
        action: &Action,
        labels: &Labels<'_>,
    ) -> Result<Placed, Result<Fate, Expected>> {
        // Planes of an XDR port repeat the identity of the aggregated port that sums them.
        if labels.get(Label::PortType) == Some("plane") {
            let line = self.parsed.account.lines + 1;
            self.parsed.notice(NoticeKind::AggregateDropped, line, || {
                "a plane of an XDR port, counted in its aggregate".into()
            });
            return Err(Ok(Fate::Ignored));
        }
        if let Some(identity) = identify(labels, self.origin) {
            let facts = identity.facts.clone();
            let port = self.port(identity).ok_or(Err(ROOM))?;
            return Ok(Placed { port, facts, validity: Validity::Lasting });
        }
        match (action, guid(labels, Label::Guid)) {
            (Action::Rate(_), Some(node)) => {
                let port = self.port_of_adapter(node).ok_or(Err(ROOM))?;
                Ok(Placed { port, facts: None, validity: Validity::ThisExposition })
            }
            // A family that is not known to be a port's, on labels that name no port: another exporter's metric.
            (Action::Other(_) | Action::Gauge(_), _) => Err(Ok(Fate::Ignored)),
            _ => Err(Err("labels that name a port: guid and port, device and port, or the like")),
        }
    }

    /// Takes note of what an exporter says of its own scrape.
    pub(crate) fn apply_health(&mut self, action: &Action, labels: &Labels<'_>, number: Number) -> Fate {
        let value = number.to_f64();
        let line = self.parsed.account.lines + 1;
        let collector = labels.get(Label::Collector).unwrap_or("infiniband");
        if *action == Action::NodesFailed && value > 0.0 {
            self.parsed.notice(NoticeKind::PartialScrape, line, || {
                format!("the exporter could not read {value} nodes ({collector}): their ports are not gone")
            });
        }
        if *action == Action::ScrapeSucceeded && value == 0.0 && collector == "infiniband" {
            self.parsed
                .notice(NoticeKind::FailedScrape, line, || "the exporter says that its scrape failed".into());
        }
        Fate::Used
    }

    /// What was gathered, put in order.
    pub(crate) fn finish(self) -> Parsed {
        self.finish_keeping().0
    }

    /// As `finish`, with the ports for the next exposition.
    pub(super) fn finish_keeping(mut self) -> (Parsed, Ports) {
        for reading in &mut self.parsed.readings {
            settle(&mut reading.other);
            settle(&mut reading.gauges);
        }
        units::check(&mut self.parsed, self.has_undecided_units);
        self.ports.readings = self.parsed.readings.len();
        self.parsed.ports.reserve_exact(self.ports.count());
        self.parsed.ports.extend(self.ports.take_notes().map(|(stream, notes)| {
            let PortNotes { mut facts, lane_speed } = notes;
            if let (None, Some(speed), Some(lanes)) = (facts.rate, lane_speed, facts.lanes) {
                facts.rate = speed.data_rate(lanes);
            }
            (stream, facts)
        }));
        (self.parsed, self.ports)
    }
}

/// A node's name, and what the label it stands under makes of the node.
fn name_and_kind<'l>(labels: &'l Labels<'_>) -> (Option<&'l str>, Option<NodeKind>) {
    match (labels.get(Label::Switch), labels.get(Label::Hca)) {
        (_, Some(name)) => (Some(name), Some(NodeKind::ChannelAdapter)),
        (Some(name), None) => (Some(name), Some(NodeKind::Switch)),
        (None, None) => (None, None),
    }
}

/// Orders values by name; of a repeated name the last stays, as it would on the wire.
fn settle<V>(values: &mut Vec<(CounterName, V)>) {
    values.reverse();
    values.sort_by(|(left, _), (right, _)| left.cmp(right));
    values.dedup_by(|later, kept| later.0 == kept.0);
}

fn rate(rate_of: RateOf, bytes_per_second: f64) -> Option<LinkRate> {
    let gbps = bytes_per_second * 8.0 / 1e9;
    match rate_of {
        RateOf::Exporter => crate::data_rate_of_exporter_gbps(gbps),
        RateOf::Sysfs => crate::data_rate_of_nominal_gbps(gbps),
    }
}

fn state(value: f64) -> Option<PortState> {
    match value {
        1.0 => Some(PortState::Down),
        2.0 | 3.0 | 5.0 => Some(PortState::Training),
        4.0 => Some(PortState::Active),
        _ => None,
    }
}
