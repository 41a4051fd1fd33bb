//! Remote write against the text parser, and against those who would hurt it.

use super::*;
use crate::Counter;

#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

fn series(name: &str, labels: &[(&str, &str)], samples: &[(i64, f64)]) -> TimeSeries {
    let pair = |name: &str, value: &str| LabelPair { name: name.into(), value: value.into() };
    let mut all = vec![pair("__name__", name)];
    all.extend(labels.iter().map(|(name, value)| pair(name, value)));
    let samples =
        samples.iter().map(|(timestamp, value)| SamplePoint { value: *value, timestamp: *timestamp });
    TimeSeries { labels: all, samples: samples.collect() }
}

fn request(timeseries: Vec<TimeSeries>) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(&WriteRequest { timeseries }.encode_to_vec()).unwrap()
}

fn read(bytes: &[u8]) -> Parsed {
    let parsed = parse(bytes, &Origin::named("listen"));
    assert!(parsed.account.adds_up());
    parsed
}

#[test]
fn series_of_one_port_meet_by_instant() {
    let labels = [("device", "mlx5_0"), ("port", "1"), ("instance", "gpu01:9100")];
    let bytes = request(vec![
        series("node_infiniband_link_downed_total", &labels, &[(1000, 1.0), (2000, 2.0)]),
        series("node_infiniband_port_data_received_bytes_total", &labels, &[(1000, 4e9), (2000, 8e9)]),
        series("node_infiniband_symbol_error_total", &labels, &[(1000, f64::NAN), (2000, -1.0)]),
        series("node_cpu_seconds_total", &[("cpu", "0"), ("instance", "gpu01:9100")], &[(1000, 0.5)]),
    ]);
    assert!(is_write_request(&bytes));
    let parsed = read(&bytes);
    assert_eq!(parsed.readings.len(), 2);
    assert_eq!(parsed.readings[0].stream.as_str(), "gpu01/mlx5_0/1");
    assert_eq!(parsed.readings[0].time, Some(Timestamp::from_millis(1000)));
    assert_eq!(parsed.readings[1].counters.get(Counter::RcvBytes), Some(8_000_000_000));
    assert_eq!(parsed.readings[1].counters.get(Counter::SymbolErrors), None);
    let account = parsed.account;
    assert_eq!((account.lines, account.used, account.ignored, account.rejected), (7, 4, 2, 1));
}

#[test]
fn a_block_that_claims_four_gigabytes_is_refused_before_allocating() {
    let parsed = read(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0x00]);
    assert_eq!(parsed.account.rejected, 1);
    assert!(read(b"not snappy").account.rejected == 1);
}

#[test]
fn a_damaged_series_costs_only_itself() {
    let good = series("node_infiniband_link_downed_total", &[("device", "a"), ("port", "1")], &[(1, 1.0)]);
    let mut bytes = vec![0x0a, 2, 0xff, 0xff];
    bytes.extend(WriteRequest { timeseries: vec![good] }.encode_to_vec());
    let parsed = read(&snap::raw::Encoder::new().compress_vec(&bytes).unwrap());
    assert_eq!((parsed.readings.len(), parsed.account.rejected), (1, 1));
}
