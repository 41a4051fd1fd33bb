//! Arbitrary bytes to the target `remote_write`; see `checks`.
#![no_main]

#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::run("remote_write", bytes));
