//! The embedded store: SQLite in one file, folders of models beside it, and the same promises kept in memory.
//!
//! Both stand behind the domain's ports, so that what runs on the one runs on the other. This is a shell: it does IO
//! and decides nothing.

mod folders;
mod memory;
mod memory_apart;
mod memory_models;
mod packing;
mod sqlite;

pub use folders::LocalFolders;
pub use memory::MemoryStore;
pub use sqlite::SqliteStore;

#[cfg(test)]
mod tests;
