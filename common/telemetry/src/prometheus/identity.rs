//! Whose series this is, from its labels.
//!
//! Four ways to say it are in use: `guid`/`port` (treydock), `local_guid`/`local_port` (guilbaults),
//! `node_guid`/`port_num` (UFM) and `device`/`port` on some host (node_exporter, which knows no GUID).

use linkcast_domain::{NodeGuid, NodeKind, PortFacts, PortId, StreamId};

use super::labels::{Label, Labels};
use crate::Origin;

/// A series' port and what its labels say of that port.
pub(crate) struct Identity {
    /// The port's series.
    pub(crate) stream: StreamId,
    /// What the labels say beside.
    pub(crate) facts: Option<Box<PortFacts>>,
}

/// Whose series this is; `None` if its labels name no port.
pub(crate) fn identify(labels: &Labels<'_>, origin: &Origin) -> Option<Identity> {
    if labels.get(Label::NodeGuid).is_some() {
        return ufm(labels);
    }
    if labels.get(Label::LocalGuid).is_some() {
        return guilbaults(labels, origin);
    }
    if labels.get(Label::Guid).is_some() {
        let port = printed_port(labels, Label::Guid, Label::Port, origin)?;
        return Some(Identity { stream: port.into(), facts: None });
    }
    device(labels, origin)
}

/// A label's GUID.
pub(crate) fn guid(labels: &Labels<'_>, label: Label) -> Option<NodeGuid> {
    labels.get(label)?.parse().ok()
}

fn port_number(labels: &Labels<'_>, label: Label) -> Option<u16> {
    labels.get(label)?.parse().ok()
}

/// A port by two labels; the topology knows whose an adapter's port GUID is.
pub(crate) fn printed_port(
    labels: &Labels<'_>,
    guid_label: Label,
    port_label: Label,
    origin: &Origin,
) -> Option<PortId> {
    let (printed, number) = (guid(labels, guid_label)?, port_number(labels, port_label)?);
    Some(match &origin.topology {
        Some(topology) => topology.port_of(printed, number),
        None => PortId { node: printed, port: number },
    })
}

fn ufm(labels: &Labels<'_>) -> Option<Identity> {
    let number = port_number(labels, Label::PortNum).or_else(|| port_number(labels, Label::Port))?;
    let port = PortId { node: guid(labels, Label::NodeGuid)?, port: number };
    let facts = guid(labels, Label::PortGuid)
        .map(|port_guid| Box::new(PortFacts { port_guid: Some(port_guid), ..PortFacts::default() }));
    Some(Identity { stream: port.into(), facts })
}

fn guilbaults(labels: &Labels<'_>, origin: &Origin) -> Option<Identity> {
    let port = printed_port(labels, Label::LocalGuid, Label::LocalPort, origin)?;
    let node_kind = match labels.get(Label::Component) {
        Some("switch") => Some(NodeKind::Switch),
        Some("ca") => Some(NodeKind::ChannelAdapter),
        _ => None,
    };
    let facts = PortFacts {
        node_name: labels.get(Label::LocalName).map(str::to_owned),
        node_kind,
        peer: printed_port(labels, Label::RemoteGuid, Label::RemotePort, origin),
        peer_name: labels.get(Label::RemoteName).map(str::to_owned),
        ..PortFacts::default()
    };
    Some(Identity { stream: port.into(), facts: Some(Box::new(facts)) })
}

/// `<host>/<device>/<port>`: the host is told from outside, or by the label a Prometheus server adds.
fn device(labels: &Labels<'_>, origin: &Origin) -> Option<Identity> {
    let (device, port) = (labels.get(Label::Device)?, labels.get(Label::Port)?);
    let instance = labels.get(Label::Instance);
    let host = instance.map(|text| text.rsplit_once(':').map_or(text, |(host, _)| host));
    let stream = match host.or(origin.host.as_deref()) {
        Some(host) => format!("{host}/{device}/{port}").parse().ok()?,
        None => format!("{device}/{port}").parse().ok()?,
    };
    Some(Identity { stream, facts: None })
}
