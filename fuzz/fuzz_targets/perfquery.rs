//! Arbitrary bytes to the parser of perfquery: no panic, every record accounted for, memory within the run's limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkcast_telemetry::{Format, Origin, parse};

fuzz_target!(|bytes: &[u8]| {
    let parsed = parse(Format::Perfquery, bytes, &Origin::named("0x200000.out"));
    assert!(parsed.account.adds_up());
});
