//! The counters' names in the PMA's own words, as diagnostics, UFM and exporters spell them.
//!
//! One table for all text sources: what is here lands in a known counter, what is not passes through by its name.

use crate::Counter;

/// A counter by its canonical name, in any case, without UFM's `Extended`; old and short spellings too.
pub(crate) fn counter_by_name(name: &str) -> Option<Counter> {
    let name = name.strip_suffix("Extended").unwrap_or(name);
    let known = Counter::ALL.iter().find(|counter| counter.name().eq_ignore_ascii_case(name));
    known.copied().or_else(|| alias(name))
}

/// Other spellings of known counters: older diagnostics and UFM's secondary telemetry.
fn alias(name: &str) -> Option<Counter> {
    Some(match name {
        "Symbol_Errors" | "SymbolErrors" => Counter::SymbolErrors,
        "Link_Down_IB" | "LinkDowned" => Counter::LinkDowned,
        "LinkRecovers" | "LinkErrorRecovery" => Counter::LinkErrorRecoveries,
        "XmtData" => Counter::XmitBytes,
        "RcvData" => Counter::RcvBytes,
        "XmtPkts" => Counter::XmitPackets,
        "RcvPkts" => Counter::RcvPackets,
        "RcvErrors" => Counter::RcvErrors,
        "RcvRemotePhysErrors" => Counter::RcvRemotePhysicalErrors,
        "RcvSwRelayErrors" => Counter::RcvSwitchRelayErrors,
        "XmtDiscards" => Counter::XmitDiscards,
        "XmtConstraintErrors" => Counter::XmitConstraintErrors,
        "RcvConstraintErrors" => Counter::RcvConstraintErrors,
        "LinkIntegrityErrors" => Counter::LocalLinkIntegrityErrors,
        "ExcBufOverrunErrors" => Counter::BufferOverruns,
        "XmtWait" => Counter::XmitWait,
        _ => return None,
    })
}

/// Whether a counter counts data, which the PMA counts in 4-octet words.
pub(crate) fn is_data(counter: Counter) -> bool {
    matches!(counter, Counter::XmitBytes | Counter::RcvBytes)
}

/// Bits of a counter in the basic PortCounters attribute, where it clamps; `None` for host counters.
pub(crate) fn basic_bits(counter: Counter) -> Option<u8> {
    Some(match counter {
        Counter::XmitBytes
        | Counter::RcvBytes
        | Counter::XmitPackets
        | Counter::RcvPackets
        | Counter::XmitWait => 32,
        Counter::SymbolErrors
        | Counter::RcvErrors
        | Counter::RcvRemotePhysicalErrors
        | Counter::RcvSwitchRelayErrors
        | Counter::XmitDiscards
        | Counter::Vl15Dropped => 16,
        Counter::LinkErrorRecoveries
        | Counter::LinkDowned
        | Counter::XmitConstraintErrors
        | Counter::RcvConstraintErrors => 8,
        Counter::LocalLinkIntegrityErrors | Counter::BufferOverruns => 4,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ufm_and_guilbaults_spellings_lead_to_the_same_counter() {
        assert_eq!(counter_by_name("PortXmitDataExtended"), Some(Counter::XmitBytes));
        assert_eq!(counter_by_name("portxmitdata"), Some(Counter::XmitBytes));
        assert_eq!(counter_by_name("PortMulticastRcvPkts"), None);
    }
}
