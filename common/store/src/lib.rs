//! The embedded store: SQLite in one file, and the same promises kept in memory.
//!
//! Both stand behind the domain's ports and pass one contract suite ([`contract`]), so that what is proven against
//! the one holds for the other. This is a shell: it does IO and decides nothing.

// contract
mod memory;
mod packing;
mod sqlite;

pub use memory::MemoryStore;
pub use sqlite::SqliteStore;
