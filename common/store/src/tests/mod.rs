//! The promises of the domain's ports, kept by both stores, and those only a file can keep.
//!
//! The checks name no store, so that the room of another one takes them in as they are.

mod apart_contract;
mod contract;
mod feedback_contract;
mod file;
mod folders_contract;
mod items;
mod old;
mod registry_contract;
mod registry_file;
mod review_contract;
mod task_contract;

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

/// Makes one test of each check of the registry and the reviews for both stores.
macro_rules! models_on_both {
    ($module:ident: $($check:ident,)*) => {
        mod $module {
            mod memory {
                $(#[test] fn $check() { super::super::super::$module::$check(&crate::MemoryStore::new()); })*
            }
            mod sqlite {
                $(#[test] fn $check() {
                    let folder = tempfile::tempdir().unwrap();
                    let path = folder.path().join("store.db");
                    super::super::super::$module::$check(&crate::SqliteStore::open(&path).unwrap());
                })*
            }
        }
    };
}

/// Makes one test of each check of folders, in memory and on a disk.
macro_rules! folders_on_both {
    ($($check:ident,)*) => {
        mod folders {
            mod memory {
                $(#[test] fn $check() { super::super::super::folders_contract::$check(&crate::MemoryStore::new()); })*
            }
            mod local {
                $(#[test] fn $check() {
                    let folder = tempfile::tempdir().unwrap();
                    let folders = crate::LocalFolders::new(folder.path().join("models"));
                    super::super::super::folders_contract::$check(&folders);
                })*
            }
        }
    };
}

mod models {
    super::registry_contract::registry_contract!(models_on_both);
    super::review_contract::review_contract!(models_on_both);
    super::task_contract::task_contract!(models_on_both);
    super::feedback_contract::feedback_contract!(models_on_both);
    super::folders_contract::folders_contract!(folders_on_both);
}

contract::contract!(on_both);
apart_contract::apart_contract!(in_memory);
