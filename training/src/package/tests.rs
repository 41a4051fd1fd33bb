//! The archive's bytes and names; what its script answers is tests/package.rs' affair.

use std::io::Read as _;

use super::*;

fn shipped() -> Vec<FolderFile> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/link-health");
    let names = ["classifier.onnx", "regressor.onnx", "model.packed", "card.json"];
    names
        .map(|name| FolderFile { name: name.into(), bytes: std::fs::read(folder.join(name)).unwrap() })
        .to_vec()
}

fn unpacked(package: &Package) -> Vec<FolderFile> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(package.bytes.as_slice()));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        assert!(entry.header().entry_type().is_file());
        assert_eq!(entry.header().mtime().unwrap(), 0);
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        FolderFile { name, bytes }
    });
    entries.collect()
}

#[test]
fn the_same_model_is_the_same_archive_whatever_the_order_of_its_files() {
    let mut files = shipped();
    for image in ServingImage::ALL {
        let first = package(&files, image).unwrap();
        files.reverse();
        assert_eq!(package(&files, image).unwrap(), first);
        assert_eq!(first.sha256, digest(&first.bytes));
        assert_eq!(first.bytes[..10], [31, 139, 8, 0, 0, 0, 0, 0, 2, 255], "a header that tells nothing");
    }
    let one = package(&files, ServingImage::PyTorch).unwrap();
    let card = files.iter_mut().find(|file| file.name == "card.json").unwrap();
    card.bytes.push(b'\n');
    assert_ne!(package(&files, ServingImage::PyTorch).unwrap().sha256, one.sha256);
}

#[test]
fn our_image_gets_the_models_own_files_and_the_stock_ones_a_script_beside_them() {
    let mut files = shipped();
    files.sort_by(|one, other| one.name.cmp(&other.name));
    let ours = package(&files, ServingImage::Ours).unwrap();
    assert_eq!(unpacked(&ours), files);
    assert_eq!(ours.model_version, "2");
    for image in [ServingImage::PyTorch, ServingImage::XgBoost] {
        let stock = package(&files, image).unwrap();
        let found = unpacked(&stock);
        assert_eq!(found.iter().map(|file| file.name.clone()).collect::<Vec<_>>(), stock.files);
        assert!(files.iter().all(|file| found.contains(file)));
        for name in ["code/inference.py", "code/requirements.txt", "code/risk.onnx", "code/package.json"] {
            assert!(stock.files.iter().any(|found| found == name), "{name}");
        }
        assert!(image.environment().contains(&("SAGEMAKER_PROGRAM", "inference.py")));
    }
}

#[test]
fn every_requirement_is_pinned() {
    for requirements in ServingImage::ALL.iter().filter_map(|image| image.requirements()) {
        assert!(requirements.contains("numpy==") && requirements.contains("onnxruntime=="));
        assert!(requirements.lines().all(|line| line.contains("==")));
    }
}

#[test]
fn names_that_leave_the_folder_and_files_that_are_no_model_are_refused() {
    for name in
        ["../card.json", "/etc/passwd", "code", "Code", "a/b", "a\\b", ".hidden", "-rf", "", "ä", "a\0"]
    {
        let mut files = shipped();
        files.push(FolderFile { name: name.into(), bytes: Vec::new() });
        let error = package(&files, ServingImage::Ours).unwrap_err();
        assert!(matches!(error, PackageError::Name { .. }), "{name:?}: {error}");
    }
    let mut files = shipped();
    files.push(files[0].clone());
    assert!(matches!(package(&files, ServingImage::Ours), Err(PackageError::Twice { .. })));
    files.clear();
    assert!(matches!(package(&files, ServingImage::Ours), Err(PackageError::Model(_))));
}

/// An archive of one entry, its name written as it is.
fn archive_of(name: &str, kind: tar::EntryType) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(0);
    header.set_cksum();
    let mut builder =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    builder.append(&header, std::io::empty()).unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

#[test]
fn a_models_own_files_come_out_as_they_went_in() {
    let mut files = shipped();
    files.sort_by(|one, other| one.name.cmp(&other.name));
    for image in ServingImage::ALL {
        assert_eq!(unpack(&package(&files, image).unwrap().bytes).unwrap(), files);
    }
    assert_eq!(unpack(&archive_of("./card.json", tar::EntryType::Regular)).unwrap()[0].name, "card.json");
}

#[test]
fn links_names_that_lead_elsewhere_and_broken_archives_are_not_unpacked() {
    for name in ["../card.json", "/etc/passwd", "a/../../b", "code/../../b"] {
        let error = unpack(&archive_of(name, tar::EntryType::Regular)).unwrap_err();
        assert!(matches!(error, UnpackError::Name { .. }), "{name}: {error}");
    }
    for kind in [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Fifo] {
        assert!(matches!(unpack(&archive_of("card.json", kind)), Err(UnpackError::NoFile { .. })));
    }
    let whole = package(&shipped(), ServingImage::Ours).unwrap().bytes;
    assert!(matches!(unpack(&whole[..whole.len() / 2]), Err(UnpackError::Damaged(_))));
    assert!(matches!(archive::read(&whole, 1_000), Err(UnpackError::TooLarge { most: 1_000 })));
}

#[test]
fn an_archive_has_its_place_by_what_it_holds() {
    assert_eq!(package_key("Lab 2", "link-health", "ab"), "models/lab-2/link-health/ab/model.tar.gz");
    assert_eq!("pytorch".parse(), Ok(ServingImage::PyTorch));
    let error = "docker".parse::<ServingImage>().unwrap_err();
    assert!(error.to_string().contains("expected ours, pytorch or xgboost"));
}
