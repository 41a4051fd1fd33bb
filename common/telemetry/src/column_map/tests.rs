//! The maps that are shipped read what they are for, and wrong maps are refused.

use std::sync::Arc;

use linkcast_domain::SampleField;

use super::*;
use crate::{Origin, Parsed};

const COUNTERS: &str = include_str!("../../../../maps/cisco-ios-xr-generic-counters.toml");
const DATA_RATE: &str = include_str!("../../../../maps/cisco-ios-xr-data-rate.toml");
const NAB: &str = include_str!("../../../../maps/nab.toml");

fn read(map: &str, name: &str, text: &str) -> Parsed {
    let map = Some(Arc::new(ColumnMap::from_toml(map).unwrap()));
    let parsed = parse(text.as_bytes(), &Origin { map, ..Origin::named(name) });
    assert!(parsed.account.adds_up());
    parsed
}

#[test]
fn switch_counters_come_in_with_blank_lines_and_an_unnamed_first_column() {
    let header = ",Producer,bytes-received,bytes-sent,carrier-transitions,crc-errors,input-errors,\
                  interface-name,output-drops,packets-received,packets-sent\n\n";
    let row = "2020-01-22 16:39:31.903000+00:00,leaf7,7791079785929,270618262823736,1,0,2,HundredGigE0/0/0/6,3,17,18\n\n";
    let parsed = read(COUNTERS, "leaf7.csv", &format!("{header}{row}"));
    assert!(parsed.rejects.is_empty(), "{:?}", parsed.rejects);
    let reading = &parsed.readings[0];
    assert_eq!(reading.stream.as_str(), "leaf7/HundredGigE0/0/0/6");
    assert_eq!(reading.time, Some(Timestamp::from_millis(1_579_711_171_903)));
    assert_eq!(reading.counters.get(Counter::RcvBytes), Some(7_791_079_785_929));
    assert_eq!(reading.counters.get(Counter::LinkDowned), Some(1));
    assert_eq!(reading.counters.get(Counter::XmitDiscards), Some(3));
}

#[test]
fn ready_rates_give_the_busier_direction_and_utilization() {
    let text = ",Producer,bandwidth,input-data-rate,interface-name,output-data-rate\n\
                2020-01-22 16:39:31+00:00,leaf7,100000000,25000000,Hu0,10000000\n";
    let parsed = read(DATA_RATE, "leaf7.csv", text);
    let values = &parsed.samples[0].values;
    assert_eq!(values.get(SampleField::BandwidthGbps), Some(25.0));
    assert_eq!(values.get(SampleField::Utilization), Some(25.0));
    assert_eq!(values.get(SampleField::LinkRateGbps), Some(100.0));
}

#[test]
fn a_stream_may_be_named_after_its_file() {
    let parsed = read(NAB, "data/ec2_cpu.csv", "timestamp,value\n2014-04-10 00:04:00,7.5\n");
    assert_eq!(parsed.samples[0].stream.as_str(), "ec2_cpu");
    assert_eq!(parsed.samples[0].values.get(SampleField::LatencyP99), Some(7.5));
}

#[test]
fn a_bad_cell_names_line_and_column() {
    let parsed = read(NAB, "a.csv", "timestamp,value\n2014-04-10 00:04:00,high\nnever,1\n");
    let said: Vec<_> = parsed.rejects.kept().iter().map(ToString::to_string).collect();
    assert!(said[0].starts_with("a.csv:2: value: found \"high\""), "{said:?}");
    assert!(said[1].starts_with("a.csv:3: timestamp: found \"never\""), "{said:?}");
}

#[test]
fn a_wrong_map_is_refused_as_a_whole() {
    let keys = "time.column = \"t\"\nstream.template = \"a\"\n";
    let check = |rest: &str| assert!(ColumnMap::from_toml(&format!("{keys}{rest}")).is_err(), "{rest}");
    check("");
    check("colour = 3\n");
    check("[counters.x]\ncounter = \"PortRcvErrors\"\nrange = \"wraps\"\n");
    check("[[values]]\ncolumn = \"x\"\n");
}

#[test]
fn every_column_a_map_names_is_missed_if_it_is_not_there() {
    let map = "time.column = \"t\"\nstream.template = \"a\"\nfilter.kind = \"x\"\n\
               [[values]]\ncolumn = \"v\"\nname = \"utilization\"\ndivide_by = \"w\"\n";
    let parsed = read(map, "a.csv", "t,v\n2014-04-10 00:04:00,1\n");
    let missing: Vec<_> = parsed.rejects.kept().iter().filter_map(|reject| reject.field.as_deref()).collect();
    assert_eq!(missing, ["kind", "w"]);
}
