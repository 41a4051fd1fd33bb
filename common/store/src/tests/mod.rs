//! The promises of the domain's ports, kept by both stores, and those only a file can keep.
//!
//! The checks name no store, so that the room of another one takes them in as they are.

mod apart_contract;
mod contract;
mod file;
mod items;
mod old;

/// Makes one test of each check for both stores.
macro_rules! on_both {
    ($($check:ident,)*) => {
        mod memory {
            $(#[test] fn $check() { super::contract::$check(&crate::MemoryStore::new()); })*
        }
        mod sqlite {
            $(#[test] fn $check() {
                let folder = tempfile::tempdir().unwrap();
                super::contract::$check(&crate::SqliteStore::open(&folder.path().join("store.db")).unwrap());
            })*
        }
    };
}

/// Makes one test of each check of the ports between functions, which need no file.
macro_rules! in_memory {
    ($($check:ident,)*) => {
        mod apart_in_memory {
            $(#[test] fn $check() { super::apart_contract::$check(&crate::MemoryStore::new()); })*
        }
    };
}

contract::contract!(on_both);
apart_contract::apart_contract!(in_memory);
