//! Rollouts over the memory store.
