//! What a person sees of a training while it runs.

use std::ops::ControlFlow;

use linkcast_training::TrainingEvent;

use crate::output::Notes;
use crate::progress::Progress;

/// Tells of a training's events: the search as a bar with the best so far, everything else as lines.
pub(crate) struct Telling {
    notes: Notes,
    rung: Option<Rung>,
}

/// The rung a search is on.
struct Rung {
    bar: Progress,
    done: u64,
}

impl Telling {
    /// Tells by `notes`.
    pub(crate) fn new(notes: Notes) -> Self {
        Telling { notes, rung: None }
    }

    fn line(&self, event: TrainingEvent) -> Option<String> {
        match event {
            TrainingEvent::Split { fit, held_out, left_out } => {
                Some(format!("rows: {fit} fit, {held_out} held out, {left_out} on neither side"))
            }
            TrainingEvent::Round { forest, round, most, loss } if round % 10 == 0 || round == most => {
                Some(format!("{forest}: round {round} of at most {most}, loss {loss:.5}"))
            }
            TrainingEvent::Calibrated { before, after } => {
                Some(format!("calibration error: {before:.4} before, {after:.4} after"))
            }
            TrainingEvent::Head { horizon, area_under_roc: Some(area) } => {
                Some(format!("failure within {}: area under ROC {area:.4}", horizon.name()))
            }
            TrainingEvent::ParityHolds { rows } => {
                Some(format!("the exported model says what the trainer says on {rows} rows"))
            }
            _ => None,
        }
    }

    fn climb(&mut self, event: TrainingEvent) {
        let TrainingEvent::Trial { rung, rungs, done, total, best } = event else { return };
        if self.rung.is_none() || done == 0 {
            self.notes.detail(format!("search: rung {rung} of {rungs}, {total} candidates"));
        }
        let mut on = self.rung.take().filter(|_| done > 0).unwrap_or_else(|| Rung {
            bar: Progress::new(self.notes, "searching", Some(total as u64)),
            done: 0,
        });
        let best = best.map_or(String::new(), |(trial, loss)| format!(", best: trial {trial} at {loss:.4}"));
        on.bar.remark(format!("rung {rung} of {rungs}{best}"));
        on.bar.advance((done as u64).saturating_sub(on.done));
        on.done = done as u64;
        if done == total {
            self.notes.inform(format!("search: rung {rung} of {rungs} is done, {total} candidates{best}"));
        } else {
            self.rung = Some(on);
        }
    }
}

impl linkcast_training::Progress for Telling {
    fn tell(&mut self, event: TrainingEvent) -> ControlFlow<()> {
        self.climb(event);
        if let Some(line) = self.line(event) {
            self.notes.inform(line);
        }
        ControlFlow::Continue(())
    }
}
