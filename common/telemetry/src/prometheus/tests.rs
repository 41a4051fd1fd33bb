//! Each trap of the exporters' texts, one test a trap.

use super::*;
use crate::{Counter, Range, Reading};
use linkcast_domain::{NodeGuid, NodeKind, PortState};

fn read(text: &str) -> Parsed {
    let parsed = parse(text.as_bytes(), &Origin::named("test.prom"));
    assert!(parsed.account.adds_up());
    assert_eq!(parsed.account.lines, text.lines().count() as u64);
    parsed
}

fn only_reading(parsed: &Parsed) -> &Reading {
    assert_eq!(parsed.readings.len(), 1, "{:?}", parsed.rejects);
    &parsed.readings[0]
}

#[test]
fn treydock_counts_bytes_and_its_series_meet_in_one_reading() {
    let parsed = read(
        "# TYPE infiniband_switch_port_transmit_data_bytes_total counter\n\
         infiniband_switch_port_transmit_data_bytes_total{guid=\"0x200000\",port=\"1\"} 7.1516662870894e+14\n\
         infiniband_switch_port_transmit_data_bytes_total{guid=\"0x200000\",port=\"2\"} 5\n\
         infiniband_switch_port_symbol_error_total{guid=\"0x200000\",port=\"1\"} 3\n\
         infiniband_switch_port_symbol_error_total{guid=\"0x200000\",port=\"2\"} NaN\n\
         infiniband_switch_port_unicast_receive_packets_total{guid=\"0x200000\",port=\"1\"} 9\n",
    );
    assert_eq!(parsed.readings.len(), 2);
    let first = &parsed.readings[0];
    assert_eq!(first.stream.as_str(), "0000000000200000/1");
    assert_eq!(first.counters.get(Counter::XmitBytes), Some(715_166_628_708_940));
    assert_eq!(first.counters.get(Counter::SymbolErrors), Some(3));
    assert_eq!(first.counters.range(Counter::SymbolErrors), Range::Clamps(64));
    assert_eq!(&*first.other[0].0, "PortUnicastRcvPkts");
    assert_eq!(parsed.readings[1].counters.get(Counter::SymbolErrors), None);
    assert_eq!((parsed.account.used, parsed.account.ignored), (4, 2));
}

#[test]
fn guilbaults_counts_words_and_its_placeholder_line_is_refused_alone() {
    let labels = r#"component="switch",local_guid="0x506b4b03005d3101",local_name="switch1",local_port="2",remote_guid="0x506b4b0300e5e461",remote_name="node1 mlx5_0",remote_port="1""#;
    let parsed = read(&format!(
        "infiniband_linkdownedcounter_total{{{labels}}} 1.0\n[...]\n\
         infiniband_portrcvdata_total{{{labels}}} 5.149057134655e+012\n"
    ));
    let reading = only_reading(&parsed);
    assert_eq!(reading.counters.get(Counter::RcvBytes), Some(5_149_057_134_655 * 4));
    assert_eq!(reading.counters.get(Counter::LinkDowned), Some(1));
    assert_eq!(parsed.rejects.total(), 1);
    assert_eq!(parsed.rejects.kept()[0].line, 2);
    let (_, facts) = &parsed.ports[0];
    assert_eq!(facts.peer_name.as_deref(), Some("node1 mlx5_0"));
    assert_eq!(facts.node_kind, Some(NodeKind::Switch));
    assert_eq!(facts.peer.unwrap().node, NodeGuid(0x506b_4b03_00e5_e461));
}

#[test]
fn node_exporter_names_host_device_and_port_and_a_clamped_counter_stays_recognisable() {
    let origin = Origin { host: Some("gpu01".into()), ..Origin::named("node.prom") };
    let text = b"node_infiniband_port_transmit_wait_total{device=\"mlx4_0\",port=\"1\"} 4.294967295e+09\n\
        node_infiniband_port_data_received_bytes_total{device=\"mlx4_0\",port=\"1\"} 1.717986918e+10\n\
        node_infiniband_rate_bytes_per_second{device=\"mlx4_0\",port=\"1\"} 5e+09\n\
        node_infiniband_state_id{device=\"mlx4_0\",port=\"1\"} 4\n\
        node_infiniband_state_id{device=\"i40iw0\",port=\"1\"} 1\n\
        node_infiniband_legacy_packets_received_total{device=\"mlx4_0\",port=\"1\"} 0\n\
        go_gc_duration_seconds{quantile=\"0\"} 0.1\n";
    let parsed = parse(text, &origin);
    let reading = only_reading(&parsed);
    assert_eq!(reading.stream.as_str(), "gpu01/mlx4_0/1");
    assert_eq!(reading.counters.get(Counter::XmitWait), Some(4_294_967_295));
    assert_eq!(reading.counters.range(Counter::XmitWait), Range::Unstated);
    assert_eq!(reading.counters.get(Counter::RcvBytes), Some((1 << 34) - 1));
    assert_eq!(reading.counters.range(Counter::RcvBytes), Range::Clamps(34));
    assert_eq!(reading.other[0].1, 0);
    assert_eq!(parsed.ports[0].1.rate.unwrap().gbps(), 32.0, "40 Gb/s of QDR carry 32");
    assert_eq!(parsed.ports[0].1.state, Some(PortState::Active));
    assert_eq!(parsed.ports[1].1.state, Some(PortState::Down));
    assert_eq!(parsed.account.ignored, 1, "another exporter's metric");
}

#[test]
fn ufm_words_become_bytes_and_its_trailing_time_is_read() {
    let labels = r#"source="0x0000000000200000", node_guid="200000", port_guid="200001", port_num="2""#;
    let parsed = read(&format!(
        "PortXmitDataExtended{{{labels}}} 85554128244 1628683905941\n\
         PortXmitPktsExtended{{{labels}}} 1188251785 1628683905941\n"
    ));
    let reading = only_reading(&parsed);
    assert_eq!(reading.stream.as_str(), "0000000000200000/2");
    assert_eq!(reading.time, Some(Timestamp::from_millis(1_628_683_905_941)));
    assert_eq!(reading.counters.get(Counter::XmitBytes), Some(85_554_128_244 * 4));
    assert_eq!(parsed.ports[0].1.port_guid, Some(NodeGuid(0x20_0001)));
    assert!(parsed.notices.is_empty());
}

#[test]
fn ufm_data_that_cannot_be_words_is_taken_as_bytes_and_said() {
    let labels = r#"node_guid="200000",port_guid="200000",port_num="2""#;
    let parsed = read(&format!(
        "PortXmitDataExtended{{{labels}}} 4100000000 1\nPortXmitPktsExtended{{{labels}}} 1000000 1\n"
    ));
    assert_eq!(only_reading(&parsed).counters.get(Counter::XmitBytes), Some(4_100_000_000));
    assert_eq!(parsed.notices[0].kind, NoticeKind::WordsOrBytes);
}

#[test]
fn bytes_that_look_like_words_are_remarked_on() {
    let labels = r#"guid="0x1",port="1""#;
    let parsed = read(&format!(
        "infiniband_hca_port_transmit_data_bytes_total{{{labels}}} 18000\n\
         infiniband_hca_port_transmit_packets_total{{{labels}}} 1000\n"
    ));
    assert_eq!(only_reading(&parsed).counters.get(Counter::XmitBytes), Some(18_000), "left as stated");
    assert_eq!(parsed.notices[0].kind, NoticeKind::WordsOrBytes);
}

#[test]
fn info_series_give_names_peers_lids_and_rates() {
    let parsed = read(
        "infiniband_switch_info{guid=\"0x200000\",lid=\"2\",switch=\"leaf\"} 1\n\
         infiniband_switch_port_rate_bytes_per_second{guid=\"0x200000\",port=\"1\"} 1.25e+11\n\
         infiniband_switch_uplink_info{guid=\"0x200000\",port=\"1\",switch=\"leaf\",uplink=\"gpu01 HCA-1\",\
         uplink_guid=\"0x100001\",uplink_lid=\"9\",uplink_port=\"1\",uplink_type=\"CA\"} 1\n\
         infiniband_hca_rate_bytes_per_second{guid=\"0x100001\"} 1.25e+10\n\
         infiniband_switch_port_state{guid=\"0x200000\",port=\"7\",switch=\"leaf\"} 0\n",
    );
    let facts = &parsed.ports[0].1;
    assert_eq!(facts.rate.unwrap().gbps(), 800.0, "treydock's XDR lane of 250 is 200");
    assert_eq!(facts.node_name.as_deref(), Some("leaf"));
    assert_eq!(facts.peer_name.as_deref(), Some("gpu01 HCA-1"));
    assert_eq!(parsed.ports[1].0.as_str(), "0000000000100001/1");
    assert_eq!(parsed.ports[2].1.state, Some(PortState::Down));
    assert_eq!(parsed.lids, [(2, NodeGuid(0x20_0000))]);
    assert_eq!(parsed.names[0].1, "leaf");
}

#[test]
fn negative_fractional_and_huge_counters_are_refused_and_cost_no_others() {
    let name = "infiniband_hca_port_symbol_error_total";
    let parsed = read(&format!(
        "{name}{{guid=\"0x1\",port=\"1\"}} -1\n{name}{{guid=\"0x1\",port=\"2\"}} 0.5\n\
         {name}{{guid=\"0x1\",port=\"3\"}} 1e30\n{name}{{guid=\"0x1\",port=\"4\"}} foo\n\
         {name}{{guid=\"zz\",port=\"4\"}} 1\n{name}{{guid=\"0x1\",port=\"5\"}} 8\n"
    ));
    assert_eq!(parsed.account.rejected, 5);
    assert_eq!(only_reading(&parsed).counters.get(Counter::SymbolErrors), Some(8));
}

#[test]
fn a_port_missing_from_one_family_does_not_shift_the_others() {
    let line = |name: &str, port: u16, value: u64| {
        format!("infiniband_hca_port_{name}_total{{guid=\"0x1\",port=\"{port}\"}} {value}\n")
    };
    let mut text = String::new();
    for port in 1..=4 {
        text += &line("symbol_error", port, u64::from(port));
    }
    for port in [1, 3, 4] {
        text += &line("link_downed", port, 10 * u64::from(port));
    }
    for port in [4, 1, 2] {
        text += &line("vl15_dropped", port, 100 * u64::from(port));
    }
    let parsed = read(&text);
    let get = |index: usize, counter| parsed.readings[index].counters.get(counter);
    assert_eq!((0..4).map(|i| get(i, Counter::SymbolErrors)).collect::<Vec<_>>(), [1, 2, 3, 4].map(Some));
    assert_eq!(
        (0..4).map(|i| get(i, Counter::LinkDowned)).collect::<Vec<_>>(),
        [Some(10), None, Some(30), Some(40)]
    );
    assert_eq!(
        (0..4).map(|i| get(i, Counter::Vl15Dropped)).collect::<Vec<_>>(),
        [Some(100), Some(200), None, Some(400)]
    );
}

#[test]
fn an_exporter_that_failed_says_so() {
    assert!(read("node_scrape_collector_success{collector=\"infiniband\"} 0\n").is_failed_scrape());
    assert!(read("infiniband_scrape_ok 0\n").is_failed_scrape());
    assert!(read("# only a comment\n").is_failed_scrape());
    let parsed = read("infiniband_exporter_collect_errors{collector=\"switch\"} 2\n");
    assert_eq!(parsed.notices[0].kind, NoticeKind::PartialScrape);
}

#[test]
fn several_instants_of_one_port_are_several_readings() {
    let labels = r#"node_guid="1",port_num="1""#;
    let parsed = read(&format!(
        "SymbolErrorCounterExtended{{{labels}}} 1 1000\nSymbolErrorCounterExtended{{{labels}}} 2 2000\n\
         LinkDownedCounterExtended{{{labels}}} 3 1000\nLinkDownedCounterExtended{{{labels}}} 4 2000\n"
    ));
    assert_eq!(parsed.readings.len(), 2);
    assert_eq!(parsed.readings[0].counters.get(Counter::LinkDowned), Some(3));
    assert_eq!(parsed.readings[1].counters.get(Counter::LinkDowned), Some(4));
}

#[test]
fn a_repeated_series_of_two_exporters_counts_once() {
    let line = "infiniband_hca_port_qp1_dropped_total{guid=\"0x1\",port=\"1\"}";
    let parsed = read(&format!("{line} 4\n{line} 5\n"));
    assert_eq!(only_reading(&parsed).other.len(), 1);
    assert_eq!(only_reading(&parsed).other[0].1, 5);
}

/// Expositions of one source, each unlike the one before in its own way.
const SCRAPES: [&str; 6] = [
    "a_total{guid=\"0x1\",port=\"1\"} 1\na_total{guid=\"0x1\",port=\"2\"} 2\na_total{guid=\"0x2\",port=\"1\"} 3\n\
     infiniband_hca_rate_bytes_per_second{guid=\"0x2\"} 12500000000\n\
     infiniband_switch_uplink_info{guid=\"0x1\",port=\"1\",switch=\"s\",uplink=\"h\",uplink_guid=\"0x2\",uplink_port=\"1\"} 1\n\
     PortXmitPkts{node_guid=\"0x3\",port_guid=\"0x33\",port_num=\"1\"} 7\n",
    "a_total{guid=\"0x1\",port=\"1\"} 4\na_total{guid=\"0x1\",port=\"2\"} 5\na_total{guid=\"0x2\",port=\"1\"} 6\n\
     infiniband_switch_uplink_info{guid=\"0x1\",port=\"1\",switch=\"s\",uplink=\"h\",uplink_guid=\"0x2\",uplink_port=\"1\"} 1\n\
     PortXmitPkts{node_guid=\"0x3\",port_guid=\"0x33\",port_num=\"1\"} 8\n",
    "a_total{guid=\"0x2\",port=\"1\"} NaN\na_total{guid=\"0x1\",port=\"2\"} 7\na_total{guid=\"0x9\",port=\"9\"} x\n\
     infiniband_switch_uplink_info{guid=\"0x1\",port=\"1\",switch=\"s\",uplink=\"h\",uplink_guid=\"0x2\",uplink_port=\"1\"} x\n\
     infiniband_switch_uplink_info{guid=\"0x1\",port=\"2\",switch=\"s\",uplink=\"i\",uplink_guid=\"0x4\",uplink_port=\"1\"} 1\n\
     infiniband_hca_rate_bytes_per_second{guid=\"0x4\"} 12500000000\n",
    "a_total{guid=\"0x4\"} 1\ninfiniband_hca_rate_bytes_per_second{guid=\"0x4\"} 25000000000\n",
    "infiniband_switch_uplink_info{guid=\"0x1\",port=\"2\",switch=\"s\",uplink=\"i\",uplink_guid=\"0x4\",uplink_port=\"1\"} 1\n\
     a_total{guid=\"0x1\",port=\"2\"} 9 1628683905941\na_total{guid=\"0x1\",port=\"2\"} 9 1628683906941\n",
    "b_total{guid=\"0x1\",port=\"2\"} -1\nb_total{guid=\"0x4\",port=\"2\"} 5\na_total{guid=\"0x1\",port=\"2\"} 5",
];

#[test]
fn what_is_remembered_of_a_source_changes_no_result() {
    let origin = Origin::named("test.prom");
    let mut memory = SourceMemory::new();
    for (number, text) in SCRAPES.iter().chain(SCRAPES.iter().rev()).chain(&SCRAPES).enumerate() {
        let alone = parse(text.as_bytes(), &origin);
        let remembering = parse_remembering(text.as_bytes(), &origin, &mut memory);
        assert_eq!(format!("{remembering:?}"), format!("{alone:?}"), "exposition {number}");
    }
}

#[test]
fn what_was_learned_of_one_host_is_not_taken_for_anothers() {
    let text = "node_infiniband_port_packets_received_total{device=\"mlx5_0\",port=\"1\"} 1\n";
    let mut memory = SourceMemory::new();
    for host in ["gpu01", "gpu02"] {
        let origin = Origin { host: Some(host.into()), ..Origin::named("node.prom") };
        let parsed = parse_remembering(text.as_bytes(), &origin, &mut memory);
        assert_eq!(only_reading(&parsed).stream.as_str(), format!("{host}/mlx5_0/1"));
    }
}
