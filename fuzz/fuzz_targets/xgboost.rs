//! Arbitrary bytes to the target `xgboost`; see `checks/xgboost.rs`.
#![no_main]

#[path = "../checks/xgboost.rs"]
mod xgboost;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xgboost::check(bytes));
