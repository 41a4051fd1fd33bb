//! The command, called as a user calls it: arguments in; output, messages, files and exit code out.
//!
//! One program of tests, because each would be linked on its own and start the same command.

mod datasets;
mod evaluating;
mod events;
mod feedback;
mod files;
mod judging;
mod labelling;
mod learning;
mod models;
mod packaging;
mod real_telemetry;
mod retraining;
mod reviews;
mod rollout;
mod routing;
mod routing_evaluated;
mod run;
mod serving;
mod support;
mod training;
mod verifying;
