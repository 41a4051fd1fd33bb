//! Arbitrary bytes to every parser of topology and of what surrounds it, and their findings to a topology.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkcast_telemetry::{Format, Origin, Topology, parse};

const FORMATS: [Format; 6] = [
    Format::IbnetdiscoverPorts,
    Format::IbnetdiscoverTopology,
    Format::Iblinkinfo,
    Format::NodeNameMap,
    Format::Ibswinfo,
    Format::DiagnosticErrors,
];

fuzz_target!(|bytes: &[u8]| {
    let mut topology = Topology::default();
    for format in FORMATS {
        let parsed = parse(format, bytes, &Origin::named("fabric"));
        assert!(parsed.account.adds_up());
        topology.absorb(&parsed);
    }
});
