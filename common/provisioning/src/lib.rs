//! Endpoints made, changed and taken away: what is there is looked at, held against what should be, and one call follows.
//!
//! Nothing is remembered between calls. Names follow from the fabric, the task and the model, tags say whose a thing is, and so
//! whoever is interrupted, wherever, is continued by whoever looks next: a person's command, a function, another machine. The
//! plan is a pure function of what was seen; the driver makes one call at a time and never waits.

mod desired;
mod diff;
mod driver;
mod leftovers;
mod names;
mod observed;
mod plan;
mod prices;
mod settings;
mod stuck;
#[cfg(test)]
mod tests;

pub use desired::{Desired, Order, OrderError};
pub use diff::{Difference, Sign, diff, foresee};
pub use driver::{Outcome, Provisioner, provision};
pub use leftovers::{Leftover, Scope, every_endpoint, leftovers};
pub use names::{LONGEST_NAME, NameError, Owner, Place, Site, digest, is_owned_by};
pub use observed::{Observed, Owned, SeenScaling, observe};
pub use plan::{Aim, OWN_DEADLINE, Step, Waiting, plan};
pub use prices::{Estimate, InstancePrice, PRICES, Prices, Traffic, estimate};
pub use settings::{
    HostingSettings, InstanceCounts, InstanceType, MaxConcurrency, MemoryMb, SettingsError, container,
};
pub use stuck::Stuck;
