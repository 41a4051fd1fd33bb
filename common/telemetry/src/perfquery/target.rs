//! What a field of a block means: it depends on which attribute the block prints.

use linkcast_domain::CounterName;

use crate::Counter;
use crate::counter_names::{basic_bits, counter_by_name, is_data};

/// Which attribute a block prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// PortCountersExtended: 64 bits.
    Extended,
    /// PortCounters: 32 bits and fewer.
    Basic,
    /// PortRcvErrorDetails, PortXmitDiscardDetails and the like.
    Details,
    /// A sum over ports, or something without counters.
    Dropped,
}

impl Block {
    pub(super) fn of_title(title: &str) -> Block {
        match title {
            "Port extended counters" => Block::Extended,
            "Port counters" => Block::Basic,
            _ if title.ends_with("counters") => Block::Details,
            _ => Block::Dropped,
        }
    }
}

/// Where a field's value goes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    /// Selectors and masks.
    Ignored,
    /// A data counter in words of this many bits.
    Data(Counter, u8),
    /// A counter of this many bits.
    Counter(Counter, u8),
    /// A counter under its own name.
    Other(CounterName),
}

pub(super) fn target(name: &str, block: Block) -> Target {
    if matches!(name, "PortSelect" | "CounterSelect" | "CounterSelect2") || block == Block::Dropped {
        return Target::Ignored;
    }
    let known = counter_by_name(name).filter(|_| block != Block::Details);
    let Some((counter, basic)) = known.and_then(|counter| Some((counter, basic_bits(counter)?))) else {
        return Target::Other(name.into());
    };
    let bits = if block == Block::Extended { 64 } else { basic };
    if is_data(counter) { Target::Data(counter, bits) } else { Target::Counter(counter, bits) }
}
