//! How training tells what it is doing, and learns that it should stop.
//!
//! Training takes minutes and knows nothing of terminals: whoever starts it hands in one of these. What is observed
//! never changes the model.

use std::ops::ControlFlow;

use linkcast_scoring::Horizon;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TrainingEvent {
    /// The rows were split.
    Split {
        /// Rows that fit.
        fit: usize,
        /// Rows held out, all parts together.
        held_out: usize,
        /// Rows on neither side.
        left_out: usize,
    },
    /// A round of boosting is over.
    Round {
        /// Classifier or regressor.
        forest: &'static str,
        /// The round, from 1.
        round: usize,
        /// How many there are at most.
        most: usize,
        /// The loss on the rows that decide when to stop.
        loss: f64,
    },
    /// A candidate of the search is finished, or a rung begins.
    Trial {
        /// The rung, from 1.
        rung: usize,
        /// How many rungs there are.
        rungs: usize,
        /// Candidates finished on this rung.
        done: usize,
        /// Candidates on it.
        total: usize,
        /// The best on it so far: its number and its loss.
        best: Option<(usize, f64)>,
    },
    /// The calibration map is fitted.
    Calibrated {
        /// Expected calibration error before.
        before: f64,
        /// And after.
        after: f64,
    },
    /// A forecast's head is made, or left out.
    Head {
        /// How far ahead it looks.
        horizon: Horizon,
        /// How well it ranks; `None` where it was left out.
        area_under_roc: Option<f64>,
    },
    /// The exported model said what the trainer said.
    ParityHolds {
        /// How many rows were compared.
        rows: usize,
    },
}

/// Who is told.
pub trait Progress: Send {
    /// Told of each event; `Break` ends training with an error.
    fn tell(&mut self, event: TrainingEvent) -> ControlFlow<()>;
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn tell(&mut self, _event: TrainingEvent) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<F: FnMut(TrainingEvent) -> ControlFlow<()> + Send> Progress for F {
    fn tell(&mut self, event: TrainingEvent) -> ControlFlow<()> {
        self(event)
    }
}
