//! What a Parquet file may claim before it is believed.
//!
//! Run lengths, dictionaries and compression let a small file stand for any number of rows, and the decoder allocates
//! what a page's header claims. So every claim is held against the bytes that are there: memory stays within
//! [`HELD_BYTES_A_BYTE`] times the file and a constant.

use linkcast_domain::Sample;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::claims::{PageHeader, SchemaClaims};

const MAGIC: &[u8; 4] = b"PAR1";
/// A footer describes columns and row groups; a few kilobytes each.
const LARGEST_FOOTER_BYTES: usize = 16 << 20;
/// Groups of columns, and so their depth; a table of samples needs one, its root.
const MOST_GROUPS: usize = 64;
/// Snappy's longest copy is 64 bytes and takes three.
const SNAPPY_GROWTH: i64 = 24;
/// The two encodings of texts whose decoder allocates what the page's content claims.
const DELTA_TEXTS: [i64; 2] = [6, 7];
/// The smallest value a dictionary of ours may hold: four bytes, be it a number or a text's length.
const SMALLEST_VALUE_BYTES: i64 = 4;
/// Cells of absent and constant values take next to nothing, but a column's description and its page take hundreds
/// of bytes for 65,536 of them at most.
const CELLS_A_BYTE: usize = 256;
const CELLS_OF_ANY_FILE: usize = 4 << 20;
/// A sample of 256 bytes from one byte of file: less than that no stream, time and one changing value can take.
const HELD_BYTES_A_BYTE: usize = 256;
const HELD_BYTES_OF_ANY_FILE: usize = 16 << 20;

pub(super) fn general(message: &str) -> ParquetError {
    ParquetError::General(message.into())
}

/// What a file of some size may still grow to.
#[derive(Debug)]
pub(super) struct Allowance {
    cells: usize,
    held_bytes: usize,
}

impl Allowance {
    pub(super) fn of(file_bytes: usize) -> Self {
        Allowance {
            cells: CELLS_OF_ANY_FILE.saturating_add(file_bytes.saturating_mul(CELLS_A_BYTE)),
            held_bytes: HELD_BYTES_OF_ANY_FILE.saturating_add(file_bytes.saturating_mul(HELD_BYTES_A_BYTE)),
        }
    }

    /// Takes a row group's cells off, before any is decoded.
    pub(super) fn take_cells(&mut self, rows: usize, columns: usize) -> Result<(), ParquetError> {
        let left = rows.checked_mul(columns.max(1)).and_then(|cells| self.cells.checked_sub(cells));
        self.cells = left.ok_or_else(|| general("more rows than a file of this size can hold"))?;
        Ok(())
    }

    /// Takes a sample's memory off.
    pub(super) fn take_sample(&mut self, sample: &Sample) -> Result<(), ParquetError> {
        let other = size_of_val(sample.other.as_slice());
        let bytes = size_of::<Sample>() + other + sample.stream.as_str().len();
        let left = self.held_bytes.checked_sub(bytes);
        self.held_bytes = left.ok_or_else(|| general("more samples than a file of this size can hold"))?;
        Ok(())
    }
}

/// Refuses a footer that does not lie in the file, or whose schema claims more than a table of samples has.
pub(super) fn check_footer(file: &[u8]) -> Result<(), ParquetError> {
    let footer = footer(file).ok_or_else(|| general("a footer that does not fit the file"))?;
    let claims = SchemaClaims::read(footer).ok_or_else(|| general("a footer that cannot be read"))?;
    if claims.groups > MOST_GROUPS || claims.children > footer.len() as u64 {
        return Err(general("a schema that claims more than its bytes can hold, or is nested too deep"));
    }
    Ok(())
}

fn footer(file: &[u8]) -> Option<&[u8]> {
    let rest = file.strip_prefix(MAGIC)?.strip_suffix(MAGIC)?;
    let (rest, length) = rest.split_last_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if length > LARGEST_FOOTER_BYTES {
        return None;
    }
    rest.get(rest.len().checked_sub(length)?..)
}

/// Refuses a row group whose columns cannot lie in the file, or whose pages claim more than their bytes can hold.
pub(super) fn check_group(group: &RowGroupMetaData, file: &[u8]) -> Result<(), ParquetError> {
    for column in group.columns() {
        if column.num_values() != group.num_rows() {
            return Err(general("a column shorter or longer than its row group"));
        }
        let chunk =
            chunk(column, file).ok_or_else(|| general("a column that does not lie within the file"))?;
        check_pages(chunk, column.compression())?;
    }
    Ok(())
}

fn chunk<'a>(column: &ColumnChunkMetaData, file: &'a [u8]) -> Option<&'a [u8]> {
    let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
    let start = usize::try_from(start).ok()?;
    let length = usize::try_from(column.compressed_size()).ok()?;
    file.get(start..start.checked_add(length)?)
}

fn check_pages(mut chunk: &[u8], compression: Compression) -> Result<(), ParquetError> {
    let growth = match compression {
        Compression::UNCOMPRESSED => 1,
        Compression::SNAPPY => SNAPPY_GROWTH,
        other => return Err(ParquetError::General(format!("a column compressed with {other}"))),
    };
    while !chunk.is_empty() {
        let (header, length) = PageHeader::read(chunk).ok_or_else(|| general("a page without a header"))?;
        let after = usize::try_from(header.packed_bytes).ok().and_then(|size| size.checked_add(length));
        chunk = after
            .and_then(|after| chunk.get(after..))
            .ok_or_else(|| general("a page longer than its column"))?;
        if header.unpacked_bytes > header.packed_bytes.saturating_mul(growth) {
            return Err(general("a page that claims more than its bytes can hold"));
        }
        if header.dictionary_values > header.unpacked_bytes / SMALLEST_VALUE_BYTES {
            return Err(general("a dictionary that claims more values than its bytes can hold"));
        }
        if DELTA_TEXTS.contains(&header.encoding) {
            return Err(general("a column of texts in a delta encoding"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page header: type, bytes unpacked, bytes packed (as given), then `rest`, then two bytes of page.
    fn page(unpacked: &[u8], rest: &[u8]) -> Vec<u8> {
        [&[0x15, 0x00, 0x15], unpacked, &[0x15, 0x04], rest, &[0x00, 0xaa, 0xbb]].concat()
    }

    fn refusal(chunk: &[u8], compression: Compression) -> String {
        check_pages(chunk, compression).map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn a_page_is_believed_as_far_as_its_bytes_can_grow() {
        assert_eq!(refusal(&page(&[0x04], &[]), Compression::UNCOMPRESSED), "");
        assert_eq!(refusal(&page(&[0x60], &[]), Compression::SNAPPY), "");
        let said = refusal(&page(&[0x62], &[]), Compression::SNAPPY);
        assert!(said.contains("more than its bytes can hold"), "{said}");
        let two_gigabytes = [0xfe, 0xff, 0xff, 0xff, 0x0f];
        assert!(!refusal(&page(&two_gigabytes, &[]), Compression::SNAPPY).is_empty());
    }

    #[test]
    fn a_dictionary_is_believed_as_far_as_its_values_fit() {
        let of = |values: u8| page(&[0x60], &[0x4c, 0x15, values, 0x15, 0x00, 0x00]);
        assert_eq!(refusal(&of(24), Compression::SNAPPY), "");
        assert!(refusal(&of(26), Compression::SNAPPY).contains("dictionary"));
    }

    #[test]
    fn what_the_decoder_would_trust_is_refused() {
        let delta_texts = page(&[0x04], &[0x2c, 0x15, 0x02, 0x15, 0x0c, 0x00]);
        assert!(refusal(&delta_texts, Compression::SNAPPY).contains("delta"));
        assert!(refusal(&page(&[0x04], &[]), Compression::ZSTD(Default::default())).contains("ZSTD"));
        assert!(refusal(&[0x15, 0x00], Compression::SNAPPY).contains("without a header"));
        // Statistics of 2^28 bytes in a header of a few.
        let statistics = page(&[0x04], &[0x2c, 0x5c, 0x18, 0x80, 0x80, 0x80, 0x80, 0x01, 0x00, 0x00]);
        assert!(refusal(&statistics, Compression::SNAPPY).contains("without a header"));
    }

    #[test]
    fn a_schema_of_more_children_than_bytes_is_refused() {
        let file = |footer: &[u8]| {
            let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
            [MAGIC.as_slice(), footer, &length, MAGIC].concat()
        };
        let children = [0x29, 0x1c, 0x55, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x00];
        assert!(check_footer(&file(&children)).is_err());
        assert!(check_footer(&file(&[0x29, 0x1c, 0x55, 0x02, 0x00, 0x00])).is_ok());
        let nested = [&[0x29, 0xfc, 100][..], &[0x55, 0x02, 0x00].repeat(100), &[0x00]].concat();
        assert!(check_footer(&file(&nested)).is_err());
    }

    #[test]
    fn a_small_file_may_not_stand_for_any_number_of_rows() {
        assert!(Allowance::of(100).take_cells(1 << 20, 4).is_ok());
        assert!(Allowance::of(100).take_cells(1 << 23, 4).is_err());
        assert!(Allowance::of(1 << 20).take_cells(1 << 23, 4).is_ok());
        assert!(Allowance::of(100).take_cells(usize::MAX, 4).is_err());
    }
}
