//! `linkcast train`: a search that was killed ends where it would have ended, and one command makes the same model anywhere.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use sha2::{Digest, Sha256};

use crate::support::{Called, Outcome, call, file, linkcast, text};

/// A fabric small enough to be searched in seconds, sick enough to be learnt from.
const FABRIC: [&str; 9] =
    ["train", "--simulate", "--ports", "300", "--hours", "10", "--fault-rate", "0.05", "--search"];

fn arguments<'a>(trials: &'a str, threads: &'a str, out: &'a Path) -> Vec<&'a str> {
    let rest = ["--trials", trials, "--folds", "2", "--threads", threads, "--out", text(out)];
    FABRIC.into_iter().chain(rest).collect()
}

fn search(trials: &str, threads: &str, out: &Path) -> Outcome<Called> {
    call(&arguments(trials, threads, out))
}

/// Every file of a folder with its bytes, by name.
fn files(folder: &Path) -> Outcome<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((name, std::fs::read(&path)?));
    }
    files.sort();
    Ok(files)
}

/// Starts a search and kills it once its first rung is done.
fn kill_after_the_first_rung(out: &Path) -> Outcome {
    let mut child = linkcast().args(arguments("4", "1", out)).stderr(Stdio::piped()).spawn()?;
    let said = child.stderr.take().ok_or("no standard error")?;
    let mut lines = BufReader::new(said).lines();
    let is_done = lines.any(|line| line.is_ok_and(|line| line.starts_with("search: rung 1 of 2 is done")));
    child.kill()?;
    child.wait()?;
    if is_done { Ok(()) } else { Err("the search ended before its first rung was done".into()) }
}

#[test]
fn a_search_that_was_killed_goes_on_and_ends_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let never_killed = search("4", "2", &whole).unwrap();
    assert_eq!(never_killed.code, Some(0), "{}", never_killed.said);
    assert!(never_killed.printed.contains("on the test part"), "{}", never_killed.printed);
    kill_after_the_first_rung(&killed).unwrap();
    // As if the kill had fallen into the middle of a line.
    let record = std::fs::read_to_string(killed.join("trials.jsonl")).unwrap();
    let torn = format!("{record}{}", &record.lines().nth(1).unwrap()[..50]);
    file(&killed, "trials.jsonl", &torn).unwrap();
    let again = search("4", "2", &killed).unwrap();
    assert_eq!(again.code, Some(0), "{}", again.said);
    assert!(again.said.contains("finished trials are taken over"), "{}", again.said);
    let (whole, killed) = (files(&whole).unwrap(), files(&killed).unwrap());
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&whole), names(&killed));
    for ((name, whole), (_, killed)) in whole.iter().zip(&killed) {
        assert!(whole == killed, "{name} differs");
    }
    let other = search("5", "2", &folder.path().join("whole")).unwrap();
    assert_eq!(other.code, Some(3), "{}", other.said);
    assert!(other.said.contains("search.trials was 4 and is now 5"), "{}", other.said);
    assert!(other.said.contains("next:"), "{}", other.said);
}

#[test]
fn folds_that_cannot_be_are_wrong_use() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = arguments("4", "1", folder.path());
    arguments.extend(["--folds", "1"]);
    let place = arguments.iter().position(|argument| *argument == "--folds").unwrap();
    arguments.drain(place..place + 2);
    let called = call(&arguments).unwrap();
    assert_eq!(called.code, Some(2), "{}", called.said);
    assert!(called.said.contains("setting folds is 1: expected 2 to 20"), "{}", called.said);
}

/// The digest of a small model's three machine-readable parts, as made on the machine this was written on. Whoever changes how models
/// are made changes it on purpose, and remakes the shipped one with `cargo xtask model`.
const SMALL_MODEL: &str = "46502a31155994ce79479c69dec9eb657b64d70f58d87f5c313ee10cb98f2a39";

#[test]
fn one_command_remakes_a_small_model_bit_for_bit_on_any_machine_with_any_number_of_threads() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut made = Vec::new();
    for threads in ["1", "3"] {
        let out = folder.path().join(threads);
        let fabric = ["train", "--simulate", "--ports", "400", "--hours", "8", "--seed", "4"];
        let rest = ["--fault-rate", "0.1", "--threads", threads, "--out", text(&out)];
        let called = call(&[&fabric[..], &rest].concat())?;
        assert_eq!(called.code, Some(0), "{}", called.said);
        made.push(files(&out)?);
    }
    assert!(made[0] == made[1], "the number of threads decides no byte");
    let parts = made[0].iter().filter(|(name, _)| !name.ends_with(".json") && !name.ends_with(".md"));
    let digest = parts.fold(Sha256::new(), |digest, (_, bytes)| digest.chain_update(bytes)).finalize();
    let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(found, SMALL_MODEL, "the same command made another model than elsewhere");
    Ok(())
}
