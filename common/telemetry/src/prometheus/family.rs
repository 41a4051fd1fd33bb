//! What to do with the samples of one metric family: decided once by its name, then done for each line.
//!
//! The text parser and remote write share this, so that a counter means the same by either way.

use linkcast_domain::CounterName;

use super::names::{self, Target};
use crate::Range;
use crate::counter_names::{basic_bits, counter_by_name, is_data};

/// In what a data counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataUnit {
    /// Bytes.
    Bytes,
    /// 4-octet words.
    Words,
    /// Words by proof of the numbers though the manual says bytes: settled by bytes per packet at the end.
    WordsUnlessImplausible,
}

/// What a sample of a family is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Nothing wanted.
    Ignore,
    /// A known counter.
    Counter(crate::Counter, Range),
    /// A known counter of data.
    Data(crate::Counter, DataUnit, Range),
    /// A counter under its own name.
    Other(CounterName),
    /// A measured value under its own name.
    Gauge(CounterName),
    /// The link's rate, bytes a second.
    Rate(RateOf),
    /// Signalling rate of a lane, Gb/s.
    LaneSpeed,
    /// Number of lanes.
    LaneCount,
    /// Logical state: 1 down, 2 and 3 training, 4 active.
    StateId,
    /// 1 up, 0 down.
    Up,
    /// Labels that name a node and perhaps its LID.
    NodeInfo,
    /// Labels that name both ends of a link.
    UplinkInfo,
    /// Nodes the exporter could not read.
    NodesFailed,
    /// 1 if the scrape went well.
    ScrapeSucceeded,
}

/// Who states a rate and so how it is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RateOf {
    /// A data rate, but 250 Gb/s a lane for XDR: treydock and its kin.
    Exporter,
    /// sysfs's nominal rate, which for QDR and slower is the signalling rate.
    Sysfs,
}

/// What `# TYPE` said of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricType {
    /// It only grows.
    Counter,
    /// It is measured.
    Gauge,
    /// Nothing was said, or something else.
    Unstated,
}

/// Decides what a family's samples are.
pub(crate) fn classify(name: &str, stated: MetricType) -> Action {
    if let Some(rest) = name.strip_prefix("node_infiniband_") {
        return node_exporter(name, rest, stated);
    }
    if let Some(rest) = name.strip_prefix("infiniband_") {
        let port = rest.strip_prefix("switch_port_").or_else(|| rest.strip_prefix("hca_port_"));
        return match port {
            Some(port) => treydock_port(name, port, stated),
            None => fabric_wide(name, rest, stated),
        };
    }
    if name == "node_scrape_collector_success" {
        return Action::ScrapeSucceeded;
    }
    ufm(name, stated)
}

fn treydock_port(name: &str, port: &str, stated: MetricType) -> Action {
    match port {
        "rate_bytes_per_second" => Action::Rate(RateOf::Exporter),
        "raw_rate_bytes_per_second" => Action::Ignore,
        "state" => Action::Up,
        _ => match names::treydock(port) {
            Some(target) => aim(target, DataUnit::Bytes, Range::Clamps(64)),
            None => unknown(name, stated),
        },
    }
}

fn fabric_wide(name: &str, rest: &str, stated: MetricType) -> Action {
    match rest {
        "switch_info" | "hca_info" => Action::NodeInfo,
        "switch_uplink_info" | "hca_uplink_info" => Action::UplinkInfo,
        "hca_rate_bytes_per_second" => Action::Rate(RateOf::Exporter),
        "exporter_collect_errors"
        | "exporter_collect_timeouts"
        | "exporter_collect_errors_total"
        | "exporter_collect_timeouts_total" => Action::NodesFailed,
        "scrape_ok" => Action::ScrapeSucceeded,
        "speed" => Action::LaneSpeed,
        "width" => Action::LaneCount,
        _ if rest.starts_with("exporter_") || rest.starts_with("switch_") || rest.starts_with("hca_") => {
            Action::Ignore
        }
        _ => match rest.strip_suffix("_total").and_then(counter_by_name) {
            Some(counter) => aim(Target::Known(counter), DataUnit::Words, Range::Unstated),
            None => unknown(name, stated),
        },
    }
}

fn node_exporter(name: &str, rest: &str, stated: MetricType) -> Action {
    match rest {
        "rate_bytes_per_second" => Action::Rate(RateOf::Sysfs),
        "state_id" => Action::StateId,
        "info" | "physical_state_id" => Action::Ignore,
        _ => match names::node_exporter(rest) {
            Some(target) => aim(target, DataUnit::Bytes, Range::Unstated),
            None => unknown(name, stated),
        },
    }
}

fn ufm(name: &str, stated: MetricType) -> Action {
    match counter_by_name(name) {
        Some(counter) => aim(Target::Known(counter), DataUnit::WordsUnlessImplausible, Range::Clamps(64)),
        None => unknown(name, stated),
    }
}

/// Host counters wrap in hardware at 32 bits whatever carries them; PMA counters clamp as the source says.
fn aim(target: Target, data: DataUnit, range: Range) -> Action {
    const HARDWARE_COUNTER_BITS: u8 = 32;
    match target {
        Target::Known(counter) if is_data(counter) => Action::Data(counter, data, range),
        Target::Known(counter) if basic_bits(counter).is_none() => {
            Action::Counter(counter, Range::Wraps(HARDWARE_COUNTER_BITS))
        }
        Target::Known(counter) => Action::Counter(counter, range),
        Target::Named(name) => Action::Other(CounterName::own(name)),
    }
}

/// A family nobody told us of: kept under its own name if it belongs to a port.
fn unknown(name: &str, stated: MetricType) -> Action {
    if stated == MetricType::Counter || (stated == MetricType::Unstated && name.ends_with("_total")) {
        Action::Other(name.into())
    } else {
        Action::Gauge(name.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Counter;

    #[test]
    fn each_exporter_states_its_own_unit() {
        let check = |name: &str, expected: Action| assert_eq!(classify(name, MetricType::Counter), expected);
        check(
            "infiniband_switch_port_transmit_data_bytes_total",
            Action::Data(Counter::XmitBytes, DataUnit::Bytes, Range::Clamps(64)),
        );
        check(
            "infiniband_portrcvdata_total",
            Action::Data(Counter::RcvBytes, DataUnit::Words, Range::Unstated),
        );
        check(
            "node_infiniband_port_data_received_bytes_total",
            Action::Data(Counter::RcvBytes, DataUnit::Bytes, Range::Unstated),
        );
        check(
            "PortXmitDataExtended",
            Action::Data(Counter::XmitBytes, DataUnit::WordsUnlessImplausible, Range::Clamps(64)),
        );
    }

    #[test]
    fn hardware_counters_wrap_where_pma_counters_clamp() {
        assert_eq!(
            classify("node_infiniband_local_ack_timeout_err_total", MetricType::Counter),
            Action::Counter(Counter::LocalAckTimeouts, Range::Wraps(32))
        );
    }

    #[test]
    fn a_counter_nobody_knows_passes_through_under_its_own_name() {
        assert_eq!(
            classify("node_infiniband_port_new_total", MetricType::Unstated),
            Action::Other("node_infiniband_port_new_total".into())
        );
    }
}
