//! A file's bytes, unpacked if it is gzip.
//!
//! Recognised by its first two bytes and not by its name. The unpacked size is bounded: a few kilobytes of gzip can
//! hold terabytes of zeros.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

/// The most one file may hold, unpacked.
pub(crate) const LARGEST_FILE_BYTES: u64 = 4 << 30;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why a file gave no bytes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The system refused.
    #[error("reading {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Not the gzip it starts as, or cut short.
    #[error("unpacking {}: expected a whole gzip file", path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        #[source]
        source: io::Error,
    },
    /// Beyond the bound.
    #[error("{} holds more than {limit} bytes: expected a capture split into smaller files", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The bound.
        limit: u64,
    },
}

impl ReadError {
    /// What went wrong while reading: the decoder's errors are told from the system's by their kind.
    pub(crate) fn from_reading(path: &Path, source: io::Error) -> Self {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        let path = path.to_owned();
        match source.kind() {
            InvalidData | InvalidInput | UnexpectedEof => ReadError::Gzip { path, source },
            _ => ReadError::Io { path, source },
        }
    }
}

/// Opens a file for reading, unpacking gzip on the way.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read + Send>, ReadError> {
    let failed = |source| ReadError::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut head = Vec::with_capacity(2);
    Read::by_ref(&mut file).take(2).read_to_end(&mut head).map_err(failed)?;
    let is_gzip = head == GZIP_MAGIC;
    let whole = io::Cursor::new(head).chain(file);
    Ok(if is_gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) })
}

/// All bytes of a file, unpacked.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(LARGEST_FILE_BYTES + 1).read_to_end(&mut bytes);
    match read {
        Ok(count) if count as u64 > LARGEST_FILE_BYTES => {
            Err(ReadError::TooLarge { path: path.to_owned(), limit: LARGEST_FILE_BYTES })
        }
        Ok(_) => Ok(bytes),
        Err(source) => Err(ReadError::from_reading(path, source)),
    }
}

/// The first bytes of a file, unpacked: enough to recognise it.
pub(crate) fn read_head(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(most).read_to_end(&mut bytes);
    read.map(|_| bytes).map_err(|source| ReadError::from_reading(path, source))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn gzip_is_unpacked_whatever_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plain.csv");
        let mut encoder = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
        encoder.write_all(b"stream_id,timestamp\n").unwrap();
        encoder.finish().unwrap();
        assert_eq!(read_bytes(&path).unwrap(), b"stream_id,timestamp\n");
    }

    #[test]
    fn a_cut_gzip_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.gz");
        std::fs::write(&path, [0x1f, 0x8b, 8, 0, 0]).unwrap();
        let error = read_bytes(&path).unwrap_err();
        assert!(matches!(error, ReadError::Gzip { .. }), "{error}");
        assert!(error.to_string().contains("cut.gz"));
    }

    #[test]
    fn a_file_of_one_byte_is_its_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one");
        std::fs::write(&path, b"7").unwrap();
        assert_eq!(read_bytes(&path).unwrap(), b"7");
    }
}
