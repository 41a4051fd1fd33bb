//! Details printed under each other's names.
//!
//! In `ibqueryerrors --details` the field ranges of two replies are exchanged: after `PortXmitDiscards` come the discard
//! details under the names of the receive-error details, and the reverse. So what stands BESIDE a detail decides.

/// Discard details and the receive-error details at the same offsets.
const PAIRS: [(&str, &str); 4] = [
    ("PortInactiveDiscards", "PortLocalPhysicalErrors"),
    ("PortNeighborMTUDiscards", "PortMalformedPktErrors"),
    ("PortSwLifetimeLimitDiscards", "PortBufferOverrunErrors"),
    ("PortSwHOQLifetimeLimitDiscards", "PortDLIDMappingErrors"),
];

/// Remembers which counter the details of a line follow.
#[derive(Default)]
pub(super) struct Neighbours {
    parent: Parent,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Parent {
    #[default]
    Neither,
    RcvErrors,
    XmitDiscards,
}

impl Neighbours {
    /// The right name of a detail that stands under the other's, or `None` where the printed name is right.
    pub(super) fn rename(&mut self, name: &str) -> Option<&'static str> {
        let discard = PAIRS.iter().find(|(discard, _)| *discard == name);
        let receive = PAIRS.iter().find(|(_, receive)| *receive == name);
        match (discard, receive) {
            (Some((_, right)), _) => (self.parent == Parent::RcvErrors).then_some(*right),
            (_, Some((right, _))) => (self.parent == Parent::XmitDiscards).then_some(*right),
            (None, None) => {
                self.parent = match name {
                    "PortRcvErrors" => Parent::RcvErrors,
                    "PortXmitDiscards" => Parent::XmitDiscards,
                    "PortVLMappingErrors" | "PortLoopingErrors" => self.parent,
                    _ => Parent::Neither,
                };
                None
            }
        }
    }
}
