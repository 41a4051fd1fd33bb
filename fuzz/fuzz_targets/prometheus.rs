//! Arbitrary bytes to the parser of prometheus: no panic, every record accounted for, memory within the run's limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkcast_telemetry::{Format, Origin, parse};

fuzz_target!(|bytes: &[u8]| {
    let parsed = parse(Format::Prometheus, bytes, &Origin::named("0x200000.out"));
    assert!(parsed.account.adds_up());
});
