//! What is written is read back to the bit, in each of the three forms, and refusals say where.

use super::*;
use crate::{Origin, Parsed};

fn samples() -> Vec<Sample> {
    let row = |stream: &str, millis, values, other: &[(&str, f64)]| Sample {
        stream: stream.parse().unwrap(),
        time: Timestamp::from_millis(millis),
        values,
        other: other.iter().map(|(name, value)| (CounterName::from(*name), *value)).collect(),
    };
    let full = SampleField::ALL.iter().enumerate();
    let full =
        full.fold(SampleValues::default(), |values, (place, field)| values.with(*field, 0.1 * place as f64));
    let sparse = SampleValues::default().with(SampleField::SymbolErrors, 1e300);
    vec![
        row("0000000000200000/2", 1_700_000_000_123, full, &[("VL15Dropped", 3.0), ("xmit_gbps", 0.1 + 0.2)]),
        row("leaf7, rack \"3\"/Hu0", 1_700_000_030_000, sparse, &[("VL15Dropped", 0.0)]),
        row("0000000000200000/2", 1_700_000_060_000, SampleValues::default(), &[]),
    ]
}

fn origin() -> Origin {
    Origin::named("samples")
}

fn whole(parsed: Parsed) -> Vec<Sample> {
    assert!(parsed.rejects.is_empty(), "{:?}", parsed.rejects);
    assert!(parsed.account.adds_up());
    parsed.samples
}

#[test]
fn samples_survive_csv_to_the_bit() {
    let mut file = Vec::new();
    write_samples_csv(&samples(), &mut file).unwrap();
    assert_eq!(whole(parse_sample_csv(&file, &origin())), samples());
}

#[test]
fn samples_survive_json_lines_to_the_bit() {
    let mut file = Vec::new();
    write_samples_jsonl(&samples(), &mut file).unwrap();
    assert_eq!(whole(parse_sample_jsonl(&file, &origin())), samples());
}

#[test]
fn samples_survive_parquet_to_the_bit() {
    let mut file = Vec::new();
    let many: Vec<_> = samples().into_iter().cycle().take(20_000).collect();
    write_samples_parquet(&many, &mut file).unwrap();
    assert!(whole(parse_sample_parquet(&file, &origin())) == many);
}

#[test]
fn columns_come_in_any_order_and_any_subset() {
    let file =
        b"symbol_errors,timestamp,my_probe,stream_id\n3,1700000000000,,a\n,2023-11-14T22:13:50Z,7.5,b\n\n";
    let samples = whole(parse_sample_csv(file, &origin()));
    assert_eq!(samples[0].values.get(SampleField::SymbolErrors), Some(3.0));
    assert!(samples[0].other.is_empty());
    assert_eq!(samples[1].values.get(SampleField::SymbolErrors), None);
    assert_eq!(samples[1].other, [(CounterName::from("my_probe"), 7.5)]);
    assert_eq!(samples[1].time, Timestamp::from_millis(1_700_000_030_000));
}

#[test]
fn a_bad_cell_names_line_and_field_and_costs_no_other() {
    let file = b"stream_id,timestamp,utilization,error_rate\na,1700000000000,high,0.5\nb,yesterday,1,2\n";
    let parsed = parse_sample_csv(file, &origin());
    assert_eq!(parsed.samples.len(), 1);
    assert_eq!(parsed.samples[0].values.get(SampleField::ErrorRate), Some(0.5));
    let said: Vec<_> = parsed.rejects.kept().iter().map(ToString::to_string).collect();
    assert!(
        said[0].starts_with("samples:2: utilization: found \"high\", expected a finite number"),
        "{said:?}"
    );
    assert!(said[1].starts_with("samples:3: timestamp: found \"yesterday\""), "{said:?}");
    assert!(parsed.account.adds_up());
    assert_eq!(parsed.account.rejected, 2);
}

#[test]
fn a_name_that_csv_cannot_hold_is_refused_and_blanks_around_one_are_dropped() {
    let file = b"{\"stream_id\":\" a \",\"timestamp\":1,\" probe \":2}\n{\"stream_id\":\"a\",\"timestamp\":2,\"b\\nc\":3}\n";
    let parsed = parse_sample_jsonl(file, &origin());
    assert_eq!(parsed.samples[0].other, [(CounterName::from("probe"), 2.0)]);
    assert!(parsed.samples[1].other.is_empty());
    assert_eq!(parsed.rejects.kept()[0].line, 2);
    let mut rows = Vec::new();
    write_samples_csv(&parsed.samples, &mut rows).unwrap();
    assert_eq!(whole(parse_sample_csv(&rows, &origin())), parsed.samples);
    let header = b"stream_id,timestamp,a\x7fb\nx,1,2\n";
    assert_eq!(parse_sample_csv(header, &origin()).rejects.total(), 1);
}

#[test]
fn json_of_another_shape_is_refused_by_line() {
    let file = b"{\"stream_id\":\"a\",\"timestamp\":1700000000000,\"utilization\":null}\n[1]\n{\"stream_id\":\"a\"}\n";
    let parsed = parse_sample_jsonl(file, &origin());
    assert_eq!(parsed.samples.len(), 1);
    let lines: Vec<_> = parsed.rejects.kept().iter().map(|reject| reject.line).collect();
    assert_eq!(lines, [2, 3]);
}

#[test]
fn a_damaged_parquet_file_is_refused_wherever_it_is_damaged() {
    let mut file = Vec::new();
    write_samples_parquet(&samples(), &mut file).unwrap();
    for place in 0..file.len() {
        let mut damaged = file.clone();
        damaged[place] ^= 0xff;
        assert!(parse_sample_parquet(&damaged, &origin()).account.adds_up(), "byte {place}");
    }
    for length in 0..file.len() {
        let cut = parse_sample_parquet(&file[..length], &origin());
        assert!(cut.samples.is_empty() && !cut.rejects.is_empty(), "{length} bytes");
    }
}
