//! Each trap of perfquery's output, one test a trap.

use std::sync::Arc;

use super::*;
use crate::{Counter, Topology};

const EXTENDED: &str = "# Port extended counters: Lid 2052 port 1 (CapMask: 0x5300 CapMask2: 0x0000000)\n\
    PortSelect:......................1\nCounterSelect:...................0x0000\n\
    PortXmitData:....................178791657177235\nPortXmitPkts:....................393094651266\n\
    PortUnicastXmitPkts:.............387471005571\n";
const BASIC: &str = "# Port counters: Lid 2052 port 1 (CapMask: 0x1300)\nPortSelect:......................1\n\
    SymbolErrorCounter:..............65535\nLinkDownedCounter:...............3\n\
    PortXmitData:....................4294967295\nPortXmitWait:....................0\n";

fn read(text: &str, name: &str) -> Parsed {
    let parsed = parse(text.as_bytes(), &Origin::named(name));
    assert!(parsed.account.adds_up());
    assert_eq!(parsed.account.lines, text.lines().count() as u64);
    parsed
}

#[test]
fn an_extended_block_without_error_counters_leaves_them_absent() {
    let parsed = read(EXTENDED, "0x506b4b03005c2740.out");
    let reading = &parsed.readings[0];
    assert_eq!(reading.stream.as_str(), "506b4b03005c2740/1");
    assert_eq!(reading.counters.get(Counter::XmitBytes), Some(178_791_657_177_235 * 4));
    assert_eq!(reading.counters.get(Counter::SymbolErrors), None);
    assert_eq!(&*reading.other[0].0, "PortUnicastXmitPkts");
}

#[test]
fn a_name_means_what_its_header_says() {
    let parsed = read(&format!("\n{EXTENDED}{BASIC}"), "0x1.out");
    assert_eq!(parsed.readings.len(), 1);
    let counters = &parsed.readings[0].counters;
    assert_eq!(counters.get(Counter::XmitBytes), Some(178_791_657_177_235 * 4));
    assert_eq!(counters.range(Counter::XmitBytes), Range::Clamps(64));
    assert_eq!(counters.get(Counter::SymbolErrors), Some(65535));
    assert_eq!(counters.range(Counter::SymbolErrors), Range::Clamps(16));
    assert_eq!(counters.range(Counter::LinkDowned), Range::Clamps(8));
    let basic = read(BASIC, "0x1.out");
    let counters = &basic.readings[0].counters;
    assert_eq!(counters.get(Counter::XmitBytes), Some((1 << 34) - 1), "clamped stays recognisable");
    assert_eq!(counters.range(Counter::XmitBytes), Range::Clamps(34));
}

#[test]
fn the_sum_over_all_ports_is_dropped() {
    for port in ["255", "all", "ALL"] {
        let parsed = read(&EXTENDED.replace("port 1", &format!("port {port}")), "0x1.out");
        assert!(parsed.readings.is_empty());
        assert_eq!(parsed.notices[0].kind, NoticeKind::AggregateDropped);
    }
}

#[test]
fn a_failure_or_nothing_at_all_is_a_failed_scrape() {
    assert!(read("perfquery: iberror: failed: perfextquery\n", "a").is_failed_scrape());
    assert!(read("", "a").is_failed_scrape());
    assert!(!read(EXTENDED, "a").is_failed_scrape());
}

#[test]
fn identity_comes_from_the_command_then_the_name_then_the_topology_then_the_lid() {
    let stream = |origin: &Origin| parse(EXTENDED.as_bytes(), origin).readings[0].stream.to_string();
    let mut origin = Origin::named("capture.txt");
    assert_eq!(stream(&origin), "lid2052/1");
    let mut topology = Topology::default();
    topology.absorb(&Parsed { lids: vec![(2052, NodeGuid(0xb))], ..Parsed::default() });
    origin.topology = Some(Arc::new(topology));
    assert_eq!(stream(&origin), "000000000000000b/1");
    origin.name = "dir/0xc-1.out".into();
    assert_eq!(stream(&origin), "000000000000000c/1");
    origin.guid = Some(NodeGuid(0xd));
    assert_eq!(stream(&origin), "000000000000000d/1");
}

#[test]
fn a_second_lid_is_not_given_the_first_ones_guid() {
    let parsed = read(&format!("{EXTENDED}{}", EXTENDED.replace("2052", "7")), "0x1.out");
    assert_eq!(parsed.readings.len(), 2);
    assert!(parsed.readings.iter().any(|reading| reading.stream.as_str() == "lid7/1"));
}

#[test]
fn details_are_kept_under_their_own_names() {
    let parsed = read(
        "# PortRcvErrorDetails counters: Lid 1719 port 2\nPortSelect:......................2\n\
         PortLocalPhysicalErrors:.........4\n",
        "0x1-2.out",
    );
    assert_eq!(parsed.readings[0].other, [("PortLocalPhysicalErrors".into(), 4)]);
}

#[test]
fn one_bad_value_is_refused_with_its_line_and_field() {
    let parsed = read(&EXTENDED.replace("393094651266", "39309465126x"), "0x1.out");
    assert_eq!(parsed.readings[0].counters.get(Counter::XmitPackets), None);
    let reject = &parsed.rejects.kept()[0];
    assert_eq!((reject.line, reject.field.as_deref()), (5, Some("PortXmitPkts")));
}
