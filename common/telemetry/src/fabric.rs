//! Files that say what a fabric looks like: who is linked to whom, under which names, LIDs and rates.
//!
//! They carry no counters. What they say goes to [`crate::Topology`], which gives the counters their identity.

pub(crate) mod linkinfo;
pub(crate) mod names;
pub(crate) mod ports;
pub(crate) mod topology_file;

use crate::lines::lines;
use crate::{Fate, Origin, Parsed};

/// The most ports held of one file.
const MOST_PORTS: usize = 4_000_000;

/// Runs a reader over each line and keeps the account.
fn each_line(
    bytes: &[u8],
    origin: &Origin,
    mut read: impl FnMut(&mut Parsed, &str) -> Result<Fate, &'static str>,
) -> Parsed {
    let mut parsed = Parsed::default();
    for line in lines(bytes) {
        let text = String::from_utf8_lossy(line);
        let outcome = if text.is_empty() {
            Ok(Fate::Ignored)
        } else if parsed.ports.len() + parsed.names.len() >= MOST_PORTS {
            Err("no more ports than the bound")
        } else {
            read(&mut parsed, &text)
        };
        match outcome {
            Ok(fate) => parsed.account.add(fate),
            Err(expected) => {
                parsed.account.add(Fate::Rejected);
                let number = parsed.account.lines;
                parsed.rejects.add(origin, number, None, line, expected);
            }
        }
    }
    parsed
}
