//! The plan over a control plane in memory.
