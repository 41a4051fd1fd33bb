//! The other family: one straight plane a class (multinomial logistic regression) over the same features.
//!
//! Trees are grown because they are believed to be better, and a belief is worth what it was held against. The plane is
//! given a fair start: counters that spread over many orders of magnitude are bent by an inverse hyperbolic sine, every
//! feature is standardised, and an absent value becomes the mean with an indicator beside it that says so. It is
//! fitted by L-BFGS on all rows in their order, in f64, so it too gives the same bits on every machine. It is judged
//! and never exported: the model's form holds trees alone.

mod descent;
mod plane;
mod prepare;

pub(crate) use plane::{Lesson, fit};
