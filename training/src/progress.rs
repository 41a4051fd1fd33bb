//! How training tells what it is doing, and learns that it should stop.
//!
//! Training takes minutes and knows nothing of terminals: whoever starts it hands in one of these. What is observed
//! never changes the model.

use std::ops::ControlFlow;

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
    /// The calibration map is fitted.
    Calibrated {
        /// Expected calibration error before.
        before: f64,
        /// And after.
        after: f64,
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
