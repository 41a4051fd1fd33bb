//! Files as a gzipped archive whose bytes depend on nothing but them.
//!
//! Every field that tells of a machine or a moment (times, owners, the writing system) is fixed. The compressor is part of the
//! bytes too: another version of it may write other ones that hold the same.

use std::io;

use flate2::{Compression, GzBuilder};
use linkcast_domain::ports::FolderFile;

/// Readable by all, as the container's user need not be the owner.
const MODE: u32 = 0o644;
/// RFC 1952's word for a system that is not told.
const UNKNOWN_SYSTEM: u8 = 255;

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
