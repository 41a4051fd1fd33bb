//! What every place for models' files promises, checked on each in the same words.

use linkcast_domain::ports::{FolderFile, ModelFolders};

use super::items::now;

/// Hands every check's name to `$tests`, which makes a test of each for each place.
macro_rules! folders_contract {
    ($tests:ident) => {
        $tests! {
            a_folder_gives_its_files_back_and_misses_none_silently,
            a_folder_put_again_mends_what_was_damaged,
        }
    };
}

pub(super) use folders_contract;

const TASK: &str = "link-health";

fn files(contents: [&str; 2]) -> Vec<FolderFile> {
    let file = |(name, content): (&str, &str)| FolderFile { name: name.into(), bytes: content.into() };
    ["card.json", "model.packed"].into_iter().zip(contents).map(file).collect()
}

pub(super) fn a_folder_gives_its_files_back_and_misses_none_silently<F: ModelFolders>(folders: &F) {
    let asked = ["model.packed", "card.json", "other.onnx"];
    let none = now(folders.files(TASK, "one", &asked)).unwrap();
    assert_eq!(none, [const { None::<Vec<u8>> }; 3]);
    now(folders.put_folder(TASK, "one", &files(["{}", "packed"]))).unwrap();
    now(folders.put_folder(TASK, "two", &files(["{}", "other"]))).unwrap();
    let found = now(folders.files(TASK, "one", &asked)).unwrap();
    assert_eq!(found, [Some(b"packed".to_vec()), Some(b"{}".to_vec()), None]);
    assert!(folders.place(TASK, "one").contains("one"));
}

pub(super) fn a_folder_put_again_mends_what_was_damaged<F: ModelFolders>(folders: &F) {
    now(folders.put_folder(TASK, "one", &files(["{}", "damaged"]))).unwrap();
    for _ in 0..2 {
        now(folders.put_folder(TASK, "one", &files(["{}", "packed"]))).unwrap();
        let found = now(folders.files(TASK, "one", &["model.packed"])).unwrap();
        assert_eq!(found, [Some(b"packed".to_vec())]);
    }
}
