//! What the table's calls cost, as the table itself counts it.
//!
//! Money is counted where it is spent: every call asks for the units it consumed, and the sums are what the cost page and the
//! functions' metrics are made of.

use std::sync::Mutex;
use std::sync::PoisonError;

use aws_sdk_dynamodb::types::ConsumedCapacity;

use crate::item::{Attributes, stored_bytes};

/// Sums over calls.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Requests answered.
    pub requests: u64,
    /// Read units, those of the index included.
    pub read_units: f64,
    /// Write units, those of the index included.
    pub write_units: f64,
    /// Bytes of the items read, as the table counts an item's size.
    pub read_bytes: u64,
    /// Bytes of the items written.
    pub written_bytes: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Meter(Mutex<Usage>);

/// Which way a call goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Meter {
    pub(crate) fn count<'a>(
        &self,
        direction: Direction,
        consumed: impl IntoIterator<Item = &'a ConsumedCapacity>,
    ) {
        let units: f64 = consumed.into_iter().filter_map(ConsumedCapacity::capacity_units).sum();
        let mut usage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        usage.requests += 1;
        match direction {
            Direction::Read => usage.read_units += units,
            Direction::Write => usage.write_units += units,
        }
    }

    /// Counts the sizes of items that were read or written.
    pub(crate) fn count_items<'a>(
        &self,
        direction: Direction,
        items: impl IntoIterator<Item = &'a Attributes>,
    ) {
        let bytes: u64 = items.into_iter().map(stored_bytes).sum();
        let mut usage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match direction {
            Direction::Read => usage.read_bytes += bytes,
            Direction::Write => usage.written_bytes += bytes,
        }
    }

    /// The sums since the last time, and begins anew.
    pub(crate) fn take(&self) -> Usage {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
