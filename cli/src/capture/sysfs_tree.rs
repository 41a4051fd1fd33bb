//! The files of a sysfs tree, live or copied.
//!
//! Each small file is read by itself: on real adapters single files answer with EINVAL while their neighbours are well,
//! so a file that cannot be read is left out and the others are kept.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::bytes::ReadError;

/// No counter's file is longer.
const LONGEST_ATTRIBUTE_BYTES: u64 = 4096;
/// `mlx5_0/ports/1/hw_counters/lifespan` is four folders deep.
const DEEPEST: usize = 5;

/// Every file below the folder of devices: its path from that folder on, and its content.
pub(crate) fn read_tree(devices: &Path) -> Result<Vec<(String, Vec<u8>)>, ReadError> {
    let mut files = Vec::new();
    let failed = |source| ReadError::Io { path: devices.to_owned(), source };
    collect(devices, "class/infiniband/", DEEPEST, &mut files).map_err(failed)?;
    Ok(files)
}

fn collect(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.filter_map(Result::ok).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let path = entry.path();
        // The devices themselves are links into /sys/devices; links further down lead out of the device again.
        let may_enter = depth == DEEPEST || !path.is_symlink();
        if path.is_dir() && depth > 0 && may_enter {
            // A folder that vanishes while it is read was a device being unplugged.
            let _ = collect(&path, &format!("{name}/"), depth - 1, files);
        } else if path.is_file()
            && let Ok(content) = read_attribute(&path)
        {
            files.push((name, content));
        }
    }
    Ok(())
}

fn read_attribute(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    fs::File::open(path)?.take(LONGEST_ATTRIBUTE_BYTES).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_is_read_under_its_own_path() {
        let folder = tempfile::tempdir().unwrap();
        let counters = folder.path().join("mlx5_0/ports/1/counters");
        fs::create_dir_all(&counters).unwrap();
        fs::write(counters.join("symbol_error"), "7\n").unwrap();
        let expected = ("class/infiniband/mlx5_0/ports/1/counters/symbol_error".to_owned(), b"7\n".to_vec());
        assert_eq!(read_tree(folder.path()).unwrap(), [expected]);
    }
}
