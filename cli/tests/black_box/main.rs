//! The command, called as a user calls it: arguments in; output, messages, files and exit code out.
//!
//! One program of tests, because each would be linked on its own and start the same command.

mod files;
mod judging;
mod run;
mod support;
