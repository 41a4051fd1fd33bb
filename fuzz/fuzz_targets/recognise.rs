//! Arbitrary bytes to the recogniser, and on to whichever parser it names.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkcast_telemetry::{Origin, parse, recognise};

fuzz_target!(|bytes: &[u8]| {
    if let Some(format) = recognise("capture", bytes) {
        assert!(parse(format, bytes, &Origin::named("capture")).account.adds_up());
    }
});
