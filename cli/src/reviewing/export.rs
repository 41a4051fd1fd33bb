//! Reviews into a file, made whole before it has its name.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use linkcast_domain::{Review, Reviewed};
use serde_json::{Map, Value};

use super::FileForm;
use super::row::{COLUMNS, cells};
use crate::exit::{ExitKind, Failure};

/// Writes every verdict and every item that has none; gives the number of rows.
pub(crate) fn write(path: &Path, form: FileForm, items: &[Reviewed]) -> Result<u64, Failure> {
    let failed = |error: io::Error| {
        Failure::new(ExitKind::Machine, format!("writing {}: {error}", path.display()))
            .with_next_step("see that the folder exists and may be written")
    };
    let mut staged = path.as_os_str().to_owned();
    staged.push(".part");
    let staged = PathBuf::from(staged);
    let mut file = BufWriter::new(File::create(&staged).map_err(failed)?);
    let rows = match form {
        FileForm::Csv => write_csv(&mut file, items),
        FileForm::JsonLines => write_json_lines(&mut file, items),
    };
    let rows = rows.map_err(failed)?;
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    fs::rename(&staged, path).map_err(failed)?;
    Ok(rows)
}

/// Each row there is: an item's verdicts, or the item alone.
fn rows(items: &[Reviewed]) -> impl Iterator<Item = (&Reviewed, Option<&Review>)> {
    items.iter().flat_map(|item| {
        let alone = item.reviews.is_empty().then_some((item, None));
        alone.into_iter().chain(item.reviews.iter().map(move |review| (item, Some(review))))
    })
}

fn write_csv(file: &mut impl Write, items: &[Reviewed]) -> io::Result<u64> {
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record(COLUMNS)?;
    let mut count = 0;
    for (item, review) in rows(items) {
        writer.write_record(cells(item, review))?;
        count += 1;
    }
    writer.flush()?;
    Ok(count)
}

fn write_json_lines(file: &mut impl Write, items: &[Reviewed]) -> io::Result<u64> {
    let mut count = 0;
    for (item, review) in rows(items) {
        let cells = COLUMNS.into_iter().zip(cells(item, review)).filter(|(_, cell)| !cell.is_empty());
        let row: Map<String, Value> =
            cells.map(|(column, cell)| (column.to_owned(), Value::String(cell))).collect();
        serde_json::to_writer(&mut *file, &row)?;
        file.write_all(b"\n")?;
        count += 1;
    }
    Ok(count)
}
