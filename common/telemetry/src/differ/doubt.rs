//! What the differ held back, or wonders about.

use crate::Counter;

use super::change::Changes;

/// Something not to be believed as read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Doubt {
    /// A counter fell while the port's others did not: its change is unknown.
    #[error("{} fell alone from {before} to {after}: its change is unknown", counter.name())]
    Glitch {
        /// Which.
        counter: Counter,
        /// The earlier value.
        before: u64,
        /// The later value.
        after: u64,
    },
    /// A counter rose by more than its link can carry: its change is unknown.
    #[error("{} rose by {change}, more than the link can carry: its change is unknown", counter.name())]
    BeyondLink {
        /// Which.
        counter: Counter,
        /// By how much.
        change: u64,
    },
    /// Packets are too small: the source seems to count 4-octet words where its format promises bytes.
    #[error("{bytes_per_packet:.1} bytes a packet: the source seems to count words, a quarter of the bytes")]
    LooksLikeWords {
        /// As counted.
        bytes_per_packet: f64,
    },
    /// Packets are too large: bytes seem to have been multiplied by four once too often.
    #[error("{bytes_per_packet:.1} bytes a packet: the source seems to count bytes, taken for words")]
    LooksLikeBytesTakenForWords {
        /// As counted.
        bytes_per_packet: f64,
    },
}

/// The smallest packet: a local route header, a base transport header and the checks.
const SMALLEST_PACKET: f64 = 24.0;
/// The largest InfiniBand packet: 4,096 bytes of payload and its headers.
const LARGEST_PACKET: f64 = 4_200.0;
/// The largest Ethernet frame in use.
const LARGEST_FRAME: f64 = 9_300.0;
/// Under so few packets a rounding says nothing.
const ENOUGH_PACKETS: u64 = 100;

/// A doubt if every direction's bytes a packet are impossible as counted and possible by a factor of four.
pub(super) fn packet_size(changes: &Changes, is_infiniband: bool) -> Option<Doubt> {
    let sizes = [(Counter::XmitBytes, Counter::XmitPackets), (Counter::RcvBytes, Counter::RcvPackets)];
    let mut doubt = None;
    for (bytes, packets) in sizes {
        let (Some(bytes), Some(packets)) = (changes.get(bytes), changes.get(packets)) else { continue };
        if packets < ENOUGH_PACKETS {
            continue;
        }
        let largest = if is_infiniband { LARGEST_PACKET } else { LARGEST_FRAME };
        let possible = SMALLEST_PACKET..=largest;
        let bytes_per_packet = bytes as f64 / packets as f64;
        doubt = Some(if possible.contains(&bytes_per_packet) {
            return None;
        } else if bytes_per_packet < SMALLEST_PACKET && possible.contains(&(bytes_per_packet * 4.0)) {
            Doubt::LooksLikeWords { bytes_per_packet }
        } else if possible.contains(&(bytes_per_packet / 4.0)) {
            Doubt::LooksLikeBytesTakenForWords { bytes_per_packet }
        } else {
            return None;
        });
    }
    doubt
}
