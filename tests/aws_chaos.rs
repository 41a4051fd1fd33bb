//! A bad day on the local AWS ends where the embedded pipeline ends on a quiet one.
//!
//! Functions are killed in the middle of a batch, batches come twice and with their keys shuffled, the table throttles, fails,
//! and does what was asked while the answer is lost, and now and then a record is no record at all. What the table holds
//! afterwards is compared with an embedded run over the same requests, insight by insight, number by number.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use linkcast_tests::{
    Capture, DEAD_LETTERS, Deployed, Embedded, body_of, differences, feature_differences, field, until,
    until_asked_each,
};
use serde_json::{Value, json};

/// Sweeps between one poison record and the next.
const POISON_EVERY: usize = 15;

#[test]
fn a_bad_day_ends_where_an_embedded_run_ends() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let capture = Capture::simulate(
        folder.path(),
        &["--ports", "64", "--hours", "1", "--seed", "3", "--fault-rate", "0.2"],
    )?;
    let embedded = capture.replay()?;
    assert!(embedded.insights.len() > 50, "a story without insights proves nothing");
    let deployed = Deployed::start(folder.path(), &[])?;
    deployed.tell_links(&capture.links()?)?;
    deployed.emulator.set_chaos(&json!({
        "seed": 11, "kill": 0.04, "repeat": 0.1, "reorder": 0.5, "throttle": 0.03, "fail": 0.02, "lose": 0.02,
    }))?;
    let poisons = send_with_poison(&deployed, &capture)?;
    let found = wait_for_rest(&deployed, &embedded)?;
    assert_eq!(differences(&embedded.insights, &found), Vec::<String>::new());
    assert_eq!(deployed.samples()?, embedded.samples);
    let (compared, different) = feature_differences(&capture, &deployed)?;
    assert_eq!(different, Vec::<String>::new());
    assert!(
        compared >= embedded.insights.len(),
        "{compared} questions for {} insights",
        embedded.insights.len()
    );
    assert_every_misfortune_happened(&deployed)?;
    assert_letters_are_the_poison(&deployed, poisons)
}

fn send_with_poison(deployed: &Deployed, capture: &Capture) -> Result<usize> {
    let token = deployed.token()?;
    let mut poisons = 0;
    for (place, request) in capture.requests()?.iter().enumerate() {
        if place % POISON_EVERY == POISON_EVERY / 2 {
            poisons += 1;
            // An attribute `a` is what makes an item a sample to prepare; these bytes are none.
            deployed.put_item(&json!({
                "pk": {"S": format!("stream#poison/{poisons}")},
                "sk": {"S": format!("sample#{poisons:016x}")},
                "a": {"B": "cG9pc29u"},
            }))?;
        }
        deployed.send_until_taken(request, &token)?;
    }
    Ok(poisons)
}

/// Waits until as many insights are there as there should be, with no more misfortunes to come.
fn wait_for_rest(deployed: &Deployed, embedded: &Embedded) -> Result<BTreeMap<String, Value>> {
    let enough = until_asked_each(Duration::from_secs(2), "every insight", Duration::from_secs(240), || {
        let found = deployed.insights()?;
        Ok((found.len() >= embedded.insights.len()).then_some(found))
    });
    enough.with_context(|| deployed.emulator.log())
}

fn assert_every_misfortune_happened(deployed: &Deployed) -> Result<()> {
    let counts = deployed.emulator.chaos_counts()?;
    for misfortune in ["kill", "repeat", "reorder", "throttle", "fail", "lose"] {
        assert!(field(&counts, misfortune).as_u64() > Some(0), "{misfortune} never happened: {counts}");
    }
    Ok(())
}

fn assert_letters_are_the_poison(deployed: &Deployed, poisons: usize) -> Result<()> {
    let mut letters = Vec::new();
    until("the poison in the queue", Duration::from_secs(60), || {
        letters.extend(deployed.dead_letters("PrepareDeadLetters")?);
        Ok((letters.len() >= poisons).then_some(()))
    })?;
    assert_eq!(letters.len(), poisons);
    for letter in &letters {
        let letter = body_of(letter)?;
        assert_eq!(letter.pointer("/DDBStreamBatchInfo/batchSize"), Some(&json!(1)), "{letter}");
    }
    for queue in DEAD_LETTERS.iter().filter(|queue| **queue != "PrepareDeadLetters") {
        assert_eq!(deployed.dead_letters(queue)?, Vec::<Value>::new(), "{queue}");
    }
    Ok(())
}
