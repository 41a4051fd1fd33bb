//! Arbitrary bytes to the remote write parser, as they come and as the content of a sound snappy block.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkcast_telemetry::{Format, Origin, parse};

fuzz_target!(|bytes: &[u8]| {
    let origin = Origin::named("listen");
    assert!(parse(Format::RemoteWrite, bytes, &origin).account.adds_up());
    if let Ok(block) = snap::raw::Encoder::new().compress_vec(bytes) {
        assert!(parse(Format::RemoteWrite, &block, &origin).account.adds_up());
    }
});
