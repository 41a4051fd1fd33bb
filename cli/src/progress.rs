//! How far long work has come: a bar on a terminal, counted lines elsewhere.
//!
//! On standard error only, so that results stay clean; lines every few seconds rather than a bar where a log collects
//! them.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::configuration::Verbosity;
use crate::output::Notes;

/// How often a log gets a line.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Progress of one piece of work.
pub(crate) struct Progress {
    what: &'static str,
    notes: Notes,
    total: Option<u64>,
    done: u64,
    last_line: Instant,
    remark: String,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress of `what`, of `total` steps where that is known.
    pub(crate) fn new(notes: Notes, what: &'static str, total: Option<u64>) -> Self {
        let bar = (notes.shows_progress() && stderr().is_terminal()).then(|| terminal_bar(what, total));
        Progress { what, notes, total, done: 0, last_line: Instant::now(), remark: String::new(), bar }
    }

    /// Progress nobody is shown: a part of work whose whole is.
    pub(crate) fn silent() -> Self {
        Progress {
            what: "",
            notes: Notes::new(Verbosity::Quiet),
            total: None,
            done: 0,
            last_line: Instant::now(),
            remark: String::new(),
            bar: None,
        }
    }

    /// So many steps more are done.
    pub(crate) fn advance(&mut self, steps: u64) {
        self.done = self.done.saturating_add(steps);
        match &self.bar {
            Some(bar) => bar.set_position(self.done),
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                self.notes.inform(self.line());
            }
            None => {}
        }
    }

    /// Says something of how it goes, beside the count.
    pub(crate) fn remark(&mut self, text: String) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(text.clone());
        }
        self.remark = text;
    }

    fn line(&self) -> String {
        let remark = if self.remark.is_empty() { String::new() } else { format!(" ({})", self.remark) };
        match self.total {
            Some(total) => format!("{}: {} of {total}{remark}", self.what, self.done),
            None => format!("{}: {}{remark}", self.what, self.done),
        }
    }
}

/// The bar leaves no trace once the work is done.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn terminal_bar(what: &'static str, total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(10));
    let template = match total {
        Some(_) => "{msg:>12} [{bar:32}] {human_pos}/{human_len} {eta} {prefix}",
        None => "{msg:>12} {spinner} {human_pos} ({per_sec})",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(what);
    bar
}
