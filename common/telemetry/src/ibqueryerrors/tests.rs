//! Each trap of ibqueryerrors' output, one test a trap.

use std::sync::Arc;

use super::*;
use crate::{Counter, Topology};

const RUN: &str = r#"Errors for "gpu04 mlx5_0"
   GUID 0x100007 port 1: [PortRcvRemotePhysicalErrors == 7] [VL15Dropped == 14] [PortXmitData == 178791657179395 (650.440TB)] [PortUnicastXmitPkts == 387471005571 (360.861G)]
       Link info:      8   1[  ] ==( 4X           2.5 Gbps Active/  LinkUp)==>  0x0000000000200001      3    1[  ] "leaf-r02" (Could be 12X Could be 10.0 Gbps)
Errors for 0x200000 "leaf-r01"
   GUID 0x200000 port ALL: [SymbolErrorCounter == 65535] [PortXmitDiscards == 255]
   GUID 0x200000 port 35: [PortXmitDiscards == 649] [PortXmitWait == 4294967295]
       Link info:      2  35[  ] ==(                Down/ Polling)==>             [  ] "" ( )

## Summary: 10 nodes checked, 3 bad nodes found
##          150 ports checked, 4 ports have errors beyond threshold
## (null)
## Suppressed:
"#;

fn read(text: &str) -> Parsed {
    read_from(text, &Origin::named("test"))
}

fn read_from(text: &str, origin: &Origin) -> Parsed {
    let parsed = parse(text.as_bytes(), origin);
    assert!(parsed.account.adds_up());
    assert_eq!(parsed.account.lines, text.lines().count() as u64);
    parsed
}

#[test]
fn the_raw_number_counts_and_the_rounded_suffix_does_not() {
    let parsed = read(RUN);
    let counters = &parsed.readings[0].counters;
    assert_eq!(counters.get(Counter::XmitBytes), Some(178_791_657_179_395 * 4));
    assert_eq!(counters.get(Counter::Vl15Dropped), Some(14));
    assert_eq!(counters.get(Counter::SymbolErrors), None, "not printed is not zero");
    assert_eq!(parsed.readings[0].other, [("PortUnicastXmitPkts".into(), 387_471_005_571)]);
}

#[test]
fn the_sum_over_all_ports_is_dropped() {
    let parsed = read(RUN);
    assert_eq!(parsed.readings.len(), 2);
    assert!(parsed.notices.iter().any(|notice| notice.kind == NoticeKind::AggregateDropped));
    assert_eq!(parsed.readings[1].stream.as_str(), "0000000000200000/35");
}

#[test]
fn link_info_gives_peer_rate_capability_and_state() {
    let parsed = read(RUN);
    let facts = &parsed.ports[1].1;
    assert_eq!(facts.peer, Some(PortId { node: NodeGuid(0x20_0001), port: 1 }));
    assert_eq!((facts.rate.unwrap().gbps(), facts.capable.unwrap().gbps()), (8.0, 96.0));
    assert_eq!(parsed.ports[3].1.state, Some(linkcast_domain::PortState::Down));
}

#[test]
fn an_adapters_port_guid_is_kept_apart_from_its_nodes() {
    assert_eq!(read(RUN).readings[0].stream.as_str(), "0000000000100007/1");
    assert_eq!(read(RUN).ports[0].1.port_guid, Some(NodeGuid(0x10_0007)));
    let mut topology = Topology::default();
    let port = PortId { node: NodeGuid(0x10_0006), port: 1 };
    let facts = PortFacts { port_guid: Some(NodeGuid(0x10_0007)), ..PortFacts::default() };
    topology.absorb(&Parsed { ports: vec![(port.into(), facts)], ..Parsed::default() });
    let origin = Origin { topology: Some(Arc::new(topology)), ..Origin::named("test") };
    assert_eq!(read_from(RUN, &origin).readings[0].stream.as_str(), "0000000000100006/1");
}

#[test]
fn details_under_each_others_names_are_put_right_by_their_neighbour() {
    let parsed = read(
        "Errors for 0x1 \"s\"\n GUID 0x1 port 1: [PortRcvErrors == 3] [PortInactiveDiscards == 3] \
         [PortXmitDiscards == 8] [PortLocalPhysicalErrors == 8] [PortXmitWait == 1]\n## Summary: 1 nodes checked\n",
    );
    assert_eq!(
        parsed.readings[0].other,
        [("PortInactiveDiscards".into(), 8), ("PortLocalPhysicalErrors".into(), 3)]
    );
    assert!(parsed.notices.iter().any(|notice| notice.kind == NoticeKind::SwappedDetails));
    let right = read(
        "Errors for 0x1 \"s\"\n GUID 0x1 port 1: [PortXmitDiscards == 8] [PortInactiveDiscards == 8]\n## Summary: 1\n",
    );
    assert_eq!(right.readings[0].other, [("PortInactiveDiscards".into(), 8)]);
}

#[test]
fn nothing_with_exit_code_zero_is_a_failed_scrape_and_a_clean_fabric_is_not() {
    assert!(read("").is_failed_scrape());
    assert!(!read("\n## Summary: 10 nodes checked, 0 bad nodes found\n").is_failed_scrape());
    let failed = read("## Summary: 9 nodes checked, 0 bad nodes found\n## 3 PMA query failures\n");
    assert!(failed.notices.iter().any(|notice| notice.kind == NoticeKind::PartialScrape));
}

#[test]
fn one_bad_counter_costs_no_other() {
    let parsed =
        read("Errors for 0x1 \"s\"\n GUID 0x1 port 1: [A == x] [LinkDownedCounter == 2]\n## Summary: 1\n");
    assert_eq!(parsed.readings[0].counters.get(Counter::LinkDowned), Some(2));
    assert_eq!(parsed.rejects.total(), 1);
}

#[test]
fn counters_of_a_healthy_node_are_read_by_node_guid() {
    let parsed = read(
        "Data Counters for 0x10000a \"gpu06 mlx5_0\"\n   GUID 0x10000a port 1: [PortXmitData == 22608 (88.312KB)]\n## Summary: 1\n",
    );
    assert_eq!(parsed.readings[0].stream.as_str(), "000000000010000a/1");
    assert_eq!(parsed.readings[0].counters.get(Counter::XmitBytes), Some(90_432));
}
