//! What to do about a prediction: one row an action, most useful first within its prediction type.
//!
//! An action may be tied to the evidence that calls for it: packet loss with symbol errors asks for a cable, packet
//! loss with discards for a look at congestion. Actions whose evidence is among the insight's influencers come first,
//! in the influencers' order; then those that need none.
//!
//! Sources: NVIDIA, "InfiniBand Cluster Bring-up Procedure" and "Cable Management Guidelines" (reseat, clean, swap,
//! move the fault by swapping ends); rdma-core manual pages of ibdiagnet's and perfquery's peers (`ibqueryerrors`,
//! `iblinkinfo`, `mlxlink`); OpenSM's manual (head-of-queue lifetime limits, routing engines); NVIDIA, "RDMA-aware
//! Networks Programming" (retry count, timeout, RNR); UCX and OpenMPI FAQs (locked memory); DCQCN (Zhu and others,
//! SIGCOMM 2015) for ECN and PFC; UFM's PDR plugin (isolate on bit errors, return after a clean spell).

use linkcast_domain::PredictionType;
use linkcast_domain::PredictionType as Class;

use crate::wording::Evidence;
use crate::wording::Evidence as By;

/// How many are given.
const LIMIT: usize = 4;

/// One action for one prediction type.
struct Row(PredictionType, Option<Evidence>, &'static str);

/// The table, by prediction type.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row(Class::Normal, None, "nothing to do"),
    Row(Class::Normal, None, "keep collecting; the next sample is judged on its own"),

    Row(Class::PerformanceDegradation, Some(By::Speed), "reseat the cable at both ends and let the link train again: it runs slower or narrower than both ends can (compare with iblinkinfo)"),
    Row(Class::PerformanceDegradation, Some(By::Wire), "clean the connectors and, if errors stay, swap the cable: damaged bits cost retransmissions"),
    Row(Class::PerformanceDegradation, Some(By::Congestion), "look for the flows that fill this path and check that routing spreads them (adaptive routing on, no single hot uplink)"),
    Row(Class::PerformanceDegradation, Some(By::Latency), "measure latency from both ends (ib_send_lat) to tell this link from the hosts behind it"),
    Row(Class::PerformanceDegradation, None, "compare rate, width and FEC mode of both ends with mlxlink, and update the older firmware"),
    Row(Class::PerformanceDegradation, None, "check the host's PCIe link (lspci -vv: width and speed against capability) and its power and thermal limits"),

    Row(Class::AnomalyDetected, Some(By::Wire), "read the bit error rate and the transceiver's power and temperature (mlxlink -m) and compare with the neighbouring ports"),
    Row(Class::AnomalyDetected, Some(By::Load), "find out which job started or moved: a change of traffic without errors is rarely a fault"),
    Row(Class::AnomalyDetected, Some(By::Congestion), "look at the receiver at the end of this path first: waiting spreads backwards from it"),
    Row(Class::AnomalyDetected, Some(By::Context), "check whether another tool resets the counters, and stop it"),
    Row(Class::AnomalyDetected, None, "compare this port with the other ports of its role at the same time"),
    Row(Class::AnomalyDetected, None, "check the change log of switch, host and subnet manager around the first sample of this insight"),

    Row(Class::ResourceSaturation, Some(By::Receiver), "post more receive buffers or use a shared receive queue on the receiving host: it refuses messages for want of them"),
    Row(Class::ResourceSaturation, Some(By::Congestion), "spread the flows: check the routing engine, adaptive routing, and whether several jobs share this uplink"),
    Row(Class::ResourceSaturation, Some(By::Load), "move or reschedule one of the jobs that fill this link, or add a parallel link"),
    Row(Class::ResourceSaturation, None, "list the heaviest senders through this port and their service levels"),
    Row(Class::ResourceSaturation, None, "check the receiving host's PCIe width, NUMA placement and CPU load: a slow receiver fills the fabric behind it"),

    Row(Class::ConnectionInstability, Some(By::Wire), "replace the cable or transceiver before the link drops: bit errors rise ahead of it; move the cable to another port to tell cable from port"),
    Row(Class::ConnectionInstability, Some(By::LinkState), "drain the link (disable the port or raise its cost) until it has been up and clean for a while, then reseat both ends"),
    Row(Class::ConnectionInstability, Some(By::Speed), "reseat the cable: lanes are missing or the rate fell at the last training"),
    Row(Class::ConnectionInstability, None, "check the log of the peer: a host that reboots or reloads its driver looks the same from the switch"),
    Row(Class::ConnectionInstability, None, "read the transceiver's temperature and optical power at both ends (mlxlink -m)"),
    Row(Class::ConnectionInstability, None, "bring the firmware of switch, adapter and transceiver to one supported set"),

    Row(Class::PacketLossDetected, Some(By::Wire), "clean the connectors and swap the cable: packets arrive damaged, so the fault is on this wire or its transceivers"),
    Row(Class::PacketLossDetected, Some(By::Congestion), "look for congestion, not for a cable: packets are dropped before they are sent; check the head-of-queue lifetime limit and the slow receiver behind this port"),
    Row(Class::PacketLossDetected, Some(By::LinkState), "reseat both ends: packets queued while the link retrains are discarded"),
    Row(Class::PacketLossDetected, Some(By::Receiver), "post more receive buffers on the receiving host"),
    Row(Class::PacketLossDetected, None, "split the drops by cause (perfquery -E and -D): damaged, malformed, lifetime, inactive port"),
    Row(Class::PacketLossDetected, None, "on Ethernet, check that priority flow control is on for the RDMA priority at every hop and that its MTU agrees"),

    Row(Class::LatencySpike, Some(By::Congestion), "find the congested path: raise the weight of adaptive routing, and on Ethernet check ECN marking and PFC pauses"),
    Row(Class::LatencySpike, Some(By::Wire), "look at bit errors first: link-level retransmission shows as latency before it shows as loss"),
    Row(Class::LatencySpike, Some(By::Transport), "look for lost acknowledgements: one timeout costs more than any queue"),
    Row(Class::LatencySpike, Some(By::Load), "move latency-bound jobs to another service level than the bulk transfers"),
    Row(Class::LatencySpike, None, "measure hop by hop (ib_send_lat, ibtracert) to find where the time is spent"),
    Row(Class::LatencySpike, None, "check power-saving states, interrupts and NUMA placement on both hosts"),

    Row(Class::BandwidthThrottling, Some(By::Congestion), "check ECN thresholds and the reaction-point settings: senders slow down because they are told to"),
    Row(Class::BandwidthThrottling, Some(By::Speed), "reseat or replace the cable so that the link trains at full width and speed again"),
    Row(Class::BandwidthThrottling, Some(By::Wire), "swap the cable: heavy bit errors leave less room for data"),
    Row(Class::BandwidthThrottling, None, "check adapter temperature and PCIe power warnings in the host's log: adapters halve their speed to protect themselves"),
    Row(Class::BandwidthThrottling, None, "check rate limits and quality-of-service settings (service levels, virtual lane weights) on this path"),

    Row(Class::QpErrorRateHigh, Some(By::Transport), "check the path to the peer and raise timeout and retry count only if the path is sound"),
    Row(Class::QpErrorRateHigh, Some(By::Receiver), "post receives earlier, or raise the RNR retry count, on the receiving side"),
    Row(Class::QpErrorRateHigh, Some(By::Memory), "check registrations: access outside a region breaks its queue pair"),
    Row(Class::QpErrorRateHigh, Some(By::Wire), "swap the cable: retransmissions run out on a damaged wire"),
    Row(Class::QpErrorRateHigh, None, "read the host's hw_counters by name (req_cqe_error, remote_access_errors, packet_seq_err) to tell a program's fault from the fabric's"),
    Row(Class::QpErrorRateHigh, None, "look at the peer host: its crash or restart fails the queue pairs of all its partners"),

    Row(Class::MemoryRegistrationFailure, Some(By::Memory), "raise the locked-memory limit of the service or container (ulimit -l, LimitMEMLOCK) and count the keys in use against the adapter's limit"),
    Row(Class::MemoryRegistrationFailure, Some(By::QueuePair), "restart the job that leaks registrations: queue pairs fail with it"),
    Row(Class::MemoryRegistrationFailure, None, "look in the kernel log for mkey creation failures (create_mkey, reg_mr) and update driver and firmware if they name a status"),
    Row(Class::MemoryRegistrationFailure, None, "turn on the registration cache of the communication library, or bound it if it never gives back"),

    Row(Class::RdmaTimeout, Some(By::Wire), "swap the cable: acknowledgements are lost on a damaged wire"),
    Row(Class::RdmaTimeout, Some(By::Congestion), "relieve the path: acknowledgements wait behind data; check the slow receiver and the routes it is reached by"),
    Row(Class::RdmaTimeout, Some(By::LinkState), "reseat the link that drops: its peers time out while it retrains"),
    Row(Class::RdmaTimeout, Some(By::Transport), "find the peer that does not answer (its port state, its load, its log) before changing timeouts here"),
    Row(Class::RdmaTimeout, None, "check that every hop agrees on MTU, partition and service level, and that both directions are routed"),
    Row(Class::RdmaTimeout, None, "raise the local acknowledgement timeout only when the path is known to be sound and long"),
];

/// What to do, most useful first, when these kinds of evidence moved the score, strongest first.
pub(crate) fn recommend(class: PredictionType, evidence: &[Evidence]) -> Vec<String> {
    let of_class = || ROWS.iter().filter(move |row| row.0 == class);
    let called_for = evidence.iter().flat_map(|kind| of_class().filter(move |row| row.1 == Some(*kind)));
    let always = of_class().filter(|row| row.1.is_none());
    let mut chosen: Vec<String> = Vec::with_capacity(LIMIT);
    for row in called_for.chain(always) {
        if chosen.len() < LIMIT && !chosen.iter().any(|text| text == row.2) {
            chosen.push(row.2.to_owned());
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_at_least_two_recommendations_without_any_evidence() {
        for class in PredictionType::ALL {
            assert!(recommend(class, &[]).len() >= 2, "{class}");
        }
    }

    #[test]
    fn packet_loss_asks_for_a_cable_or_for_a_look_at_congestion_by_its_evidence() {
        let cable = recommend(Class::PacketLossDetected, &[Evidence::Wire, Evidence::Congestion]);
        assert!(cable[0].contains("cable") && cable[1].contains("congestion"));
        let congestion = recommend(Class::PacketLossDetected, &[Evidence::Congestion]);
        assert!(congestion[0].contains("look for congestion"));
        assert!(!congestion.iter().any(|text| text.contains("swap the cable")));
    }

    #[test]
    fn evidence_named_twice_recommends_once_and_the_list_is_short() {
        let all = recommend(Class::RdmaTimeout, &[Evidence::Wire, Evidence::Wire, Evidence::Transport]);
        assert_eq!(all.len(), LIMIT);
        assert_eq!(all.iter().filter(|text| text.contains("swap the cable")).count(), 1);
    }

    #[test]
    fn no_text_stands_twice_and_rows_keep_their_types_together() {
        for (position, row) in ROWS.iter().enumerate() {
            assert!(!ROWS[position + 1..].iter().any(|later| later.2 == row.2), "{}", row.2);
        }
        assert!(ROWS.is_sorted_by_key(|row| row.0));
    }
}
