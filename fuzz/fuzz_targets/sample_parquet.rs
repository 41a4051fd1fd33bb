//! Arbitrary bytes to the target `sample_parquet`; see `checks`.
//!
//! The reader catches its decoder's panics, but the fuzzer's hook would end the run at them all the same: it is taken
//! out here, so that only what escapes the reader counts.
#![no_main]

#[path = "../checks/mod.rs"]
mod checks;

static QUIET: std::sync::Once = std::sync::Once::new();

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    checks::run("sample_parquet", bytes);
});
