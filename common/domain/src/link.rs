//! What is known of a port beside its counters: names, the far end, rates and state.
//!
//! Speeds are DATA rates: SDR to QDR lose a fifth to 8b/10b coding, so a QDR port that sysfs calls 40 Gb/s carries 32.

use serde::{Deserialize, Serialize};

use crate::{NodeGuid, PortId};

/// A link's data rate, Gb/s; above zero and finite.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkRate(f64);

impl LinkRate {
    /// A rate of `gbps` Gb/s, or `None` if that is no rate.
    pub fn from_gbps(gbps: f64) -> Option<Self> {
        (gbps.is_finite() && gbps > 0.0).then_some(LinkRate(gbps))
    }

    /// Gb/s.
    pub fn gbps(self) -> f64 {
        self.0
    }
}

/// What kind of node a port belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// A host's channel adapter.
    ChannelAdapter,
    /// A switch.
    Switch,
    /// A router.
    Router,
}

/// A port's logical state, as far as a source told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortState {
    /// Carrying traffic.
    Active,
    /// No link: down, polling or disabled.
    Down,
    /// Training, initialising or armed.
    Training,
}

/// What is known of a port beside its counters. Every part may be unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PortFacts {
    /// The node's name: an attribute, not an identity.
    pub node_name: Option<String>,
    /// Switch, adapter or router.
    pub node_kind: Option<NodeKind>,
    /// The port's own GUID, which on an adapter differs from the node's.
    #[serde(with = "guid_text", default)]
    pub port_guid: Option<NodeGuid>,
    /// The port at the other end.
    #[serde(with = "port_text", default)]
    pub peer: Option<PortId>,
    /// The name of the node at the other end.
    pub peer_name: Option<String>,
    /// Data rate as trained.
    pub rate: Option<LinkRate>,
    /// Data rate both ends could train to.
    pub capable: Option<LinkRate>,
    /// Lanes in use: 1, 2, 4, 8 or 12.
    pub lanes: Option<u8>,
    /// Logical state.
    pub state: Option<PortState>,
}

impl PortFacts {
    /// Takes over whatever `newer` knows and keeps the rest.
    #[inline]
    pub fn update(&mut self, newer: PortFacts) {
        fn take<T>(old: &mut Option<T>, new: Option<T>) {
            if new.is_some() {
                *old = new;
            }
        }
        take(&mut self.node_name, newer.node_name);
        take(&mut self.node_kind, newer.node_kind);
        take(&mut self.port_guid, newer.port_guid);
        take(&mut self.peer, newer.peer);
        take(&mut self.peer_name, newer.peer_name);
        take(&mut self.rate, newer.rate);
        take(&mut self.capable, newer.capable);
        take(&mut self.lanes, newer.lanes);
        take(&mut self.state, newer.state);
    }

    /// Whether to take over what `newer` knows would change nothing.
    pub fn holds(&self, newer: &PortFacts) -> bool {
        fn same<T: PartialEq>(known: &Option<T>, told: &Option<T>) -> bool {
            told.is_none() || known == told
        }
        same(&self.node_name, &newer.node_name)
            && same(&self.node_kind, &newer.node_kind)
            && same(&self.port_guid, &newer.port_guid)
            && same(&self.peer, &newer.peer)
            && same(&self.peer_name, &newer.peer_name)
            && same(&self.rate, &newer.rate)
            && same(&self.capable, &newer.capable)
            && same(&self.lanes, &newer.lanes)
            && same(&self.state, &newer.state)
    }
}

mod guid_text {
    //! GUIDs as 16 hexadecimal digits: JSON numbers lose bits beyond 2^53.

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::NodeGuid;

    pub(super) fn serialize<S: Serializer>(
        guid: &Option<NodeGuid>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match guid {
            Some(guid) => serializer.collect_str(guid),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<NodeGuid>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
    }
}

mod port_text {
    //! Ports as `<16 hex digits>/<port>`.

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::{PortId, StreamId};

    pub(super) fn serialize<S: Serializer>(port: &Option<PortId>, serializer: S) -> Result<S::Ok, S::Error> {
        match port {
            Some(port) => serializer.collect_str(port),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PortId>, D::Error> {
        let stream = Option::<StreamId>::deserialize(deserializer)?;
        stream
            .map(|stream| {
                stream.port().ok_or_else(|| serde::de::Error::custom("expected <16 hex digits>/<port>"))
            })
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_survives_json_to_the_bit() {
        let peer = PortId { node: NodeGuid(0xffff_ffff_ffff_fffe), port: 3 };
        let facts = PortFacts { peer: Some(peer), port_guid: Some(peer.node), ..PortFacts::default() };
        let text = serde_json::to_string(&facts).unwrap();
        assert_eq!(serde_json::from_str::<PortFacts>(&text).unwrap(), facts);
    }

    #[test]
    fn what_is_newly_unknown_does_not_erase_what_was_known() {
        let mut facts = PortFacts { node_name: Some("leaf-r01".into()), ..PortFacts::default() };
        facts.update(PortFacts { state: Some(PortState::Active), ..PortFacts::default() });
        assert_eq!(facts.node_name.as_deref(), Some("leaf-r01"));
        assert_eq!(facts.state, Some(PortState::Active));
    }

    #[test]
    fn facts_hold_what_would_not_change_them() {
        let facts = PortFacts { lanes: Some(4), state: Some(PortState::Active), ..PortFacts::default() };
        let holds = |newer: PortFacts| facts.holds(&newer);
        assert!(holds(PortFacts::default()));
        assert!(holds(PortFacts { lanes: Some(4), ..PortFacts::default() }));
        assert!(!holds(PortFacts { lanes: Some(2), ..PortFacts::default() }));
        assert!(!holds(PortFacts { node_name: Some("leaf".into()), ..PortFacts::default() }));
    }
}
