//! `package` as a user works it: the same bytes each time, from a folder and from the registry, and what is refused.

use std::fs;

use serde_json::Value;

use crate::models::model;
use crate::support::{Outcome, call, text};

#[test]
fn a_folder_and_the_registered_model_of_it_give_the_same_archive() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (made, database) = (model(folder.path(), "7")?, folder.path().join("linkcast.db"));
    let added = call(&["models", "add", text(&made), "--db", text(&database)])?;
    assert_eq!(added.code, Some(0), "{}", added.said);
    let mut archives = Vec::new();
    for (name, of) in [("one", text(&made)), ("two", text(&made)), ("three", "registry:7")] {
        let out = folder.path().join(format!("{name}.tar.gz"));
        let ends = ["--image", "pytorch", "--out", text(&out), "--db", text(&database), "--json"];
        let called = call(&[&["package", of][..], &ends].concat())?;
        assert_eq!(called.code, Some(0), "{}", called.said);
        let told: Value = serde_json::from_str(&called.printed)?;
        assert_eq!(told["model_version"], "7");
        assert_eq!(told["environment"]["SAGEMAKER_PROGRAM"], "inference.py");
        archives.push((fs::read(out)?, told["sha256"].clone()));
    }
    assert!(archives.iter().all(|archive| *archive == archives[0]));
    Ok(())
}

#[test]
fn for_people_it_says_where_the_archive_is_and_what_its_container_needs() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (made, out) = (model(folder.path(), "7")?, folder.path().join("model.tar.gz"));
    let called = call(&["package", text(&made), "--image", "xgboost", "--out", text(&out)])?;
    assert_eq!(called.code, Some(0), "{}", called.said);
    assert!(called.printed.contains("version 7 for xgboost"), "{}", called.printed);
    assert!(called.printed.contains("SAGEMAKER_PROGRAM=inference.py"), "{}", called.printed);
    Ok(())
}

#[test]
fn what_is_no_model_a_link_or_another_image_is_refused_with_the_next_step() -> Outcome {
    let folder = tempfile::tempdir()?;
    let made = model(folder.path(), "7")?;
    let refused = |arguments: &[&str], code: i32, said: &str| -> Outcome {
        let called = call(&[&["package"], arguments].concat())?;
        assert_eq!(called.code, Some(code), "{arguments:?}: {}", called.said);
        assert!(called.said.contains(said), "{arguments:?}: {}", called.said);
        Ok(())
    };
    let out = folder.path().join("model.tar.gz");
    refused(&[text(&made), "--image", "docker"], 2, "expected ours, pytorch or xgboost")?;
    refused(&[text(&made), "--upload", "somewhere"], 2, "expected a bucket")?;
    refused(&["registry:7", "--out", text(&out)], 2, "next:")?;
    refused(&[text(&folder.path().join("nowhere"))], 3, "next:")?;
    std::os::unix::fs::symlink("/etc/hostname", made.join("notes.md"))?;
    refused(&[text(&made), "--out", text(&out)], 3, "is a link")?;
    fs::remove_file(made.join("notes.md"))?;
    fs::write(made.join("card.json"), "{}")?;
    refused(&[text(&made), "--out", text(&out)], 5, "next:")?;
    assert!(!out.exists(), "nothing is written of what is refused");
    Ok(())
}

#[test]
fn a_sync_without_a_bucket_or_an_image_says_what_to_give() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (made, database) = (model(folder.path(), "7")?, folder.path().join("linkcast.db"));
    call(&["models", "add", text(&made), "--db", text(&database)])?;
    let sync = ["models", "sync", "--db", text(&database)];
    let called = call(&sync)?;
    assert_eq!(called.code, Some(2), "{}", called.said);
    assert!(called.said.contains("--bucket s3://BUCKET"), "{}", called.said);
    let called = call(&[&sync[..], &["--bucket", "s3://lab", "--image", "pytorch"]].concat())?;
    assert_eq!(called.code, Some(2), "{}", called.said);
    assert!(called.said.contains("--image-uri"), "{}", called.said);
    Ok(())
}
