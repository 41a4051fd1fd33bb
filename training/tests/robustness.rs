//! No bytes make the reader of XGBoost's models panic, and what the fuzzer once found it never finds again.

#[path = "../../fuzz/checks/xgboost.rs"]
mod xgboost;

use std::path::Path;

/// Every file of the fuzzer's corpus, by name.
fn corpus() -> std::io::Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/xgboost");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.sort();
    paths.into_iter().map(std::fs::read).collect()
}

#[test]
fn what_the_fuzzer_found_it_never_finds_again() -> std::io::Result<()> {
    let files = corpus()?;
    files.iter().for_each(|bytes| xgboost::check(bytes));
    assert!(files.len() >= 14, "{} files", files.len());
    Ok(())
}

#[test]
fn a_model_that_is_cut_short_or_has_a_wrong_byte_is_refused_or_is_one() -> std::io::Result<()> {
    for bytes in corpus()?.iter().filter(|bytes| bytes.len() < 2_500) {
        for length in 0..bytes.len() {
            xgboost::check(bytes.get(..length).unwrap_or_default());
        }
        let mut damaged = bytes.clone();
        for place in 0..damaged.len() {
            for mask in [0x01, 0x10, 0x80, 0xff] {
                damaged.get_mut(place).into_iter().for_each(|byte| *byte ^= mask);
                xgboost::check(&damaged);
                damaged.get_mut(place).into_iter().for_each(|byte| *byte ^= mask);
            }
        }
    }
    Ok(())
}
