//! Arbitrary bytes to the target `perfquery`; see `checks`.
#![no_main]

#[path = "../checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::run("perfquery", bytes));
