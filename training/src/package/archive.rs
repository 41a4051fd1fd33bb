//! Files as a gzipped archive whose bytes depend on nothing but them, and the files of such an archive again.
//!
//! Every field that tells of a machine or a moment (times, owners, the writing system) is fixed. The compressor is part of the
//! bytes too: another version of it may write other ones that hold the same. What is read may come from anybody: links, names
//! that lead elsewhere and more than was agreed are refused before anything is kept.

use std::io::{self, Read as _};

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use linkcast_domain::ports::FolderFile;

/// Readable by all, as the container's user need not be the owner.
const MODE: u32 = 0o644;
/// RFC 1952's word for a system that is not told.
const UNKNOWN_SYSTEM: u8 = 255;
/// Far more files than a model has.
const MOST_FILES: usize = 100;

/// Why an archive is not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// No gzipped archive, or one that broke off.
    #[error("it is no whole archive")]
    Damaged(#[source] io::Error),
    /// A link, or another thing that is no file.
    #[error("{name:?} in it is no file")]
    NoFile {
        /// Its name.
        name: String,
    },
    /// A name that leads out of the folder.
    #[error("{name:?} in it is no plain name")]
    Name {
        /// The name.
        name: String,
    },
    /// Too much.
    #[error("it holds more than {MOST_FILES} files or {most} bytes")]
    TooLarge {
        /// How many bytes it may hold.
        most: u64,
    },
}

/// The archive of `files`, in their order.
pub(super) fn write(files: &[FolderFile]) -> io::Result<Vec<u8>> {
    let gzip = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM);
    let mut archive = tar::Builder::new(gzip.write(Vec::new(), Compression::best()));
    for file in files {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(file.bytes.len() as u64);
        header.set_mode(MODE);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        archive.append_data(&mut header, &file.name, file.bytes.as_slice())?;
    }
    archive.into_inner()?.finish()
}

/// What an archive holds beside the folders in it, each name without a leading `./`; at most `most` bytes are kept.
pub(super) fn read(bytes: &[u8], most: u64) -> Result<Vec<FolderFile>, UnpackError> {
    let mut left = most;
    let mut files = Vec::new();
    // Headers count too, or an archive of nothing but names would have no end.
    let bounded = GzDecoder::new(bytes).take(most.saturating_mul(2));
    for entry in tar::Archive::new(bounded).entries().map_err(UnpackError::Damaged)? {
        let mut entry = entry.map_err(UnpackError::Damaged)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        match entry.header().entry_type() {
            tar::EntryType::Directory => continue,
            tar::EntryType::Regular | tar::EntryType::Continuous => {}
            _ => return Err(UnpackError::NoFile { name }),
        }
        if files.len() == MOST_FILES || entry.size() > left {
            return Err(UnpackError::TooLarge { most });
        }
        left = left.saturating_sub(entry.size());
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(UnpackError::Damaged)?;
        files.push(FolderFile { name, bytes });
    }
    Ok(files)
}
