//! What must hold of the reader of XGBoost's models, JSON and UBJSON, whatever bytes it is given.
//!
//! Apart from the parsers' checks, because another room reads them. A model file comes from outside, and its lengths and links
//! are what it claims: the reader ends, a tree that was taken is walked to a leaf from every row, and what counts is never more
//! than what the file has bytes for.

use linkcast_domain::FEATURE_COUNT;
use linkcast_training::xgboost::Booster;

/// Checks what must hold; panics if it does not.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(booster) = Booster::read(bytes) else { return };
    let rounds = booster.rounds() + booster.rounds_after_best();
    assert!(rounds <= bytes.len(), "{rounds} rounds of {} bytes", bytes.len());
    let mut rising = [0.0f32; FEATURE_COUNT];
    for (place, value) in rising.iter_mut().enumerate() {
        *value = place as f32 - 20.0;
    }
    let rows = [
        [f32::NAN; FEATURE_COUNT],
        [0.0; FEATURE_COUNT],
        [f32::MAX; FEATURE_COUNT],
        [f32::MIN; FEATURE_COUNT],
        rising,
    ];
    let margins = booster.margins(&rows);
    assert_eq!(margins.len(), rows.len() * booster.objective().outputs());
    let again = Booster::read(bytes).map(|again| bits(&again.margins(&rows)));
    assert_eq!(again.ok(), Some(bits(&margins)), "the same bytes are the same model");
}

fn bits(margins: &[f32]) -> Vec<u32> {
    margins.iter().map(|margin| margin.to_bits()).collect()
}
