//! The promises of the domain's ports, kept by both stores, and those only a file can keep.

mod contract;
mod file;
mod items;
