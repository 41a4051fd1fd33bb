//! No bytes make a parser panic or lose a line, and what the fuzzer once found it never finds again.

#[expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a check that does not hold panics, and the fuzzer takes note"
)]
#[path = "../../../fuzz/checks/mod.rs"]
mod checks;

use std::path::Path;

use linkcast_telemetry::{Format, Origin, Parsed, parse, recognise};
use proptest::prelude::*;

const TEXT_FORMATS: [Format; 8] = [
    Format::Prometheus,
    Format::Perfquery,
    Format::Ibqueryerrors,
    Format::DiagnosticErrors,
    Format::IbnetdiscoverPorts,
    Format::IbnetdiscoverTopology,
    Format::Iblinkinfo,
    Format::Ibswinfo,
];

/// Pieces of real captures: put together at random they reach deeper than random bytes.
const PIECES: [&str; 24] = [
    "infiniband_switch_port_symbol_error_total{guid=\"0x1\",port=\"1\"} ",
    "infiniband_switch_port_transmit_data_bytes_total{guid=\"0x1\",port=\"2\"} ",
    "PortXmitDataExtended{node_guid=\"1\", port_num=\"2\"} ",
    "# TYPE x counter",
    "4.294967295e+09",
    "18446744073709551615",
    "NaN",
    "-1",
    "\n",
    "{",
    "\\\"",
    " 1700000000000",
    "# Port extended counters: Lid 2 port 1 (CapMask: 0x1300)\n",
    "PortXmitData:....................",
    "0xffff",
    "Errors for 0x1 \"s\"\n",
    "   GUID 0x1 port 1: [PortXmitDiscards == 8] ",
    "[PortLocalPhysicalErrors == 8 (1.0K)]",
    "Link info:  2  1[  ] ==( 4X 2.5 Gbps Active/  LinkUp)==>  0x3  5  1[  ] \"n\" (Could be 12X)",
    "CA   134  1 0x7cfe9003003b4bde 4x EDR - SW  1719 10 0x7cfe9003009ce5b0 ( 'a' - 'b' )",
    "Switch\t36 \"S-1\"\t# \"n\" base port 0 lid 3 lmc 0\n",
    "[1](2) \t\"H-3\"[1] # lid 1 lmc 0 \"n\" lid 3 4xSDR",
    "é",
    "|",
];

fn accounted(format: Format, bytes: &[u8]) -> Parsed {
    let parsed = parse(format, bytes, &Origin::named("0x1.out"));
    assert!(parsed.account.adds_up(), "{format}: {:?}", parsed.account);
    assert!(parsed.account.rejected == 0 || !parsed.rejects.is_empty(), "{format}");
    parsed
}

/// Lines as a text editor counts them.
fn lines(bytes: &[u8]) -> u64 {
    let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
    (ends + usize::from(!bytes.is_empty() && !bytes.ends_with(b"\n"))) as u64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_never_panic_and_the_account_adds_up(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        for format in Format::ALL {
            accounted(format, &bytes);
        }
        let _ = recognise("capture", &bytes);
    }

    #[test]
    fn shuffled_pieces_of_captures_lose_no_line(picks in prop::collection::vec(0..PIECES.len(), 0..40)) {
        let text: String = picks.iter().filter_map(|pick| PIECES.get(*pick)).copied().collect();
        for format in TEXT_FORMATS {
            prop_assert_eq!(accounted(format, text.as_bytes()).account.lines, lines(text.as_bytes()));
        }
    }

    #[test]
    fn a_whole_number_survives_the_exposition(value in any::<u64>()) {
        let text = format!("infiniband_switch_port_symbol_error_total{{guid=\"0x1\",port=\"1\"}} {value}\n");
        let parsed = accounted(Format::Prometheus, text.as_bytes());
        let read = parsed.readings.first().and_then(|reading| {
            reading.counters.get(linkcast_telemetry::Counter::SymbolErrors)
        });
        prop_assert_eq!(read, Some(value));
    }
}

#[test]
fn what_the_fuzzer_found_it_never_finds_again() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut replayed = 0;
    for target in std::fs::read_dir(corpus)? {
        let target = target?;
        if target.file_name() == "xgboost" {
            // Its reader is the training room's, which replays it.
            continue;
        }
        for file in std::fs::read_dir(target.path())? {
            checks::run(&target.file_name().to_string_lossy(), &std::fs::read(file?.path())?);
            replayed += 1;
        }
    }
    assert!(replayed >= 60, "{replayed} files");
    Ok(())
}
