//! What each tier of a policy is worth on rows whose truth is known, and what it costs when one is gone.
//!
//! Every variant is asked about every row once, by the client that functions ask with. Who answers when tiers are off follows from
//! those answers by the policy's own chains, so that an outage costs no further question: a language model is paid once.

mod asked;
mod figures;
mod outage;
mod sample;

pub(crate) use asked::{AskedVariant, Asker};
pub(crate) use figures::Figures;
pub(crate) use outage::{Outage, outages};
pub(crate) use sample::{Row, stratified};
