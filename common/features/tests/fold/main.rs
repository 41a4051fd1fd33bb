//! The fold from outside: against a reference by definition, against itself stopped and resumed, and against abuse.
//!
//! One test binary, so that its dependencies are linked once; `series` makes the samples all of them use.

#[cfg(test)]
mod abuse;
#[cfg(test)]
mod baselines;
#[cfg(test)]
mod definitions;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod resume;
#[cfg(test)]
mod series;
