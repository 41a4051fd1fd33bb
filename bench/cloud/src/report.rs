//! docs/BENCHMARKS_AWS.md: each figure beside what it has to keep to.
//!
//! A target that is missed stands there as missed, beside the ones that are met.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

/// The most a figure may be, in its unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) most: f64,
    pub(crate) unit: &'static str,
}

/// One line of the page.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    what: String,
    measured: String,
    target: String,
    met: bool,
    beside: String,
}

impl Figure {
    /// A figure that has to stay below a limit.
    pub(crate) fn at_most(what: String, measured: f64, Limit { most, unit }: Limit) -> Self {
        Figure {
            what,
            measured: format!("{measured:.1} {unit}"),
            target: format!("≤ {most} {unit}"),
            met: measured <= most,
            beside: "–".to_owned(),
        }
    }

    /// A figure that has to reach something.
    pub(crate) fn at_least(what: String, measured: f64, least: f64, unit: &str) -> Self {
        Figure {
            what,
            measured: format!("{measured:.0} {unit}"),
            target: format!("≥ {least:.0} {unit}"),
            met: measured >= least,
            beside: "–".to_owned(),
        }
    }

    /// With what a peer does, or what else is to be known.
    pub(crate) fn beside(self, text: String) -> Self {
        Figure { beside: text, ..self }
    }

    /// As a line of the page's table.
    pub(crate) fn line(&self) -> String {
        let verdict = if self.met { "met" } else { "**missed**" };
        format!("| {} | {} | {} | {verdict} | {} |", self.what, self.measured, self.target, self.beside)
    }
}

/// Writes the page.
pub(crate) fn write_page(figures: &[Figure]) -> Result<()> {
    let mut page = String::from(
        "# The functions, measured\n\n\
         Made by `cargo xtask bench cloud` on one machine in one run; the binaries are those cargo-lambda makes for the template. Peers: a Python\n\
         handler that imports boto3 and onnxruntime, makes two clients and loads the same model (`bench/cloud/peer_handler.py`).\n\n\
         | what | measured | target | | beside |\n|---|---|---|---|---|\n",
    );
    for figure in figures {
        writeln!(page, "{}", figure.line()).context("cannot write a line")?;
    }
    let met = figures.iter().filter(|figure| figure.met).count();
    writeln!(
        page,
        "\n{met} of {} targets met. Units, requests and bytes of the table: docs/COST.md.",
        figures.len()
    )
    .context("cannot write the sum")?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/BENCHMARKS_AWS.md");
    std::fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_target_is_said_to_be_missed() {
        let limit = Limit { most: 25.0, unit: "ms" };
        assert!(Figure::at_most("a start".to_owned(), 25.1, limit).line().contains("**missed**"));
        assert!(Figure::at_most("a start".to_owned(), 25.0, limit).line().contains("| met |"));
    }
}
