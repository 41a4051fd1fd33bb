//! Whole verdicts.
