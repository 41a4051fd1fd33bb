//! Standard output and standard error.
//!
//! Results go to standard output, buffered, as JSON lines or for people; everything else goes to standard error, so
//! that `linkcast … --json | jq` never meets a warning in its input.

use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;

use crate::configuration::Verbosity;

/// Who reads the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// People: tables and sentences.
    Text,
    /// Programs: one JSON object a line.
    JsonLines,
}

/// Standard output, buffered.
pub(crate) struct Output {
    writer: BufWriter<StdoutLock<'static>>,
}

impl Output {
    /// Takes standard output for the rest of the command.
    pub(crate) fn lock() -> Self {
        Output { writer: BufWriter::with_capacity(64 * 1024, io::stdout().lock()) }
    }

    /// One line for people.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.writer, "{text}")
    }

    /// One JSON line.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.writer, value).map_err(io::Error::from)?;
        self.writer.write_all(b"\n")
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)
    }

    /// Hands on what is buffered.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// One message on standard error. Nothing can be done where even that fails.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Messages beside the results, as many as the user asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notes {
    verbosity: Verbosity,
}

impl Notes {
    /// Notes at this verbosity.
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        Notes { verbosity }
    }

    /// Something the user should know.
    pub(crate) fn warn(self, text: impl AsRef<str>) {
        if self.verbosity >= Verbosity::Normal {
            tell(&format!("warning: {}", text.as_ref()));
        }
    }

    /// How the work goes.
    pub(crate) fn inform(self, text: impl AsRef<str>) {
        if self.verbosity >= Verbosity::Normal {
            tell(text.as_ref());
        }
    }

    /// A detail for those who look for a cause.
    pub(crate) fn detail(self, text: impl AsRef<str>) {
        if self.verbosity >= Verbosity::Verbose {
            tell(text.as_ref());
        }
    }

    /// Whether progress is shown.
    pub(crate) fn shows_progress(self) -> bool {
        self.verbosity >= Verbosity::Normal
    }
}

/// A table for people: columns as wide as their widest cell, numbers to the right.
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Table { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// One more row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table's lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        let headings: Vec<String> = self.headings.iter().map(|heading| (*heading).to_owned()).collect();
        let widths: Vec<usize> = (0..headings.len())
            .map(|column| {
                let cells = self.rows.iter().chain([&headings]);
                cells.filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        [&headings].into_iter().chain(&self.rows).map(|row| aligned(row, &widths)).collect()
    }
}

fn aligned(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| {
        let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
        let is_number = cell.starts_with(|first: char| first.is_ascii_digit() || first == '-')
            && !cell.contains(['/', ':', 'T']);
        if is_number { format!("{padding}{cell}") } else { format!("{cell}{padding}") }
    });
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_aligns_numbers_to_the_right() {
        let mut table = Table::new(&["port", "risk"]);
        table.row(vec!["leaf-1/2".into(), "7.5".into()]);
        table.row(vec!["leaf-10/12".into(), "93.0".into()]);
        assert_eq!(table.lines(), ["port        risk", "leaf-1/2     7.5", "leaf-10/12  93.0"]);
    }
}
